"""HTTP requests."""

import re
from collections.abc import Mapping
from typing import Any

from flows.blocks.base import Block, Direction, Effect, Property
from flows.blocks.clients import Clients, HttpRequest
from flows.blocks.errors import exception, invalid_property, property_empty
from flows.values import article, summary, type_name

#: The port of a Uri, as it is written.
_PORT = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/?#]*@)?(?:\[[^]/?#]*\]|[^:/?#]*):([^/?#]+)", re.I)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER = re.compile(r"[\t\x20-\x7e]*")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_VERBS = _SAFE | {"POST", "PUT", "PATCH", "DELETE"}


class ExecuteHttpRequest(Block):
    """Sends a request and gives {StatusCode, ReasonPhrase, Headers, Body}, whatever the status.

    Http Request is a structure of Uri, QueryParameters, Verb, ContentType, Headers and Body;
    what is left out takes the default. Requests that change nothing (GET, HEAD, OPTIONS) may be
    sent again after a crash. Redirects are not followed.

    The Body of a response is text in the charset that it names, UTF-8 where it names none that is
    known, without a byte order mark. A response that cannot be read throws
    InvalidRequestException.
    """

    type = "Execute Http Request"
    palette = "Http"
    icon = "http"
    effect = Effect.ONCE
    properties = (
        Property("Http Request", "HttpRequest", required=True),
        Property("Http Credentials", "HttpCredentials"),
        Property("Http Response", "HttpResponse", Direction.OUTPUT),
    )
    throws = (
        "PropertyEmptyException",
        "InvalidRequestException",
        "HttpAuthorisationException",
    )

    def effect_of(self, given: Mapping[str, Any]) -> Effect:
        return Effect.REPEATABLE if _verb(given["Http Request"]) in _SAFE else Effect.ONCE

    def perform(self, given: Mapping[str, Any], clients: Clients) -> Mapping[str, Any]:
        request = given["Http Request"]
        uri, verb = _uri(request), _verb(request)
        if verb not in _VERBS:
            raise exception("InvalidRequestException", f"{verb} is not an HTTP verb.")
        headers = _named(request, "Headers", is_header=True)
        body = _text(request.get("Body"), "Http Request.Body") or ""
        if body:
            kind = _text(request.get("ContentType"), "Http Request.ContentType")
            headers.setdefault("Content-Type", _header("ContentType", kind or "application/json"))
        try:
            response = clients.http.send(
                HttpRequest(
                    verb,
                    uri,
                    query=_named(request, "QueryParameters"),
                    headers=headers,
                    body=body,
                    credentials=_credentials(given["Http Credentials"]),
                )
            )
        except OSError as error:
            raise exception(
                "InvalidRequestException", f"{verb} {uri} has no answer: {error}"
            ) from None
        if response.status in (401, 407):
            raise exception(
                "HttpAuthorisationException",
                f"{verb} {uri} was refused: {response.status} {response.reason}",
                error_code=response.status,
            )
        return {
            "Http Response": {
                "StatusCode": response.status,
                "ReasonPhrase": response.reason,
                "Headers": dict(response.headers),
                "Body": response.body,
            }
        }


def _verb(request: Mapping[str, Any]) -> str:
    """The verb of a request; the original's `RequestVerb.GET` means GET."""
    verb = _text(request.get("Verb"), "Http Request.Verb") or "GET"
    return verb.rpartition(".")[2].upper()


def _uri(request: Mapping[str, Any]) -> str:
    """Where it goes. Raises PropertyEmptyException and InvalidPropertyValueException as a
    BlockException; what a Uri may be besides, the request tells."""
    uri = _text(request.get("Uri"), "Http Request.Uri")
    if not uri:
        raise property_empty("Http Request.Uri")
    if "\0" in uri:
        raise invalid_property("Http Request.Uri", "it holds a NUL character.")
    port = _PORT.match(uri)
    if port and not _is_port(port[1]):
        problem = f"the port {port[1][:20]} is not from 1 to 65535."
        raise invalid_property("Http Request.Uri", problem)
    return uri


def _is_port(text: str) -> bool:
    digits = text.lstrip("0")
    return text.isascii() and text.isdigit() and 0 < len(digits) <= 5 and int(digits) <= 65535


def _text(value: Any, name: str) -> str | None:
    """A part of a property as text: numbers as they are written, null as None. Raises
    InvalidPropertyValueException as a BlockException."""
    if type(value) in (bool, int, float):
        try:
            value = str(value)
        except ValueError:
            raise invalid_property(name, "the number has too many digits.") from None
    if value is not None and type(value) is not str:
        raise invalid_property(name, f"{article(type_name(value))} is not a String.")
    if value and any("\ud800" <= character <= "\udfff" for character in value):
        raise invalid_property(name, "it holds half of a character (a lone surrogate).")
    return value


def _named(request: Mapping[str, Any], name: str, *, is_header: bool = False) -> dict[str, str]:
    """Headers or query parameters. Raises InvalidPropertyValueException as a BlockException."""
    given = request.get(name)
    where = f"Http Request.{name}"
    if given is None:
        return {}
    if type(given) is not dict:
        raise invalid_property(where, f"{article(type_name(given))} is not a Structure.")
    found = {}
    for key, value in given.items():
        text = _text(value, f"{where}.{key}") or ""
        if is_header and not (type(key) is str and _TOKEN.fullmatch(key)):
            raise invalid_property(where, f"{summary(key)} is not the name of a header.")
        found[_text(key, where) or ""] = _header(f"Headers.{key}", text) if is_header else text
    return found


def _header(name: str, value: str) -> str:
    if not _HEADER.fullmatch(value):
        raise invalid_property(
            f"Http Request.{name}", "a header holds printable ASCII characters only."
        )
    return value


def _credentials(given: Mapping[str, Any] | None) -> tuple[str, str] | None:
    if not given:
        return None
    name, password = (
        _text(given.get(part), f"Http Credentials.{part}") or ""
        for part in ("Username", "Password")
    )
    return name, password
