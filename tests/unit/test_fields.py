"""What the fields of the query say of themselves holds for the model and for events."""

import dataclasses

import pytest

from executions.events import ExecutionChanged
from executions.grid.query.fields import FIELDS, Field
from executions.grid.query.kinds.flag import Flag
from executions.models import Execution

#: The index of a field that no column begins: an expression, or few rows of some statuses.
OTHER_INDEXES = {"duration": "execution_by_length", "worker": "execution_by_status"}
#: A flag says of each of its values whether it has an index.
INDEXED = [one for one in FIELDS if one.indexed and not isinstance(one.kind, Flag)]
INDEXES = {index.name: index.fields for index in Execution._meta.indexes}
WITH_COLUMN = [one for one in FIELDS if getattr(one.kind, "column", "")]


def is_in_search_index(field: Field) -> bool:
    kind = field.kind
    examples = kind.examples or [value for value, _ in kind.options]
    return bool(examples) and all(kind.uses_search_index([value]) for value in examples)


def leads_an_index(column: str) -> bool:
    field = Execution._meta.get_field(column)
    led = {columns[0].removeprefix("-") for columns in INDEXES.values() if columns}
    return bool(getattr(field, "primary_key", False)) or field.name in led


@pytest.mark.parametrize("field", INDEXED, ids=[one.key for one in INDEXED])
def test_an_index_serves_a_field_that_says_so(field: Field) -> None:
    if field.key in OTHER_INDEXES:
        assert OTHER_INDEXES[field.key] in INDEXES
    else:
        column = getattr(field.kind, "column", "")
        assert is_in_search_index(field) or leads_an_index(column), column


@pytest.mark.parametrize("field", WITH_COLUMN, ids=[one.key for one in WITH_COLUMN])
def test_an_event_has_the_column_of_a_field(field: Field) -> None:
    names = {one.name for one in dataclasses.fields(ExecutionChanged)}
    assert getattr(field.kind, "column", "") in names
