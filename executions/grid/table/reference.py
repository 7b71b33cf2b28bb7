"""The reference of the columns in docs/grid.md, written from their declarations."""

from executions.grid.table import columns
from executions.grid.table.columns import VARIABLE_PREFIX, Column

#: What stands around the reference in the page.
BEGIN, END = "<!-- Written by manage.py grid_reference. -->\n", "<!-- End of the reference. -->\n"

_HEAD = """\
| key | header | shows | sorts | index | groups |
|---|---|---|---|---|---|
"""
_VARIABLE = (
    f"| `{VARIABLE_PREFIX}<path>` | the path | the value of a variable at the last checkpoint: its "
    "name, then keys and positions, as in `var.order.lines.0.price`; dots for a secret | no: each "
    "execution may hold another kind of value | | |\n"
)


def markdown() -> str:
    """The table of all columns."""
    return _HEAD + "".join(map(_row, columns.COLUMNS)) + _VARIABLE


def inserted(page: str) -> str:
    """A page with the reference in the place for it."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{markdown()}\n{END}{after}"


def _row(column: Column) -> str:
    sorting, grouping = column.sorting, column.grouping
    cells = (
        f"`{column.key}`",
        column.label,
        column.description,
        f"{sorting.ascending} / {sorting.descending}" if sorting else f"no: {column.not_sortable}",
        ", ".join(f"`{name}`" for name in sorting.indexes) if sorting else "",
        f"`group={grouping.field}`" if grouping else "",
    )
    return f"| {' | '.join(cells)} |\n".replace("|  |", "| |").replace("|  |", "| |")
