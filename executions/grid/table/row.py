"""One row of the grid, from the database or from an event: the same fields, the same partial."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import reduce
from operator import add
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.template.loader import get_template
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe

from executions import events
from executions.events import ExecutionChanged
from executions.grid.table.columns import Column, variable
from executions.grid.table.layout import Children, Layout
from executions.grid.table.sorting import NEWEST_FIRST, Sort
from executions.models import Execution
from executions.states import Status
from flows.formatting import duration, milliseconds

EDGES = {Status.ERROR: "bad", Status.EXCEPTION: "exc"}


class RenderedCells:
    """Cells of rows, each rendered once for a revision, a column and a time zone."""

    def __init__(self, limit: int = 5_000) -> None:
        self._limit = limit
        self._rows: OrderedDict[str, tuple[int, dict[tuple[str, str], str]]] = OrderedDict()

    def of(self, event: ExecutionChanged) -> dict[tuple[str, str], str]:
        """The cells of a revision: those rendered so far, by column and zone."""
        kept = self._rows.get(event.id)
        if kept is None or kept[0] != event.revision:
            kept = self._rows[event.id] = (event.revision, {})
            if len(self._rows) > self._limit:
                self._rows.popitem(last=False)
        self._rows.move_to_end(event.id)
        return kept[1]


class KeptRows:
    """Rows that are kept rendered, about 2 KB each; all are dropped when there are too many."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rows: dict[tuple[Any, ...], str] = {}

    def of(self, key: tuple[Any, ...], render: Callable[[], str]) -> str:
        """The row of a key, which says all that it is made of."""
        if (kept := self._rows.get(key)) is None:
            if len(self._rows) >= self._limit:
                self._rows.clear()
            kept = self._rows[key] = render()
        return kept


#: Those of executions that are over, and of the others, which push no row of those out.
OVER = KeptRows(3_000)
LIVE = KeptRows(1_000)


class GridRow:
    """An execution as the grid shows it.

    `layout` says which cells, and whether it hangs in a tree. `is_open` says whether its children
    are listed with it; `toggle` is the address that shows or hides them. `variables` are the
    values that the layout's variable columns show, by path. `cells` shares what is rendered with
    the rows of other layouts.
    """

    def __init__(
        self,
        event: ExecutionChanged,
        *,
        layout: Layout,
        sort: Sort = NEWEST_FIRST,
        variables: Mapping[str, Any] | None = None,
        is_open: bool = False,
        toggle: str = "",
        cells: RenderedCells | None = None,
    ) -> None:
        self.event = event
        self.layout = layout
        self.sort = sort
        self.variables = variables or {}
        self.is_open = is_open
        self.toggle = toggle or f"?open={event.id}"
        #: Whether whoever renders it keeps what it has rendered.
        self._is_shared = cells is not None
        self._rendered = cells.of(event) if cells else {}

    @property
    def tree(self) -> bool:
        return self.layout.is_tree

    @property
    def level(self) -> int:
        """Its depth in the tree, 0 where the grid is flat."""
        return self.event.depth if self.tree else 0

    @property
    def guides(self) -> range:
        return range(self.level)

    @property
    def key(self) -> str:
        """Where it stands in the order of the grid."""
        return str(self.sort.key(self.event))

    @property
    def children_told(self) -> str:
        """How many children there are, and whether all of them are shown."""
        count = self.event.child_count
        where = " above" if self.layout.children is Children.CHILD_FIRST else ""
        return f"{count:,} child execution{'' if count == 1 else 's'}{where}"

    @property
    def failed_told(self) -> str:
        """How many executions below it failed."""
        count = self.event.failed_descendants
        return f"{count:,} execution{'' if count == 1 else 's'} below it failed"

    @property
    def failed_address(self) -> str:
        """Where those are: of a root the grid of them; of another its children, one of which failed
        or has one that did."""
        if self.event.parent_id is None:
            found = [("root", self.event.id), ("is", "failed"), ("is", "child")]
        else:
            found = [("parent", self.event.id)]
        return f"{reverse('executions')}?{urlencode([('view', 'all'), *found])}"

    @property
    def has_handle(self) -> bool:
        return self.tree and self.event.child_count > 0

    @property
    def tone(self) -> str:
        """CSS classes: an edge bar for what failed, a step back for what is over."""
        status = Status(self.event.status)
        edge = EDGES[Status.ERROR] if self.event.unhandled else EDGES.get(status, "")
        return f"{edge} done".strip() if status.is_terminal else edge

    @property
    def cells(self) -> str:
        """Its table cells but for the first two, in the order of the layout."""
        return reduce(add, map(self._cell, self.layout.shown), mark_safe(""))

    def _cell(self, column: Column) -> str:
        place = (column.key, self.layout.zone if column.zoned else "")
        if place not in self._rendered:
            self._rendered[place] = column.in_row(self._render(column))
        return self._rendered[place]

    def _render(self, column: Column) -> str:
        if not column.variable:
            return column.cell(self.event)
        held = column.variable in self.variables
        return variable(self.variables[column.variable]) if held else ""

    def render(self) -> str:
        """The row's HTML; asks nothing of the database.

        It is kept for who asks for the same again: everybody who reloads, and everybody else who
        looks at the same page.
        """
        if self.layout.variables or self._is_shared:
            return self.html()
        today = timezone.localdate()  # times of another day are written otherwise
        look = (self.layout.shared, self.sort, self.is_open, self.toggle, today)
        if self.event.ended_at is not None:
            return OVER.of((self.event.id, self.event.revision, *look), self.html)
        return self._counted_on(LIVE.of((self.event, *look), self.html))

    def _counted_on(self, html: str) -> str:
        """The row of what is not over, with the duration that it has by now."""
        started = self.event.started_at
        before, mark, after = html.partition(f'data-since="{milliseconds(started)}">')
        if not mark:
            return html
        now = duration(timezone.now() - started)
        return mark_safe(before + mark + now + after[after.index("<") :])  # noqa: S308

    def html(self) -> str:
        """The row's HTML, made anew."""
        template = get_template("executions/row.html")
        if not self.layout.zone:
            return template.render({"row": self, "event": self.event})
        with timezone.override(self.layout.zone):
            return template.render({"row": self, "event": self.event})


def event_of(values: Mapping[str, Any]) -> ExecutionChanged:
    """The event that a row of `queryset.values(*events.COLUMNS)` would have been published as."""
    plain: dict[str, Any] = {n: str(v) if isinstance(v, UUID) else v for n, v in values.items()}
    return ExecutionChanged(**plain)


def read(*parts: QuerySet[Execution]) -> list[ExecutionChanged]:
    """The events that describe executions as they are now. One query, also for several parts, each
    in its order; parts may have a limit of their own."""
    first, *others = (part.values(*events.COLUMNS) for part in parts)
    rows = first.union(*others, all=True) if others else first
    return [event_of(values) for values in rows]
