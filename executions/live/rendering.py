"""Rows as parts of a frame: whole, or what differs from the revision that a browser holds.

Each is made once a change and a layout, however many browsers are sent it.
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

#: Revisions of a row from which a difference can be told; a browser that holds an older one is
#: sent the whole row.
REVISIONS = 4


class Rendered:
    """One revision of a row: its start tag and its cells, and the parts made of them."""

    def __init__(self, event: ExecutionChanged, html: str, sort: Sort) -> None:
        head, *cells = html.strip().removesuffix("</tr>").split("<td")
        self.revision = event.revision
        # The revision is told beside it; without that, most changes leave it as it was.
        self.head = head.replace(f' data-revision="{event.revision}"', "").strip()
        self.cells = [f"<td{cell.rstrip()}" for cell in cells]
        self.html = html
        self.about = {"id": event.id, "revision": event.revision, "key": str(sort.key(event))}
        self.about |= {"parent": event.parent_id}
        self.parts: dict[int, str] = {}

    def whole(self) -> str:
        return json.dumps({**self.about, "html": self.html})

    def since(self, before: "Rendered") -> str:
        """What differs; `cells` are numbered from the left."""
        if len(before.cells) != len(self.cells):
            return self.whole()
        pairs = enumerate(zip(before.cells, self.cells, strict=True))
        told: dict[str, Any] = {**self.about, "from": before.revision}
        if before.head != self.head:
            told["head"] = self.head
        told["cells"] = {place: now for place, (was, now) in pairs if was != now}
        return json.dumps(told)


class Form:
    """What the rows of a page are rendered by; compared by identity, which is cheap."""

    def __init__(self, layout: Layout, sort: Sort) -> None:
        self.layout = layout
        self.sort = sort


@lru_cache(maxsize=10_000)
def form_of(layout: Layout, sort: Sort = NEWEST_FIRST) -> Form:
    """The form of all pages with that layout (`PageQuery.row_layout`) and order."""
    return Form(layout, sort)


class RenderedRows:
    """The rows that were sent lately. Old ones are dropped."""

    def __init__(self, limit: int = 3_000) -> None:
        self._limit = limit
        self._rows: OrderedDict[tuple[str, Form], list[Rendered]] = OrderedDict()
        self._cells = CellCache(limit)
        self._variables: dict[str, tuple[int, Mapping[str, Any]]] = {}
        self.rendered = 0

    def part(self, event: ExecutionChanged, form: Form, held: int = 0) -> str:
        """The JSON object of a row for a browser that holds the revision `held` of it."""
        place = (event.id, form)
        kept = self._rows.get(place)
        if kept is None or kept[-1].revision != event.revision:
            kept = self._keep(place, Rendered(event, self._render(event, form), form.sort))
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

    def _keep(self, place: tuple[str, Form], row: Rendered) -> list[Rendered]:
        """The last revisions of a row, this one the last."""
        kept = self._rows.setdefault(place, [])
        kept.append(row)
        del kept[:-REVISIONS]
        self._rows.move_to_end(place)
        if len(self._rows) > self._limit:
            self._rows.popitem(last=False)
        return kept

    def _render(self, event: ExecutionChanged, form: Form) -> str:
        self.rendered += 1
        _, variables = self._variables.get(event.id, (0, {}))
        return GridRow(
            event,
            layout=form.layout,
            sort=form.sort,
            variables=variables,
            cells=self._cells,
        ).render()

    # Variables that layouts show: read once a tick for all viewers ------------------------------

    def hold(self, events: Iterable[ExecutionChanged], found: Mapping[str, Any]) -> None:
        """What the variables of these executions hold, for the rows that are rendered next."""
        self._variables = {event.id: (event.revision, found.get(event.id, {})) for event in events}

    def holds(self, event: ExecutionChanged) -> bool:
        """Whether the variables were read at this revision or later."""
        return self._variables.get(event.id, (0,))[0] >= event.revision
