"""Deletes executions that ended some days ago, or that have many newer ones.

A root is deleted with all executions below it, and only when all have ended. Its flow may say how
many days that takes, whatever the flows of those below it say. Deletion works in short
transactions, locks nothing that runs, and can be interrupted anywhere: the next round continues.
The audit trail stays.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from executions.limits import (
    DELETED_FAMILY,
    FIRST_STEPS_KEPT,
    LAST_STEPS_KEPT,
    RETENTION_BATCH,
    RETENTION_ROOTS,
    RETENTION_SECONDS,
    RETENTION_STEPS,
    TRIM_BATCH,
)
from executions.models import Execution
from executions.store.state_params import STATE_PARAMS
from flows.models import Flow

logger = logging.getLogger(__name__)

# The deepest come first, so that no child is left without its parent. Families that a command has
# locked wait for another round.
_OVER = """
    WITH roots AS (
        SELECT e.id FROM executions_execution e
        WHERE e.status = ANY(%(terminal)s) AND e.parent_id IS NULL
            AND e.started_at < %(started)s
            AND {flows}
            AND NOT EXISTS (
                SELECT 1 FROM executions_execution m WHERE m.root_id = e.id
                    AND (m.ended_at IS NULL OR m.ended_at >= %(ended)s)
            )
        LIMIT %(roots)s
        FOR UPDATE SKIP LOCKED
    )
    SELECT m.id, m.step_count FROM executions_execution m JOIN roots ON m.root_id = roots.id
    ORDER BY m.depth DESC LIMIT %(batch)s
    FOR UPDATE OF m
"""
#: Of which flows the root may be.
_NAMED = "e.flow_name = ANY(%(flows)s)"
_OTHERS = "e.flow_name <> ALL(%(flows)s)"
#: A whole family of a root, the deepest first; none where any of it has not ended.
_FAMILY = """
    SELECT m.id FROM executions_execution m WHERE m.root_id = %(root)s AND NOT EXISTS (
        SELECT 1 FROM executions_execution live
        WHERE live.root_id = %(root)s AND live.ended_at IS NULL
    )
    ORDER BY m.depth DESC LIMIT %(most)s
    FOR UPDATE
"""
_DELETE = "DELETE FROM executions_execution WHERE id = ANY(%(ids)s)"
_UNREFERENCED = """
    DELETE FROM executions_changedvalue WHERE (execution_id, key) IN (
        SELECT v.execution_id, v.key
        FROM executions_changedvalue v JOIN executions_execution e ON e.id = v.execution_id
        WHERE v.first_step > %(first)s AND v.last_step <=
            %(first)s + (e.step_count - %(first)s - %(last)s) / %(trimmed)s * %(trimmed)s
            AND NOT EXISTS (
                SELECT 1 FROM executions_trimmedchange t
                WHERE t.execution_id = v.execution_id AND t.change ->> 'stored' = v.key
            )
        LIMIT %(batch)s
        FOR UPDATE OF v SKIP LOCKED
    )
"""


def delete_old(seconds: float = RETENTION_SECONDS) -> int:
    """Delete for so many seconds. Returns how many executions were deleted."""
    began = time.monotonic()
    deleted = values = 0

    def is_over() -> bool:
        return time.monotonic() - began >= seconds

    for rule in _rules():
        while not is_over() and (number := _delete(rule)):
            deleted += number
    while not is_over() and (number := _delete_unreferenced()):
        values += number
    if deleted or values:
        logger.info(
            "Deleted executions: %d; values that no step keeps: %d; in %.1f s%s",
            deleted,
            values,
            time.monotonic() - began,
            "; more next time" if is_over() else "",
        )
    return deleted


@dataclass(frozen=True, slots=True)
class _Rule:
    """A root that started before one time is deleted when all of it ended before another; `flows`
    are the names of the flows for which that holds, or, with `others`, does not."""

    started: datetime
    ended: datetime
    flows: list[str]
    others: bool = False


def _rules() -> Iterator[_Rule]:
    """Yield the rules of flows that have their own, and the settings' for all others."""
    now = timezone.now()
    own = Flow.objects.filter(retention_days__isnull=False).order_by("name")
    by_days: dict[int, list[str]] = {}
    for name, days in own.values_list("name", "retention_days"):
        by_days.setdefault(days or 0, []).append(name)
    names = [name for flows in by_days.values() for name in flows]
    if settings.RETENTION_DAYS > 0:
        cut = now - timedelta(days=settings.RETENTION_DAYS)
        yield _Rule(cut, cut, names, others=True)
    for days, flows in sorted(by_days.items()):
        if days > 0:
            cut = now - timedelta(days=days)
            yield _Rule(cut, cut, flows)
    if settings.RETENTION_COUNT > 0:
        counted = Execution.objects.filter(parent=None).exclude(flow_name__in=names)
        started = counted.order_by("-started_at", "-id").values_list("started_at", flat=True)
        last = started[settings.RETENTION_COUNT - 1 : settings.RETENTION_COUNT]
        for oldest_kept in last:
            yield _Rule(oldest_kept, now + timedelta(days=1), names, others=True)


def delete_family(root: UUID) -> int:
    """Delete a root that has ended with all executions below it. Returns how many those were; 0
    where one has not ended, or there are more than one transaction may delete."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_FAMILY, {"root": root, "most": DELETED_FAMILY + 1})
            ids = [execution_id for (execution_id,) in cursor.fetchall()]
        if len(ids) > DELETED_FAMILY:
            return 0
        for start in range(0, len(ids), RETENTION_BATCH):
            _delete_executions(ids[start : start + RETENTION_BATCH])
    return len(ids)


def _delete(rule: _Rule) -> int:
    """Delete a batch of what a rule says, in one transaction."""
    statement = _OVER.format(flows=_OTHERS if rule.others else _NAMED)
    wanted: dict[str, Any] = {
        "started": rule.started,
        "ended": rule.ended,
        "flows": rule.flows,
    }
    limits = {"roots": RETENTION_ROOTS, "batch": RETENTION_BATCH}
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(statement, {**STATE_PARAMS, **wanted, **limits})
            found = cursor.fetchall()
        ids: list[UUID] = []
        room = RETENTION_STEPS
        for execution_id, step_count in found:
            if room <= 0:
                break
            ids.append(execution_id)
            room -= min(step_count, FIRST_STEPS_KEPT + LAST_STEPS_KEPT)
        if ids:
            _delete_executions(ids)
    return len(ids)


def _delete_executions(ids: list[UUID]) -> None:
    """Delete executions without children and their rows. Nullable foreign keys become null; the
    audit trail keeps the ids."""
    for relation in Execution._meta.related_objects:
        rows = relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": ids})
        if relation.on_delete is models.SET_NULL:
            rows.update(**{relation.field.name: None})
        elif relation.on_delete is models.CASCADE and relation.related_model is not Execution:
            rows.delete()
    with connection.cursor() as cursor:
        cursor.execute(_DELETE, {"ids": ids})


def _delete_unreferenced() -> int:
    """Delete large values whose steps were trimmed from the middle of a long execution."""
    with connection.cursor() as cursor:
        cursor.execute(
            _UNREFERENCED,
            {
                "first": FIRST_STEPS_KEPT,
                "last": LAST_STEPS_KEPT,
                "trimmed": TRIM_BATCH,
                "batch": RETENTION_BATCH,
            },
        )
        return int(cursor.rowcount)
