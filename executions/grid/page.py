"""One page of the grid: the rows that an address asks for, read by keyset, and its addresses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.http import QueryDict
from django.utils import timezone

from executions import access
from executions.grid import keys
from executions.grid.filters import Filters
from executions.grid.layout import Children, Layout
from executions.grid.row import CHILDREN_SHOWN, GridRow, event_of
from executions.grid.sorting import NEWEST_FIRST, SORTS, Key, Sort
from executions.grid.spans import moment
from executions.live import events
from executions.live.events import ExecutionChanged
from executions.models import Execution
from executions.store import variables

PAGE_SIZE = 50
#: Rows that can be expanded at a time.
OPEN_LIMIT = 40

ORDER = ("-started_at", "-id")


@dataclass(frozen=True)
class PageQuery:
    """What the address of a grid asks for.

    At most one of `older` and `newer` is set: the key of the row below which, or above which, the
    page lies in its order.
    """

    filters: Filters = field(default_factory=Filters)
    sort: Sort = NEWEST_FIRST
    older: Key | None = None
    newer: Key | None = None
    open: frozenset[UUID] = frozenset()
    layout: Layout = field(default_factory=Layout)

    @classmethod
    def parse(cls, parameters: QueryDict, layout: Layout | None = None) -> "PageQuery":
        """Read an address; what cannot be read there counts for nothing. The layout in force is
        known by then: it depends on who asks (`Layout.of`).

        `at`, a moment, opens the page that begins there.
        """
        sort = Sort.parse(parameters.get("sort", ""))
        older = sort.read(parameters.get("older", ""))
        if at := moment(parameters.get("at", ""), timezone.get_current_timezone()):
            older = sort.key_at(at)
            if older is None:
                sort = NEWEST_FIRST
                older = sort.key_at(at)
        return cls(
            filters=Filters.parse(parameters),
            sort=sort,
            older=older,
            newer=None if older else sort.read(parameters.get("newer", "")),
            open=frozenset(_ids(parameters.getlist("open"))[:OPEN_LIMIT]),
            layout=layout or Layout(),
        )

    def address(self) -> str:
        """The query string that `parse` reads this from."""
        pairs = [*self.layout.given, *self.filters.parameters()]
        pairs += self._order()
        pairs += [(n, str(k)) for n, k in (("older", self.older), ("newer", self.newer)) if k]
        pairs += [("open", str(one)) for one in sorted(self.open)]
        return "?" + urlencode(pairs)

    def terms(self) -> str:
        """Filters and order alone, as an address has them: what a saved view keeps."""
        return urlencode([*self.filters.parameters(), *self._order()])

    def _order(self) -> list[tuple[str, str]]:
        return [("sort", str(self.sort))] if self.sort != NEWEST_FIRST else []

    @property
    def cleared(self) -> str:
        """The address without a filter."""
        return self.filtered(Filters())

    def sorted_by(self, column: str) -> str:
        """The address of the first page after a click on a column's header; "" when it can't be
        sorted by."""
        if column not in SORTS:
            return ""
        return PageQuery(self.filters, self.sort.toggled(column), layout=self.layout).address()

    def toggled(self, execution_id: str) -> str:
        """The address that shows, or hides, the children of an execution."""
        return replace(self, open=self.open ^ {UUID(execution_id)}).address()

    def filtered(self, filters: Filters) -> str:
        """The address of the first page with other filters."""
        return PageQuery(filters, self.sort, layout=self.layout).address()

    @property
    def is_tree(self) -> bool:
        """Whether rows hang below their parents: only while no filter takes parents away."""
        return self.layout.is_tree and not self.filters.are_active

    @property
    def row_layout(self) -> Layout:
        """What the rows of this page are rendered by, to be shared with those of other pages."""
        return (self.layout if self.is_tree else self.layout.flat).shared


class Page:
    """The rows of a grid's address that a user may see, and where its neighbours are."""

    def __init__(self, user: Any, query: PageQuery, size: int = PAGE_SIZE) -> None:
        self.query = query
        self.size = size
        self.visible = access.visible(user)
        self.filters = query.filters.seen_by(user)
        self._read()

    def _read(self) -> None:
        rows = self.visible.filter(parent=None) if self.query.is_tree else self.visible
        rows = rows.filter(self.filters.condition())
        sort = self.query.sort
        self.has_newer = self.query.older is not None
        found: list[ExecutionChanged] = []
        if key := self.query.newer:
            nearest = rows.filter(keys.above(key)).order_by(*keys.order(sort, upwards=True))
            found = read(nearest[: self.size + 1])
            self.has_newer = len(found) > self.size
            found = found[: self.size][::-1]
            self.has_older = True
        if not self.has_newer or self.query.older:
            # Also when the way up came to the top: the first page is a full one.
            below = rows.filter(keys.below(self.query.older)) if self.query.older else rows
            found = read(below.order_by(*keys.order(sort))[: self.size + 1])
            self.has_older = len(found) > self.size
            found = found[: self.size]
        self.events = found

    @cached_property
    def rows(self) -> list[GridRow]:
        """The rows from top to bottom, children below their open parents."""
        return Tree(self.visible, self.query).rows(self.events)

    # What tells a live connection where the page begins and ends -----------------------------

    @property
    def newest(self) -> str:
        """The key above which live rows belong to another page; empty at the top."""
        return str(self.query.sort.key(self.events[0])) if self.events and self.has_newer else ""

    @property
    def oldest(self) -> str:
        """The key below which live rows belong to the next page; empty on the last one."""
        return str(self.query.sort.key(self.events[-1])) if self.events and self.has_older else ""

    @property
    def older_address(self) -> str:
        if not (self.has_older and self.events):
            return ""
        return self._page(older=self.query.sort.key(self.events[-1])).address()

    @property
    def newer_address(self) -> str:
        if not self.has_newer:
            return ""
        if not self.events:
            return self._page().address()
        return self._page(newer=self.query.sort.key(self.events[0])).address()

    def _page(self, older: Key | None = None, newer: Key | None = None) -> PageQuery:
        query = self.query
        return PageQuery(query.filters, query.sort, older, newer, layout=query.layout)


