"""Links in the documentation lead somewhere."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

PAGES = [
    *settings.BASE_DIR.glob("*.md"),
    *settings.BASE_DIR.joinpath("docs").rglob("*.md"),
    *settings.BASE_DIR.joinpath(".github").rglob("*.md"),
]
LINK = re.compile(r"(?<!!)\[[^]]+\]\(([^)\s]+)\)")


FILE = re.compile(r"`([\w/.-]*\w\.(?:py|js|css|html))`")
FOLDERS = ("cortexweb", "executions", "flows", "static", "templates", "tests", "benchmarks")


def without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path) -> Iterator[str]:
    for link in LINK.findall(without_code(page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        known = target.exists() and (not anchor or anchor in anchors(target))
        if not known:
            yield link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert not list(broken(page))


def test_the_index_names_every_page() -> None:
    folder = settings.BASE_DIR / "docs"
    named = set(LINK.findall((folder / "README.md").read_text()))
    assert {page.name for page in folder.glob("*.md")} - {"README.md"} <= named


@cache
def files() -> list[str]:
    """The files of the project, from its folder."""
    return [
        f"/{path.relative_to(settings.BASE_DIR)}"
        for folder in FOLDERS
        for path in (settings.BASE_DIR / folder).rglob("*.*")
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_files_that_a_page_names_exist(page: Path) -> None:
    """By the end of their paths. Examples and history name files that don't."""
    if page.name in ("CHANGELOG.md", "CONTRIBUTING.md", "writing-blocks.md"):
        return
    named = FILE.findall(page.read_text())
    assert [name for name in named if not any(file.endswith(f"/{name}") for file in files())] == []


def test_the_architecture_page_names_every_room() -> None:
    text = (settings.BASE_DIR / "docs" / "architecture.md").read_text()
    named = set(re.findall(r"`(?:executions/)?([\w/]+?)/?`", text.partition("## Life")[0]))
    rooms = {
        path.stem
        for path in (settings.BASE_DIR / "executions").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert rooms - named == {"__init__", "apps", "migrations", "retention"}
