"""An execution has waited for a person for too long: paused, at an exception, or for an answer."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db.models import Q

from executions.alerts import visibility
from executions.alerts.flow_findings import execution_finding
from executions.alerts.kind import (
    COUNTED,
    SHOWN,
    Check,
    Found,
    Interval,
    Kind,
    Parameter,
    Round,
    intervals_that_lasted,
)
from executions.models import Execution
from executions.states import RESUMABLE, Reason, Status
from flows.formatting import duration

#: Shorter waits are not written down.
_OBSERVED = timedelta(minutes=1)


_WAITING = Q(status__in=sorted(RESUMABLE)) | Q(
    status=Status.RUNNING.value, reason=Reason.PERSON.value, lease_owner=""
)


def sentence(given: Mapping[str, int]) -> str:
    return f"an execution waits for a person for longer than {given['minutes']:,} min"


def check(asked: Check) -> Found:
    waiting = Execution.objects.filter(
        _WAITING,
        updated_at__lt=asked.now - asked.minutes("minutes"),
        **asked.name_filter,
    ).order_by("updated_at")
    rows = list(waiting.values_list("pk", "flow_name", "status", "updated_at")[:COUNTED])
    return Found(
        [
            execution_finding(
                pk, name, f"waits for a person ({status}) for {duration(asked.now - since)}"
            )
            for pk, name, status, since in rows[:SHOWN]
        ],
        len(rows),
    )


def observe(evaluation: Round) -> Collection[tuple[str, int | None, datetime]]:
    waiting = Execution.objects.filter(
        _WAITING, updated_at__lt=evaluation.now - _OBSERVED
    ).order_by("-updated_at")
    rows = waiting.values_list("pk", "version__flow_id", "updated_at")[:COUNTED]
    return [(str(pk), flow, since) for pk, flow, since in rows]


def history(asked: Check) -> list[Interval]:
    return intervals_that_lasted(asked, KIND.name, asked.minutes("minutes"))


KIND = Kind(
    name="waits-for-person",
    label="An execution waits for a person",
    hint="paused, at an exception, or for an answer",
    icon="user",
    parameters=(Parameter(name="minutes", label="Longer than this many minutes", default=10),),
    sentence=sentence,
    check=check,
    history=history,
    visible=visibility.executions,
    observe=observe,
)
