"""Chat and other services, through Apprise: an extra.

Apprise makes its own requests. They obey the same guard of private addresses as HTTP blocks.
"""

import logging
from functools import cache
from importlib.util import find_spec
from queue import Empty, Queue
from threading import Thread
from typing import Any

from executions.access import User
from executions.alerts.channel_type import (
    ChannelType,
    DeliveryFailed,
    DeliveryRefused,
    Target,
    channel_target,
)
from executions.alerts.messages import Message, absolute
from executions.effects import allowed_networks
from executions.effects.connection_guard import guarded
from executions.limits import DELIVERY_SECONDS
from executions.models import AlertChannel, Delivery


@cache
def is_installed() -> bool:
    """Return whether Apprise is there: the extra `chat`."""
    return find_spec("apprise") is not None


def is_address(address: str) -> bool:
    """Return whether Apprise knows what to do with an address."""
    return is_installed() and _service(address) is not None


def _service(address: str) -> Any:
    # Few processes send to a chat, and it takes long to load.
    import apprise  # noqa: PLC0415

    return apprise.Apprise.instantiate(address)


def targets(user: User) -> list[Target]:
    if not is_installed() or not user.is_authenticated:
        return []
    kind = AlertChannel.Kind.CHAT
    channels = AlertChannel.objects.filter(kind=kind, person_id=user.pk, is_on=True)
    return [channel_target(channel) for channel in channels]


def missing(user: User) -> str:
    if not is_installed():
        return "Chat is not installed: it is the extra `chat`."
    return "" if targets(user) else "An administrator can set up a chat for you."


def send(delivery: Delivery) -> str:
    """Hand a message to the service that the address names."""
    channel = delivery.channel
    assert channel is not None
    if not is_installed():
        raise DeliveryRefused("Apprise is not installed: install the extra `chat`.")
    service = _service(channel.address)
    if service is None:
        raise DeliveryRefused("Apprise does not know what to do with the address.")
    message = Message.of(delivery)
    lines = [f"- {text} {absolute(address)}".rstrip() for text, address in message.lines]
    more = [f"- and {message.more:,} more"] if message.more else []
    body = "\n".join([message.text, *lines, *more, absolute(message.address)])
    outcome: Queue[str] = Queue()
    # In a thread of its own, which may be left behind: the library itself has no limit of time but
    # in threads, which the guard does not allow.
    given = (service, outcome, {"body": body, "title": message.title})
    Thread(target=_notify, args=given, daemon=True).start()
    try:
        problem = outcome.get(timeout=DELIVERY_SECONDS)
    except Empty:
        raise DeliveryFailed("The service did not take it in time.") from None
    if problem:
        raise DeliveryFailed(problem)
    return "The service took it."


def _notify(service: Any, outcome: Queue[str], message: dict[str, str]) -> None:
    """Hand a message over, and tell what went wrong, or an empty text."""
    import apprise  # noqa: PLC0415

    problem = "The service did not take it."
    try:
        with (
            apprise.LogCapture(  # type: ignore[no-untyped-call]
                level=logging.WARNING, fmt="%(message)s"
            ) as said,
            guarded(allowed_networks()) as refused,
        ):
            is_sent = service.notify(**message)
            told = [*said.getvalue().splitlines(), *refused]
        problem = "" if is_sent else (told or [problem])[-1]
    finally:
        outcome.put(problem)


CHANNEL_TYPE = ChannelType(
    name="chat",
    label="Chat",
    column="Chat",
    order=40,
    targets=targets,
    missing=missing,
    send=send,
)
