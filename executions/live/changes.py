"""What has changed since the last tick, and whom it concerns: worked out once for all viewers that
have the same filter and the same permissions, and not at all for the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils import timezone

from executions import access
from executions.grid.filters import Filters
from executions.grid.sorting import Sort
from executions.live.events import ExecutionChanged


@dataclass(frozen=True)
class Scope:
    """Whose executions a user sees (`executions.access`), as it was when they connected."""

    user: Any
    sees_all: bool

    @classmethod
    def of(cls, user: Any) -> "Scope":
        """Asks the database for the user's permissions."""
        return cls(user, access.sees_all(user))

    def includes(self, event: ExecutionChanged) -> bool:
        return self.sees_all or event.initiator_id == self.user.pk

    @property
    def key(self) -> int | None:
        """Users with the same one see the same executions."""
        return None if self.sees_all else self.user.pk


class Changes:
    """The newest event of each execution that has changed.

    `late` ones come again, to someone who looks at something else now, and measure no delay.
    `variables` are the values, by id and name, that filters ask for.
    """

    def __init__(
        self,
        events: Mapping[str, ExecutionChanged],
        *,
        late: bool = False,
        variables: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.events = events
        self.late = late
        self.variables = variables or {}
        self.now = timezone.now()
        self._seen: dict[int | None, Mapping[str, ExecutionChanged]] = {None: events}
        self._mismatches: dict[tuple[str, Filters], str] = {}
        self._keys: dict[Sort, dict[str, str]] = {}
        self._matching: dict[tuple[int | None, Filters], Mapping[str, ExecutionChanged]] = {}

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
        key = (scope.key, filters)
        if key not in self._matching:
            seen = self.seen(scope)
            self._matching[key] = {
                one: event for one, event in seen.items() if not self.mismatch(event, filters)
            }
        return self._matching[key]

    def mismatch(self, event: ExecutionChanged, filters: Filters) -> str:
        """Why a filter doesn't let an event through; "" when it does."""
        key = (event.id, filters)
        if key not in self._mismatches:
            held = self.variables.get(event.id)
            self._mismatches[key] = filters.mismatch(event, held, self.now)
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
