"""A schedule did not start its flow: its inputs do not fit, or its owner may not start it."""

from collections.abc import Mapping

from executions.alerts import visibility
from executions.alerts.kind import (
    HISTORY_ROWS,
    SHOWN,
    Check,
    Finding,
    Found,
    Interval,
    Kind,
)
from executions.models import Schedule, ScheduleRun


def sentence(_: Mapping[str, int]) -> str:
    return "a schedule fails to start its flow"


def check(asked: Check) -> Found:
    failing = Schedule.objects.filter(
        is_on=True, problem_at__gte=asked.rule.since, **asked.flow_filter
    )
    listed = failing.select_related("flow").order_by("-problem_at")[:SHOWN]
    findings = [_finding(one) for one in listed]
    return Found(findings, len(findings) if len(findings) < SHOWN else failing.count())


def _finding(schedule: Schedule) -> Finding:
    return Finding(
        group=f"schedule {schedule.pk}",
        text=f"The schedule {schedule.name} did not start: {schedule.problem}",
        address=schedule.get_absolute_url(),
        flow=schedule.flow.name,
    )


def history(asked: Check) -> list[Interval]:
    flows = {f"schedule__{name}": value for name, value in asked.flow_filter.items()}
    failed = ScheduleRun.objects.filter(
        outcome=ScheduleRun.Outcome.FAILED, at__gte=asked.history.start, **flows
    )
    return [(at, at) for at in failed.order_by("-at").values_list("at", flat=True)[:HISTORY_ROWS]]


KIND = Kind(
    name="schedule-failed",
    label="A schedule does not start",
    hint="its inputs do not fit, or its owner may not start the flow",
    icon="sched",
    parameters=(),
    sentence=sentence,
    check=check,
    history=history,
    visible=visibility.everything,
)
