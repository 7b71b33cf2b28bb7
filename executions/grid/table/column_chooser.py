"""A layout as the form of the column chooser asks for it.

The form holds `column` for every column that is ticked, in order. One of its buttons may say more:
`up` or `down` with a column's key, `add` a variable by its path, `reset`. Other forms say only
`width` or `children`.
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
    """The columns to choose from: those that are shown in their order, then the others."""
    others = [column for column in declared.COLUMNS if column.key not in layout.columns]
    return [ColumnChoice(c, True) for c in layout.shown_columns] + [
        ColumnChoice(c, False) for c in others
    ]


def apply(layout: Layout, form: QueryDict) -> tuple[Layout, str]:
    """The layout that a form asks for, and what is wrong with it (then it is as before)."""
    if "reset" in form:
        return Layout(
            zone=layout.zone, density=layout.density, address_parameters=layout.address_parameters
        ), ""
    asked = read_layout(form)
    if "choose" in form and not asked["columns"]:
        return layout, "A grid without columns shows nothing: choose at least one."
    after = layout.updated(asked)
    columns = list(after.columns)
    if path := value_paths.read(form.get("add", "").strip().removeprefix(VARIABLE_PREFIX)):
        if len(path) > PATH_LIMIT:
            return layout, f"A path has {PATH_LIMIT} characters at most."
        added = column_of(VARIABLE_PREFIX + path)
        if added is None:
            return layout, (
                "That is no path of a variable. One looks like order.customer.name, or like "
                'order."unit.price" where a key holds a dot.'
            )
        if len(columns) >= COLUMN_LIMIT:
            return layout, f"A grid has at most {COLUMN_LIMIT} columns: take one away first."
        columns = list(dict.fromkeys([*columns, added.key]))
    for name, by in (("up", -1), ("down", 1)):
        key = form.get(name, "")
        if key in columns:
            at = columns.index(key)
            columns.insert(min(max(at + by, 0), len(columns)), columns.pop(at))
    return after.updated({"columns": columns}), ""
