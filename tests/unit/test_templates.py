"""Every template compiles: its tags, filters and parents exist."""

import re
from pathlib import Path

import pytest
from django.template.loader import get_template

FOLDER = Path(__file__).resolve().parent.parent.parent / "templates"


@pytest.mark.parametrize(
    "name", sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.*"))
)
def test_it_compiles(name: str) -> None:
    get_template(name)


def test_lines_are_short_enough_to_read() -> None:
    long = [
        f"{path.relative_to(FOLDER)}:{number}"
        for path in sorted(FOLDER.rglob("*.*"))
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > 200
    ]
    assert long == []


def test_no_space_is_lost_after_a_sentence() -> None:
    """A line break next to a tag is left out of the page, and with it the space after a text."""
    lost = re.compile(
        r"[.?!:”]\{% end\w+ %\}\n\s*(?:<(?:a|b|code|span|time|i)\b|[A-Z(“][^\n=]*$)",
        re.MULTILINE,
    )
    found = [
        f"{path.relative_to(FOLDER)}: {match[0]}"
        for path in sorted(FOLDER.rglob("*.html"))
        for match in lost.finditer(path.read_text())
    ]
    assert found == []
