"""What has happened to an account lately, in words, for its owner."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from executions.models import ApiToken, AuditEntry

#: How many of the latest entries are shown, and among how many they are looked for.
SHOWN, LOOKED_AT = 5, 100
#: What was done, and what was refused.
_WORDS = {
    "sign-in": ("Signed in", "A sign-in was refused"),
    "change-password": ("Password changed", "A change of the password was refused"),
    "reset-password": ("Password set by a link", "A link for a new password was refused"),
    "confirm": ("Confirmed", "A wrong password or code was entered"),
    "second-factor": ("Second factor changed", "A change of a second factor was refused"),
    "end-session": ("Signed out elsewhere", "Signing out elsewhere was refused"),
    "link-account": ("Linked to", "Not linked to"),
    "follow-groups": ("Groups changed", "Groups not changed"),
}
_TOKEN = str(ApiToken._meta.verbose_name)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened to an account."""

    at: datetime
    text: str
    is_refused: bool


def latest_events(user: Any) -> list[Event]:
    """Return the latest events of a user's account, also what others tried in their name."""
    own = AuditEntry.objects.filter(user_id=user.pk)[:LOOKED_AT]
    in_name = AuditEntry.objects.filter(actor=user.get_username(), user=None)[:LOOKED_AT]
    entries = [one for one in (*own, *in_name) if _concerns_account(one)]
    entries.sort(key=lambda one: (one.at, one.pk), reverse=True)
    return [_event(one) for one in entries[:SHOWN]]


def _concerns_account(entry: AuditEntry) -> bool:
    return entry.command in AuditEntry.ACCOUNT or entry.object_kind == _TOKEN


def _event(entry: AuditEntry) -> Event:
    is_refused = entry.outcome == AuditEntry.Outcome.REFUSED
    done, refused = _WORDS.get(entry.command, (_named(entry), f"{_named(entry)} was refused"))
    text = refused if is_refused else done
    if entry.detail:
        text += f": {entry.detail}"
    if entry.address:
        text += f", from {entry.address}"
    return Event(entry.at, text, is_refused)


def _named(entry: AuditEntry) -> str:
    what = entry.command.replace("-", " ").capitalize()
    return f"{what} {entry.object_name}".strip()
