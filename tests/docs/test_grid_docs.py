"""docs/grid-queries.md says what the code does."""

import re
from importlib import import_module

import pytest
from django.conf import settings

from executions.grid.query.fields import FIELDS, TRIGGERS, VARIABLE, field_of
from executions.grid.query.filters import Filters
from executions.grid.table.columns import COLUMNS
from executions.grid.table.sorting import INDEXED, SORTS
from executions.models import Execution

TEXT = (settings.BASE_DIR / "docs" / "grid-queries.md").read_text()
FIELD = re.compile(r"^\| `([a-z.<>]+)` \| ([^|]+) \| (\w+) \| (.+) \|$", re.MULTILINE)


def test_every_field_is_told() -> None:
    told = [(key, label, kind) for key, label, kind, _ in FIELD.findall(TEXT)]
    declared = [(field.key, field.label, field.kind.value) for field in FIELDS]
    assert told == [*declared, (f"{VARIABLE}<path>", "Variable", "variable")]
    assert all(field_of(field.key) == field for field in FIELDS)
    assert tuple(Execution.Trigger.values) == TRIGGERS


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


def test_every_order_is_told_with_an_index_that_is_there() -> None:
    listed = r"^\| ((?:`\w+`(?:, )?)+) \| [^|]+ \| (none|(?:`\w+`(?:, )?)+) \|$"
    told = [
        (key, cell if cell != "none" else "")
        for keys, cell in re.findall(listed, TEXT.partition("| `sort` |")[2], re.MULTILINE)
        for key in re.findall(r"\w+", keys)
    ]
    assert {key for key, _ in told} == set(SORTS)
    assert {key for key, cell in told if cell} == INDEXED
    indexes = {index.name for index in Execution._meta.indexes}
    assert {name for _, cell in told for name in re.findall(r"\w+", cell)} <= indexes
    assert "execution_found" in indexes


def test_a_column_without_an_order_says_why() -> None:
    for column in COLUMNS:
        assert (column.key in SORTS) is not (f"*{column.label}*" in TEXT), column.label


def test_the_limits_are_those_of_the_code() -> None:
    told = re.findall(r"^\| `([\w.]+)\.(\w+)` \| ([0-9.]+) \|$", TEXT, re.MULTILINE)
    assert len(told) == 19
    for module, name, value in told:
        found = getattr(import_module(f"executions.grid.{module}"), name)
        assert float(value) == found, f"{module}.{name} is {found}"
