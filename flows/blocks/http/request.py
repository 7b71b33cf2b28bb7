"""HTTP requests."""

from collections.abc import Mapping
from typing import Any

from flows.blocks.base import Block, Direction, Effect, Property
from flows.blocks.errors import exception, property_empty
from flows.blocks.world import World

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_VERBS = _SAFE | {"POST", "PUT", "PATCH", "DELETE"}


class ExecuteHttpRequest(Block):
    """Sends a request and gives {StatusCode, ReasonPhrase, Headers, Body}, whatever the status.

    Http Request is a structure of Uri, QueryParameters, Verb, ContentType, Headers and Body;
    what is left out takes the default. Requests that change nothing (GET, HEAD, OPTIONS) may be
    sent again after a crash.
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

    def perform(self, given: Mapping[str, Any], world: World) -> Mapping[str, Any]:
        request, credentials = given["Http Request"], given["Http Credentials"]
        if not request.get("Uri"):
            raise property_empty("Http Request.Uri")
        verb = _verb(request)
        if verb not in _VERBS:
            raise exception("InvalidRequestException", f"{verb} is not an HTTP verb.")
        headers = {k: str(v) for k, v in (request.get("Headers") or {}).items()}
        if request.get("Body"):
            headers.setdefault("Content-Type", request.get("ContentType") or "application/json")
        try:
            answer = world.http.request(
                verb,
                str(request["Uri"]),
                query={k: str(v) for k, v in (request.get("QueryParameters") or {}).items()},
                headers=headers,
                body=str(request.get("Body") or ""),
                credentials=(
                    (str(credentials.get("Username")), str(credentials.get("Password")))
                    if credentials
                    else None
                ),
            )
        except (OSError, ValueError) as error:
            raise exception(
                "InvalidRequestException", f"{verb} {request['Uri']} has no answer: {error}"
            ) from None
        if answer.status in (401, 407):
            raise exception(
                "HttpAuthorisationException",
                f"{verb} {request['Uri']} was refused: {answer.status} {answer.reason}",
                error_code=answer.status,
            )
        return {
            "Http Response": {
                "StatusCode": answer.status,
                "ReasonPhrase": answer.reason,
                "Headers": dict(answer.headers),
                "Body": answer.body,
            }
        }


def _verb(request: Mapping[str, Any]) -> str:
    """The verb of a request; the original's `RequestVerb.GET` means GET."""
    return str(request.get("Verb") or "GET").rpartition(".")[2].upper()
