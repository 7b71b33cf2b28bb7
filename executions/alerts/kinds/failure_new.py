"""A failure is new, until somebody looks after it."""

from django.db.models import QuerySet

from executions.alerts.failure_findings import failure_kind
from executions.alerts.kind import Check
from executions.models import FailureActivity, FailureGroup


def _groups(asked: Check) -> QuerySet[FailureGroup]:
    return FailureGroup.objects.filter(
        state=FailureGroup.State.OPEN,
        owner=None,
        is_known=True,
        first_seen_at__gte=asked.rule.since,
        **asked.flow_filter,
    ).order_by("-first_seen_at")


KIND = failure_kind(
    name="failure-new",
    label="A failure is new",
    hint="until somebody looks after it",
    icon="warn",
    sentence="a failure is new and nobody looks after it",
    what="is new",
    groups=_groups,
    began=FailureActivity.Kind.NEW,
)
