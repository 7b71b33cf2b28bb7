"""What has changed since the last tick, and whom it concerns: worked out once for all viewers that
have the same filter and the same permissions, and not at all for the others."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from django.utils import timezone

from executions import access
from executions.events import ExecutionChanged
from executions.grid.query.filters import Filters
from executions.grid.table.sorting import Sort


@lru_cache(maxsize=10_000)
def same(filters: Filters) -> Filters:
    """One object for all filters that are equal."""
    return filters


@dataclass(frozen=True)
class Scope:
    """Whose executions a user sees (`executions.access`), as it was when they connected."""

    user: Any
    sees_all: bool
    #: Users with the same one see the same executions.
    key: int | None = field(init=False)

    def __post_init__(self) -> None:
        # Asked of every event, and the user of a request is looked up each time.
        object.__setattr__(self, "key", None if self.sees_all else self.user.pk)

    @classmethod
    def of(cls, user: Any) -> "Scope":
        """Asks the database for the user's permissions."""
        return cls(user, access.sees_all(user))

    def includes(self, event: ExecutionChanged) -> bool:
        return self.key is None or event.initiator_id == self.key


class Changes:
    """The newest event of each execution that has changed.

    `late` ones come again, to someone who looks at something else now, and measure no delay.
    `variables` are the values, by id and name, that filters ask for; `watched` tells the ids of
    what a user watches.
    """

    def __init__(
        self,
        events: Mapping[str, ExecutionChanged],
        *,
        late: bool = False,
        variables: Mapping[str, Mapping[str, Any]] | None = None,
        watched: Callable[[int], Collection[str]] = lambda user_id: (),
    ) -> None:
        self.events = events
        self.late = late
        self.variables = variables or {}
        self.watched = watched
        self.now = timezone.now()
        self._seen: dict[int | None, Mapping[str, ExecutionChanged]] = {None: events}
        #: By the identities of filters, which are dear to compare (`same`), and are kept here.
        self._mismatches: dict[tuple[str, int], str] = {}
        self._filters: list[Filters] = []
        self._keys: dict[Sort, dict[str, str]] = {}
        self._matching: dict[tuple[int | None, int], Mapping[str, ExecutionChanged]] = {}

    def knowing(self, variables: Mapping[str, Mapping[str, Any]]) -> "Changes":
        """The same, with the values that filters ask for."""
        return Changes(self.events, late=self.late, variables=variables, watched=self.watched)

    def __len__(self) -> int:
        return len(self.events)

    def seen(self, scope: Scope) -> Mapping[str, ExecutionChanged]:
        """Those that a user may see, by their ids."""
        if scope.key not in self._seen:
            self._seen[scope.key] = {
                one: event for one, event in self.events.items() if scope.includes(event)
            }
        return self._seen[scope.key]

    def matching(self, scope: Scope, filters: Filters) -> Mapping[str, ExecutionChanged]:
        """Those of them that a filter lets through."""
        key = (scope.key, id(filters))
        if key not in self._matching:
            self._filters.append(filters)
            seen = self.seen(scope)
            self._matching[key] = {
                one: event for one, event in seen.items() if not self.mismatch(event, filters)
            }
        return self._matching[key]

    def mismatch(self, event: ExecutionChanged, filters: Filters) -> str:
        """Why a filter doesn't let an event through; "" when it does."""
        key = (event.id, id(filters))
        if key not in self._mismatches:
            self._filters.append(filters)
            held = self.variables.get(event.id)
            watched = () if filters.me is None else self.watched(filters.me)
            self._mismatches[key] = filters.mismatch(event, held, self.now, watched)
        return self._mismatches[key]

    def key(self, event: ExecutionChanged, sort: Sort) -> str:
        """Where the row of an event stands in an order."""
        keys = self._keys.setdefault(sort, {})
        if event.id not in keys:
            keys[event.id] = str(sort.key(event))
        return keys[event.id]

    @cached_property
    def roots(self) -> list[ExecutionChanged]:
        """Those that have no parent."""
        return [event for event in self.events.values() if event.parent_id is None]

    @cached_property
    def children(self) -> Mapping[str, list[ExecutionChanged]]:
        """The others, by their parents' ids."""
        found: dict[str, list[ExecutionChanged]] = {}
        for event in self.events.values():
            if event.parent_id is not None:
                found.setdefault(event.parent_id, []).append(event)
        return found
