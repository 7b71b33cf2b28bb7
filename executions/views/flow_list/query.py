"""The address of the list of flows: which of them it shows, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from flows.models import Flow

#: Groups of flows above the folders: their words and icons.
SHOWN = {
    "": ("All flows", "all"),
    "favorites": ("Favourites", "star"),
    "drafts": ("Drafts", "pen"),
    "mine": ("Mine", "user"),
    "failing": ("Failing", "bug"),
}
UNFILED = "unfiled"
STATES = {
    "running": "Running",
    "paused": "Paused",
    "exception": "At an exception",
    "failing": "Failing",
    "quiet": "Nothing ran in 24 h",
}
#: Columns by which the list can be ordered, with the order that a first click gives.
SORTS = {
    "name": "Flow",
    "-now": "Now",
    "-runs": "24 h",
    "-failed": "Failed",
    "-p95": "p95",
    "-last": "Last",
}
VIEWS = ("list", "calls")


@dataclass(frozen=True, slots=True)
class FlowQuery:
    """What the address asks for. What it does not know is left out."""

    search: str = ""
    show: str = ""
    folder: str = ""
    label: str = ""
    kind: str = ""
    state: str = ""
    sort: str = "name"
    view: str = "list"
    page: str = "1"

    @classmethod
    def parse(cls, asked: QueryDict) -> "FlowQuery":
        """Read an address."""

        def one_of(name: str, known: Sequence[str], default: str = "") -> str:
            value = asked.get(name, default)
            return value if value in known else default

        sorts = {sort.removeprefix("-") for sort in SORTS}
        sort = asked.get("sort", "name")
        return cls(
            # PostgreSQL refuses NUL in text, so nothing that holds one could be found.
            search=asked.get("q", "").replace("\0", "").strip()[:120],
            show=one_of("show", [*SHOWN, UNFILED]),
            folder=asked.get("folder", "")[:1000],
            label=asked.get("label", "")[:200],
            kind=one_of("kind", Flow.Kind.values),
            state=one_of("state", list(STATES)),
            sort=sort if sort.removeprefix("-") in sorts else "name",
            view=one_of("view", VIEWS, "list"),
            page=asked.get("page", "1"),
        )

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The parameters of the address, without those that say what is usual."""
        usual = FlowQuery()
        names = ("show", "folder", "label", "kind", "state", "sort", "view", "page")
        pairs = [("q", self.search)] if self.search else []
        pairs += [(name, str(getattr(self, name))) for name in names]
        return [(n, v) for n, v in pairs if n == "q" or v != getattr(usual, n)]

    def url(self, **changes: str) -> str:
        """The address with some of it changed, on the first page."""
        changed: FlowQuery = replace(self, **{"page": "1", **changes})
        query = urlencode(changed.parameters)
        return f"{reverse('flows')}?{query}" if query else reverse("flows")

    @property
    def is_narrowed(self) -> bool:
        """Whether it leaves flows out."""
        return any((self.search, self.show, self.folder, self.label, self.kind, self.state))

    @property
    def headers(self) -> dict[str, dict[str, Any]]:
        """The headers that order the list: their words, what a click leads to, the order now."""
        return {sort.removeprefix("-"): self._header(sort, word) for sort, word in SORTS.items()}

    def _header(self, sort: str, word: str) -> dict[str, Any]:
        column = sort.removeprefix("-")
        if self.sort.removeprefix("-") != column:
            return {"word": word, "url": self.url(sort=sort), "order": "none"}
        down = self.sort.startswith("-")
        other = column if down else f"-{column}"
        order = "descending" if down else "ascending"
        return {"word": word, "url": self.url(sort=other), "order": order}
