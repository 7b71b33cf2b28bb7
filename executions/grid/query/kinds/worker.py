"""The worker that holds an execution."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from executions.grid.query.kinds.kind import QueryContext
from executions.grid.query.kinds.name import Name
from executions.models import Execution
from executions.states import LIVE


@dataclass(frozen=True)
class WorkerName(Name):
    """The name of a worker, which holds nothing that is over."""

    optional: bool = True

    def names_sql(self, names: Sequence[str], context: QueryContext) -> Q:
        wanted = super().names_sql(names, context)
        # Says nothing new, but there are few of them, and an index.
        return wanted & Q(status__in=sorted(LIVE)) if names else wanted

    def recent(self, user: Any) -> QuerySet[Execution]:
        return super().recent(user).filter(status__in=sorted(LIVE))
