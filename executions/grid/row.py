"""One row of the grid, from the database or from an event: the same fields, the same partial."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.template.loader import get_template

from executions.grid.columns import COLUMNS
from executions.grid.keys import Key
from executions.live.events import ExecutionChanged
from executions.states import Status

#: Children shown below one row; the execution's own page lists the rest.
CHILDREN_SHOWN = 100

EDGES = {Status.ERROR: "bad", Status.EXCEPTION: "exc"}


class GridRow:
    """An execution as the grid shows it.

    `level` is its depth in the tree, 0 where the grid is flat. `open` says whether its children
    are shown below it; `toggle` is the address that shows or hides them.
    """

    def __init__(
        self,
        event: ExecutionChanged,
        *,
        tree: bool,
        is_open: bool = False,
        toggle: str = "",
    ) -> None:
        self.event = event
        self.tree = tree
        self.is_open = is_open
        self.toggle = toggle or f"?open={event.id}"

    @property
    def level(self) -> int:
        return self.event.depth if self.tree else 0

    @property
    def guides(self) -> range:
        return range(self.level)

    @property
    def key(self) -> str:
        """Where it stands in the order of the grid."""
        return str(Key.of(self.event))

    @property
    def children_told(self) -> str:
        """How many children there are, and whether all of them are shown below."""
        count = self.event.child_count
        if count > CHILDREN_SHOWN:
            return f"{count:,} children; the newest {CHILDREN_SHOWN} are shown here"
        return f"{count} child execution{'' if count == 1 else 's'}"

    @property
    def has_handle(self) -> bool:
        return self.tree and self.event.child_count > 0

    @property
    def tone(self) -> str:
        """CSS classes: an edge bar for what failed, a step back for what is over."""
        status = Status(self.event.status)
        edge = EDGES.get(status, "")
        return f"{edge} done".strip() if status.is_terminal else edge

    @property
    def cells(self) -> list[tuple[str, str]]:
        return [(column.classes, column.cell(self.event)) for column in COLUMNS]

    def render(self) -> str:
        """The row's HTML; asks nothing of the database."""
        return get_template("executions/row.html").render({"row": self})


def event_of(values: Mapping[str, Any]) -> ExecutionChanged:
    """The event that a row of `queryset.values(*events.COLUMNS)` would have been published as."""
    plain: dict[str, Any] = {n: str(v) if isinstance(v, UUID) else v for n, v in values.items()}
    return ExecutionChanged(**plain)
