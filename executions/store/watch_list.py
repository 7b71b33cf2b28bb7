"""Who watches which executions, and what they have not been told of yet."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest

from executions.models import Execution, Watch
from executions.states import TERMINAL, Place, Status

#: Executions that one user may watch at a time; those that ended and were told of don't count.
LIMIT = 500


def is_news(status: str, place: str) -> bool:
    """Whether whoever watches is told of this: it has ended, or it waits for a person because of
    an exception or a breakpoint."""
    return (
        status in TERMINAL
        or status == Status.EXCEPTION
        or (status == Status.PAUSED and place == Place.BREAKPOINT)
    )


#: The same for a queryset of watches.
_NEWS = (
    Q(execution__status__in=[*sorted(TERMINAL), Status.EXCEPTION])
    | Q(execution__status=Status.PAUSED, execution__place=Place.BREAKPOINT)
) & Q(execution__revision__gt=F("told_revision"))


def ids(user_id: int) -> list[str]:
    """The executions that a user watches."""
    found = Watch.objects.filter(user_id=user_id).values_list("execution_id", flat=True)
    return [str(one) for one in found[:LIMIT]]


def is_watched(user_id: int, execution_id: UUID) -> bool:
    """Whether a user watches an execution."""
    return Watch.objects.filter(user_id=user_id, execution_id=execution_id).exists()


def begin(user_id: int, executions: QuerySet[Execution]) -> list[str]:
    """Watch these, from what they are now; those that have ended are left out, and what exceeds
    the limit. Returns the ids that are watched now."""
    room = LIMIT - Watch.objects.filter(user_id=user_id).count()
    live = executions.filter(ended_at=None).values_list("pk", "revision")[: max(room, 0)]
    rows = [Watch(user_id=user_id, execution_id=pk, told_revision=now) for pk, now in live]
    Watch.objects.bulk_create(rows, ignore_conflicts=True)
    return [str(row.execution_id) for row in rows]


def end(user_id: int, executions: Sequence[UUID]) -> None:
    """Watch these no longer."""
    Watch.objects.filter(user_id=user_id, execution_id__in=executions).delete()


def news(user_id: int, visible: QuerySet[Execution]) -> list[dict[str, Any]]:
    """What a user watches and has not been told of: what a frame needs of each."""
    untold = Watch.objects.filter(_NEWS, user_id=user_id).values("execution_id")
    columns = (
        "id", "revision", "flow_name", "status", "place", "unhandled", "error_type",
        "error_message", "block_description",
    )  # fmt: skip
    return list(visible.filter(pk__in=untold).order_by("-updated_at").values(*columns)[:20])


def told(user_id: int, execution_id: UUID, revision: int) -> bool:
    """They know what happened up to a revision; of one that has ended there is no more to come.
    Returns whether that ends the watch."""
    watches = Watch.objects.filter(user_id=user_id, execution_id=execution_id)
    watches.update(told_revision=Greatest("told_revision", revision))
    ended, _ = watches.filter(
        execution__ended_at__isnull=False, execution__revision__lte=F("told_revision")
    ).delete()
    return bool(ended)
