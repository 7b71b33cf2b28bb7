"""Who does something, and from where."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something. `source` is page, api, bulk job, command line, admin, webhook, chain,
    schedule, demo or time; `address` is the client's, if there is one; `token` and `token_id` are
    the name and the id of the API token that the client gave."""

    user_id: int | None
    name: str
    source: str
    address: str | None = None
    token: str = ""
    token_id: int | None = None

    @classmethod
    def of_request(cls, request: HttpRequest, source: str = "page") -> "Actor":
        """Return who sends a request; with an API token, the source is api."""
        if source == "page" and getattr(request.user, "api_token", None) is not None:
            source = "api"
        return cls.of_user(request.user, source, address_of(request))

    @classmethod
    def of_user(cls, user: Any, source: str, address: str | None) -> "Actor":
        """Return a user as an actor, with the API token that they came with."""
        token = getattr(user, "api_token", None)
        of_token = (token.name, token.pk) if token is not None else ("", None)
        return cls(user.pk, user.get_username(), source, address, *of_token)


def address_of(request: HttpRequest) -> str | None:
    """The address of the client; None if the proxy named something else."""
    try:
        return str(ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None
