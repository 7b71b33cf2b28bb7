"""Rows and cells that are kept rendered."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from executions.events import ExecutionChanged


class CellCache:
    """Cells of rows, each rendered once for a revision, a column and a time zone."""

    def __init__(self, limit: int = 5_000) -> None:
        self._limit = limit
        self._rows: OrderedDict[str, tuple[int, dict[tuple[str, str], str]]] = OrderedDict()

    def of(self, event: ExecutionChanged) -> dict[tuple[str, str], str]:
        """The cells of a revision that are rendered so far, by column and zone."""
        kept = self._rows.get(event.id)
        if kept is None or kept[0] != event.revision:
            kept = self._rows[event.id] = (event.revision, {})
            if len(self._rows) > self._limit:
                self._rows.popitem(last=False)
        self._rows.move_to_end(event.id)
        return kept[1]


class RowCache:
    """Whole rows, about 2 KB each; all are dropped when there are too many."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rows: dict[tuple[Any, ...], str] = {}

    def get(self, key: tuple[Any, ...], render: Callable[[], str]) -> str:
        """The row of a key, which says all that the row depends on."""
        if (kept := self._rows.get(key)) is None:
            if len(self._rows) >= self._limit:
                self._rows.clear()
            kept = self._rows[key] = render()
        return kept


#: The two are apart so that rows which change push out none of those that don't.
ENDED_ROWS = RowCache(3_000)
LIVE_ROWS = RowCache(1_000)
