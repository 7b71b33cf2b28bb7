"""What is wrong with the blocks of other packages, told by `manage.py check`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.core.checks import CheckMessage, Error, Warning, register

from flows.blocks import PACKAGES, examples

#: The tag of what is said of blocks.
BLOCKS = "blocks"


@register(BLOCKS)
def blocks_of_packages(**_: Any) -> list[CheckMessage]:
    """Blocks that cannot be used, which flows may need; drawings and cases that are missing."""
    errors = [
        Error(
            f"{problem.subject}: {problem.reason}",
            hint="Repair the package or uninstall it; flows with its blocks cannot run meanwhile.",
            id="flows.E001",
        )
        for problem in PACKAGES.problems
    ]
    return [*errors, *_warnings()]


def _warnings() -> Iterator[CheckMessage]:
    if not PACKAGES.blocks:
        return
    icons = set(
        re.findall(r'<symbol id="([^"]+)"', Path(str(finders.find("icons.svg"))).read_text())
    )
    for block in PACKAGES.blocks:
        if block.icon not in icons:
            yield Warning(f"{block.type}: there is no icon {block.icon}.", id="flows.W001")
        if not any("title" in case for case in examples.cases().get(block.type, [])):
            yield Warning(
                f"{block.type}: no golden case with a title shows what it does.", id="flows.W002"
            )
