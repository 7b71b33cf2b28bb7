"""How a grid is laid out: which columns, how wide, children where, times in which zone.

What counts is the address first (`column`, `width`, `children`), then the saved view that it names
(`view`), then the user's preferences, then the default. Zone and density are the user's alone.
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

#: More columns than that are left out.
COLUMN_LIMIT = 40
#: Pixels of a column that somebody has resized.
WIDTHS = range(40, 1201)
#: Pixels of the two columns that are always there: the checkbox, and the tree.
FIXED_WIDTH = 40 + 60
#: The view that is none: everything, for who has another as their start page.
ALL = "all"
#: What an address may say of the layout.
PARAMETERS = ("view", "column", "width", "children")


class Children(StrEnum):
    """Where child executions are listed."""

    PARENT_FIRST = "parent-first"
    CHILD_FIRST = "child-first"
    FLAT = "flat"


@dataclass(frozen=True)
class Layout:
    """A layout in force. Hashable, and equal to another when it is the same to the eye."""

    columns: tuple[str, ...] = DEFAULT_COLUMNS
    #: Of the columns that somebody has resized: (key, pixels).
    widths: tuple[tuple[str, int], ...] = ()
    children: Children = Children.PARENT_FIRST
    #: A name of the IANA database; empty for the one that is active.
    zone: str = ""
    density: str = "dense"
    #: What of it the address says, to be said again in the addresses of other pages.
    address_parameters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def for_user(cls, user: Any, parameters: QueryDict, view: SavedView | None = None) -> "Layout":
        """The layout of an address for a user; asks for the view that it names unless that is
        given."""
        chosen = preferences.of(user)
        view = view or saved_view_of(user, parameters)
        layout = cls(zone=timezone.get_current_timezone_name(), density=chosen.density)
        layout = layout.updated(chosen.layout)
        if view is not None:
            layout = layout.of_saved_view(view)
        given = tuple((n, v) for n in PARAMETERS for v in parameters.getlist(n)[: 2 * COLUMN_LIMIT])
        if chosen.start_view_id and not parameters.get("view"):
            # Said, so that no address of the pages around it leads to the start page instead.
            given = (("view", ALL), *given)
        return replace(layout.updated(read_layout(parameters)), address_parameters=given)

    def updated(self, stored: Mapping[str, Any]) -> "Layout":
        """With what is stored of a layout; what cannot be read there counts for nothing."""
        known = [key for key in _texts(stored.get("columns")) if column_of(key)]
        columns = tuple(dict.fromkeys(known))[:COLUMN_LIMIT] or self.columns
        widths = dict(self.widths)
        resized = stored.get("widths")
        for key, width in resized.items() if isinstance(resized, dict) else ():
            if isinstance(width, int) and column_of(key):
                widths[key] = min(max(width, WIDTHS.start), WIDTHS.stop - 1)
        where = stored.get("children")
        children = Children(where) if where in list(Children) else self.children
        # Widths of columns that are not shown are kept: they may be shown again.
        kept = tuple(sorted(widths.items())[: 2 * COLUMN_LIMIT])
        return replace(self, columns=columns, widths=kept, children=children)

    def of_saved_view(self, view: SavedView) -> "Layout":
        """With everything that a view keeps: no widths but its own."""
        return replace(self, widths=()).updated(view.layout)

    def as_json(self) -> dict[str, Any]:
        """What `updated` reads, for preferences and views."""
        return {
            "columns": list(self.columns),
            "widths": dict(self.widths),
            "children": self.children.value,
        }

    def parameters(self, base: "Layout") -> list[tuple[str, str]]:
        """What an address says to have this layout where it would be another one."""
        same = self.columns == base.columns
        pairs = [] if same else [("column", key) for key in self.columns]
        widths = (one for one in self.widths if one not in base.widths)
        pairs += [("width", f"{key}:{width}") for key, width in widths]
        if self.children is not base.children:
            pairs.append(("children", self.children.value))
        return pairs

    @property
    def view(self) -> str:
        """The view that the address names."""
        return dict(self.address_parameters).get("view", "")

    # What a row is rendered by ----------------------------------------------------------------

    @property
    def is_tree(self) -> bool:
        return self.children is not Children.FLAT

    @property
    def as_flat(self) -> "Layout":
        return replace(self, children=Children.FLAT)

    @property
    def for_rows(self) -> "Layout":
        """What a row's HTML depends on: layouts that share this share rendered rows."""
        return Layout(self.columns, children=self.children, zone=self.zone)

    @cached_property
    def shown_columns(self) -> tuple[Column, ...]:
        """The columns themselves, in their order."""
        return tuple(column for key in self.columns if (column := column_of(key)))

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The paths of the variables that it shows."""
        return tuple(column.variable for column in self.shown_columns if column.variable)

    @property
    def headers(self) -> list[tuple[Column, int]]:
        """The columns and their widths. The last one takes what the window has left."""
        resized = dict(self.widths)
        return [(column, resized.get(column.key, column.width)) for column in self.shown_columns]

    @property
    def table_width(self) -> int:
        """Pixels that the table takes at least."""
        return FIXED_WIDTH + sum(width for _, width in self.headers)

    # What a live connection is told -----------------------------------------------------------

    @property
    def text(self) -> str:
        """What the rows of a page were rendered by, for its live connection to say."""
        return json.dumps([self.columns, self.children, self.zone], separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> "Layout":
        """The inverse of `text`; what cannot be read counts for nothing."""
        try:
            columns, children, zone = msgspec.json.decode(text, type=tuple[list[str], str, str])
        except ValueError:
            return cls()
        layout = cls().updated({"columns": columns, "children": children})
        return replace(layout, zone=zone if preferences.is_time_zone(zone) else "")


def saved_view_of(user: Any, parameters: QueryDict) -> SavedView | None:
    """The saved view that an address names, if the user may see it."""
    named = parameters.get("view", "")
    if not (named.isascii() and named.isdigit() and len(named) < 19):
        return None
    return preferences.visible_saved_views(user).filter(pk=int(named)).first()


def read_layout(parameters: QueryDict) -> dict[str, Any]:
    """What an address says of a layout, in its stored form."""
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
