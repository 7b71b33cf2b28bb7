"""The layout of a grid: its columns and their widths, where children are listed, the time zone.

The address comes first (`column`, `width`, `children`), then the saved view that it names (`view`),
then the user's preferences, then the default. Time zone and density are always the user's.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import msgspec
from django.http import QueryDict
from django.utils import timezone

from executions import preferences
from executions.grid.table.columns import DEFAULT_COLUMNS, Column, column_of
from executions.models import SavedView

#: Further columns are left out.
COLUMN_LIMIT = 40
#: Pixels of a column that somebody has resized.
WIDTHS = range(40, 1201)
#: Pixels of the two columns that are always there: the checkbox, and the tree.
FIXED_WIDTH = 40 + 60
#: The `view` of an address that shows all executions, also to users with another start page.
ALL_EXECUTIONS = "all"
#: The columns on the page of a failure group, whose executions have flow and message in common.
FAILURE_COLUMNS = (
    "icon", "started", "updated", "status", "version", "duration", "initiator", "retried",
)  # fmt: skip
#: The parameters of an address that concern the layout.
LAYOUT_PARAMETERS = ("view", "column", "width", "children")


class ChildOrder(StrEnum):
    """Where child executions are listed."""

    PARENT_FIRST = "parent-first"
    CHILD_FIRST = "child-first"
    FLAT = "flat"


@dataclass(frozen=True)
class Layout:
    """A layout. Two are equal when they look the same."""

    columns: tuple[str, ...] = DEFAULT_COLUMNS
    #: Key and pixels of the columns that somebody has resized.
    widths: tuple[tuple[str, int], ...] = ()
    children: ChildOrder = ChildOrder.PARENT_FIRST
    #: A name of the IANA database; "" for the active time zone.
    zone: str = ""
    density: str = "dense"
    #: The parameters that the address has, for the addresses of other pages.
    address_parameters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def for_user(cls, user: Any, parameters: QueryDict, view: SavedView | None = None) -> "Layout":
        """Return the layout of an address for a user. `view` saves the query for the saved view."""
        chosen = preferences.of(user)
        view = view or saved_view_of(user, parameters)
        layout = cls(zone=timezone.get_current_timezone_name(), density=chosen.density)
        layout = layout.updated(chosen.layout)
        if view is not None:
            layout = layout.of_saved_view(view)
        given = tuple(
            (n, v) for n in LAYOUT_PARAMETERS for v in parameters.getlist(n)[: 2 * COLUMN_LIMIT]
        )
        if (chosen.start_view_id or chosen.starts_at_overview) and not parameters.get("view"):
            # So that the addresses of the pages around it don't lead to the start page instead.
            given = (("view", ALL_EXECUTIONS), *given)
        return replace(layout.updated(read_layout(parameters)), address_parameters=given)

    def updated(self, stored: Mapping[str, Any]) -> "Layout":
        """Return it with a layout in its stored form; what that has in another form is ignored."""
        known = [key for key in _texts(stored.get("columns")) if column_of(key)]
        columns = tuple(dict.fromkeys(known))[:COLUMN_LIMIT] or self.columns
        widths = dict(self.widths)
        resized = stored.get("widths")
        for key, width in resized.items() if isinstance(resized, dict) else ():
            if isinstance(width, int) and column_of(key):
                widths[key] = min(max(width, WIDTHS.start), WIDTHS.stop - 1)
        where = stored.get("children")
        children = ChildOrder(where) if where in list(ChildOrder) else self.children
        # Widths of columns that are not shown are kept: they may be shown again.
        kept = tuple(sorted(widths.items())[: 2 * COLUMN_LIMIT])
        return replace(self, columns=columns, widths=kept, children=children)

    def of_saved_view(self, view: SavedView) -> "Layout":
        """Return it with all that a saved view keeps, and with no other widths."""
        return replace(self, widths=()).updated(view.layout)

    def as_json(self) -> dict[str, Any]:
        """Return the form in which preferences and saved views store it."""
        return {
            "columns": list(self.columns),
            "widths": dict(self.widths),
            "children": self.children.value,
        }

    def parameters(self, base: "Layout") -> list[tuple[str, str]]:
        """Return the parameters that change the layout `base` into this one."""
        same = self.columns == base.columns
        pairs = [] if same else [("column", key) for key in self.columns]
        widths = (one for one in self.widths if one not in base.widths)
        pairs += [("width", f"{key}:{width}") for key, width in widths]
        if self.children is not base.children:
            pairs.append(("children", self.children.value))
        return pairs

    @property
    def has_default_columns(self) -> bool:
        """Whether nobody has chosen columns."""
        return self.columns == DEFAULT_COLUMNS

    @property
    def of_failure(self) -> "Layout":
        """The layout on the page of a failure group: chosen columns hold there too."""
        return replace(self, columns=FAILURE_COLUMNS) if self.has_default_columns else self

    @property
    def view(self) -> str:
        """The saved view that the address names."""
        return dict(self.address_parameters).get("view", "")

    # For rows ---------------------------------------------------------------------------------

    @property
    def is_tree(self) -> bool:
        return self.children is not ChildOrder.FLAT

    @property
    def as_flat(self) -> "Layout":
        return replace(self, children=ChildOrder.FLAT)

    @property
    def for_rows(self) -> "Layout":
        """The layout that the HTML of rows depends on. Layouts that are equal in it share rows."""
        return Layout(self.columns, children=self.children, zone=self.zone)

    @cached_property
    def shown_columns(self) -> tuple[Column, ...]:
        """Its columns in their order."""
        return tuple(column for key in self.columns if (column := column_of(key)))

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The paths of its variable columns."""
        return tuple(column.variable for column in self.shown_columns if column.variable)

    @property
    def headers(self) -> list[tuple[Column, int]]:
        """Its columns with their widths; the last one takes the rest of the window."""
        resized = dict(self.widths)
        return [(column, resized.get(column.key, column.width)) for column in self.shown_columns]

    @property
    def table_width(self) -> int:
        """The least width of the table in pixels."""
        return FIXED_WIDTH + sum(width for _, width in self.headers)

    # For live connections ---------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The layout of the rows of a page, as its live connection sends it."""
        return json.dumps([self.columns, self.children, self.zone], separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> "Layout":
        """Read what `text` writes; return the default layout for anything else."""
        try:
            columns, children, zone = msgspec.json.decode(text, type=tuple[list[str], str, str])
        except ValueError:
            return cls()
        layout = cls().updated({"columns": columns, "children": children})
        return replace(layout, zone=zone if preferences.is_time_zone(zone) else "")


def saved_view_of(user: Any, parameters: QueryDict) -> SavedView | None:
    """Return the saved view that an address names, if the user may open it."""
    named = parameters.get("view", "")
    if not (named.isascii() and named.isdigit() and len(named) < 19):
        return None
    return preferences.visible_saved_views(user).filter(pk=int(named)).first()


def read_layout(parameters: QueryDict) -> dict[str, Any]:
    """Return the layout parameters of an address in their stored form."""
    widths = {}
    for text in parameters.getlist("width"):
        key, _, width = text.rpartition(":")
        if width.isascii() and width.isdigit() and len(width) < 6:
            widths[key] = int(width)
    return {
        "columns": parameters.getlist("column"),
        "widths": widths,
        "children": parameters.get("children", ""),
    }


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
