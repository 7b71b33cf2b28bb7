"""What has changed since the last tick, and whom it concerns: worked out once for all viewers that
have the same filter and the same permissions, and not at all for the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from executions import access
from executions.grid.filters import Filters
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
    """The newest event of each execution that has changed. `late` ones come again, to someone who
    looks at something else now, and measure no delay."""

    def __init__(self, events: Mapping[str, ExecutionChanged], *, late: bool = False) -> None:
        self.events = events
        self.late = late
        self._seen: dict[int | None, Mapping[str, ExecutionChanged]] = {None: events}
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
                one: event for one, event in seen.items() if filters.matches(event)
            }
        return self._matching[key]

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
