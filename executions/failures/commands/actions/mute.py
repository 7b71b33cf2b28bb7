"""Mute: leave the group out of what needs somebody, until something comes.

Field: `until`, one of 1h, 1d, 7d, time (with the field `time`), count (with the field `count`: how
many further failures), version (a new one fails).
"""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from executions.commands.request import CommandRefused
from executions.failures import versions
from executions.failures.commands.command import (
    UNSOLVED,
    Done,
    FailureCommand,
    FailureRequest,
    State,
)
from executions.failures.occurrences import NOT_MUTED
from flows.formatting import moment

SPANS = {"1h": timedelta(hours=1), "1d": timedelta(days=1), "7d": timedelta(days=7)}
LONGEST = timedelta(days=366)
MOST = 1_000_000_000


def execute(request: FailureRequest) -> Done:
    group, until = request.group, request.text("until")
    for name, value in NOT_MUTED.items():
        setattr(group, name, value)
    if until in SPANS:
        group.muted_until = request.now + SPANS[until]
        text = f"Muted it until {moment(group.muted_until)}."
    elif until == "time":
        group.muted_until = _time(request)
        text = f"Muted it until {moment(group.muted_until)}."
    elif until == "count":
        further = _count(request)
        group.muted_until_count = group.count + further
        text = f"Muted it until it fails {further:,} more times."
    elif until == "version":
        group.muted_in_version = versions.newest(group)
        text = f"Muted it until a version after v{group.muted_in_version} fails."
    else:
        raise CommandRefused("Choose until when it is muted.")
    group.state, group.changed_at = State.MUTED, request.now
    return Done(text)


def _time(request: FailureRequest) -> datetime:
    try:
        typed = parse_datetime(request.text("time"))
    except ValueError:
        typed = None
    if typed is None:
        raise CommandRefused("Write the time until which it is muted, such as 2026-12-01T08:00.")
    time = timezone.make_aware(typed) if timezone.is_naive(typed) else typed
    if not request.now < time <= request.now + LONGEST:
        raise CommandRefused("The time until which it is muted lies within the next year.")
    return time


def _count(request: FailureRequest) -> int:
    typed = request.text("count")
    if not (typed.isascii() and typed.isdigit() and 0 < int(typed[:12]) <= MOST):
        raise CommandRefused("Write after how many further failures it needs somebody again.")
    return int(typed)


COMMAND = FailureCommand(
    name="mute",
    summary="Leave this failure out of what needs somebody, until a time, count or new version.",
    icon="mute",
    applies_to=UNSOLVED | {State.MUTED},
    execute=execute,
)
