"""A failure is seen again although it was resolved."""

from collections.abc import Mapping

from executions.alerts import visibility
from executions.alerts.failure_findings import found, spans_of
from executions.alerts.kind import Check, Found, Interval, Kind
from executions.models import FailureActivity, FailureGroup


def sentence(_: Mapping[str, int]) -> str:
    return "a failure that was resolved is seen again"


def check(asked: Check) -> Found:
    groups = FailureGroup.objects.filter(
        state=FailureGroup.State.REGRESSED,
        changed_at__gte=asked.rule.since,
        **asked.flow_filter,
    )
    return found(groups.order_by("-changed_at"), "is seen again")


def history(asked: Check) -> list[Interval]:
    return spans_of(asked, FailureActivity.Kind.REGRESSED)


KIND = Kind(
    name="failure-regressed",
    label="A failure regressed",
    hint="seen again although it was resolved",
    icon="retry",
    parameters=(),
    sentence=sentence,
    check=check,
    history=history,
    visible=visibility.failures,
    is_urgent=True,
)
