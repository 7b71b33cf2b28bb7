"""Groups of executions that failed before there were groups, or when other rules made them.

Goes through the failed executions in batches, each a short transaction, so that workers go on. Run
again, it changes nothing more.
"""

from collections.abc import Iterator
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q

from executions.models import FAILED, ExceptionRecord, Execution, FailureGroup
from executions.states import Status
from executions.statistics.aggregation import LOCK
from executions.statistics.counts import DELETED
from executions.store.lifecycle.failures import Failure, add_group
from flows.failure_fingerprints import template

BATCH = 500
_COLUMNS = (
    "pk", "started_at", "flow_name", "block", "error_type", "error_message", "failure", "status",
    "unhandled",
)  # fmt: skip
_LOCK = "SELECT pg_advisory_xact_lock(%(lock)s)"
_COUNT = """
    UPDATE executions_failuregroup AS failure_group SET
        count = greatest(failure_group.count, seen.count - (
            -- The journal's are counted when it is aggregated.
            SELECT count(*) FROM executions_statisticsevent
            WHERE failure = %(id)s AND sign > 0 AND kind <> %(deleted)s
        )),
        first_seen_at = seen.first_at, first_version = seen.first_version,
        last_seen_at = seen.last_at, last_version = seen.last_version,
        is_known = true
    FROM (
        SELECT count(*) AS count, min(ended_at) AS first_at, max(ended_at) AS last_at,
            (array_agg(version_number ORDER BY ended_at))[1] AS first_version,
            (array_agg(version_number ORDER BY ended_at DESC))[1] AS last_version
        FROM executions_execution
        WHERE failure = %(id)s AND (unhandled OR status = %(error)s)
    ) AS seen
    WHERE id = %(id)s AND seen.count > 0
"""


def group_all() -> Iterator[int]:
    """Give every failed execution its group; yield how many were read after each batch."""
    position: tuple[object, UUID] | None = None
    read = 0
    while batch := _batch(position):
        with transaction.atomic():
            _group(batch)
        last = batch[-1]
        position = (last.started_at, last.pk)
        read += len(batch)
        yield read


def count_all() -> Iterator[FailureGroup]:
    """Count the failures of groups of which none was counted yet; yield each group."""
    from_the_table = FailureGroup.objects.filter(is_known=False, count=0)
    for group in from_the_table.order_by("pk").iterator():
        with transaction.atomic(), connection.cursor() as cursor:
            # Nobody aggregates the journal meanwhile.
            cursor.execute(_LOCK, {"lock": LOCK})
            cursor.execute(
                _COUNT, {"id": group.pk, "error": Status.ERROR.value, "deleted": DELETED}
            )
        yield group


def ended_by(execution: Execution, record: ExceptionRecord) -> bool:
    """Return whether an execution failed by this exception, also where it was thrown again."""
    if not (execution.unhandled or execution.status == Status.ERROR):
        return False
    return record.type.endswith(execution.error_type) and record.message.startswith(
        execution.error_message
    )


def _batch(position: tuple[object, UUID] | None) -> list[Execution]:
    rows = Execution.objects.filter(FAILED, ended_at__isnull=False).only(*_COLUMNS)
    if position is not None:
        at, last = position
        rows = rows.filter(Q(started_at__gt=at) | Q(started_at=at, pk__gt=last), started_at__gte=at)
    return list(rows.order_by("started_at", "id")[:BATCH])


def _group(batch: list[Execution]) -> None:
    """Set the fingerprints of some executions, and write the groups that are missing."""
    exceptions = _exceptions(batch)
    for execution in batch:
        failure = exceptions.get(execution.pk) or Failure(
            execution.flow_name,
            execution.block,
            execution.error_type,
            template(execution.error_message),
        )
        if execution.failure != failure.fingerprint:
            Execution.objects.filter(pk=execution.pk).update(
                failure=failure.fingerprint, revision=F("revision") + 1
            )
        add_group(execution.pk, failure)


def _exceptions(batch: list[Execution]) -> dict[UUID, Failure]:
    """The failure of each execution whose exception is kept: the newest with its type and
    message."""
    by_id = {one.pk: one for one in batch}
    found: dict[UUID, Failure] = {}
    records = ExceptionRecord.objects.filter(execution__in=list(by_id)).order_by("step", "id")
    for record in records.only("execution_id", "type", "message"):
        execution = by_id[record.execution_id]
        if ended_by(execution, record):
            found[execution.pk] = Failure(
                execution.flow_name, execution.block, record.type, template(record.message)
            )
    return found
