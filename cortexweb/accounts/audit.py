"""The audit entries of accounts: who signed in, how and from where, and what was changed."""

from typing import Any

from django.http import HttpRequest

from executions import audit
from executions.commands.actor import Actor, address_of


def record(  # noqa: PLR0913 (what an entry says)
    request: HttpRequest,
    command: str,
    user: Any,
    *,
    door: str = "page",
    done: bool = True,
    detail: str = "",
) -> None:
    """Write the entry of what a user has done about their own account, and at which door."""
    actor = Actor(user.pk, user.get_username(), door, address_of(request))
    audit.record(actor, command, subject=user, done=done, detail=detail)


def record_refused(request: HttpRequest, name: str, detail: str) -> None:
    """Write the entry of a sign-in that was refused to somebody who says this is their name."""
    actor = Actor(None, name, "page", address_of(request))
    audit.record(actor, "sign-in", done=False, detail=detail)
