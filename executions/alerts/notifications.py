"""The bell: what a user was told in the product, and what of it they have not read."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from executions.access import User
from executions.alerts import deliveries
from executions.alerts.messages import Message
from executions.models import Delivery

#: Unread notifications up to which they are counted.
COUNTED = 99
#: How long after it was written a notification is still shown by the browser.
_BROWSER_LATE = timedelta(minutes=10)
_SHOWN = 5


def latest(user: User) -> QuerySet[Delivery]:
    """Return the notifications of a user, the newest first."""
    if user.pk is None:
        return Delivery.objects.none()
    return Delivery.objects.filter(user=user.pk, via="here").order_by("-created_at", "-id")


def unread(user: User) -> QuerySet[Delivery]:
    return latest(user).filter(read_at=None)


def summary(user: User) -> dict[str, Any]:
    """Return what the bell of a page shows, and what the browser has to show. That is given to one
    page only, the first that asks."""
    return {
        "unread": unread(user).order_by()[: COUNTED + 1].count(),
        "browser": [_shown(one) for one in _take_for_browser(user)],
    }


def _take_for_browser(user: User) -> Sequence[Delivery]:
    if user.pk is None:
        return []
    now = timezone.now()
    waiting = Delivery.objects.filter(
        user=user.pk, via="browser", read_at=None, created_at__gt=now - _BROWSER_LATE
    )
    found = list(waiting.order_by("-created_at")[:_SHOWN])
    return [one for one in found if waiting.filter(pk=one.pk).update(read_at=now)]


def _shown(delivery: Delivery) -> dict[str, str]:
    message = Message.of(delivery)
    first = message.lines[0][0] if message.lines else message.text
    return {
        "id": str(delivery.pk),
        "title": message.title,
        "text": first,
        "address": message.address,
    }


def mark_read(user: User, ids: Sequence[UUID] | None = None) -> None:
    """Mark notifications of a user as read, all of them where no ids are given, and have their
    other pages know."""
    those = unread(user) if ids is None else unread(user).filter(pk__in=ids)
    if user.pk is not None and those.order_by().update(read_at=timezone.now()):
        deliveries.notify_pages([user.pk])
