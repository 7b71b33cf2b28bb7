"""The rows of a page with the children of the open ones, which take one query together.

The first hundred children are listed, in the order of the grid, and hundreds more at the reader's
wish; a row of its own sums up how many there are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.template.loader import get_template

from executions import appearance
from executions.events import ExecutionChanged
from executions.grid.paging.page_query import MORE_LIMIT, PageQuery
from executions.grid.planner.counts import CAP
from executions.grid.table import keyset
from executions.grid.table.layout import ChildOrder
from executions.grid.table.row import GridRow
from executions.grid.table.row_events import read_events
from executions.models import Execution
from executions.states import Status
from executions.store.read import variables_by_path

#: Children that are listed at first, and added by every "Show 100 more".
CHILDREN_SHOWN = 100


@dataclass(frozen=True)
class ChildrenSummary:
    """The row that sums up the children of an execution when not all of them are listed.

    It links to more of them. How many are in which status is counted when it is shown
    (`count_children`).
    """

    parent: ExecutionChanged
    shown: int
    #: The key of the last one that is listed.
    last_key: str
    columns: int
    more: int
    #: The address that lists another hundred; "" at the limit.
    more_address: str

    @property
    def level(self) -> int:
        return self.parent.depth + 2

    @property
    def guides(self) -> range:
        return range(self.parent.depth + 1)

    def render(self) -> str:
        return get_template("executions/children_summary.html").render({"sum": self})


class Tree:
    """The rows of executions and, above or below the open ones, of their children."""

    def __init__(self, visible: QuerySet[Execution], query: PageQuery) -> None:
        self.query = query
        self.children: dict[str, list[ExecutionChanged]] = {}
        if query.is_tree and query.open:
            self._read(visible)

    def _read(self, visible: QuerySet[Execution]) -> None:
        # In the order of their start, each is a walk along an index that ends at its limit.
        order = keyset.order_by(self.query.sort)
        parts = [
            visible.filter(parent_id=one).order_by(*order)[: self._limit(one) + 1]
            for one in sorted(self.query.open)
        ]
        for event in read_events(*parts):
            self.children.setdefault(str(event.parent_id), []).append(event)

    def _limit(self, execution_id: UUID) -> int:
        return CHILDREN_SHOWN * (1 + self.query.more_hundreds(execution_id))

    def rows(self, events: Iterable[ExecutionChanged]) -> list[GridRow | ChildrenSummary]:
        """Return the rows of these executions, with those of their children where they are open."""
        rows = list(self._branch(events))
        if paths := self.query.layout.variables:
            of_executions = [row for row in rows if isinstance(row, GridRow)]
            held = variables_by_path.values_of((row.event.id for row in of_executions), paths)
            for row in of_executions:
                row.variables = held.get(row.event.id, {})
        return rows

    def rows_of_children(self, parent: ExecutionChanged) -> list[GridRow | ChildrenSummary]:
        """Return the rows of the children of an execution."""
        row, *rest = self.rows([parent])[:: -1 if self._is_child_first else 1]
        assert isinstance(row, GridRow)
        return rest[:: -1 if self._is_child_first else 1]

    @property
    def _is_child_first(self) -> bool:
        return self.query.row_layout.children is ChildOrder.CHILD_FIRST

    def _branch(self, events: Iterable[ExecutionChanged]) -> Iterable[GridRow | ChildrenSummary]:
        tree = self.query.is_tree
        for event in events:
            row = GridRow(
                event,
                layout=self.query.row_layout,
                sort=self.query.sort,
                is_open=tree and UUID(event.id) in self.query.open,
                toggle=self.query.toggle_address(event.id) if tree and event.child_count else "",
            )
            if not self._is_child_first:
                yield row
            yield from self._children(event)
            if self._is_child_first:
                yield row

    def _children(self, parent: ExecutionChanged) -> Iterable[GridRow | ChildrenSummary]:
        found = self.children.get(parent.id, [])
        limit = self._limit(UUID(parent.id))
        yield from self._branch(found[:limit])
        if len(found) > limit:
            more = self.query.more_hundreds(UUID(parent.id))
            yield ChildrenSummary(
                parent,
                shown=limit,
                last_key=str(self.query.sort.key(found[limit - 1])),
                columns=2 + len(self.query.row_layout.shown_columns),
                more=more + 1,
                more_address=self.query.more_children_address(UUID(parent.id), more + 1)
                if more < MORE_LIMIT
                else "",
            )


@dataclass(frozen=True)
class ChildCount:
    """How many children are in a status; those that Ended with an unhandled exception are apart.

    `parameters` are the filters that find them, beside their parent.
    """

    status: Status
    unhandled: bool
    number: int

    @property
    def word(self) -> str:
        return appearance.label(self.status, unhandled=self.unhandled)

    @property
    def tone(self) -> str:
        return appearance.css_class(self.status, unhandled=self.unhandled)

    @property
    def parameters(self) -> str:
        if self.unhandled:
            return "is=unhandled"
        apart = "&-is=unhandled" if self.status is Status.ENDED else ""
        return f"status={self.status}{apart}"


def count_children(
    visible: QuerySet[Execution], execution_id: UUID
) -> tuple[Sequence[ChildCount], bool]:
    """Count the children in each status, the newest up to CAP; also return whether that is all."""
    newest = (
        visible.filter(parent_id=execution_id)
        .order_by("-started_at", "-id")
        .values("status", "unhandled")[: CAP + 1]
    )
    sql, params = newest.query.sql_with_params()
    with connection.cursor() as cursor:
        # The ORM's own SQL is what is counted.
        cursor.execute(
            f"SELECT status, unhandled, count(*) FROM ({sql}) AS newest GROUP BY 1, 2",
            params,
        )
        counted: dict[Any, int] = {(row[0], row[1]): row[2] for row in cursor.fetchall()}
    counts = [
        ChildCount(status, unhandled, counted[status, unhandled])
        for status in Status
        for unhandled in (False, True)
        if (status, unhandled) in counted
    ]
    return counts, sum(count.number for count in counts) <= CAP
