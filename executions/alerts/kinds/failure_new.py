"""A failure is new, until somebody looks after it."""

from collections.abc import Mapping

from executions.alerts import visibility
from executions.alerts.failure_findings import found, spans_of
from executions.alerts.kind import Check, Found, Interval, Kind
from executions.models import FailureActivity, FailureGroup


def sentence(_: Mapping[str, int]) -> str:
    return "a failure is new and nobody looks after it"


def check(asked: Check) -> Found:
    groups = FailureGroup.objects.filter(
        state=FailureGroup.State.OPEN,
        owner=None,
        is_known=True,
        first_seen_at__gte=asked.rule.since,
        **asked.flow_filter,
    )
    return found(groups.order_by("-first_seen_at"), "is new")


def history(asked: Check) -> list[Interval]:
    return spans_of(asked, FailureActivity.Kind.NEW)


KIND = Kind(
    name="failure-new",
    label="A failure is new",
    hint="until somebody looks after it",
    icon="warn",
    parameters=(),
    sentence=sentence,
    check=check,
    history=history,
    visible=visibility.failures,
)
