"""What has changed, and whom it concerns: worked out once for all viewers that have the same filter
and the same permissions, and not at all for others."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.utils import timezone

from executions import access
from executions.events import ExecutionChanged
from executions.grid.query.filters import Filters
from executions.grid.table.sorting import Sort
from flows.queries import NOWHERE, Arrangement
from flows.rights import Rights, rights_of


@lru_cache(maxsize=10_000)
def interned(filters: Filters) -> Filters:
    """Return one object for all filters that are equal."""
    return filters


@dataclass(frozen=True)
class Visibility:
    """Which executions a user sees (`executions.access`), as it was when they connected."""

    user: Any
    rights: Rights
    #: Users with the same key see the same executions.
    key: access.ExecutionSet

    @classmethod
    def of(cls, user: Any) -> "Visibility":
        """Read the user's rights from the database."""
        return cls(user, rights_of(user), access.seen(user))

    def includes(self, event: ExecutionChanged) -> bool:
        """Return whether the user sees the execution of an event."""
        return self.key.includes(event.initiator_id, event.flow_name)


class CommittedChanges:
    """The newest event of each execution that has changed, as the hub offers them to viewers.

    They are `replayed` for a browser that has turned to another page; these measure no delay.
    `variables` are the values, by id and name, that filters ask for, and `flows` is where flows are
    arranged. `watched_by` returns the ids of the executions that a user watches.
    """

    def __init__(
        self,
        events: Mapping[str, ExecutionChanged],
        *,
        replayed: bool = False,
        variables: Mapping[str, Mapping[str, Any]] | None = None,
        flows: Arrangement = NOWHERE,
        watched_by: Callable[[int], Collection[str]] = lambda user_id: (),
    ) -> None:
        self.events = events
        self.replayed = replayed
        self.variables = variables or {}
        self.flows = flows
        self.watched_by = watched_by
        self.now = timezone.now()
        self._visible: dict[access.ExecutionSet, Mapping[str, ExecutionChanged]] = {}
        #: By the identities of filters, whose comparison is slow (`interned`). They are kept alive.
        self._mismatches: dict[tuple[str, int], str] = {}
        self._filters: list[Filters] = []
        self._sort_keys: dict[Sort, dict[str, str]] = {}
        self._matching: dict[tuple[access.ExecutionSet, int], Mapping[str, ExecutionChanged]] = {}

    def with_read(
        self, variables: Mapping[str, Mapping[str, Any]], flows: Arrangement
    ) -> "CommittedChanges":
        """Return the same changes with what filters ask for and no event says."""
        return CommittedChanges(
            self.events,
            replayed=self.replayed,
            variables=variables,
            flows=flows,
            watched_by=self.watched_by,
        )

    def __len__(self) -> int:
        return len(self.events)

    def visible(self, visibility: Visibility) -> Mapping[str, ExecutionChanged]:
        """Return the events that a user may see, by their ids."""
        if visibility.key.is_all:
            return self.events
        if visibility.key not in self._visible:
            self._visible[visibility.key] = {
                one: event for one, event in self.events.items() if visibility.includes(event)
            }
        return self._visible[visibility.key]

    def matching(self, visibility: Visibility, filters: Filters) -> Mapping[str, ExecutionChanged]:
        """Return the events that a user may see and that match a filter."""
        key = (visibility.key, id(filters))
        if key not in self._matching:
            self._filters.append(filters)
            visible = self.visible(visibility)
            self._matching[key] = {
                one: event for one, event in visible.items() if not self.mismatch(event, filters)
            }
        return self._matching[key]

    def mismatch(self, event: ExecutionChanged, filters: Filters) -> str:
        """Return why an event doesn't match a filter; "" when it does."""
        key = (event.id, id(filters))
        if key not in self._mismatches:
            self._filters.append(filters)
            values = self.variables.get(event.id)
            watched = () if filters.me is None else self.watched_by(filters.me)
            self._mismatches[key] = filters.mismatch(event, values, self.now, watched, self.flows)
        return self._mismatches[key]

    def sort_key(self, event: ExecutionChanged, sort: Sort) -> str:
        """Return where the row of an event stands in an order."""
        keys = self._sort_keys.setdefault(sort, {})
        if event.id not in keys:
            keys[event.id] = str(sort.key(event))
        return keys[event.id]

    @cached_property
    def roots(self) -> list[ExecutionChanged]:
        """The events of executions without a parent."""
        return [event for event in self.events.values() if event.parent_id is None]

    @cached_property
    def children(self) -> Mapping[str, list[ExecutionChanged]]:
        """The events of children, by the ids of their parents."""
        children: dict[str, list[ExecutionChanged]] = {}
        for event in self.events.values():
            if event.parent_id is not None:
                children.setdefault(event.parent_id, []).append(event)
        return children
