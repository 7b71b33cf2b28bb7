"""The failure groups that a user sees: filtered, sorted, counted."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet

from executions.access import User
from executions.failures import access
from executions.models import FailureGroup
from flows import access as flows_access
from flows.queries import flows_in

State = FailureGroup.State
PAGE_SIZE = 50
#: The states of each tab.
TABS: Mapping[str, tuple[str, Collection[str]]] = {
    "open": ("Open", FailureGroup.UNSOLVED),
    "muted": ("Muted", (State.MUTED,)),
    "resolved": ("Resolved", (State.RESOLVED,)),
    "all": ("All", tuple(State)),
}
#: The orders by their names: the label, the direction in which it begins, and the columns.
ORDERS: Mapping[str, tuple[str, bool, tuple[str, ...]]] = {
    "type": ("Exception and message", False, ("type", "template")),
    "flow": ("Flow and block", False, ("flow__name", "block")),
    "first": ("First seen", True, ("first_seen_at",)),
    "last": ("Last seen", True, ("last_seen_at",)),
    "count": ("Count", True, ("count",)),
    "owner": ("Owner", False, ("owner__username",)),
    "state": ("State", False, ("state",)),
}
#: Instead of a user's name.
ME, NOBODY = "me", "nobody"
LONGEST_SEARCH = 200


def open_groups(user: User, flows: Collection[int] | None = None) -> QuerySet[FailureGroup]:
    """Return the groups that need somebody, those seen last first; only of some flows where their
    ids are given."""
    found = access.visible(user).filter(state__in=FailureGroup.UNSOLVED)
    if flows is not None:
        found = found.filter(flow__in=list(flows))
    return found.select_related("flow", "owner").order_by("-last_seen_at", "id")


def unowned_groups(user: User) -> QuerySet[FailureGroup]:
    """Return the groups that need somebody and have no owner."""
    return open_groups(user).filter(owner=None)


def unowned(user: User) -> int:
    """Return how many groups need somebody and have no owner."""
    return unowned_groups(user).count()


@dataclass(frozen=True, slots=True)
class GroupQuery:
    """What the address of the list asks for; what means nothing is left out."""

    tab: str = "open"
    #: A user's name, `me` or `nobody`.
    owner: str = ""
    flow: str = ""
    folder: int | None = None
    label: int | None = None
    search: str = ""
    order: str = "last"
    descending: bool = True
    page: int = 1

    @classmethod
    def parse(cls, parameters: Mapping[str, str]) -> "GroupQuery":
        tab = parameters.get("state", "")
        order = parameters.get("sort", "")
        name = order.removeprefix("-")
        known = name in ORDERS
        return cls(
            tab=tab if tab in TABS else "open",
            owner=_text(parameters, "owner"),
            flow=_text(parameters, "flow"),
            folder=_number(parameters, "folder"),
            label=_number(parameters, "label"),
            search=_text(parameters, "q"),
            order=name if known else "last",
            descending=order.startswith("-") if known else True,
            page=_number(parameters, "page") or 1,
        )

    # Addresses -------------------------------------------------------------------------------

    def address(self, **changes: Any) -> str:
        """Return the query string of the first page with some of it changed."""
        return replace(self, **{"page": 1, **changes})._address()

    def _address(self) -> str:
        pairs = [
            ("state", self.tab if self.tab != "open" else ""),
            ("owner", self.owner),
            ("flow", self.flow),
            ("folder", self.folder),
            ("label", self.label),
            ("q", self.search),
            ("sort", self.sort if self.sort != "-last" else ""),
            ("page", self.page if self.page > 1 else ""),
        ]
        return "?" + urlencode([(name, value) for name, value in pairs if value])

    @property
    def sort(self) -> str:
        return f"{'-' if self.descending else ''}{self.order}"

    def sort_address(self, order: str) -> str:
        """The address after a click on the head of a column."""
        begins = ORDERS[order][1]
        descending = not self.descending if order == self.order else begins
        return self.address(order=order, descending=descending)

    @property
    def is_filtered(self) -> bool:
        return bool(self.owner or self.flow or self.folder or self.label or self.search)

    # Rows ------------------------------------------------------------------------------------

    def matching(self, user: User) -> QuerySet[FailureGroup]:
        """Return the groups that match in any state."""
        found = access.visible(user)
        if self.owner == NOBODY:
            found = found.filter(owner=None)
        elif self.owner == ME:
            found = found.filter(owner=user.pk)
        elif self.owner:
            found = found.filter(owner__username=self.owner)
        if self.flow:
            found = found.filter(flow__name=self.flow)
        if self.folder is not None or self.label is not None:
            labels = [] if self.label is None else [self.label]
            found = found.filter(flow__in=flows_in(self.folder, labels))
        for word in self.search.split()[:10]:
            found = found.filter(
                Q(type__icontains=word)
                | Q(template__icontains=word)
                | Q(flow__name__icontains=word)
                | Q(block_description__icontains=word)
                | Q(pk__startswith=word)
            )
        return found

    def groups(self, user: User) -> QuerySet[FailureGroup]:
        """Return the groups of the tab, in order."""
        columns = ORDERS[self.order][2]
        found = access.with_seen_numbers(user, self.matching(user), columns)
        sign = "-" if self.descending else ""
        ordering = [f"{sign}{access.seen_column(user, column)}" for column in columns]
        found = found.filter(state__in=TABS[self.tab][1]).select_related("flow", "owner")
        return found.order_by(*ordering, "id")

    def tab_counts(self, user: User) -> dict[str, int]:
        """Return how many groups match in each tab."""
        states = list(self.matching(user).values_list("state", flat=True))
        return {tab: sum(state in wanted for state in states) for tab, (_, wanted) in TABS.items()}


def folders(user: User) -> list[tuple[int, str]]:
    """Return the id and the path of every folder that the user sees."""
    found = [(pk, way[-1].replace("/", " / ")) for pk, way in flows_access.folders(user).items()]
    return sorted(found, key=lambda pair: pair[1].lower())


def labels(user: User) -> list[tuple[int, str]]:
    """Return the id and the name of every label that the user sees."""
    return list(flows_access.labels(user).order_by("name").values_list("pk", "name"))


def _text(parameters: Mapping[str, str], name: str) -> str:
    return parameters.get(name, "").replace("\0", "").strip()[:LONGEST_SEARCH]


def _number(parameters: Mapping[str, str], name: str) -> int | None:
    text = parameters.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None
