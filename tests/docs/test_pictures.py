"""The pictures in the documentation are those that `python -m docs.screenshots` takes."""

import re

from django.conf import settings

from docs.screenshots import IMAGES, PAGES, SIZES


def test_every_picture_is_there_and_no_other() -> None:
    taken = {
        f"{name}-{scheme}-{width}.png"
        for name in PAGES
        for scheme in ("light", "dark")
        for width in SIZES
    }
    assert {path.name for path in IMAGES.iterdir()} == taken


def test_what_the_documentation_shows_exists() -> None:
    for page in (settings.BASE_DIR / "README.md", *(settings.BASE_DIR / "docs").glob("*.md")):
        for picture in re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text()):
            assert (page.parent / picture).is_file(), f"{page.name} shows {picture}"
