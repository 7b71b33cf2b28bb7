"""Watches: which executions a user follows, and the notifications that they have not read yet."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest

from executions import appearance
from executions.events import ExecutionChanged
from executions.models import Execution, Watch
from executions.states import TERMINAL, Place, Status

#: Executions that one user may watch at a time. Those that have ended, with the notification read,
#: don't count.
LIMIT = 500
#: Unread notifications that one page shows.
_SHOWN = 20


def notifies(status: str, place: str) -> bool:
    """Return whether watchers are notified of this state: the execution has ended, or waits for a
    person because of an exception or a breakpoint."""
    return (
        status in TERMINAL
        or status == Status.EXCEPTION
        or (status == Status.PAUSED and place == Place.BREAKPOINT)
    )


#: `notifies` as a condition on watches, of changes that their users have not read.
_UNREAD = (
    Q(execution__status__in=[*sorted(TERMINAL), Status.EXCEPTION])
    | Q(execution__status=Status.PAUSED, execution__place=Place.BREAKPOINT)
) & Q(execution__revision__gt=F("read_revision"))


def notification(execution: ExecutionChanged | Execution) -> dict[str, Any]:
    """Return what a page needs to notify its user of what has happened to an execution."""
    return {
        "id": str(execution.id),
        "revision": execution.revision,
        "flow": execution.flow_name,
        "status": execution.status,
        "failed": execution.unhandled or execution.status != Status.ENDED,
        "word": appearance.label(execution.status, execution.place, unhandled=execution.unhandled),
        "detail": execution.error_message or execution.error_type or execution.block_description,
    }


#: Watches of what has ended, whose users have read that.
_OVER = Q(execution__ended_at__isnull=False, execution__revision__lte=F("read_revision"))


def current(user_id: int) -> QuerySet[Watch]:
    """Return the watches of a user that are not over."""
    return Watch.objects.filter(~_OVER, user_id=user_id)


def watched_ids(user_id: int) -> list[str]:
    """Return the ids of the executions that a user watches."""
    found = current(user_id).values_list("execution_id", flat=True)
    return [str(one) for one in found[:LIMIT]]


def is_watched(user_id: int, execution_id: UUID) -> bool:
    """Return whether a user watches an execution."""
    return Watch.objects.filter(user_id=user_id, execution_id=execution_id).exists()


def watch(user_id: int, executions: QuerySet[Execution]) -> list[str]:
    """Watch executions from now on, and return the ids of those that are watched.

    Executions that have ended are left out, and so is what exceeds the limit.
    """
    room = LIMIT - Watch.objects.filter(user_id=user_id).count()
    live = executions.filter(ended_at=None).values_list("pk", "revision")[: max(room, 0)]
    rows = [Watch(user_id=user_id, execution_id=pk, read_revision=now) for pk, now in live]
    Watch.objects.bulk_create(rows, ignore_conflicts=True)
    return [str(row.execution_id) for row in rows]


def unwatch(user_id: int, executions: Sequence[UUID]) -> None:
    """Stop watching executions."""
    Watch.objects.filter(user_id=user_id, execution_id__in=executions).delete()


def unread(user_id: int, visible: QuerySet[Execution]) -> list[dict[str, Any]]:
    """Return the notifications that a user has not read, newest first."""
    watches = Watch.objects.filter(_UNREAD, user_id=user_id).values("execution_id")
    executions = visible.filter(pk__in=watches).order_by("-updated_at").only(
        "id", "revision", "flow_name", "status", "place", "unhandled", "error_type",
        "error_message", "block_description",
    )  # fmt: skip
    return [notification(execution) for execution in executions[:_SHOWN]]


def mark_read(user_id: int, execution_id: UUID, revision: int) -> bool:
    """Record that a user has read the notification of a revision.

    Returns whether the execution has ended, so that nothing follows; its watch is then deleted,
    unless the end has yet to be told by other channels.
    """
    watches = Watch.objects.filter(user_id=user_id, execution_id=execution_id)
    watches.update(read_revision=Greatest("read_revision", revision))
    is_over = watches.filter(_OVER).exists()
    if is_over:
        delete_told(watches)
    return is_over


def untold_ends() -> QuerySet[Watch]:
    """Return the watches of executions that have ended, of which their users were not told yet by
    the channels that they have chosen; nobody else tells of them meanwhile."""
    found = Watch.objects.filter(is_told=False, execution__ended_at__isnull=False)
    return found.select_for_update(of=("self",), skip_locked=True).order_by("pk")


def delete_told(watches: QuerySet[Watch]) -> None:
    """Delete the watches that are over and told."""
    watches.filter(_OVER, is_told=True).delete()
