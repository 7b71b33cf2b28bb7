"""Schedules for tests, and the clock that makes them due."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Permission, User
from django.utils import timezone

from executions.models import Schedule
from executions.schedules import due, timing
from flows.models import Flow


def scheduler(name: str = "sam", *more: str) -> User:
    """A user who may see, start and schedule flows."""
    user, _ = User.objects.get_or_create(username=name)
    codenames = ("view_flow", "start_flow", "change_schedule", *more)
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return User.objects.get(pk=user.pk)


def make_schedule(
    flow: Flow, owner: User | None, cron: str = "0 12 * * *", **given: Any
) -> Schedule:
    """A schedule as the page makes it."""
    columns = {"name": f"{flow.name} {cron}", "cron": cron, **given}
    schedule = Schedule(flow=flow, owner=owner, **columns)
    timing.plan_next(schedule, timezone.now())
    schedule.save()
    return schedule


def come(schedule: Schedule, ago: timedelta = timedelta()) -> datetime:
    """Let the next time of a schedule be now, or some time ago."""
    at = timezone.now() - ago
    Schedule.objects.filter(pk=schedule.pk).update(next_at=at, due_at=at, last_at=None)
    return at


def fire(schedule: Schedule, ago: timedelta = timedelta()) -> datetime:
    """Let a time of a schedule come, and start what is due."""
    at = come(schedule, ago)
    due.start_due()
    schedule.refresh_from_db()
    return at
