"""Every template compiles: its tags, filters and parents exist."""

from pathlib import Path

import pytest
from django.template.loader import get_template

FOLDER = Path(__file__).resolve().parent.parent.parent / "templates"


@pytest.mark.parametrize(
    "name", sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.*"))
)
def test_it_compiles(name: str) -> None:
    get_template(name)
