"""The semaphore that an execution waits for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from executions.events import ExecutionChanged
from executions.grid.query.kinds.kind import EventContext, Predicate, QueryContext
from executions.grid.query.kinds.name import Name
from executions.models import Execution
from executions.states import Reason, Status

#: An execution keeps the name of what it waited for when it waits no longer.
_WAITING = Q(status=Status.RUNNING, reason=Reason.SEMAPHORE)


@dataclass(frozen=True)
class SemaphoreName(Name):
    """The name of a semaphore, while an execution waits for it."""

    def sql(self, values: Sequence[str], context: QueryContext) -> Q:
        return super().sql(values, context) & _WAITING

    def matches(self, values: Sequence[str], me: int | None) -> Predicate:
        column, is_wanted = self.column, self.name_matcher(values)

        def holds(event: ExecutionChanged, context: EventContext) -> bool:
            is_waiting = event.status == Status.RUNNING and event.reason == Reason.SEMAPHORE
            return is_waiting and is_wanted(getattr(event, column))

        return holds

    def recent(self, user: Any) -> QuerySet[Execution]:
        return super().recent(user).filter(_WAITING)
