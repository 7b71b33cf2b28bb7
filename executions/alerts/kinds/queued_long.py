"""An execution has waited for a worker for too long since it started."""

from collections.abc import Mapping
from datetime import UTC

from executions.alerts import visibility
from executions.alerts.flow_findings import exceeded, execution_finding
from executions.alerts.kind import (
    COUNTED,
    HISTORY_STEP,
    SHOWN,
    Check,
    Found,
    Interval,
    Kind,
    Parameter,
)
from executions.models import Execution
from executions.states import Status
from executions.statistics import read
from flows.formatting import duration


def sentence(given: Mapping[str, int]) -> str:
    return f"an execution waits for a worker for longer than {given['minutes']:,} min"


def check(asked: Check) -> Found:
    waiting = Execution.objects.filter(
        status=Status.QUEUED,
        first_claimed_at=None,
        started_at__lt=asked.now - asked.minutes("minutes"),
        **asked.name_filter,
    ).order_by("started_at")
    rows = list(waiting.values_list("pk", "flow_name", "started_at")[:COUNTED])
    return Found(
        [
            execution_finding(pk, name, f"has been queued for {duration(asked.now - started)}")
            for pk, name, started in rows[:SHOWN]
        ],
        len(rows),
    )


def history(asked: Check) -> list[Interval]:
    seconds = asked.minutes("minutes").total_seconds()
    return [
        exceeded(bucket, bucket.counts.waits, seconds)
        for bucket in read.series(asked.history, HISTORY_STEP, UTC, asked.selection)
        if bucket.counts and (bucket.counts.waits.quantile(1) or 0) > seconds
    ]


KIND = Kind(
    name="queued-long",
    label="An execution is queued for too long",
    icon="queued",
    parameters=(Parameter(name="minutes", label="Longer than this many minutes", default=5),),
    sentence=sentence,
    check=check,
    history=history,
    visible=visibility.executions,
)
