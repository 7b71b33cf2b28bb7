"""docs/live.md says what the code does."""

import re
from importlib import import_module

from django.conf import settings

LIMIT = re.compile(r"^\| `(\w+)\.(\w+)` \| ([0-9.]+) \|", re.MULTILINE)


def test_the_limits_in_the_documentation_are_those_of_the_code() -> None:
    text = (settings.BASE_DIR / "docs" / "live.md").read_text()
    told = LIMIT.findall(text)
    assert len(told) == 20
    for module, name, value in told:
        found = getattr(import_module(f"executions.live.{module}"), name)
        assert float(value) == found, f"{module}.{name} is {found}"
