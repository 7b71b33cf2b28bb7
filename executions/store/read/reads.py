"""What the page of one execution reads. Every list is limited, and paged by a key."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from executions.models import (
    AuditEntry,
    ChangedValue,
    ExceptionRecord,
    Execution,
    LogEntry,
    Step,
    Token,
)
from executions.retention.trimming import gap
from executions.states import LIVE

#: Rows of a page of steps, children, log entries, audit entries.
PAGE = 50
#: Exceptions shown; their number is told.
EXCEPTIONS = 100
#: Stored bytes of a value that is shown with the others; a larger one is loaded when asked for.
INLINE_VALUE = 20_000
#: Children that are looked at for those that have not ended.
YOUNGEST = 2000
#: Rows that are counted before "999+" is written.
COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers on the tabs, each counted up to `COUNTED`."""

    exceptions: int
    logs: int
    audit: int


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A variable's value in its stored form, or only its size when that is large."""

    level: int
    name: str
    form: Any
    size: int
    large: bool
    summary: str


@dataclass(frozen=True, slots=True)
class Rows:
    """A page of rows, and the keys of its neighbours where there are any."""

    rows: list[Any]
    older: str = ""
    newer: str = ""


def tokens(execution_id: UUID) -> list[Token]:
    """The live tokens, outermost first."""
    return list(Token.objects.filter(execution_id=execution_id).order_by("level"))


def relatives(execution: Execution, visible: QuerySet[Execution]) -> dict[UUID, Execution]:
    """The parent and the root, where the user may see them."""
    ids = {i for i in (execution.parent_id, execution.root_id) if i and i != execution.pk}
    if not ids:
        return {}
    rows = visible.filter(pk__in=ids).only("id", "flow_name", "version_number", "status")
    return {row.pk: row for row in rows}


def counts(execution_id: UUID) -> Counts:
    """The numbers on the tabs, in one query."""
    tables = [model._meta.db_table for model in (ExceptionRecord, LogEntry, AuditEntry)]
    parts = ", ".join(
        f"(SELECT count(*) FROM (SELECT 1 FROM {table} WHERE execution_id = %s LIMIT {COUNTED}) c)"
        for table in tables
    )
    with connection.cursor() as cursor:
        # Only names and numbers of this module are written into the statement.
        cursor.execute(f"SELECT {parts}", [execution_id] * len(tables))
        return Counts(*cursor.fetchone())


# Values ---------------------------------------------------------------------------------------


