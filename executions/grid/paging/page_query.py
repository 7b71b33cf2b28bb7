"""The address of a grid: what it asks for, and the addresses that are linked from there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.utils import timezone

from executions.grid.query.filters import Filters
from executions.grid.query.moments import moment
from executions.grid.table.columns import Column, groupings
from executions.grid.table.layout import Layout
from executions.grid.table.sorting import NEWEST_FIRST, RowKey, Sort, sorting_of

#: Rows that can be open at a time.
OPEN_LIMIT = 40
#: So many hundreds of children can be added to the first; the grid of these children lists all.
MORE_LIMIT = 9


@dataclass(frozen=True)
class PageQuery:
    """What the address of a grid asks for.

    At most one of `older` and `newer` is set: the page begins below the row with the key `older`,
    or ends above the one with the key `newer`.
    """

    filters: Filters = field(default_factory=Filters)
    sort: Sort = NEWEST_FIRST
    older: RowKey | None = None
    newer: RowKey | None = None
    open: frozenset[UUID] = frozenset()
    #: For which executions more children are listed than the first hundred: (id, hundreds).
    more: frozenset[tuple[UUID, int]] = frozenset()
    layout: Layout = field(default_factory=Layout)
    #: The key of the grouping above the rows (`columns.groupings`); "" for none.
    group: str = ""
    #: The parameters that the page means without its address: filters that hold on all of it.
    implied: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def parse(cls, parameters: QueryDict, layout: Layout | None = None) -> "PageQuery":
        """Read an address; what it does not understand is ignored.

        `layout` depends on the user (`Layout.for_user`). The parameter `at` opens the page that
        begins at that moment.
        """
        sort = Sort.parse(parameters.get("sort", ""))
        older = sort.parse_key(parameters.get("older", ""))
        if at := moment(parameters.get("at", ""), timezone.get_current_timezone()):
            older = sort.key_at(at)
            if older is None:
                sort = NEWEST_FIRST
                older = sort.key_at(at)
        return cls(
            filters=Filters.parse(parameters),
            sort=sort,
            older=older,
            newer=None if older else sort.parse_key(parameters.get("newer", "")),
            open=frozenset(_ids(parameters.getlist("open"))[:OPEN_LIMIT]),
            more=frozenset(_more(parameters.getlist("more"))[:OPEN_LIMIT]),
            layout=layout or Layout(),
            group=parameters.get("group", "") if parameters.get("group") in groupings() else "",
        )

    def within(self, parameters: Iterable[tuple[str, str]]) -> "PageQuery":
        """Return the same with filters that hold on all of the page, and stay out of its
        address."""
        implied = frozenset(parameters)
        filters = self.filters
        for name, value in sorted(implied):
            others = [one for one in filters.values(name) if one != value]
            # Of an id there is one; of flags several hold together.
            kept = others if name == "is" else []
            filters = filters.with_values(name, [*kept, value])
        return replace(self, filters=filters, implied=implied)

    def address(self) -> str:
        """Return the query string that `parse` reads."""
        pairs = self.parameters()
        pairs += [(n, str(k)) for n, k in (("older", self.older), ("newer", self.newer)) if k]
        pairs += [("open", str(one)) for one in sorted(self.open)]
        pairs += [("more", f"{one}.{count}") for one, count in sorted(self.more)]
        return "?" + urlencode(pairs)

    def more_hundreds(self, execution_id: UUID) -> int:
        """Return how many hundreds of its children are listed after the first."""
        return max((count for one, count in self.more if one == execution_id), default=0)

    def more_children_address(self, execution_id: UUID, more: int) -> str:
        """Return the address that lists `more` hundreds of its children after the first."""
        others = frozenset(one for one in self.more if one[0] != execution_id)
        return replace(self, more=others | {(execution_id, more)}).address()

    def parameters(self, *, filtered: bool = True) -> list[tuple[str, str]]:
        """Return the parameters of the first page; without its filters for forms that set these."""
        filters = self.filters.parameters() if filtered else []
        filters = [pair for pair in filters if pair not in self.implied]
        return [*self.layout.address_parameters, *filters, *self._order()]

    def saved_query(self) -> str:
        """Return the filters, order and grouping as a query string, for a saved view."""
        return urlencode([*self.filters.parameters(), *self._order()])

    def _order(self) -> list[tuple[str, str]]:
        pairs = [("sort", str(self.sort))] if self.sort != NEWEST_FIRST else []
        return [*pairs, ("group", self.group)] if self.group else pairs

    @property
    def form_parameters(self) -> list[tuple[str, str]]:
        """The hidden parameters of the query box."""
        return self.parameters(filtered=False)

    @property
    def unfiltered_address(self) -> str:
        """The address without filters."""
        return self.filtered_address(Filters())

    def sort_address(self, column: str) -> str:
        """The address of the first page after a click on a column's header; "" when it can't be
        sorted by."""
        if not sorting_of(column):
            return ""
        return self.first_page(sort=self.sort.after_click(column)).address()

    @property
    def headers(self) -> list[tuple[Column, str, str]]:
        """The columns that are shown, where a click on each head leads, and how it is sorted."""
        column = self.sort.column
        return [
            (one, self.sort_address(one.key), self.sort.aria if one.key == column else "")
            for one in self.layout.shown_columns
        ]

    def first_page(self, **changes: Any) -> "PageQuery":
        """The first page with some of it changed."""
        nowhere: dict[str, Any] = {
            "older": None,
            "newer": None,
            "open": frozenset(),
            "more": frozenset(),
        }
        return replace(self, **(nowhere | changes))

    def toggle_address(self, execution_id: str) -> str:
        """The address that shows, or hides, the children of an execution."""
        return replace(self, open=self.open ^ {UUID(execution_id)}).address()

    def filtered_address(self, filters: Filters) -> str:
        """The address of the first page with other filters."""
        return self.first_page(filters=filters).address()

    def group_address(self, group: str) -> str:
        """The address of the first page with its rows grouped otherwise."""
        return self.first_page(group=group).address()

    @property
    def label_above(self) -> str:
        """The label of the link to the page above."""
        return _LABELS_BESIDE.get(self.sort, ("previous", "next"))[0]

    @property
    def label_below(self) -> str:
        """The label of the link to the page below."""
        return _LABELS_BESIDE.get(self.sort, ("previous", "next"))[1]

    @property
    def is_tree(self) -> bool:
        """Whether the rows form a tree, with children below or above their parents.

        Filters find children without their parents, so they make it flat, except `is:root`.
        """
        rooted = self.filters.values("is") == ("root",)
        return self.layout.is_tree and (rooted or not self.filters.are_active)

    @property
    def lists_unfiltered_children(self) -> bool:
        """Whether children are listed that don't match the filters, with parents that do."""
        return self.is_tree and self.filters.are_active

    @property
    def roots_address(self) -> str:
        """The address with the same filters that finds only executions without a parent."""
        return self.filtered_address(self.filters.with_values("is", ["root"]))

    @property
    def row_layout(self) -> Layout:
        """The layout that the HTML of the rows depends on, equal for pages that can share rows."""
        return (self.layout if self.is_tree else self.layout.as_flat).for_rows


_LABELS_BESIDE = {
    NEWEST_FIRST: ("newer", "older"),
    Sort("started", descending=False): ("older", "newer"),
}


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
