"""What concerns a person without any rule: changes of the failures that they own or watch, comments
that mention them, and the ends of executions that they watch."""

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.text import Truncator

from executions import access as executions_access
from executions import watches
from executions.alerts import choices, deliveries
from executions.alerts.messages import Message
from executions.failures import access, events
from executions.failures.events import FailureEvent
from executions.models import Delivery, Execution, FailureActivity, Watch

#: Changes that those who own or watch a failure hear of.
_TOLD = frozenset({FailureActivity.Kind.REGRESSED, FailureActivity.Kind.UNMUTED, "resolve"})
#: Characters of a comment that a message shows.
_TEXT = 400
#: Watches that one transaction tells of.
_WATCHES = 500


def notify(sender: object, event: FailureEvent, **_: object) -> None:
    """Tell people of what has happened to a failure, in the transaction in which it did. Nobody
    hears of what they do themselves, or may not see."""
    mentioned = set(event.mentions)
    watching = set(events.watchers(event.group)) if event.kind in _TOLD else set()
    if not mentioned and not watching:
        return
    written: list[Delivery] = []
    for user in _people(mentioned, watching, event.user_id or 0):
        if access.visible(user).filter(pk=event.group.pk).exists():
            is_mentioned = user.get_username() in mentioned
            occasion = choices.MENTIONED if is_mentioned else choices.FAILURE_OF_MINE
            written += deliveries.to_person(
                user,
                _message(event),
                event.at,
                occasion=occasion.name,
                step=Delivery.Step.PERSONAL,
            )
    deliveries.write(written)


@transaction.atomic
def notify_watchers() -> None:
    """Tell people that what they watch has ended, by the channels that they have chosen."""
    now = timezone.now()
    rows = watches.untold_ends().select_related("user__preferences", "execution")[:_WATCHES]
    found = list(rows)
    written: list[Delivery] = []
    for user, ended in _by_user(found):
        seen = executions_access.visible(user).filter(pk__in=[one.pk for one in ended])
        for execution in seen.order_by("ended_at", "id") if user.is_active else ():
            written += deliveries.to_person(
                user,
                _end_of(execution),
                now,
                occasion=choices.WATCHED_ENDS.name,
                step=Delivery.Step.PERSONAL,
            )
    deliveries.write(written)
    told = Watch.objects.filter(pk__in=[one.pk for one in found])
    told.update(is_told=True)
    watches.delete_told(told)


def _by_user(found: Iterable[Watch]) -> Iterator[tuple[Any, list[Execution]]]:
    by_user = sorted(found, key=lambda one: one.user_id)
    for _, group in groupby(by_user, key=lambda one: one.user_id):
        rows = list(group)
        yield rows[0].user, [one.execution for one in rows]


def _end_of(execution: Execution) -> Message:
    told = watches.notification(execution)
    return Message(
        title=f"{told['flow']}: {told['word']}",
        text=Truncator(told["detail"]).chars(_TEXT),
        address=execution.get_absolute_url(),
    )


def _people(names: Collection[str], ids: Collection[int], author: int) -> list[Any]:
    people = get_user_model()._default_manager.filter(is_active=True).exclude(pk=author)
    chosen = people.filter(Q(username__in=names) | Q(pk__in=ids))
    return list(chosen.select_related("preferences").order_by("pk"))


def _message(event: FailureEvent) -> Message:
    group = event.group
    who = f"{event.actor}: " if event.actor else ""
    return Message(
        title=f"{group.short_type} in {group.flow.name}",
        text=f"{who}{Truncator(event.text).chars(_TEXT)}",
        address=group.get_absolute_url(),
    )
