"""What happens to failure groups: written down as activity, and told to whoever listens.

Listeners run in the transaction that changes the group: what they write is there exactly when the
change is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.dispatch import Signal

from executions.events import FAILURES_CHANGED
from executions.models import FailureActivity, FailureGroup, FailureWatch
from executions.publishing import announce

#: Sent with `event`, a FailureEvent.
happened = Signal()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureEvent:
    """Something that happened to a group. `kind` is one of `FailureActivity.Kind`, or the name of
    the command that a person gave; `text` is the comment, or a sentence."""

    group: FailureGroup
    kind: str
    at: datetime
    user_id: int | None = None
    actor: str = ""
    text: str = ""
    #: The names of the users whom a comment mentions, or to whom it was assigned.
    mentions: Sequence[str] = ()
    version: int | None = None
    #: Whether it changed what people decide: the state or the owner.
    is_change: bool = True


def record(*events: FailureEvent) -> None:
    """Write events down, and tell those who listen and the pages."""
    FailureActivity.objects.bulk_create(
        FailureActivity(
            group=event.group,
            at=event.at,
            kind=event.kind,
            user_id=event.user_id,
            actor=event.actor,
            text=event.text,
            mentions=list(event.mentions),
            version=event.version,
            revision=event.group.revision if event.is_change else 0,
        )
        for event in events
    )
    for event in events:
        happened.send(sender=FailureEvent, event=event)
    changed = any(event.is_change for event in events)
    notify_pages([event.group for event in events], is_change=changed)


def notify_pages(groups: Sequence[FailureGroup], *, is_change: bool) -> None:
    """Have the pages that show groups fetch them; with `is_change`, also those that only show how
    many need somebody."""
    if groups:
        ids = [str(group.pk) for group in groups]
        announce({"type": FAILURES_CHANGED, "ids": ids, "is_change": is_change})


def watchers(group: FailureGroup) -> list[int]:
    """Return the ids of the users who hear of what happens to a group."""
    found = set(FailureWatch.objects.filter(group=group).values_list("user_id", flat=True))
    return sorted(found | ({group.owner_id} if group.owner_id else set()))


def watch(group: FailureGroup, user_ids: Sequence[int]) -> None:
    """Have users watch a group, also those who do already."""
    FailureWatch.objects.bulk_create(
        [FailureWatch(group=group, user_id=one) for one in user_ids], ignore_conflicts=True
    )
