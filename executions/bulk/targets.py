"""The executions that a bulk command is for: selected ones, or all that match a filter.

The oldest come first. A parent has started before its children, so a family is stopped from the
top, and no parent is woken by the end of a child that is stopped too. With `child_first`, the
newest come first, so that a command reaches children before their parents.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Target:
    """The executions that a job is for: selected ones, or all that match the filters."""

    #: The ids of the selected ones, with the statuses that the person saw.
    chosen: Mapping[str, str] | None = None
    #: As in an address.
    filters: str = ""
    #: Whether the newest come first instead of the oldest.
    child_first: bool = False


def matching(
    user: access.User,
    filters: Filters,
    command: str,
    before: datetime,
    *,
    child_first: bool = False,
) -> QuerySet[Execution]:
    """The executions that match, that the user may see, to which the command applies, and that had
    started by `before`. The others are not read: of a million, most have ended."""
    chosen = filters.statuses or frozenset(Status)
    declared = COMMANDS[command]
    applies = Q(status__in=sorted(declared.applies_to & chosen))
    if declared.applies_to_unhandled and Status.ENDED in chosen:
        applies |= Q(unhandled=True)
    if declared.for_roots:
        applies &= Q(parent=None)
    return (
        access.visible(user)
        .filter(filters.seen_by(user).condition(before), applies, started_at__lte=before)
        .order_by(*_order(child_first))
    )


def selected(
    user: access.User, ids: Sequence[UUID], *, child_first: bool = False
) -> list[Execution]:
    """Those of these executions that the user may see."""
    found = access.visible(user).filter(pk__in=ids)
    return list(found.only(*_FIELDS).order_by(*_order(child_first)))


def next_batch(job: BulkJob, user: access.User, size: int) -> tuple[list[Execution], str]:
    """The next executions of a job, and its cursor after them; no executions at the end."""
    if job.chosen is not None:
        return _next_chosen(job, user, size)
    with timezone.override(job.zone or None):
        filters = Filters.parse(QueryDict(job.filters))
        if not filters.are_understood:
            # An older version knew more fields. Without them, more would match than was asked for.
            return [], ""
        rows = matching(user, filters, job.command, job.created_at, child_first=job.child_first)
    if job.cursor:
        rows = rows.filter(_after(job.cursor, job.child_first))
    batch = list(rows.only(*_FIELDS)[:size])
    return batch, _cursor(batch[-1]) if batch else ""


def seen_statuses(job: BulkJob) -> Mapping[UUID, Status]:
    """The statuses of the selected executions that the person saw."""
    return {UUID(key): Status(status) for key, status in (job.chosen or {}).items() if status}


def _next_chosen(job: BulkJob, user: access.User, size: int) -> tuple[list[Execution], str]:
    # Ids sort by the time at which they were made.
    rest = sorted(job.chosen or {}, reverse=job.child_first)
    if job.cursor:
        rest = [key for key in rest if (key < job.cursor if job.child_first else key > job.cursor)]
    while rest:
        ids, rest = rest[:size], rest[size:]
        # Those that were deleted, or that the user may no longer see, are skipped.
        if batch := selected(user, [UUID(key) for key in ids], child_first=job.child_first):
            return batch, ids[-1]
    return [], ""


def _cursor(execution: Execution) -> str:
    microseconds = (execution.started_at - _EPOCH) // timedelta(microseconds=1)
    return f"{microseconds}-{execution.pk.hex}"


def _order(child_first: bool) -> tuple[str, str]:
    return ("-started_at", "-id") if child_first else ("started_at", "id")


def _after(cursor: str, child_first: bool) -> Q:
    found: Any = re.fullmatch(r"([0-9]+)-([0-9a-f]{32})", cursor)
    at = _EPOCH + timedelta(microseconds=int(found[1]))
    # The first condition is redundant, but lets the index be entered there.
    if child_first:
        return Q(started_at__lte=at) & (Q(started_at__lt=at) | Q(id__lt=UUID(found[2])))
    return Q(started_at__gte=at) & (Q(started_at__gt=at) | Q(id__gt=UUID(found[2])))
