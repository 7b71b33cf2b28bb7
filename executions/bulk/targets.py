"""Which executions a command for many is for: those that were chosen, or all that match a filter.

They are taken oldest first: a parent has started before its children, so what stops a family stops
it from the top, and no parent is woken by the end of a child that is stopped along with it. With
`child_first` the newest come first, so that a command goes through families from the bottom.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone

from executions import access
from executions.commands.registry import COMMANDS
from executions.grid.query.filters import Filters
from executions.models import BulkJob, Execution
from executions.states import Status

#: What a command reads of an execution.
_FIELDS = ("id", "flow_name", "status", "unhandled", "initiator_id", "started_at", "secrets")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def matching(
    user: access.User,
    filters: Filters,
    command: str,
    before: datetime,
    *,
    child_first: bool = False,
) -> QuerySet[Execution]:
    """What the user may see of what matches, to which the command applies, and that had started
    by then. The rest is not even looked at: of a million, most have ended."""
    chosen = filters.statuses or frozenset(Status)
    declared = COMMANDS[command]
    applies = Q(status__in=sorted(declared.applies_to & chosen))
    if declared.applies_to_unhandled and Status.ENDED in chosen:
        applies |= Q(unhandled=True)
    return (
        access.visible(user)
        .filter(filters.seen_by(user).condition(before), applies, started_at__lte=before)
        .order_by(*_order(child_first))
    )


def chosen(user: access.User, ids: Sequence[UUID], *, child_first: bool = False) -> list[Execution]:
    """What the user may see of these."""
    found = access.visible(user).filter(pk__in=ids)
    return list(found.only(*_FIELDS).order_by(*_order(child_first)))


def next_batch(job: BulkJob, user: access.User, size: int) -> tuple[list[Execution], str]:
    """The executions that a job comes to next, and its cursor behind them; empty at its end."""
    if job.chosen is not None:
        return _next_chosen(job, user, size)
    with timezone.override(job.zone or None):
        filters = Filters.parse(QueryDict(job.filters))
        if not filters.are_understood:
            # It would match more than was asked for: an older version knew more fields.
            return [], ""
        rows = matching(user, filters, job.command, job.created_at, child_first=job.child_first)
    if job.cursor:
        rows = rows.filter(_behind(job.cursor, job.child_first))
    batch = list(rows.only(*_FIELDS)[:size])
    return batch, _cursor(batch[-1]) if batch else ""


def seen_statuses(job: BulkJob) -> Mapping[UUID, Status]:
    """The statuses in which the person saw what they chose."""
    return {UUID(key): Status(status) for key, status in (job.chosen or {}).items() if status}


def _next_chosen(job: BulkJob, user: access.User, size: int) -> tuple[list[Execution], str]:
    # Ids sort by the time at which they were made.
    rest = sorted(job.chosen or {}, reverse=job.child_first)
    if job.cursor:
        rest = [key for key in rest if (key < job.cursor if job.child_first else key > job.cursor)]
    while rest:
        ids, rest = rest[:size], rest[size:]
        # What was deleted meanwhile, or may no longer be seen, is passed over.
        if batch := chosen(user, [UUID(key) for key in ids], child_first=job.child_first):
            return batch, ids[-1]
    return [], ""


def _cursor(execution: Execution) -> str:
    microseconds = (execution.started_at - _EPOCH) // timedelta(microseconds=1)
    return f"{microseconds}-{execution.pk.hex}"


def _order(child_first: bool) -> tuple[str, str]:
    return ("-started_at", "-id") if child_first else ("started_at", "id")


def _behind(cursor: str, child_first: bool) -> Q:
    found: Any = re.fullmatch(r"([0-9]+)-([0-9a-f]{32})", cursor)
    at = _EPOCH + timedelta(microseconds=int(found[1]))
    # The first condition says nothing new, but lets the index be entered there.
    if child_first:
        return Q(started_at__lte=at) & (Q(started_at__lt=at) | Q(id__lt=UUID(found[2])))
    return Q(started_at__gte=at) & (Q(started_at__gt=at) | Q(id__gt=UUID(found[2])))
