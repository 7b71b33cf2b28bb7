"""The sessions of people: where they are signed in, since when, and signing out elsewhere."""

import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from executions.commands.actor import address_of
from executions.events import USER_CHANGED
from executions.publishing import announce

#: Seconds between two notes of when, and from where, a session was used last.
NOTED_EVERY = 300
#: In a session: when it was noted last.
NOTED_AT = "noted_at"
#: The address of somebody whose proxy named something else.
UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104 (no server listens there)

_BROWSERS = (
    ("Edge", r"Edg\w*/"),
    ("Opera", r"OPR/"),
    ("Firefox", r"Firefox/|FxiOS/"),
    ("Chrome", r"Chrom\w*/|CriOS/"),
    ("Safari", r"Safari/"),
)
_SYSTEMS = (
    ("an iPhone", r"iPhone"),
    ("an iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("a Mac", r"Mac OS X|Macintosh"),
    ("Linux", r"Linux|X11"),
)
_PHONES = ("an iPhone", "Android")


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session as its user sees it."""

    id: int
    browser: str
    address: str
    since: datetime
    used_at: datetime
    is_current: bool
    is_phone: bool


def of_user(user_id: Any, current_key: str | None) -> list[OpenSession]:
    """Return the sessions of a user that go on: this one, then those used last."""
    rows = _open(user_id).order_by("-last_seen_at", "-pk")
    found = [_shown(row, row.session_key == current_key) for row in rows]
    return sorted(found, key=lambda one: not one.is_current)


def _shown(row: UserSession, is_current: bool) -> OpenSession:
    browser, system = _first(_BROWSERS, row.user_agent), _first(_SYSTEMS, row.user_agent)
    name = f"{browser or 'A program'} on {system}" if system else browser or "A program"
    address = "" if row.ip == UNKNOWN_ADDRESS else row.ip
    phone = system in _PHONES
    return OpenSession(
        row.pk, name, address, row.created_at, row.last_seen_at, is_current, is_phone=phone
    )


def _first(patterns: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for name, pattern in patterns if re.search(pattern, text)), "")


def _open(user_id: Any) -> QuerySet[UserSession]:
    going_on = Session.objects.filter(
        session_key=OuterRef("session_key"), expire_date__gt=timezone.now()
    )
    found: QuerySet[UserSession] = UserSession.objects.filter(Exists(going_on), user_id=user_id)
    return found


def record_use(request: HttpRequest) -> None:
    """Note that a session is used, and from where, once in a while."""
    # What has not read the session has no user, and its answer stays the same for everybody.
    if not request.session.accessed:
        return
    noted_at = request.session.get(NOTED_AT)
    if noted_at is None or time.time() - noted_at < NOTED_EVERY:
        return
    if request.user.is_authenticated:
        request.session[NOTED_AT] = time.time()
        _write(request)


def begin(request: HttpRequest) -> None:
    """Note that a session has begun."""
    request.session[NOTED_AT] = 0.0
    record_use(request)


def _write(request: HttpRequest) -> None:
    longest = UserSession._meta.get_field("user_agent").max_length
    values = {
        "user": request.user,
        "ip": address_of(request) or UNKNOWN_ADDRESS,
        "user_agent": request.META.get("HTTP_USER_AGENT", "")[:longest],
        "last_seen_at": timezone.now(),
    }
    UserSession.objects.update_or_create(session_key=request.session.session_key, defaults=values)


def end(user_id: Any, session_id: int) -> OpenSession | None:
    """End one of a user's sessions. Returns it; None when it had ended before."""
    row = UserSession.objects.filter(user_id=user_id, pk=session_id).first()
    if row is None:
        return None
    _end(user_id, [row.session_key])
    return _shown(row, is_current=False)


def end_others(user_id: Any, current_key: str | None) -> int:
    """End all sessions of a user but one. Returns how many there were."""
    others = _open(user_id).exclude(session_key=current_key)
    return _end(user_id, list(others.values_list("session_key", flat=True)))


def end_all(user_id: Any) -> int:
    """End all sessions of a user."""
    keys = UserSession.objects.filter(user_id=user_id).values_list("session_key", flat=True)
    return _end(user_id, list(keys))


def end_key(user_id: Any, key: str) -> None:
    """End the session with a key."""
    _end(user_id, [key])


def _end(user_id: Any, keys: list[str]) -> int:
    if keys:
        Session.objects.filter(session_key__in=keys).delete()
        UserSession.objects.filter(session_key__in=keys).delete()
        check_connections(user_id)
    return len(keys)


def forget(user_id: Any, key: str | None) -> None:
    """Forget a session that its user ends by signing out."""
    UserSession.objects.filter(user_id=user_id, session_key=key).delete()
    check_connections(user_id)


def forget_expired() -> None:
    """Forget the sessions that have ended by themselves."""
    kept = Session.objects.filter(session_key=OuterRef("session_key"))
    UserSession.objects.filter(~Exists(kept)).delete()


def check_connections(user_id: Any) -> None:
    """Have every web process check now whose live connections still hold."""
    announce({"type": USER_CHANGED, "user": user_id})
