"""The versions of the flow of a failure group."""

from datetime import datetime

from executions.models import FailureGroup
from flows.models import FlowVersion


def newest(group: FailureGroup) -> int:
    """Return the number of the newest published version."""
    published = FlowVersion.objects.filter(flow=group.flow_id, published_at__isnull=False)
    number = published.order_by("-number").values_list("number", flat=True).first()
    return max(number or 0, group.last_version)


def published_between(
    group: FailureGroup, start: datetime, end: datetime
) -> list[tuple[int, datetime]]:
    """Return the number and the time of each version that was published in a span."""
    found = FlowVersion.objects.filter(flow=group.flow_id, published_at__range=(start, end))
    return [
        (number, at)
        for number, at in found.order_by("number").values_list("number", "published_at")
        if at is not None
    ]