def stored_values(execution_id: UUID) -> list[StoredValue]:
    """The variables' values of every token, large ones only by their size."""
    sql = f"""
        SELECT level, name, CASE WHEN size <= {INLINE_VALUE} THEN value::text END, size,
            CASE json_typeof(value)
                WHEN 'array' THEN 'List with ' || json_array_length(value) || ' items'
                WHEN 'object' THEN 'Structure'
                ELSE 'Text'
            END
        FROM (
            SELECT level, name, value, coalesce(pg_column_size(value), 0) AS size
            FROM executions_value
            WHERE execution_id = %s AND left(name, 6) <> 'items:'
        ) sized
        ORDER BY level, name
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [execution_id])
        return [
            StoredValue(
                level,
                name,
                None if text is None else json.loads(text),
                size,
                size > INLINE_VALUE,
                summary,
            )
            for level, name, text, size, summary in cursor.fetchall()
        ]


# Steps ----------------------------------------------------------------------------------------


def steps(execution: Execution, first: int | None = None) -> Rows:
    """A page of steps, oldest first: from `first`, or from the next that is kept, or the newest."""
    lacking = gap(execution.step_count)

    def place(number: int) -> int:
        """The number's place among those that are kept."""
        return number - len(range(lacking.start, min(max(number, lacking.start), lacking.stop)))

    def number(place: int) -> int:
        return place if place < lacking.start else place + len(lacking)

    last_page = max(1, execution.step_count - len(lacking) - PAGE + 1)
    start = min(place(max(1, first)), last_page) if first is not None else last_page
    rows = Step.objects.filter(execution_id=execution.pk, number__gte=number(start))
    return Rows(
        list(rows.order_by("number")[:PAGE]),
        older=str(number(max(1, start - PAGE))) if start > 1 else "",
        newer=str(number(start + PAGE)) if start < last_page else "",
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which steps are asked for: those of one block, those that threw, those that the token of a
    level made after one step and before another. What is not said does not matter."""

    block: str = ""
    thrown: bool = False
    level: int | None = None
    after: int = 0
    before: int | None = None

    def __bool__(self) -> bool:
        return self != Wanted()


def some_steps(execution_id: UUID, first: int | None, wanted: Wanted) -> Rows:
    """A page of the steps asked for that are kept, oldest first: from `first`, or the newest."""
    rows = Step.objects.filter(execution_id=execution_id, number__gt=wanted.after)
    if wanted.block:
        rows = rows.filter(block=wanted.block)
    if wanted.thrown:
        rows = rows.exclude(exception="")
    if wanted.level is not None:
        rows = rows.filter(level=wanted.level)
    if wanted.before is not None:
        rows = rows.filter(number__lt=wanted.before)
    if first is None:
        page = list(rows.order_by("-number")[:PAGE])[::-1]
    else:
        page = list(rows.filter(number__gte=first).order_by("number")[:PAGE])
    if not page:
        return Rows([])
    before = rows.filter(number__lt=page[0].number).order_by("-number")
    numbers = list(before.values_list("number", flat=True)[:PAGE])
    after = rows.filter(number__gt=page[-1].number).order_by("number")
    following = after.values_list("number", flat=True).first()
    return Rows(page, older=str(numbers[-1]) if numbers else "", newer=str(following or ""))


def changed_value(execution_id: UUID, number: int, name: str) -> tuple[bool, Any]:
    """Whether the value is kept that a step changed a variable to, and its stored form."""
    steps = Step.objects.filter(execution_id=execution_id, number=number)
    change = (steps.values_list("changes", flat=True).first() or {}).get(name, {})
    if "value" in change:
        return True, change["value"]
    stored = ChangedValue.objects.filter(execution_id=execution_id, key=change.get("stored", ""))
    value = stored.first()
    return (False, None) if value is None else (True, value.value)


def recent_steps(execution: Execution, last: int, count: int = 8) -> list[Step]:
    """The steps up to one, oldest first: where the tokens came from."""
    newest = Step.objects.filter(
        execution_id=execution.pk, number__gt=last - count, number__lte=last
    )
    return list(newest.order_by("number")[:count])


def visits(execution: Execution, step: int | None = None) -> Mapping[tuple[str, str], int]:
    """How often each (block, port taken) was visited, with the steps that are not kept; until a
    step that is kept, if one is given."""
    last = execution.step_count if step is None else step
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT block, port, sum(visits) FROM ("
            "SELECT block, port, count(*) AS visits FROM executions_step "
            "WHERE execution_id = %s AND number <= %s GROUP BY block, port UNION ALL "
            "SELECT block, port, visits FROM executions_trimmedvisits "
            "WHERE execution_id = %s AND %s"
            ") AS counted GROUP BY block, port",
            [execution.pk, last, execution.pk, last >= gap(execution.step_count).stop],
        )
        return {(block, port): int(number) for block, port, number in cursor.fetchall()}


def durations(execution: Execution, step: int | None = None) -> Mapping[str, int]:
    """How many microseconds the visits of each block took, of the steps that are kept; until a
    step, if one is given."""
    last = execution.step_count if step is None else step
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT block, sum(duration) FROM executions_step "
            "WHERE execution_id = %s AND number <= %s GROUP BY block",
            [execution.pk, last],
        )
        return {block: int(microseconds) for block, microseconds in cursor.fetchall()}


# Lists ----------------------------------------------------------------------------------------


def exceptions(execution_id: UUID, step: int | None = None) -> list[ExceptionRecord]:
    """The exceptions that were thrown, newest first; until a step, if one is given."""
    rows = ExceptionRecord.objects.filter(execution_id=execution_id)
    if step is not None:
        rows = rows.filter(step__lte=step)
    return list(rows.order_by("-step", "-id")[:EXCEPTIONS])


def children(execution_id: UUID, visible: QuerySet[Execution], after: UUID | None = None) -> Rows:
    """A page of child executions, newest first."""
    rows = visible.filter(parent_id=execution_id).order_by("-started_at", "-id")
    if after is not None:
        edge = visible.filter(pk=after).values_list("started_at", flat=True).first()
        if edge is not None:
            rows = rows.filter(Q(started_at__lt=edge) | Q(started_at=edge, id__lt=after))
    page = list(rows.defer("inputs", "outputs", "state", "secrets")[: PAGE + 1])
    more = str(page[PAGE - 1].pk) if len(page) > PAGE else ""
    return Rows(page[:PAGE], older=more)


def live_children(execution_id: UUID, visible: QuerySet[Execution]) -> list[Execution]:
    """The children that have not ended, newest first: at most `PAGE` of the newest `YOUNGEST`."""
    youngest = visible.filter(parent_id=execution_id).order_by("-started_at", "-id")[:YOUNGEST]
    rows = Execution.objects.filter(pk__in=youngest.values("pk"), status__in=LIVE)
    shown = ("id", "flow_name", "status", "place", "reason", "called_by", "block_description")
    return list(rows.order_by("-started_at", "-id").only(*shown)[:PAGE])


def logs(
    execution_id: UUID,
    before: int | None = None,
    severities: Iterable[str] | None = None,
    search: str = "",
) -> Rows:
    """A page of log entries, oldest first; the newest page unless `before` an id. Of these
    severities only, if they are given, and with the searched text in their event or details."""
    rows = LogEntry.objects.filter(execution_id=execution_id).order_by("-id")
    if severities is not None:
        rows = rows.filter(severity__in=list(severities))
    if search:
        rows = rows.annotate(told=Cast("details", TextField()))
        rows = rows.filter(Q(event_type__icontains=search) | Q(told__icontains=search))
    if before is not None:
        rows = rows.filter(id__lt=before)
    page = list(rows[: PAGE + 1])
    more = str(page[PAGE - 1].pk) if len(page) > PAGE else ""
    return Rows(page[:PAGE][::-1], older=more)


def audit(execution_id: UUID, before: int | None = None) -> Rows:
    """A page of audit entries, newest first."""
    rows = AuditEntry.objects.filter(execution_id=execution_id).order_by("-id")
    if before is not None:
        rows = rows.filter(id__lt=before)
    page = list(rows[: PAGE + 1])
    more = str(page[PAGE - 1].pk) if len(page) > PAGE else ""
    return Rows(page[:PAGE], older=more)


_RECENT = (
    "id", "status", "unhandled", "place", "reason", "started_at", "ended_at", "error_type",
    "error_message",
)  # fmt: skip


def recent_executions(visible: QuerySet[Execution], flow_name: str, count: int) -> list[Execution]:
    """The newest executions of a flow that the user may see, oldest first."""
    rows = visible.filter(flow_name=flow_name).order_by("-started_at", "-id").only(*_RECENT)
    return list(rows[:count])[::-1]
