"""Finds changes of which no message came: a worker can die between a commit and its message."""

from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from executions.events import ExecutionChanged
from executions.grid.table.row_events import read_events
from executions.models import Execution

#: Changes that one look reads; when there are more, pages are fetched again.
LIMIT = 2_000


def changed_between(oldest: float, newest: float) -> list[tuple[str, int]]:
    """Return the ids and revisions of what changed between so many seconds ago, and one more than
    LIMIT at most."""
    since, until = (Now() - timedelta(seconds=ago) for ago in (oldest, newest))
    rows = Execution.objects.filter(updated_at__gt=since, updated_at__lte=until)
    listed: Any = rows.order_by("updated_at", "id").values_list("id", "revision")
    return [(str(one), revision) for one, revision in listed[: LIMIT + 1]]


def events_of(ids: list[str]) -> list[ExecutionChanged]:
    """Return the events that describe these executions as they are now."""
    return read_events(Execution.objects.filter(pk__in=ids))
