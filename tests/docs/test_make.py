"""CONTRIBUTING.md names every make target, and no other."""

import re

from django.conf import settings

TARGET = re.compile(r"^([a-z-]+):  ## .+\.$", re.MULTILINE)


def test_contributing_names_every_make_target() -> None:
    makefile = (settings.BASE_DIR / "Makefile").read_text()
    named = re.findall(
        r"^\| `make ([a-z-]+)`", (settings.BASE_DIR / "CONTRIBUTING.md").read_text(), re.MULTILINE
    )
    assert named
    assert sorted(TARGET.findall(makefile)) == sorted(named)
