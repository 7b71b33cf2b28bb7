"""Deliveries: written with what they tell of, sent by tasks, tried again until they arrive.

A destination has one message on its way at a time, and after a failure all of its messages wait.
So a channel that does not answer takes a worker's process for some seconds, less and less often,
and others wait for nothing.
"""

import logging
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from celery import current_app
from django.db import connection, transaction
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone
from kombu.exceptions import OperationalError

from executions.access import User
from executions.alerts import choices
from executions.alerts.channel_type import (
    ChannelType,
    DeliveryFailed,
    DeliveryRefused,
    Target,
    channel_target,
)
from executions.alerts.messages import Message
from executions.alerts.registry import CHANNEL_TYPES
from executions.events import NOTIFICATIONS_CHANGED
from executions.limits import (
    DELIVERY_GIVEN_UP_AFTER,
    DELIVERY_LEASE_SECONDS,
    DELIVERY_RETRY_SECONDS,
    DELIVERY_SLICE_SECONDS,
    MAX_DELIVERY_ATTEMPTS,
    MAX_DELIVERY_RETRY_SECONDS,
)
from executions.models import AlertChannel, Delivery, DeliveryAttempt
from executions.publishing import announce

TASK = "executions.tasks.deliver"
QUEUE = "deliveries"
#: The first number of the advisory lock under which a delivery of a destination is claimed.
_LOCK = 0x0A1E
_CLAIM_LOCK = "SELECT pg_try_advisory_xact_lock(%(lock)s, hashtext(%(destination)s))"
#: Characters of an answer that the log keeps.
_ANSWER = 1_000
S = Delivery.Status
logger = logging.getLogger(__name__)


# Writing them -------------------------------------------------------------------------------------


def to_person(user: User, message: Message, now: datetime, **about: Any) -> list[Delivery]:
    """Return the deliveries of a message by the channels that a person has chosen. `about` are
    further columns: the occasion, the step, the alert. Not saved."""
    occasion = choices.OCCASIONS.get(str(about["occasion"]))
    channel_types = choices.channel_types_of(user, str(about["occasion"]))
    quiet = None if occasion and occasion.is_urgent else choices.quiet_hours_end(user, now)
    return [
        new(
            channel_type,
            target,
            message,
            now,
            quiet=quiet if channel_type.is_held else None,
            user=user,
            **about,
        )
        for channel_type in channel_types
        if not (quiet and channel_type.is_held is None)
        for target in channel_type.targets(user)
    ]


def to_channel(channel: AlertChannel, message: Message, now: datetime, **about: Any) -> Delivery:
    """Return the delivery of a message to a channel. Not saved."""
    return new(CHANNEL_TYPES[channel.kind], channel_target(channel), message, now, **about)


def new(
    channel_type: ChannelType,
    target: Target,
    message: Message,
    now: datetime,
    *,
    quiet: datetime | None = None,
    **about: Any,
) -> Delivery:
    """Return the delivery of a message by one channel, held until quiet hours end. Not saved."""
    is_sent = channel_type.send is None
    return Delivery(
        via=channel_type.name,
        recipient=target.recipient,
        destination=target.destination,
        channel=target.channel,
        message=message.as_json(),
        created_at=now,
        due_at=quiet or now,
        is_held=quiet is not None,
        status=S.SENT if is_sent else S.WAITING,
        sent_at=now if is_sent else None,
        **about,
    )


def write(deliveries: Iterable[Delivery]) -> None:
    """Insert deliveries in the transaction of what they tell of; on commit, have them sent and the
    pages of their users notified."""
    written = list(deliveries)
    Delivery.objects.bulk_create(written, ignore_conflicts=True)
    now = timezone.now()
    for destination in sorted({one.destination for one in written if one.due_at <= now} - {""}):
        send_soon(destination)
    notify_pages(
        {one.user_id for one in written if CHANNEL_TYPES[one.via].send is None and one.user_id}
    )


def notify_pages(user_ids: Iterable[int]) -> None:
    """Have the open pages of users fetch their notifications."""
    for user_id in sorted(user_ids):
        announce({"type": NOTIFICATIONS_CHANGED, "user": user_id})


def send_soon(destination: str) -> None:
    """Send the Celery message that names a destination, on commit. One that is lost is sent again,
    and one too many does no harm."""
    transaction.on_commit(partial(_send_task, destination))


def _send_task(destination: str) -> None:
    try:
        current_app.send_task(TASK, [destination], queue=QUEUE, retry=False)
    except OperationalError as error:
        logger.warning("The message for %s will be sent again: %s", destination, error)


# Sending them -------------------------------------------------------------------------------------


def _due(now: datetime) -> QuerySet[Delivery]:
    """Return the deliveries to try: those that are due, and those whose worker has died."""
    return Delivery.objects.filter(
        Q(status=S.WAITING, due_at__lte=now) | Q(status=S.SENDING, lease_expires_at__lte=now)
    )


def send_due() -> None:
    """Send the Celery message of each destination that something is due for."""
    now = timezone.now()
    busy = Delivery.objects.filter(status=S.SENDING, lease_expires_at__gt=now)
    due = _due(now).exclude(destination__in=busy.values("destination"))
    for destination in due.order_by().values_list("destination", flat=True).distinct():
        _send_task(destination)


