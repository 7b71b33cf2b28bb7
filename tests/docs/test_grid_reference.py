"""docs/grid.md says of every column what its declaration says."""

from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command

from executions.grid.query.fields import field_of
from executions.grid.table.columns import COLUMNS, Column, groupings
from executions.grid.table.reference import inserted, markdown
from executions.models import Execution

INDEXES = {index.name for index in Execution._meta.indexes}


def test_the_published_reference_is_the_generated_one() -> None:
    """After a change of a column: `manage.py grid_reference --write`."""
    page = (settings.BASE_DIR / "docs" / "grid.md").read_text("utf-8")
    assert markdown() in page
    assert inserted(page) == page
    printed = StringIO()
    call_command("grid_reference", stdout=printed)
    assert printed.getvalue() == markdown()


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.key)
def test_every_column_is_described(column: Column) -> None:
    (row,) = [line for line in markdown().splitlines() if line.startswith(f"| `{column.key}` |")]
    assert f"| {column.label} | {column.description} |" in row
    assert bool(column.sorting) is not bool(column.not_sortable)
    if column.sorting:
        assert column.sorting.descending in row
        assert set(column.sorting.indexes) <= INDEXES


def test_groups_are_filtered_by_their_field() -> None:
    for key, grouping in groupings().items():
        field = field_of(key)
        assert field
        assert vars(field.kind)["column"] == grouping.column
