"""docs/semantics.md says of every rule of the original what has become of it, and by which test."""

import ast
import re
from functools import cache
from typing import NamedTuple

import pytest
from django.conf import settings

RULES = range(1, 121)


class Row(NamedTuple):
    number: int
    rule: str
    state: str
    note: str
    tests: list[str]


def rows() -> list[Row]:
    found = []
    for line in (settings.BASE_DIR / "docs" / "semantics.md").read_text().splitlines():
        if re.match(r"\| \d+ \|", line):
            number, rule, state, note, tests = (cell.strip() for cell in line[1:-1].split(" | "))
            found.append(Row(int(number), rule, state, note, re.findall(r"`([^`]+)`", tests)))
    return found


def numbers(docstring: str) -> set[int]:
    """The rules that a docstring names: "Semantics 3, 38 to 40"."""
    found: set[int] = set()
    for part in re.findall(r"[Ss]emantics ([\d ,/]+(?:(?:to|and) \d+[\d ,/]*)*)", docstring):
        for first, last in re.findall(r"(\d+)(?: to (\d+))?", part):
            found |= set(range(int(first), int(last or first) + 1))
    return found


@cache
def named_in(module: str) -> dict[str, set[int]]:
    """The rules that each test of a module names."""
    tree = ast.parse((settings.BASE_DIR / "tests" / f"{module}.py").read_text())
    return {
        node.name: numbers(ast.get_docstring(node) or "")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }


def test_every_rule_has_its_row() -> None:
    assert [row.number for row in rows()] == list(RULES)


@pytest.mark.parametrize("row", rows(), ids=lambda row: str(row.number))
def test_what_has_become_of_a_rule_is_true(row: Row) -> None:
    assert row.rule
    assert row.state in ("done", "partly", "differs", "open")
    if row.state == "done":
        assert row.tests, "a rule that is done has a test"
    if row.state in ("partly", "differs"):
        assert row.note, "what is missing, or why it differs, is told"
    for test in row.tests:
        module, _, name = test.partition("::")
        assert row.number in named_in(module)[name], f"{test} does not name rule {row.number}"


def test_only_rules_that_exist_are_named() -> None:
    tests = settings.BASE_DIR / "tests"
    for path in tests.rglob("test_*.py"):
        module = path.relative_to(tests).with_suffix("").as_posix()
        for name, named in named_in(module).items():
            assert named <= set(RULES), f"{module}::{name}"
