"""Which findings a person may see: asked before they are named to that person."""

from collections.abc import Sequence

from executions import access
from executions.access import User
from executions.alerts.kind import Finding
from executions.failures import access as failure_access


def executions(user: User, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings about executions that the user sees."""
    if access.sees_all(user):
        return list(findings)
    ids = [finding.execution_id for finding in findings]
    seen = set(map(str, access.visible(user).filter(pk__in=ids).values_list("pk", flat=True)))
    return [finding for finding in findings if finding.execution_id in seen]


def failures(user: User, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings about failure groups that the user sees."""
    if access.sees_all(user):
        return list(findings)
    ids = [finding.failure_id for finding in findings]
    groups = failure_access.visible(user).filter(pk__in=ids).values_list("pk", flat=True)
    seen = set(map(str, groups))
    return [finding for finding in findings if finding.failure_id in seen]


def everything(user: User, findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings about all executions of a flow that the user sees every execution of;
    those about workers are for people who see all."""
    seen = access.seen(user)
    return [one for one in findings if seen.is_all or (one.flow and seen.whose(one.flow) is None)]
