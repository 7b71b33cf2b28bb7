"""Executions of the database as the events that describe them: rows are rendered from these."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from executions import events
from executions.events import ExecutionChanged
from executions.models import Execution


def event_of(values: Mapping[str, Any]) -> ExecutionChanged:
    """The event that a row of `queryset.values(*events.COLUMNS)` would have been published as."""
    plain: dict[str, Any] = {n: str(v) if isinstance(v, UUID) else v for n, v in values.items()}
    return ExecutionChanged(**plain)


def read_events(*parts: QuerySet[Execution]) -> list[ExecutionChanged]:
    """The events that describe executions as they are now.

    One query, also for several parts, each in its order; parts may have limits of their own.
    """
    first, *others = (part.values(*events.COLUMNS) for part in parts)
    rows = first.union(*others, all=True) if others else first
    return [event_of(values) for values in rows]
