"""Making, changing, switching and deleting schedules, with the audit entries that say so."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from executions import audit
from executions.access import User
from executions.audit.states import State, state_of
from executions.commands.actor import Actor
from executions.limits import MAX_SCHEDULES
from executions.models import Schedule, SchedulePause, ScheduleRun
from executions.schedules import access, timing

#: Columns that a form of a schedule may change.
FIELDS = (
    "name",
    "description",
    "version",
    "cron",
    "zone",
    "starts_on",
    "ends_on",
    "excluded_days",
    "calendar",
    "calendar_name",
    "jitter_seconds",
    "overlap",
    "misfire",
    "grace_seconds",
    "inputs",
    "secret_inputs",
)
_TIMING = ("next_at", "due_at", "problem", "problem_at")


class ScheduleChanged(Exception):
    """Somebody else has changed the schedule since its form was shown."""


class TooManySchedules(Exception):
    """There are as many schedules as there may be."""


def save(user: Any, actor: Actor, schedule: Schedule) -> None:
    """Insert a schedule, or update it with what a form says. From then on it starts on behalf of
    the user. Raises ScheduleChanged, TooManySchedules, CronError and CalendarError."""
    _require_permission(user, schedule)
    now = timezone.now()
    is_new = schedule.pk is None
    with transaction.atomic():
        if is_new:
            if Schedule.objects.count() >= MAX_SCHEDULES:
                raise TooManySchedules
            before = None
        else:
            before = _locked(schedule)
        schedule.owner = user
        schedule.problem, schedule.problem_at = "", None
        timing.plan_next(schedule, now)
        if is_new:
            schedule.switched_by, schedule.switched_at = actor.name, now
            schedule.save(force_insert=True)
        else:
            schedule.revision += 1
            schedule.save(
                update_fields=[*FIELDS, *_TIMING, "owner", "revision", "is_on", "changed_at"]
            )
        command = "make-schedule" if is_new else "change-schedule"
        audit.record(actor, command, subject=schedule, before=before, after=audit_form(schedule))


def _locked(schedule: Schedule) -> State:
    """Lock the row of a schedule, and take from it what its form does not hold."""
    row = Schedule.objects.select_for_update(of=("self",)).filter(pk=schedule.pk).first()
    if row is None or row.revision != schedule.revision:
        raise ScheduleChanged
    schedule.last_at = row.last_at
    return audit_form(row)


def switch(user: Any, actor: Actor, schedules: Iterable[Schedule], *, is_on: bool) -> int:
    """Switch schedules on or off; returns how many were not so before. Times that have passed while
    one was off start nothing."""
    now, count = timezone.now(), 0
    for given in schedules:
        _require_permission(user, given)
        with transaction.atomic():
            row = Schedule.objects.select_for_update(of=("self",)).select_related("flow")
            schedule = row.filter(pk=given.pk).exclude(is_on=is_on).first()
            if schedule is None:
                continue
            schedule.is_on = is_on
            schedule.switched_by, schedule.switched_at = actor.name, now
            schedule.revision += 1
            timing.plan_next(schedule, now)
            schedule.save(
                update_fields=["is_on", "switched_by", "switched_at", "revision", *_TIMING]
            )
            if not is_on:
                _forget_waiting(schedule, f"Switched off by {actor.name}.", now)
            command = "enable-schedule" if is_on else "disable-schedule"
            audit.record(actor, command, subject=schedule)
        count += 1
    return count


def _forget_waiting(schedule: Schedule, why: str, now: datetime) -> None:
    ScheduleRun.objects.filter(schedule=schedule, outcome=ScheduleRun.Outcome.WAITING).update(
        outcome=ScheduleRun.Outcome.SKIPPED, detail=why, at=now
    )


def delete(user: Any, actor: Actor, schedule: Schedule) -> None:
    """Delete a schedule with what is kept of its times. Its executions stay."""
    _require_permission(user, schedule)
    with transaction.atomic():
        audit.record(actor, "delete-schedule", subject=schedule, before=audit_form(schedule))
        schedule.delete()


def pause_all(user: Any, actor: Actor, *, is_paused: bool) -> None:
    """Pause all schedules, or let them go on. Times that pass meanwhile start nothing."""
    if not access.may_pause_all(user):
        raise PermissionError("may not pause all schedules")
    with transaction.atomic():
        values = {
            "is_paused": is_paused,
            "changed_at": timezone.now(),
            "changed_by": actor.name,
        }
        SchedulePause.objects.update_or_create(pk=True, defaults=values)
        command = "pause-schedules" if is_paused else "resume-schedules"
        audit.record(actor, command, object_kind="schedules", object_name="all schedules")


def _require_permission(user: User, schedule: Schedule) -> None:
    if not access.may_change(user, schedule.flow):
        raise PermissionError("may not change schedules of this flow")


def audit_form(schedule: Schedule) -> State:
    """Return what a schedule says, for the audit trail; it masks the secret inputs."""
    state = state_of(schedule)
    return {name: state[name] for name in ("flow", *FIELDS, "is_on", "owner")}
