"""One row of the grid: its fields, its cells and its HTML, for pages and live updates alike."""

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Any
from urllib.parse import urlencode

from django.template.loader import get_template
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe

from executions.events import ExecutionChanged
from executions.grid.table import cells
from executions.grid.table.columns import Column
from executions.grid.table.layout import ChildOrder, Layout
from executions.grid.table.row_cache import ENDED_ROWS, LIVE_ROWS, CellCache
from executions.grid.table.sorting import NEWEST_FIRST, Sort
from executions.states import Status
from flows.formatting import duration, ticking

#: CSS classes of the bars at the edges of rows that need a person.
EDGES = {Status.ERROR: "bad", Status.EXCEPTION: "exception"}
#: Stands for the duration in a row that is kept; no text of the database holds this character.
DURATION_PLACEHOLDER = "\0"


class GridRow:
    """An execution as the grid shows it.

    `layout` says which cells it has, and whether it is part of a tree. `is_open` says whether its
    children are listed with it; `toggle` is the address that shows or hides them. `variables` are
    the values that the layout's variable columns show, by path. `cells` shares rendered cells with
    the rows of other layouts.
    """

    def __init__(  # noqa: PLR0913 (keyword-only: all that a row depends on)
        self,
        event: ExecutionChanged,
        *,
        layout: Layout,
        sort: Sort = NEWEST_FIRST,
        variables: Mapping[str, Any] | None = None,
        is_open: bool = False,
        toggle: str = "",
        cells: CellCache | None = None,
    ) -> None:
        self.event = event
        self.layout = layout
        self.sort = sort
        self.variables = variables or {}
        self.is_open = is_open
        self.toggle = toggle or f"?open={event.id}"
        #: Whether the caller keeps what is rendered.
        self._is_shared = cells is not None
        self._rendered = cells.of(event) if cells else {}

    @property
    def is_in_tree(self) -> bool:
        return self.layout.is_tree

    @property
    def level(self) -> int:
        """Its depth in the tree, 0 where the grid is flat."""
        return self.event.depth if self.is_in_tree else 0

    @property
    def guides(self) -> range:
        return range(self.level)

    @property
    def key(self) -> str:
        """Its place in the order of the grid, as text."""
        return str(self.sort.key(self.event))

    @property
    def children_label(self) -> str:
        """How many children there are, and that they are above, where they are."""
        count = self.event.child_count
        where = " above" if self.layout.children is ChildOrder.CHILD_FIRST else ""
        return f"{count:,} child execution{'' if count == 1 else 's'}{where}"

    @property
    def failed_label(self) -> str:
        """How many executions below it failed."""
        count = self.event.failed_descendants
        return f"{count:,} execution{'' if count == 1 else 's'} below it failed"

    @property
    def failed_address(self) -> str:
        """The grid of those: below a root all of them; below another execution its children, one of
        which failed or has one that did."""
        if self.event.parent_id is None:
            filters = [("root", self.event.id), ("is", "failed"), ("is", "child")]
        else:
            filters = [("parent", self.event.id)]
        return f"{reverse('executions')}?{urlencode([('view', 'all'), *filters])}"

    @property
    def has_handle(self) -> bool:
        return self.is_in_tree and self.event.child_count > 0

    @property
    def classes(self) -> str:
        """CSS classes: a bar at the edge of what failed, a step back for what is over."""
        status = Status(self.event.status)
        edge = EDGES[Status.ERROR] if self.event.unhandled else EDGES.get(status, "")
        return f"{edge} done".strip() if status.is_terminal else edge

    @property
    def cells(self) -> str:
        """The HTML of its cells but for the first two, in the order of the layout."""
        return reduce(add, map(self._cell, self.layout.shown_columns), mark_safe(""))

    def _cell(self, column: Column) -> str:
        place = (column.key, self.layout.zone if column.has_times else "")
        if place not in self._rendered:
            self._rendered[place] = column.td(self._content(column))
        return self._rendered[place]

    def _content(self, column: Column) -> str:
        if not column.variable:
            return column.content(self.event)
        has_value = column.variable in self.variables
        return cells.variable(self.variables[column.variable]) if has_value else ""

    def render(self) -> str:
        """The row's HTML; asks nothing of the database.

        It is kept for whoever asks for the same again: everybody who reloads, or looks at the same
        page.
        """
        if self.layout.variables or self._is_shared:
            return self.html()
        today = timezone.localdate()  # times of another day are written otherwise
        look = (self.layout.for_rows, self.sort, self.is_open, self.toggle, today)
        if self.event.ended_at is not None:
            return ENDED_ROWS.get((self.event.id, self.event.revision, *look), self.html)
        kept = LIVE_ROWS.get((self.event, *look), self._html_without_duration)
        until_now = duration(timezone.now() - self.event.started_at)
        return mark_safe(kept.replace(DURATION_PLACEHOLDER, until_now))  # noqa: S308

    def _html_without_duration(self) -> str:
        content = ticking(self.event.started_at, text=DURATION_PLACEHOLDER)
        for column in self.layout.shown_columns:
            if column.is_ticking:
                self._rendered[column.key, ""] = column.td(content)
        return self.html()

    def html(self) -> str:
        """The row's HTML, rendered anew."""
        template = get_template("executions/row.html")
        if not self.layout.zone:
            return template.render({"row": self, "event": self.event})
        with timezone.override(self.layout.zone):
            return template.render({"row": self, "event": self.event})
