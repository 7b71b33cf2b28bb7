"""Http Credentials: a user, or a client of OAuth 2.0 whose access token is kept in the variable."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

from flows.blocks.clients import Clients, HttpRequest
from flows.blocks.enumerations import CLIENT_AUTH_TYPE
from flows.blocks.errors import exception
from flows.blocks.http.messages import answer, header, uri_of
from flows.blocks.records import Record
from flows.formats import json
from flows.values import SecretText, conceal

_NAME = "Http Credentials"
#: A token that ends within this time is renewed.
_EARLY = timedelta(seconds=10)
_LONGEST = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Authorisation:
    """How a request is authorised, and what the variable of the credentials holds afterwards;
    None leaves it as it is."""

    user: tuple[str, str] | None = None
    headers: Mapping[str, str] | None = None
    credentials: Mapping[str, Any] | None = None

    @property
    def outputs(self) -> Mapping[str, Any]:
        return {} if self.credentials is None else {_NAME: dict(self.credentials)}


def authorise(details: Mapping[str, Any] | None, clients: Clients) -> Authorisation:
    """Return how a request is authorised with these credentials; null and {} are none. With OAuth
    2.0 this asks for an access token unless the variable has one that is still good."""
    if not details:
        return Authorisation()
    credentials = Record(_NAME, details)
    if "AccessTokenUri" in details:
        return _by_token(credentials, clients)
    domain, user = credentials.text("Domain"), credentials.text("Username")
    return Authorisation((f"{domain}\\{user}" if domain else user, credentials.text("Password")))


def _by_token(credentials: Record, clients: Clients) -> Authorisation:
    now = clients.now()
    stored = credentials.part("AccessToken")
    expires = stored and stored.members.get("ExpiresAt")
    if stored and type(expires) is datetime and expires.tzinfo and expires > now:
        return Authorisation(headers=_bearer(stored.text("Token")))
    token, seconds = _ask(credentials, clients)
    if not seconds:
        return Authorisation(headers=_bearer(token))
    until = now + min(timedelta(seconds=seconds), _LONGEST) - _EARLY
    # They may have been secret, and are plain here: they go back as secret texts.
    fresh = {
        **credentials.members,
        "AccessToken": {"Token": SecretText(token), "ExpiresAt": until},
        **{
            name: conceal(credentials.members[name])
            for name in ("ClientAuthentication", "ResourceOwnerPassword")
            if name in credentials.members
        },
    }
    return Authorisation(headers=_bearer(token), credentials=fresh)


def _bearer(token: str) -> Mapping[str, str]:
    return {"Authorization": header(f"Bearer {token}", f"{_NAME}.AccessToken.Token")}


def _ask(credentials: Record, clients: Clients) -> tuple[str, float]:
    """Return an access token, and the seconds that it is good for; 0 where nobody says."""
    uri = uri_of(Record(_NAME, {"Uri": credentials.needed_text("AccessTokenUri")}))
    response = answer(clients, _request(credentials, uri))
    try:
        grant = json.read(response.body) if response.status < 400 else {}
    except (ValueError, RecursionError):
        grant = {}
    token = grant.get("access_token") if type(grant) is dict else None
    if type(token) is not str or not token:
        raise exception(
            "HttpAuthorisationException",
            f"POST {uri} gave no access token: {response.status} {response.reason}",
            error_code=response.status,
        )
    match grant.get("expires_in"):
        case int() | float() as seconds if 0 < seconds < 1e10:
            return token, float(seconds)
    return token, 0


def _request(credentials: Record, uri: str) -> HttpRequest:
    """Return the request for an access token: for the owner of a resource where one is named, and
    for the client itself otherwise."""
    form = {"grant_type": "client_credentials"}
    by_owner = "ResourceOwnerUsername" in credentials.members
    if by_owner:
        form = {
            "grant_type": "password",
            "username": credentials.needed_text("ResourceOwnerUsername"),
            "password": credentials.needed_text("ResourceOwnerPassword"),
        }
    if scope := credentials.text("Scope"):
        form["scope"] = scope
    name = "ClientAuthentication"
    client = credentials.part(name) if by_owner else credentials.needed_part(name)
    user = None
    if client is not None:
        id_, secret = client.needed_text("ClientId"), client.needed_text("ClientSecret")
        if (
            CLIENT_AUTH_TYPE.member(client.path("SendAs"), client.members.get("SendAs") or 0)
            == "Body"
        ):
            form |= {"client_id": id_, "client_secret": secret}
        else:
            user = (quote_plus(id_), quote_plus(secret))
    kind = "application/x-www-form-urlencoded"
    return HttpRequest(
        "POST",
        uri,
        headers={"Content-Type": kind, "Accept": "application/json"},
        body=urlencode(form),
        credentials=user,
    )