class Tree:
    """The rows of executions and, below the open ones, of their children: one query for all."""

    def __init__(self, visible: QuerySet[Execution], query: PageQuery) -> None:
        self.query = query
        self.children: dict[str, list[ExecutionChanged]] = {}
        if query.is_tree and query.open:
            self._read(visible)

    def _read(self, visible: QuerySet[Execution]) -> None:
        nth = Window(RowNumber(), partition_by=F("parent_id"), order_by=ORDER)
        newest = (
            visible.filter(parent_id__in=self.query.open)
            .annotate(nth=nth)
            .filter(nth__lte=CHILDREN_SHOWN)
        )
        for event in read(newest.order_by(*ORDER)):
            self.children.setdefault(str(event.parent_id), []).append(event)

    def rows(self, events: Iterable[ExecutionChanged]) -> list[GridRow]:
        """A row each, with the rows that hang on it above or below."""
        rows = list(self._branch(events))
        if paths := self.query.layout.variables:
            held = variables.of((row.event.id for row in rows), paths)
            for row in rows:
                row.variables = held.get(row.event.id, {})
        return rows

    def below(self, execution_id: UUID) -> list[GridRow]:
        """The rows below one."""
        return self.rows(self.children.get(str(execution_id), ()))

    def _branch(self, events: Iterable[ExecutionChanged]) -> Iterable[GridRow]:
        tree = self.query.is_tree
        layout = self.query.row_layout
        child_first = layout.children is Children.CHILD_FIRST
        for event in events:
            row = GridRow(
                event,
                layout=layout,
                sort=self.query.sort,
                is_open=tree and UUID(event.id) in self.query.open,
                toggle=self.query.toggled(event.id) if tree and event.child_count else "",
            )
            if not child_first:
                yield row
            yield from self._branch(self.children.get(event.id, ()))
            if child_first:
                yield row


def children(user: Any, query: PageQuery, execution_id: UUID) -> list[GridRow]:
    """The rows below an execution that is being opened on the page of this address."""
    opened = replace(query, open=query.open | {execution_id})
    return Tree(access.visible(user), opened).below(execution_id)


def read(rows: QuerySet[Execution]) -> list[ExecutionChanged]:
    """The events that describe these executions as they are now."""
    return [event_of(values) for values in rows.values(*events.COLUMNS)]


def _ids(texts: Sequence[str]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found
