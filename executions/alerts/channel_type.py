"""The declaration of a type of channel: mail, chat, webhook and so on."""

from collections.abc import Callable
from dataclasses import dataclass

from executions.access import User
from executions.models import AlertChannel, Delivery

#: The one destination of all mails: the mail server.
MAIL_SERVER = "mail"


class DeliveryFailed(Exception):
    """An attempt that failed; another one may do better."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        #: Seconds until the other side wants to hear of it again.
        self.after = after


class DeliveryRefused(Exception):
    """An attempt that failed as every other one would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a message to a person goes: `recipient` is what it is sent once to."""

    recipient: str
    destination: str = ""
    channel: AlertChannel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelType:
    """A type of channel, declared in a file of `executions.alerts.channels`."""

    name: str
    label: str
    #: The head of its column on the account page.
    column: str
    #: Its place among the others.
    order: int
    #: Where messages to a person go; nowhere when it does not reach that person.
    targets: Callable[[User], list[Target]]
    #: Why it reaches a person not, as a sentence; empty when it does.
    missing: Callable[[User], str]
    #: Sends a message, and returns what the other side answered. Raises DeliveryFailed and
    #: DeliveryRefused. None for what a page fetches: that is sent as soon as it is written.
    send: Callable[[Delivery], str] | None = None
    #: Whether people have it unless they choose otherwise.
    is_default: bool = False
    #: Whether it waits for the end of a person's quiet hours; None when it is then left out.
    is_held: bool | None = True


def account_targets(user: User) -> list[Target]:
    """Return where messages to a person go that the pages of the product show."""
    return [Target(recipient=f"user {user.pk}")]


def channel_target(channel: AlertChannel) -> Target:
    """Return where messages to a channel go."""
    name = f"channel {channel.pk}"
    return Target(recipient=name, destination=name, channel=channel)
