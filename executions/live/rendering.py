"""Renders rows for frames: whole, or the cells that differ from the revision that a browser holds.

A row is rendered once a revision and format, however many browsers are sent it.
"""

import json
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from executions.events import ExecutionChanged
from executions.grid.table.layout import Layout
from executions.grid.table.row import GridRow
from executions.grid.table.row_cache import CellCache
from executions.grid.table.sorting import NEWEST_FIRST, Sort

#: Revisions of a row that are kept to compute a difference from; a browser that holds an older one
#: is sent the whole row.
REVISIONS = 4


class RenderedRow:
    """One revision of a row: its start tag and its cells, and the JSON objects made of them."""

    def __init__(self, event: ExecutionChanged, html: str, sort: Sort) -> None:
        head, *cells = html.strip().removesuffix("</tr>").split("<td")
        self.revision = event.revision
        # The revision is sent beside it; without that, most changes leave it as it was.
        self.head = head.replace(f' data-revision="{event.revision}"', "").strip()
        self.cells = [f"<td{cell.rstrip()}" for cell in cells]
        self.html = html
        self.attributes = {
            "id": event.id,
            "revision": event.revision,
            "key": str(sort.key(event)),
            "parent": event.parent_id,
        }
        #: By the revision that a browser holds.
        self.parts: dict[int, str] = {}

    def whole(self) -> str:
        """Return the whole row as a JSON object."""
        return json.dumps({**self.attributes, "html": self.html})

    def since(self, before: "RenderedRow") -> str:
        """Return what differs as a JSON object; its `cells` are numbered from the left."""
        if len(before.cells) != len(self.cells):
            return self.whole()
        difference: dict[str, Any] = {**self.attributes, "from": before.revision}
        if before.head != self.head:
            difference["head"] = self.head
        pairs = enumerate(zip(before.cells, self.cells, strict=True))
        difference["cells"] = {place: now for place, (was, now) in pairs if was != now}
        return json.dumps(difference)


class RowFormat:
    """What the rows of a page are rendered by; compared by identity, which is fast."""

    def __init__(self, layout: Layout, sort: Sort) -> None:
        self.layout = layout
        self.sort = sort


@lru_cache(maxsize=10_000)
def row_format(layout: Layout, sort: Sort = NEWEST_FIRST) -> RowFormat:
    """Return the format of all pages with that layout (`PageQuery.row_layout`) and order."""
    return RowFormat(layout, sort)


class RenderedRows:
    """The rows that were sent lately. Old ones are dropped."""

    def __init__(self, limit: int = 3_000) -> None:
        self._limit = limit
        self._rows: OrderedDict[tuple[str, RowFormat], list[RenderedRow]] = OrderedDict()
        self._cells = CellCache(limit)
        self._variables: dict[str, tuple[int, Mapping[str, Any]]] = {}
        self.rendered = 0

    def part(self, event: ExecutionChanged, row_format: RowFormat, held: int = 0) -> str:
        """Return the JSON object of a row for a browser that holds the revision `held` of it."""
        place = (event.id, row_format)
        kept = self._rows.get(place)
        if kept is None or kept[-1].revision != event.revision:
            html = self._render(event, row_format)
            kept = self._keep(place, RenderedRow(event, html, row_format.sort))
        newest = kept[-1]
        # Asked for once a row and a viewer, and nearly always known.
        part = newest.parts.get(held)
        if part is None:
            before = next((one for one in kept[:-1] if one.revision == held), None)
            base = before.revision if before else 0
            if base not in newest.parts:
                newest.parts[base] = newest.since(before) if before else newest.whole()
            part = newest.parts[held] = newest.parts[base]
        return part

    def _keep(self, place: tuple[str, RowFormat], row: RenderedRow) -> list[RenderedRow]:
        """The last revisions of a row, with this one as the last."""
        kept = self._rows.setdefault(place, [])
        kept.append(row)
        del kept[:-REVISIONS]
        self._rows.move_to_end(place)
        if len(self._rows) > self._limit:
            self._rows.popitem(last=False)
        return kept

    def _render(self, event: ExecutionChanged, row_format: RowFormat) -> str:
        self.rendered += 1
        _, variables = self._variables.get(event.id, (0, {}))
        return GridRow(
            event,
            layout=row_format.layout,
            sort=row_format.sort,
            variables=variables,
            cells=self._cells,
        ).render()

    # Variables of the columns: read once a batch for all viewers --------------------------------

    def set_variables(self, events: Iterable[ExecutionChanged], found: Mapping[str, Any]) -> None:
        """Keep the variables of these executions for the rows that are rendered next."""
        self._variables = {event.id: (event.revision, found.get(event.id, {})) for event in events}

    def has_variables(self, event: ExecutionChanged) -> bool:
        """Return whether the variables were read at this revision or a later one."""
        return self._variables.get(event.id, (0,))[0] >= event.revision
