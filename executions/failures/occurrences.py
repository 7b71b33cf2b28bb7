"""What is counted of failure groups, and what follows from it: that one is new, that one was seen
again although it was resolved, that a mute has run out.

The statistics count the failures, a batch in each transaction, by one process at a time. So workers
wait for nobody, and nothing is counted twice.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from executions.failures.events import FailureEvent, notify_pages, record
from executions.models import FailureActivity, FailureGroup
from executions.statistics.aggregation import CountedFailures

Kind = FailureActivity.Kind
State = FailureGroup.State
_COUNTED = ["count", "last_seen_at", "last_version", "is_known"]
_DECIDED = ["state", "changed_at", "regressed_in_version", "revision"]
NOT_MUTED: dict[str, Any] = {
    "muted_until": None,
    "muted_until_count": None,
    "muted_in_version": None,
}


def count(sender: object, counted: Sequence[CountedFailures], **_: object) -> None:
    """Count failures, in the transaction of the statistics."""
    seen: dict[Any, list[CountedFailures]] = defaultdict(list)
    for failures in counted:
        seen[failures.group_id].append(failures)
    groups = list(
        FailureGroup.objects.select_for_update(of=("self",))
        .select_related("flow")
        .filter(pk__in=list(seen))
        .order_by("pk")
    )
    events = [event for group in groups for event in _count(group, seen[group.pk])]
    FailureGroup.objects.bulk_update(groups, [*_COUNTED, *_DECIDED, *NOT_MUTED])
    record(*events)
    changed = {event.group.pk for event in events}
    notify_pages([group for group in groups if group.pk not in changed], is_change=False)


def _count(group: FailureGroup, seen: Sequence[CountedFailures]) -> list[FailureEvent]:
    """Count failures of a group, and return what follows."""
    group.count += sum(failures.number for failures in seen)
    newest = max(seen, key=lambda failures: failures.last_at)
    if newest.last_at >= group.last_seen_at:
        group.last_seen_at, group.last_version = newest.last_at, newest.version
    events = []
    if not group.is_known:
        group.is_known = True
        events.append(
            FailureEvent(
                group=group,
                kind=Kind.NEW,
                at=group.first_seen_at,
                text=f"Seen first, in v{group.first_version}.",
                version=group.first_version,
            )
        )
    if group.state == State.RESOLVED:
        again = [failures for failures in seen if _is_again(group, failures)]
        events += [_regress(group, min(again, key=lambda one: one.last_at))] if again else []
    elif group.state == State.MUTED and (why := _why_unmuted(group, seen)):
        events.append(_unmute(group, newest.last_at, why))
    return events


def _is_again(group: FailureGroup, seen: CountedFailures) -> bool:
    """Whether these are failures that should not be, since the group is resolved."""
    is_later = seen.last_at > group.changed_at
    return is_later and seen.version >= (group.resolved_in_version or 0)


def _regress(group: FailureGroup, seen: CountedFailures) -> FailureEvent:
    was = f" in v{group.resolved_in_version}" if group.resolved_in_version else ""
    group.state, group.changed_at = State.REGRESSED, seen.last_at
    group.regressed_in_version = seen.version
    group.revision += 1
    return FailureEvent(
        group=group,
        kind=Kind.REGRESSED,
        at=seen.last_at,
        text=f"Seen again, in v{seen.version}. It was resolved{was}.",
        version=seen.version,
    )


def _why_unmuted(group: FailureGroup, seen: Sequence[CountedFailures]) -> str:
    """Return why a group is no longer muted; empty when it is."""
    if group.muted_until_count is not None and group.count >= group.muted_until_count:
        return f"Seen {group.count:,} times."
    version = max(failures.version for failures in seen)
    if group.muted_in_version is not None and version > group.muted_in_version:
        return f"Seen in a new version, v{version}."
    return ""


def _unmute(group: FailureGroup, at: datetime, why: str) -> FailureEvent:
    group.state, group.changed_at = State.OPEN, at
    group.revision += 1
    for name, value in NOT_MUTED.items():
        setattr(group, name, value)
    return FailureEvent(group=group, kind=Kind.UNMUTED, at=at, text=why)


def unmute_due() -> None:
    """End the mutes whose time has come."""
    now = timezone.now()
    due = FailureGroup.objects.filter(state=State.MUTED, muted_until__lte=now)
    if not due.exists():
        return
    with transaction.atomic():
        groups = list(due.select_for_update(of=("self",)).select_related("flow").order_by("pk"))
        events = [_unmute(group, now, "The time of the mute is over.") for group in groups]
        FailureGroup.objects.bulk_update(groups, [*_DECIDED, *NOT_MUTED])
        record(*events)
