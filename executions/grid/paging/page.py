"""One page of the grid: the rows that an address asks for, read by keyset, and its addresses."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import Http404, QueryDict
from django.utils import timezone

from executions import access
from executions.events import ExecutionChanged
from executions.grid.paging.tree import MORE_LIMIT, Sum, Tree
from executions.grid.planner.counts import Count, count_by_status, counted, uncounted
from executions.grid.planner.page_reader import Reading
from executions.grid.planner.row_estimates import Expected
from executions.grid.planner.statement_timeout import STATEMENT_SECONDS, TooSlow
from executions.grid.query.conditions import is_unindexed
from executions.grid.query.filters import Filters
from executions.grid.query.ranges import moment
from executions.grid.table.columns import Column
from executions.grid.table.layout import Layout
from executions.grid.table.row import GridRow, read
from executions.grid.table.sorting import NEWEST_FIRST, SORTS, Key, Sort

PAGE_SIZE = 50
#: What rows can be grouped by (`executions.grid.paging.groups`).
GROUPED = ("flow", "status", "block", "root", "error")
#: Rows that can be expanded at a time.
OPEN_LIMIT = 40


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
    #: Of how many children more hundreds are listed than the first: (execution, hundreds).
    more: frozenset[tuple[UUID, int]] = frozenset()
    layout: Layout = field(default_factory=Layout)
    #: What the rows are grouped by above them (`groups.GROUPS`); "" for nothing.
    group: str = ""

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
            more=frozenset(_more(parameters.getlist("more"))[:OPEN_LIMIT]),
            layout=layout or Layout(),
            group=parameters.get("group", "") if parameters.get("group") in GROUPED else "",
        )

    def address(self) -> str:
        """The query string that `parse` reads this from."""
        pairs = self.pairs()
        pairs += [(n, str(k)) for n, k in (("older", self.older), ("newer", self.newer)) if k]
        pairs += [("open", str(one)) for one in sorted(self.open)]
        pairs += [("more", f"{one}.{count}") for one, count in sorted(self.more)]
        return "?" + urlencode(pairs)

    def more_of(self, execution_id: UUID) -> int:
        """How many hundreds of its children are listed after the first."""
        return max((count for one, count in self.more if one == execution_id), default=0)

    def showing_more(self, execution_id: UUID, more: int) -> str:
        """The address that lists so many hundreds of its children after the first."""
        others = frozenset(one for one in self.more if one[0] != execution_id)
        return replace(self, more=others | {(execution_id, more)}).address()

    def pairs(self, *, filtered: bool = True) -> list[tuple[str, str]]:
        """What the address of the first page says; also without its filters, for forms that say
        them anew."""
        filters = self.filters.parameters() if filtered else []
        return [*self.layout.given, *filters, *self._order()]

    def terms(self) -> str:
        """Filters, order and groups alone, as an address has them: what a saved view keeps."""
        return urlencode([*self.filters.parameters(), *self._order()])

    def _order(self) -> list[tuple[str, str]]:
        pairs = [("sort", str(self.sort))] if self.sort != NEWEST_FIRST else []
        return [*pairs, ("group", self.group)] if self.group else pairs

    @property
    def carried(self) -> list[tuple[str, str]]:
        """What the form of the query box says beside the query."""
        return self.pairs(filtered=False)

    @property
    def cleared(self) -> str:
        """The address without a filter."""
        return self.filtered(Filters())

    def sorted_by(self, column: str) -> str:
        """The address of the first page after a click on a column's header; "" when it can't be
        sorted by."""
        if column not in SORTS:
            return ""
        return self.first(sort=self.sort.toggled(column)).address()

    @property
    def heads(self) -> list[tuple[Column, str, str]]:
        """The columns that are shown, where a click on each head leads, and how it is sorted."""
        column = self.sort.column
        return [
            (one, self.sorted_by(one.key), self.sort.aria if one.key == column else "")
            for one in self.layout.shown
        ]

    def first(self, **changes: Any) -> "PageQuery":
        """The first page with some of it changed."""
        nowhere: dict[str, Any] = {
            "older": None,
            "newer": None,
            "open": frozenset(),
            "more": frozenset(),
        }
        return replace(self, **(nowhere | changes))

    def toggled(self, execution_id: str) -> str:
        """The address that shows, or hides, the children of an execution."""
        return replace(self, open=self.open ^ {UUID(execution_id)}).address()

    def filtered(self, filters: Filters) -> str:
        """The address of the first page with other filters."""
        return self.first(filters=filters).address()

    def grouped_by(self, group: str) -> str:
        """The address of the first page with its rows grouped otherwise."""
        return self.first(group=group).address()

    @property
    def before(self) -> str:
        """What stands above this page, in a word."""
        return _BESIDE.get(self.sort, ("previous", "next"))[0]

    @property
    def after(self) -> str:
        """What stands below it."""
        return _BESIDE.get(self.sort, ("previous", "next"))[1]

    @property
    def is_tree(self) -> bool:
        """Whether children hang on their parents: while no filter takes parents away, that is
        none, or one that finds only what has no parent. Its children are all shown."""
        rooted = self.filters.values("is") == ("root",)
        return self.layout.is_tree and (rooted or not self.filters.are_active)

    @property
    def lists_unfiltered_children(self) -> bool:
        """Whether children are listed that the filter doesn't let through: with their parents."""
        return self.is_tree and self.filters.are_active

    @property
    def rooted(self) -> str:
        """The address with the filters as they are, but of executions without a parent alone."""
        return self.filtered(self.filters.with_values("is", ["root"]))

    @property
    def row_layout(self) -> Layout:
        """What the rows of this page are rendered by, to be shared with those of other pages."""
        return (self.layout if self.is_tree else self.layout.flat).shared


