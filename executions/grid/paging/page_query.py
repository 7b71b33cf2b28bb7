"""What the address of a grid asks for, and the addresses that lead on from there."""

from collections.abc import Sequence
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

#: Rows that can be expanded at a time.
OPEN_LIMIT = 40
#: So often one can show a hundred children more; the grid of these children lists them all.
MORE_LIMIT = 9


@dataclass(frozen=True)
class PageQuery:
    """What the address of a grid asks for.

    At most one of `older` and `newer` is set: the key of the row below which, or above which, the
    page lies in its order.
    """

    filters: Filters = field(default_factory=Filters)
    sort: Sort = NEWEST_FIRST
    older: RowKey | None = None
    newer: RowKey | None = None
    open: frozenset[UUID] = frozenset()
    #: Of how many children more hundreds are listed than the first: (execution, hundreds).
    more: frozenset[tuple[UUID, int]] = frozenset()
    layout: Layout = field(default_factory=Layout)
    #: What the rows are grouped by above them (`columns.groupings`); "" for nothing.
    group: str = ""

    @classmethod
    def parse(cls, parameters: QueryDict, layout: Layout | None = None) -> "PageQuery":
        """Read an address; what cannot be read there counts for nothing. The layout in force is
        known by then: it depends on who asks (`Layout.for_user`).

        `at`, a moment, opens the page that begins there.
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

    def address(self) -> str:
        """The query string that `parse` reads this from."""
        pairs = self.parameters()
        pairs += [(n, str(k)) for n, k in (("older", self.older), ("newer", self.newer)) if k]
        pairs += [("open", str(one)) for one in sorted(self.open)]
        pairs += [("more", f"{one}.{count}") for one, count in sorted(self.more)]
        return "?" + urlencode(pairs)

    def more_hundreds(self, execution_id: UUID) -> int:
        """How many hundreds of its children are listed after the first."""
        return max((count for one, count in self.more if one == execution_id), default=0)

    def more_children_address(self, execution_id: UUID, more: int) -> str:
        """The address that lists so many hundreds of its children after the first."""
        others = frozenset(one for one in self.more if one[0] != execution_id)
        return replace(self, more=others | {(execution_id, more)}).address()

    def parameters(self, *, filtered: bool = True) -> list[tuple[str, str]]:
        """What the address of the first page says; also without its filters, for forms that say
        them anew."""
        filters = self.filters.parameters() if filtered else []
        return [*self.layout.address_parameters, *filters, *self._order()]

    def saved_query(self) -> str:
        """Filters, order and groups alone, as an address has them: what a saved view keeps."""
        return urlencode([*self.filters.parameters(), *self._order()])

    def _order(self) -> list[tuple[str, str]]:
        pairs = [("sort", str(self.sort))] if self.sort != NEWEST_FIRST else []
        return [*pairs, ("group", self.group)] if self.group else pairs

    @property
    def form_parameters(self) -> list[tuple[str, str]]:
        """What the form of the query box says beside the query."""
        return self.parameters(filtered=False)

    @property
    def unfiltered_address(self) -> str:
        """The address without a filter."""
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
    def roots_address(self) -> str:
        """The address with the filters as they are, but of executions without a parent alone."""
        return self.filtered_address(self.filters.with_values("is", ["root"]))

    @property
    def row_layout(self) -> Layout:
        """What the rows of this page are rendered by, to be shared with those of other pages."""
        return (self.layout if self.is_tree else self.layout.as_flat).for_rows


_BESIDE = {
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
