"""Chat and other services, through Apprise: an extra.

Apprise makes its own requests, so they do not obey the guard of private addresses. That is why
administrators alone set up the addresses.
"""

from executions.access import User
from executions.alerts.channel_type import (
    ChannelType,
    DeliveryFailed,
    DeliveryRefused,
    Target,
    channel_target,
)
from executions.alerts.messages import Message, absolute
from executions.limits import DELIVERY_SECONDS
from executions.models import AlertChannel, Delivery

try:
    import apprise
except ImportError:  # the extra `chat` is not installed
    apprise = None  # type: ignore[assignment]


def is_installed() -> bool:
    """Return whether Apprise is there."""
    return apprise is not None


def is_address(address: str) -> bool:
    """Return whether Apprise knows what to do with an address."""
    return apprise is not None and apprise.Apprise.instantiate(address) is not None


def targets(user: User) -> list[Target]:
    if apprise is None or not user.is_authenticated:
        return []
    kind = AlertChannel.Kind.CHAT
    channels = AlertChannel.objects.filter(kind=kind, person_id=user.pk, is_on=True)
    return [channel_target(channel) for channel in channels]


def missing(user: User) -> str:
    if apprise is None:
        return "Chat is not installed: it is the extra `chat`."
    return "" if targets(user) else "An administrator can set up a chat for you."


def send(delivery: Delivery) -> str:
    """Hand a message to the service that the address names."""
    channel = delivery.channel
    assert channel is not None
    if apprise is None:
        raise DeliveryRefused("Apprise is not installed: install the extra `chat`.")
    service = apprise.Apprise()
    if not service.add(channel.address):
        raise DeliveryRefused("Apprise does not know what to do with the address.")
    message = Message.of(delivery)
    lines = [f"- {text} {absolute(address)}".rstrip() for text, address in message.lines]
    more = [f"- and {message.more:,} more"] if message.more else []
    body = "\n".join([message.text, *lines, *more, absolute(message.address)])
    result = service.notify(body=body, title=message.title, timeout=DELIVERY_SECONDS)
    if not result:
        said = [entry.message for entry in result.logs()]
        raise DeliveryFailed(said[-1] if said else "The service did not take it in time.")
    return "The service took it."


CHANNEL_TYPE = ChannelType(
    name="chat",
    label="Chat",
    column="Chat",
    order=40,
    targets=targets,
    missing=missing,
    send=send,
)
