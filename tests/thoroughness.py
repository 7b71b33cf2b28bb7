"""How many examples Hypothesis tries.

The gate tries few, always the same ones, so that it is quick and never fails by chance.
`CORTEXWEB_THOROUGH=20 pytest …` tries twenty times as many, and others each time: run it over what
you have changed.
"""

import os

TIMES = int(os.environ.get("CORTEXWEB_THOROUGH", "0"))


def examples(few: int) -> int:
    """Return how many examples to try where the gate tries `few`."""
    return few * (TIMES or 1)
