"""Who asks: by an API token, by an account's name and password, or by the session of a page.

An `Authorization` header counts alone: with a wrong one, nobody is signed in by a cookie.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from http import HTTPStatus
from threading import Lock
from typing import Any

from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBasicAuth, HttpBearer, SessionAuth

from cortexweb.accounts import requirement
from cortexweb.accounts.login_attempts import PasswordAttempt, password_slot
from cortexweb.accounts.requirement import is_required_of
from executions import api_tokens, log_context, preferences
from executions.api.problems import Problem
from executions.commands.actor import address_of
from executions.preferences import is_time_zone

#: Seconds for which a password that was right needs no new check, and how many are remembered:
#: each check keeps a core busy for a while, by design.
REMEMBERED_SECONDS = 300.0
REMEMBERED = 1_000


class Session(SessionAuth):
    """The session of a page. What changes something needs the CSRF token of the page."""

    def __call__(self, request: HttpRequest) -> Any:
        if "Authorization" in request.headers or not request.user.is_authenticated:
            return None
        return super().__call__(request)


class Bearer(HttpBearer):
    """An API token."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        user = api_tokens.authenticate(token, address_of(request))
        if user is not None:
            become(request, user)
        return user


class Basic(HttpBasicAuth):
    """An account's name and password, limited as attempts to sign in are. Where a second factor is
    asked for, a password alone is not enough."""

    def __call__(self, request: HttpRequest) -> Any:
        scheme = request.headers.get("Authorization", "").partition(" ")[0]
        return super().__call__(request) if scheme.lower() == "basic" else None

    def decode_authorization(self, value: str) -> tuple[str, str]:
        try:
            text = base64.b64decode(value.partition(" ")[2], validate=True).decode()
        except ValueError:
            return "", ""
        name, _, password = text.partition(":")
        return name, password

    def authenticate(self, request: HttpRequest, username: str, password: str) -> Any:
        if not username or not password or "\0" in username + password:
            return None
        user = _known.find(username, password) or _checked(request, username, password)
        if user is not None and requirement.is_required_of(user):
            raise Problem(
                HTTPStatus.FORBIDDEN,
                "A password alone does not sign in to this account. Use an API token.",
            )
        if user is not None:
            become(request, user)
        return user


def become(request: HttpRequest, user: Any) -> None:
    """Make the request one of the user: in access checks, the log, and times without a zone."""
    request.user = user
    log_context.add(user=user.pk)
    chosen = preferences.of(user)
    request.preferences = chosen  # type: ignore[attr-defined]
    if is_time_zone(chosen.zone):
        timezone.activate(chosen.zone)


def _checked(request: HttpRequest, name: str, password: str) -> AbstractBaseUser | None:
    """Return the user if the password is right. Raises Problem when it is not looked at."""
    attempt = PasswordAttempt.of(name, request, "sign-in", "api")
    if seconds := attempt.begin():
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            "There were too many attempts to sign in. Wait, then try again.",
            headers={"Retry-After": str(seconds)},
        )
    with password_slot() as taken:
        if not taken:
            raise Problem(
                HTTPStatus.TOO_MANY_REQUESTS,
                "Many people are signing in. Wait, then try again.",
                headers={"Retry-After": "5"},
            )
        user = authenticate(request, username=name, password=password)
    if user is None:
        attempt.failed("wrong name or password")
        return None
    attempt.forget()
    if is_required_of(user):
        attempt.failed("a second factor is asked for")
        raise Problem(
            HTTPStatus.UNAUTHORIZED,
            "This account signs in with a second factor. Send an API token instead.",
            headers={"WWW-Authenticate": 'Bearer realm="CortexWeb"'},
        )
    attempt.succeeded(user)
    _known.add(name, password, user)
    return user


class _KnownPasswords:
    """The passwords that were right lately, as digests that no other process can make."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes()
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._lock = Lock()

    def find(self, name: str, password: str) -> AbstractBaseUser | None:
        """Return the user of a password that was right lately, and still is that of the account."""
        if not self._until:
            return None
        user = _account(name)
        if user is None:
            return None
        with self._lock:
            until = self._until.get(self._digest(user, password), 0.0)
        return user if time.monotonic() < until else None

    def add(self, name: str, password: str, user: Any) -> None:
        found = _account(name)
        if found is None or found.pk != user.pk:
            return
        with self._lock:
            self._until[self._digest(found, password)] = time.monotonic() + REMEMBERED_SECONDS
            while len(self._until) > REMEMBERED:
                self._until.popitem(last=False)

    def _digest(self, user: AbstractBaseUser, password: str) -> bytes:
        known = f"{user.pk}\0{user.password}\0{password}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, known, hashlib.sha256).digest()


def _account(name: str) -> AbstractBaseUser | None:
    """Return the active user of a name, with their preferences."""
    users = get_user_model()._default_manager.select_related("preferences")
    return users.filter(**{get_user_model().USERNAME_FIELD: name, "is_active": True}).first()


_known = _KnownPasswords()
