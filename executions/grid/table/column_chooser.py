"""The column chooser: what it offers, and the layout that its form asks for.

The form has a `column` for every ticked column, in order. Its buttons add `up` or `down` with the
key of a column, `add` with the path of a variable, or `reset`. Other forms have only `width` or
`children`.
"""

from dataclasses import dataclass

from django.http import QueryDict

from executions.grid.table import columns as declared
from executions.grid.table.columns import PATH_LIMIT, VARIABLE_PREFIX, Column, column_of
from executions.grid.table.layout import COLUMN_LIMIT, Layout, read_layout
from flows import value_paths


@dataclass(frozen=True)
class ColumnChoice:
    """A column in the chooser."""

    column: Column
    shown: bool


def column_choices(layout: Layout) -> list[ColumnChoice]:
    """Return the columns to choose from: first the shown ones in their order, then the others."""
    others = [column for column in declared.COLUMNS if column.key not in layout.columns]
    return [ColumnChoice(c, True) for c in layout.shown_columns] + [
        ColumnChoice(c, False) for c in others
    ]


def apply(layout: Layout, form: QueryDict) -> tuple[Layout, str]:
    """Return the layout that a form asks for and ""; or the same layout and what is wrong."""
    if "reset" in form:
        return Layout(
            zone=layout.zone, density=layout.density, address_parameters=layout.address_parameters
        ), ""
    requested = read_layout(form)
    if "choose" in form and not requested["columns"]:
        return layout, "Choose at least one column."
    after = layout.updated(requested)
    columns = list(after.columns)
    if path := value_paths.parse(form.get("add", "").strip().removeprefix(VARIABLE_PREFIX)):
        if len(path) > PATH_LIMIT:
            return layout, f"Enter a path of at most {PATH_LIMIT} characters."
        added = column_of(VARIABLE_PREFIX + path)
        if added is None:
            return layout, (
                "Enter the path of a variable, such as order.customer.name, or "
                'order."unit.price" where a key contains a dot.'
            )
        if len(columns) >= COLUMN_LIMIT:
            return layout, f"The grid has {COLUMN_LIMIT} columns already: remove one first."
        columns = list(dict.fromkeys([*columns, added.key]))
    for name, by in (("up", -1), ("down", 1)):
        key = form.get(name, "")
        if key in columns:
            at = columns.index(key)
            columns.insert(min(max(at + by, 0), len(columns)), columns.pop(at))
    return after.updated({"columns": columns}), ""
