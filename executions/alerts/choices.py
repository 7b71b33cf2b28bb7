"""What reaches a person, by which channel: the matrix of the account page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from executions import preferences
from executions.access import User
from executions.alerts.channel_type import ChannelType
from executions.alerts.quiet_hours import quiet_until
from executions.alerts.registry import KINDS, PERSONAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a message may be about: a row of the matrix."""

    name: str
    label: str
    hint: str = ""
    is_urgent: bool = False


#: What concerns a person without any rule.
FAILURE_OF_MINE = Occasion(
    name="failure-of-mine",
    label="A failure of mine changes",
    hint="one that I own or watch: seen again, no longer muted, resolved",
    is_urgent=True,
)
MENTIONED = Occasion(
    name="mentioned",
    label="Somebody mentions me",
    hint="in a comment on a failure, or assigns me one",
)
WATCHED_ENDS = Occasion(
    name="watched-ends",
    label="An execution I watch ends",
    hint="however it ends",
)
ASKED = Occasion(
    name="asked",
    label="A flow asks me something",
    hint="also the reminder, and what somebody assigns to me",
)
#: Every row, in order.
OCCASIONS = {
    one.name: one
    for one in (
        FAILURE_OF_MINE,
        MENTIONED,
        WATCHED_ENDS,
        ASKED,
        *(
            Occasion(name=kind.name, label=kind.label, hint=kind.hint, is_urgent=kind.is_urgent)
            for kind in KINDS.values()
        ),
    )
}
_DEFAULT = tuple(name for name, channel_type in PERSONAL.items() if channel_type.is_default)


def channel_types_of(user: User, occasion: str) -> list[ChannelType]:
    """Return the types of channel by which a person has chosen to hear of an occasion."""
    chosen: Mapping[str, Sequence[str]] = preferences.of(user).notifications
    names = chosen.get(occasion, _DEFAULT)
    return [channel_type for name, channel_type in PERSONAL.items() if name in names]


def quiet_hours_end(user: User, now: datetime) -> datetime | None:
    """Return when the person's quiet hours end; None when there are none now."""
    chosen = preferences.of(user)
    zone = chosen.zone or timezone.get_default_timezone_name()
    return quiet_until(now, chosen.quiet_from, chosen.quiet_until, zone)


def matrix(user: User) -> list[dict[str, Any]]:
    """Return the rows of the account page, each with a cell for each type of channel."""
    missing = {name: channel_type.missing(user) for name, channel_type in PERSONAL.items()}
    rows = []
    for occasion in OCCASIONS.values():
        on = {channel_type.name for channel_type in channel_types_of(user, occasion.name)}
        cells = [
            {"channel_type": channel_type, "is_on": name in on, "missing": missing[name]}
            for name, channel_type in PERSONAL.items()
        ]
        rows.append({"occasion": occasion, "cells": cells})
    return rows


def chosen_of(given: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the choices that a form holds, which has a list of channel types for each occasion."""
    return {name: [one for one in PERSONAL if one in given.get(name, ())] for name in OCCASIONS}
