"""docs/grid-queries.md says what the code does."""

import re
from importlib import import_module

import pytest
from django.conf import settings

from executions.grid.query.fields import FIELDS, field_of
from executions.grid.query.filters import Filters
from executions.grid.query.kinds.flag import Flag

TEXT = (settings.BASE_DIR / "docs" / "grid-queries.md").read_text()
FIELD = re.compile(r"^\| `([a-z.<>]+)` \| ([^|]+) \| (\w+) \| (.+) \|$", re.MULTILINE)


def test_every_field_is_told() -> None:
    told = [(key, label, kind) for key, label, kind, _ in FIELD.findall(TEXT)]
    declared = [(field.key, field.label, field.kind.name) for field in FIELDS]
    assert told == [*declared, ("var.<path>", "Variable", "variable")]
    assert all(field_of(field.key) == field for field in FIELDS)


def test_every_kind_is_described() -> None:
    table = TEXT.partition("| kind | its values |")[2].partition("## The address")[0]
    described = {
        name for row in re.findall(r"^\| ([\w, ]+) \|", table, re.M) for name in row.split(", ")
    }
    assert {field.kind.name for field in FIELDS} | {"variable"} == described


def test_every_value_of_a_flag_is_told() -> None:
    told = {key: re.findall("`([^`]+)`", cell) for key, _, _, cell in FIELD.findall(TEXT)}
    flags = [field for field in FIELDS if isinstance(field.kind, Flag)]
    assert {field.key for field in flags} == {"is", "has"}
    for field in flags:
        assert told[field.key] == [f"{field.key}:{option.value}" for option in field.kind.choices]


@pytest.mark.parametrize(
    "example", [e for *_, cell in FIELD.findall(TEXT) for e in re.findall("`([^`]+)`", cell)]
)
def test_every_example_is_read(example: str) -> None:
    filters = Filters.parse_text(example)
    assert filters.are_active is ("…" not in example), filters
    assert not filters.search


def test_the_query_that_begins_the_page_is_read() -> None:
    query = re.search(r"```\n(.*?)```", TEXT, re.DOTALL)
    assert query
    filters = Filters.parse_text(query[1])
    assert not filters.problems
    assert filters.search == "pricing"
    assert len(filters.terms) == 7


@pytest.mark.parametrize(("page", "count"), [("grid-queries.md", 7), ("grid-planner.md", 16)])
def test_the_limits_are_those_of_the_code(page: str, count: int) -> None:
    text = (settings.BASE_DIR / "docs" / page).read_text()
    told = re.findall(r"^\| `([\w.]+)\.(\w+)` \| ([0-9.]+) \|$", text, re.MULTILINE)
    assert len(told) == count
    for module, name, value in told:
        found = getattr(import_module(f"executions.grid.{module}"), name)
        assert float(value) == found, f"{module}.{name} is {found}"