_BESIDE = {
    NEWEST_FIRST: ("newer", "older"),
    Sort("started", descending=False): ("older", "newer"),
}


class Page:
    """The rows of a grid's address that a user may see, and where its neighbours are."""

    def __init__(self, user: Any, query: PageQuery, size: int = PAGE_SIZE) -> None:
        self.query = query
        self.size = size
        self.visible = access.visible(user)
        self.filters = query.filters.seen_by(user)
        self.now = timezone.now()
        #: None when it takes too long to ask.
        self.expected: Expected | None = None
        self.has_newer = self.has_older = self.is_too_slow = False
        self.events: list[ExecutionChanged] = []
        try:
            self.expected = Expected.of(self.visible, self.filters, self.now)
            self._read(self.expected)
        except TooSlow:
            self.is_too_slow = True

    def _read(self, expected: Expected) -> None:
        rows = self.visible.filter(parent=None) if self.query.is_tree else self.visible
        reading = Reading(rows, self.filters, self.query.sort, expected, self.now)
        self.has_newer = self.query.older is not None
        found = self.events
        if key := self.query.newer:
            found = reading.above(key, self.size + 1)
            self.has_newer = len(found) > self.size
            found = found[: self.size][::-1]
            self.has_older = True
        if not self.has_newer or self.query.older:
            # Also when the way up came to the top: the first page is a full one.
            found = reading.below(self.query.older, self.size + 1)
            self.has_older = len(found) > self.size
            found = found[: self.size]
        self.events = found

    @cached_property
    def rows(self) -> list[GridRow | Sum]:
        """The rows from top to bottom, with the children of those that are open."""
        return Tree(self.visible, self.query).rows(self.events)

    @property
    def shown(self) -> int:
        """How many of its rows match."""
        return len(self._executions) - self.shown_below

    @property
    def shown_below(self) -> int:
        """How many of its rows are children that come along with a parent that matches."""
        if not self.query.lists_unfiltered_children:
            return 0
        return sum(row.level > 0 for row in self._executions)

    @property
    def _executions(self) -> list[GridRow]:
        return [row for row in self.rows if isinstance(row, GridRow)]

    @cached_property
    def counts(self) -> dict[str, Count]:
        """How many each status would show; "" is all of them."""
        is_all = not (self.filters.statuses or self.has_newer or self.has_older)
        if is_all and not self.query.is_tree and not self.is_too_slow:
            return counted(event.status for event in self.events)
        if self.expected is None:
            return uncounted()
        return count_by_status(self.visible, self.filters, self.expected, self.now)

    # What is said when it was stopped ---------------------------------------------------------

    seconds = int(STATEMENT_SECONDS)

    @property
    def advice(self) -> str:
        """Which filter to narrow."""
        slow = [term.field.label for term in self.filters.terms if is_unindexed(term)]
        if not self.query.sort.is_indexed:
            slow.append(f"this order ({self.query.sort.words})")
        if not slow:
            return "Your filters are kept. Narrow them, for example by when it started."
        named = " and ".join(dict.fromkeys(slow))
        return f"Your filters are kept. No index serves {named}: say also when it started."

    @property
    def narrower(self) -> str:
        """The address with what has started lately only."""
        return self.query.filtered(self.query.filters.with_values("started", [">-1d"]))

    @property
    def begins(self) -> str:
        """The start of its first row in the reader's zone, as an input takes it; "" on top."""
        if not (self.events and self.has_newer):
            return ""
        return f"{timezone.localtime(self.events[0].started_at):%Y-%m-%dT%H:%M:%S}"

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
        return self.query.first(older=older, newer=newer)


def children(user: Any, query: PageQuery, execution_id: UUID) -> list[GridRow | Sum]:
    """The rows that hang on an execution which is being opened on the page of this address.

    Raises Http404 when the user may not see it.
    """
    opened = replace(query, open=query.open | {execution_id})
    parent = next(iter(read(access.visible(user).filter(pk=execution_id))), None)
    if parent is None:
        raise Http404("There is no such execution, or you may not see it.")
    return Tree(access.visible(user), opened).below(parent)


def _ids(texts: Sequence[str]) -> list[UUID]:
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _more(texts: Sequence[str]) -> list[tuple[UUID, int]]:
    found = []
    for text in texts:
        name, _, count = text.partition(".")
        if len(count) == 1 and count.isascii() and count.isdigit():
            found += [(one, min(int(count), MORE_LIMIT)) for one in _ids([name])]
    return found
