"""The timeline of an execution: how long its steps took, where it threw, and when each step was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection

from executions.models import Execution, Step

#: Steps whose times are returned at once.
TIMES = 2000
_SEGMENTS = """
    SELECT (s.number - 1) * %(n)s / %(count)s AS place, min(s.number), min(s.at),
        sum(s.duration)::bigint, count(*) FILTER (WHERE s.exception <> ''),
        min(s.number) FILTER (WHERE s.exception <> '')
    FROM executions_step s WHERE s.execution_id = %(id)s AND s.number <= %(count)s
    GROUP BY place
"""
_EXCEPTION_STEPS = """
    SELECT max(step) FILTER (WHERE step < %s), min(step) FILTER (WHERE step > %s)
    FROM executions_exceptionrecord WHERE execution_id = %s
"""


@dataclass(frozen=True, slots=True)
class TimelineSegment:
    """Consecutive steps: the first one and its time, their microseconds in all, how many exceptions
    they threw, and the first step that threw one."""

    first: int
    at: datetime
    duration: int
    thrown: int
    thrown_at: int | None


def segments(execution: Execution, number: int) -> dict[int, TimelineSegment]:
    """Split the steps into segments of one size; return those with kept steps, by place."""
    with connection.cursor() as cursor:
        cursor.execute(
            _SEGMENTS,
            {"n": number, "count": max(1, execution.step_count), "id": execution.pk},
        )
        return {row[0]: TimelineSegment(*row[1:]) for row in cursor.fetchall()}


def step_at(execution: Execution, milliseconds: int) -> int | None:
    """Return the last step that had begun at a moment: 0 before the first, None for the newest."""
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None
    begun = Step.objects.filter(execution_id=execution.pk, at__lte=moment)
    number = begun.order_by("-number").values_list("number", flat=True).first()
    if number is None:
        return 0
    return None if number >= execution.step_count else int(number)


def exception_steps(execution_id: UUID, step: int) -> tuple[int | None, int | None]:
    """Return the nearest steps before and after that threw."""
    with connection.cursor() as cursor:
        cursor.execute(_EXCEPTION_STEPS, [step, step, execution_id])
        before, after = cursor.fetchone()
    return before, after


def times(execution_id: UUID, first: int, *, back: bool) -> Sequence[tuple[int, int]]:
    """Return step numbers from `first` on, forwards or back, and when each ended, in milliseconds
    since the epoch."""
    rows = Step.objects.filter(execution_id=execution_id)
    rows = (
        rows.filter(number__lte=first).order_by("-number")
        if back
        else rows.filter(number__gte=first).order_by("number")
    )
    found = rows.values_list("number", "at", "duration")[:TIMES]
    return [
        (number, int(at.timestamp() * 1000 + duration / 1000)) for number, at, duration in found
    ]
