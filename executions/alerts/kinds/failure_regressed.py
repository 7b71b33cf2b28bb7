"""A failure is seen again although it was resolved."""

from django.db.models import QuerySet

from executions.alerts.failure_findings import failure_kind
from executions.alerts.kind import Check
from executions.models import FailureActivity, FailureGroup


def _groups(asked: Check) -> QuerySet[FailureGroup]:
    return FailureGroup.objects.filter(
        state=FailureGroup.State.REGRESSED,
        changed_at__gte=asked.rule.since,
        **asked.flow_filter,
    ).order_by("-changed_at")


KIND = failure_kind(
    name="failure-regressed",
    label="A failure regressed",
    hint="seen again although it was resolved",
    icon="retry",
    sentence="a failure that was resolved is seen again",
    what="is seen again",
    groups=_groups,
    began=FailureActivity.Kind.REGRESSED,
    is_urgent=True,
)
