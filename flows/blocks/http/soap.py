"""SOAP requests."""

from collections.abc import Mapping
from typing import Any

from flows.blocks.base import Block, Direction, Effect, Property
from flows.blocks.clients import Clients, HttpRequest
from flows.blocks.enumerations import REQUEST_VERSION
from flows.blocks.errors import exception
from flows.blocks.http import messages
from flows.blocks.http.credentials import authorise
from flows.blocks.http.request import CREDENTIALS
from flows.blocks.records import Record
from flows.values import summary


class ExecuteSoapRequest(Block):
    """Posts a SOAP envelope and gives {StatusCode, Headers, ResponseEnvelope, ErrorMessage},
    whatever the status: a fault comes with 500 and its envelope.

    Soap Request is a structure of SoapMessage, Uri, Headers and HttpVersion. SoapMessage has the
    Envelope as text, the Version (11 or 12), and with 11 the Action, which is sent as SOAPAction.
    ResponseEnvelope is a structure where the Content-Type is one of XML or JSON, and text
    otherwise; one that is not what its Content-Type says throws InvalidResponseException.

    Http Credentials, redirects and limits are those of Execute Http Request.
    """

    type = "Execute Soap Request"
    palette = "Http"
    icon = "http"
    effect = Effect.ONCE
    properties = (
        Property("Soap Request", "SoapRequest", required=True),
        CREDENTIALS,
        Property("Soap Response", "SoapResponse", Direction.OUTPUT),
    )
    throws = (
        "PropertyEmptyException",
        "InvalidRequestException",
        "InvalidResponseException",
        "HttpAuthorisationException",
    )

    def perform(self, inputs: Mapping[str, Any], clients: Clients) -> Mapping[str, Any]:
        request = Record("Soap Request", inputs["Soap Request"])
        uri = messages.uri_of(request)
        messages.choice(REQUEST_VERSION, request, "HttpVersion")
        message = request.needed_part("SoapMessage")
        headers = {**_headers(message), **messages.headers_of(request)}
        envelope = message.needed_text("Envelope")
        by = authorise(inputs["Http Credentials"], clients)
        headers |= by.headers or {}
        sent = HttpRequest("POST", uri, headers=headers, body=envelope, credentials=by.user)
        response = messages.answer(clients, sent)
        try:
            content = messages.content_of(response)
        except ValueError as problem:
            raise exception(
                "InvalidResponseException",
                f"The response ({response.status} {response.reason}) cannot be read: {problem}",
            ) from None
        saved = messages.saved(response, "ResponseEnvelope", content)
        return {"Soap Response": saved, **by.outputs}


def _headers(message: Record) -> dict[str, str]:
    """Return the headers that a version of SOAP wants."""
    version = message.members.get("Version", 11)
    if version == 12 and type(version) is int:
        return {"Content-Type": "application/soap+xml; charset=utf-8"}
    if version != 11 or type(version) is not int:
        problem = f"'{message.path('Version')}' is {summary(version)}; it must be 11 or 12."
        raise exception("InvalidRequestException", problem)
    action = messages.header(message.text("Action"), message.path("Action"))
    quoted = '"' + action.replace('"', "") + '"'
    return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": quoted}