def deliver(destination: str) -> None:
    """Send what is due for a destination, one after the other, until one fails."""
    until = time.monotonic() + DELIVERY_SLICE_SECONDS
    while delivery := _claim(destination):
        if not _attempt(delivery):
            return
        if time.monotonic() > until:
            _send_task(destination)
            return


def _claim(destination: str) -> Delivery | None:
    """Take the lease of the next delivery; None when nothing is due, or one is on its way."""
    now = timezone.now()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_CLAIM_LOCK, {"lock": _LOCK, "destination": destination})
            if not cursor.fetchone()[0]:
                return None
        those = Delivery.objects.filter(destination=destination)
        if those.filter(status=S.SENDING, lease_expires_at__gt=now).exists():
            return None
        due = _due(now).filter(destination=destination).order_by("attempts", "created_at", "id")
        delivery = due.select_for_update(of=("self",)).first()
        if delivery is None:
            return None
        if delivery.status == S.SENDING:
            _log(delivery, now, 0.0, "The worker ended before there was an answer.")
        delivery.status, delivery.attempts = S.SENDING, delivery.attempts + 1
        delivery.lease_expires_at = now + timedelta(seconds=DELIVERY_LEASE_SECONDS)
        delivery.save(update_fields=["status", "attempts", "lease_expires_at"])
    return delivery


def _attempt(delivery: Delivery) -> bool:
    """Try to send a delivery. Returns False when its destination had better be left alone."""
    began, clock = timezone.now(), time.monotonic()
    status, after = S.SENT, None
    try:
        answer = _send(delivery)
    except _Outdated as reason:
        status, answer = S.OUTDATED, str(reason)
    except DeliveryRefused as refused:
        status, answer = S.FAILED, str(refused)
    except DeliveryFailed as failed:
        status, answer, after = S.WAITING, str(failed), failed.after
    except Exception as error:
        logger.exception("The delivery %s could not be sent", delivery.pk)
        status, answer = S.WAITING, f"{type(error).__name__}: {error}"
    with transaction.atomic():
        _log(delivery, began, time.monotonic() - clock, answer, is_done=status == S.SENT)
        _finish(delivery, status, after)
    return status != S.WAITING


class _Outdated(Exception):
    """What the message says was over before the quiet hours of its reader were."""


def _send(delivery: Delivery) -> str:
    alert = delivery.alert
    if delivery.is_held and alert is not None and alert.closed_at is not None:
        raise _Outdated("It was over before the quiet hours were.")
    if delivery.user is not None and not delivery.user.is_active:
        raise DeliveryRefused("The account is not active any more.")
    channel = delivery.channel
    if channel is not None and not channel.is_on:
        raise DeliveryRefused("The channel is switched off.")
    send = CHANNEL_TYPES[delivery.via].send
    assert send is not None, f"{delivery.via} is sent when it is written"
    return send(delivery)


def _log(
    delivery: Delivery, at: datetime, seconds: float, answer: str, *, is_done: bool = False
) -> None:
    text = answer.replace("\0", "")[:_ANSWER]
    DeliveryAttempt.objects.create(
        delivery=delivery, at=at, seconds=seconds, answer=text, is_done=is_done
    )


def _finish(delivery: Delivery, status: str, after: float | None) -> None:
    """Write what became of an attempt, if no other worker has taken over meanwhile."""
    now = timezone.now()
    held = Delivery.objects.filter(
        pk=delivery.pk, status=S.SENDING, lease_expires_at=delivery.lease_expires_at
    )
    if status != S.WAITING:
        sent_at = now if status == S.SENT else None
        held.update(status=status, lease_expires_at=None, sent_at=sent_at)
        return
    age = (now - delivery.created_at).total_seconds()
    if age > DELIVERY_GIVEN_UP_AFTER or delivery.attempts >= MAX_DELIVERY_ATTEMPTS:
        held.update(status=S.FAILED, lease_expires_at=None)
        return
    if held.update(status=S.WAITING, lease_expires_at=None):
        _back_off(delivery.destination, now, after)


def _back_off(destination: str, now: datetime, after: float | None) -> None:
    """Have all that waits for a destination wait longer, the longer the more attempts failed."""
    waiting = Delivery.objects.filter(destination=destination, status=S.WAITING)
    failures = waiting.aggregate(failures=Sum("attempts"))["failures"] or 1
    seconds = DELIVERY_RETRY_SECONDS * 2.0 ** min(failures - 1, 12)
    then = now + timedelta(seconds=after or min(seconds, MAX_DELIVERY_RETRY_SECONDS))
    waiting.filter(due_at__lt=then).update(due_at=then)


def try_again(delivery: Delivery) -> bool:
    """Send a delivery that has failed once more, now. Returns False when it has not failed."""
    now = timezone.now()
    changed = Delivery.objects.filter(pk=delivery.pk, status__in=[S.FAILED, S.WAITING]).update(
        status=S.WAITING, attempts=0, due_at=now, created_at=now, is_held=False
    )
    if changed:
        send_soon(delivery.destination)
    return bool(changed)
