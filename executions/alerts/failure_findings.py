"""Rules about the state of failure groups: their findings, and how long past ones lasted."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.text import Truncator

from executions.alerts import visibility
from executions.alerts.kind import HISTORY_ROWS, SHOWN, Check, Finding, Found, Interval, Kind
from executions.models import FailureActivity, FailureGroup

#: Characters of a message that a finding shows.
_TEMPLATE = 120
#: After which somebody looks after a failure, or it is over.
_ENDS = ("take", "assign", "mute", "resolve")


def failure_kind(
    *,
    sentence: str,
    what: str,
    groups: Callable[[Check], QuerySet[FailureGroup]],
    began: FailureActivity.Kind,
    **facts: Any,
) -> Kind:
    """Return a kind of rules that finds `groups`, of which a finding says `what`, since an activity
    of the kind `began`."""
    return Kind(
        parameters=(),
        sentence=lambda _: sentence,
        check=lambda asked: found(groups(asked), what),
        history=lambda asked: spans_of(asked, began),
        visible=visibility.failures,
        **facts,
    )


def found(groups: QuerySet[FailureGroup], what: str) -> Found:
    """Return the findings about the first of the groups, and how many groups there are."""
    findings = [finding_of(group, what) for group in groups.select_related("flow")[:SHOWN]]
    return Found(findings, len(findings) if len(findings) < SHOWN else groups.count())


def finding_of(group: FailureGroup, what: str) -> Finding:
    message = f": {Truncator(group.template).chars(_TEMPLATE)}" if group.template else ""
    return Finding(
        group=f"failure {group.pk}",
        text=f"{group.short_type} in {group.flow.name} {what}{message}",
        address=group.get_absolute_url(),
        flow=group.flow.name,
        failure_id=str(group.pk),
    )


def spans_of(asked: Check, kind: str) -> list[Interval]:
    """Return from when until when failures were in the state that an activity begins."""
    flows = {} if asked.flow_ids is None else {"group__flow__in": asked.flow_ids}
    rows = FailureActivity.objects.filter(
        kind__in=[kind, *_ENDS], at__gte=asked.history.start, **flows
    ).order_by("id")
    began: dict[UUID, datetime] = {}
    found: dict[UUID, list[Interval]] = defaultdict(list)
    for group, what, at in rows.values_list("group_id", "kind", "at")[:HISTORY_ROWS]:
        if what == kind:
            began.setdefault(group, at)
        elif group in began:
            found[group].append((began.pop(group), at))
    return [
        *(one for group in found.values() for one in group),
        *((at, None) for at in began.values()),
    ]
