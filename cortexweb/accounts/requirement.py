"""Where everybody must have a second factor: who has signed in without one can only set one up."""

from typing import Any

from allauth.mfa.signals import authenticator_added, authenticator_removed
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest

from cortexweb.accounts.audit import record

#: In a session: its user has to add a second factor before anything else.
_MUST_ADD = "must_add_second_factor"
#: What they can reach until then.
REACHABLE = frozenset(
    {
        "set-up-second-factor",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "account_reauthenticate",
        "sign-in-again",
        "logout",
        "healthz",
        "readyz",
    }
)
_KINDS = {"totp": "app", "webauthn": "passkey", "recovery_codes": "recovery codes"}


def is_required_of(user: Any) -> bool:
    """Return whether a password alone does not sign a user in."""
    return settings.SECOND_FACTOR == "required" or bool(is_mfa_enabled(user))


def note_sign_in(request: HttpRequest, ways: list[str]) -> None:
    """Note, after a sign-in, whether its user has to add a second factor."""
    if settings.SECOND_FACTOR == "required" and set(ways) <= {"password", "LDAP"}:
        request.session[_MUST_ADD] = True


def must_set_up(session: Any) -> bool:
    """Return whether the user of a session has to add a second factor before anything else."""
    return settings.SECOND_FACTOR == "required" and bool(session.get(_MUST_ADD))


def connect() -> None:
    """Hear of second factors that are added and removed."""
    authenticator_added.connect(_added)
    authenticator_removed.connect(_removed)


def _added(request: HttpRequest, user: Any, authenticator: Any, **_: Any) -> None:
    request.session.pop(_MUST_ADD, None)
    record(request, "second-factor", user, detail=f"{_KINDS[authenticator.type]} added")


def _removed(request: HttpRequest, user: Any, authenticator: Any, **_: Any) -> None:
    record(request, "second-factor", user, detail=f"{_KINDS[authenticator.type]} removed")


class CompleteSignIn:
    """Takes whoever has to add a second factor for nobody, on live connections."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        # The session has been loaded: its user is known.
        if must_set_up(scope["session"]):
            scope = {**scope, "user": AnonymousUser()}
        return await self.application(scope, receive, send)
