"""HTTP requests."""

from collections.abc import Mapping
from typing import Any

from flows.blocks.base import Block, Direction, Effect, Property
from flows.blocks.clients import Clients, HttpRequest, HttpResponse
from flows.blocks.enumerations import REQUEST_VERB, REQUEST_VERSION
from flows.blocks.http import messages
from flows.blocks.http.credentials import authorise
from flows.blocks.records import Record

_SAFE = frozenset({"GET", "HEAD"})
CREDENTIALS = Property(
    "Http Credentials",
    "HttpCredentials",
    Direction.BOTH,
    description="a variable with Username and Password, or a client of OAuth 2.0; null for none",
)


class ExecuteHttpRequest(Block):
    """Sends a request and gives {StatusCode, Headers, ResponseBody, ErrorMessage}, whatever the
    status.

    Http Request is a structure of Uri, QueryParameters, Verb, ContentType, Headers, Body and
    HttpVersion; what is left out takes the default. HttpVersion is accepted, and HTTP/1.1 is
    spoken. Requests that change nothing (GET, HEAD) have no Body, and may be sent again after a
    crash. Redirects are not followed.

    ResponseBody is a value where the Content-Type is one of JSON, a structure where it is one of
    XML, and otherwise, or where it is not what the Content-Type says, text in the charset that
    the response names, UTF-8 where it names none that is known, without a byte order mark. Names
    of Headers are in lower case. ErrorMessage is null below status 400. A response that cannot be
    read throws InvalidRequestException.

    Http Credentials are {Domain, Username, Password} for Basic authentication, or {AccessTokenUri,
    ClientAuthentication: {ClientId, ClientSecret, SendAs}, Scope} for OAuth 2.0, with
    ResourceOwnerUsername and ResourceOwnerPassword for that grant. The access token is kept in
    the variable, as AccessToken, and renewed when it expires; it and the passwords beside it are
    secret texts from then on.
    """

    type = "Execute Http Request"
    palette = "Http"
    icon = "http"
    effect = Effect.ONCE
    properties = (
        Property("Http Request", "HttpRequest", required=True),
        CREDENTIALS,
        Property("Http Response", "HttpResponse", Direction.OUTPUT),
    )
    throws = (
        "PropertyEmptyException",
        "InvalidRequestException",
        "HttpAuthorisationException",
    )

    def effect_of(self, inputs: Mapping[str, Any]) -> Effect:
        return Effect.REPEATABLE if _verb(_request(inputs)) in _SAFE else Effect.ONCE

    def perform(self, inputs: Mapping[str, Any], clients: Clients) -> Mapping[str, Any]:
        request = _request(inputs)
        uri, verb = messages.uri_of(request), _verb(request)
        messages.choice(REQUEST_VERSION, request, "HttpVersion")
        headers = messages.headers_of(request)
        body = request.text("Body")
        if body and verb in _SAFE:
            raise messages.impossible(request.path("Body"), f"a {verb} request has no body.")
        if body:
            kind = request.text("ContentType") or "application/json"
            kind = messages.header(kind, request.path("ContentType"))
            headers.setdefault("Content-Type", kind)
        query = messages.texts_of(request, "QueryParameters")
        by = authorise(inputs["Http Credentials"], clients)
        headers |= by.headers or {}
        response = messages.answer(clients, HttpRequest(verb, uri, query, headers, body, by.user))
        saved = messages.saved(response, "ResponseBody", _body(response))
        return {"Http Response": saved, **by.outputs}


def _request(inputs: Mapping[str, Any]) -> Record:
    return Record("Http Request", inputs["Http Request"])


def _verb(request: Record) -> str:
    return messages.choice(REQUEST_VERB, request, "Verb")


def _body(response: HttpResponse) -> Any:
    try:
        return messages.content_of(response)
    except ValueError:
        return response.body
