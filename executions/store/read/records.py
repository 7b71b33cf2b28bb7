"""What an execution has recorded: its exceptions, log entries and audit entries."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from executions.models import AuditEntry, ExceptionRecord, LogEntry
from executions.store.read.pages import PAGE_SIZE, ListPage

#: Exceptions that are shown; of more, only the number.
EXCEPTIONS_SHOWN = 100
#: Rows that are counted before "999+" is written.
COUNT_CAP = 1000

_TAB_COUNTS = """
    SELECT
        (SELECT count(*) FROM (
            SELECT 1 FROM executions_exceptionrecord WHERE execution_id = %(id)s LIMIT %(cap)s
        ) AS exceptions),
        (SELECT count(*) FROM (
            SELECT 1 FROM executions_logentry WHERE execution_id = %(id)s LIMIT %(cap)s
        ) AS logs),
        (SELECT count(*) FROM (
            SELECT 1 FROM executions_auditentry WHERE execution_id = %(id)s LIMIT %(cap)s
        ) AS audit)
"""


@dataclass(frozen=True, slots=True)
class TabCounts:
    """Numbers on the tabs, each counted up to `COUNT_CAP`."""

    exceptions: int
    logs: int
    audit: int


def tab_counts(execution_id: UUID) -> TabCounts:
    """Return the numbers on the tabs, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_TAB_COUNTS, {"id": execution_id, "cap": COUNT_CAP})
        return TabCounts(*cursor.fetchone())


def exceptions(execution_id: UUID, step: int | None = None) -> list[ExceptionRecord]:
    """Return the exceptions, newest first; only those until `step`, if one is given."""
    rows = ExceptionRecord.objects.filter(execution_id=execution_id)
    if step is not None:
        rows = rows.filter(step__lte=step)
    return list(rows.order_by("-step", "-id")[:EXCEPTIONS_SHOWN])


def log_page(
    execution_id: UUID,
    before: int | None = None,
    severities: Iterable[str] | None = None,
    search: str = "",
) -> ListPage:
    """Return a page of log entries, oldest first: the newest page, or that before an id.

    `severities` and `search` limit it to these severities, and to entries with the text in their
    event or details.
    """
    rows = LogEntry.objects.filter(execution_id=execution_id).order_by("-id")
    if severities is not None:
        rows = rows.filter(severity__in=list(severities))
    if search:
        rows = rows.annotate(details_text=Cast("details", TextField()))
        rows = rows.filter(Q(event_type__icontains=search) | Q(details_text__icontains=search))
    if before is not None:
        rows = rows.filter(id__lt=before)
    page = list(rows[: PAGE_SIZE + 1])
    more = str(page[PAGE_SIZE - 1].pk) if len(page) > PAGE_SIZE else ""
    return ListPage(page[:PAGE_SIZE][::-1], older=more)


def audit_page(execution_id: UUID, before: int | None = None) -> ListPage:
    """Return a page of audit entries, newest first."""
    rows = AuditEntry.objects.filter(execution_id=execution_id).order_by("-id")
    if before is not None:
        rows = rows.filter(id__lt=before)
    page = list(rows[: PAGE_SIZE + 1])
    more = str(page[PAGE_SIZE - 1].pk) if len(page) > PAGE_SIZE else ""
    return ListPage(page[:PAGE_SIZE], older=more)
