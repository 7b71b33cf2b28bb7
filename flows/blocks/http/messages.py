"""What requests of all kinds have in common: Uri, headers, and what comes of an answer. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from flows.blocks.clients import Clients, HttpRequest, HttpResponse
from flows.blocks.enumerations import Enumeration
from flows.blocks.errors import BlockException, exception, invalid_property
from flows.blocks.records import Record, text_of
from flows.formats import json, xml
from flows.values import article, summary, too_deep, type_name

#: The port of a Uri, as it is written; and who signs in by it, whom no exception repeats.
_PORT = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/?#]*@)?(?:\[[^]/?#]*\]|[^:/?#]*):([^/?#]+)", re.I)
_USER = re.compile(r"(?<=://)[^/?#]*@")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER = re.compile(r"[\t\x20-\x7e]*")


def choice(kind: Enumeration, request: Record, member: str) -> str:
    """Return the member of an enumeration that a request names, in any case, or numbers. Raises
    InvalidRequestException as a BlockException."""
    found = request.members.get(member)
    if found is None:
        return next(iter(kind.members))
    if type(found) not in (str, int):
        problem = f"{article(type_name(found))} is not {article(kind.name)}."
        raise invalid_property(request.path(member), problem)
    if isinstance(found, str):
        found = found.upper().removeprefix(f"{kind.name.upper()}.")
    try:
        return kind.member(request.path(member), found)
    except BlockException as thrown:
        raise exception("InvalidRequestException", thrown.value.message) from None


def impossible(name: str, problem: str) -> BlockException:
    """Return the exception for a part of a request that no request can have."""
    return exception("InvalidRequestException", f"The value of '{name}' is not valid: {problem}")


def uri_of(request: Record) -> str:
    """Return where a request goes. What a Uri may be besides, the request tells."""
    uri, name = request.needed_text("Uri"), request.path("Uri")
    if "\0" in uri:
        raise impossible(name, "it holds a NUL character.")
    port = _PORT.match(uri)
    if port and not _is_port(port[1]):
        raise impossible(name, f"the port {port[1][:20]} is not from 1 to 65535.")
    return uri


def _is_port(text: str) -> bool:
    digits = text.lstrip("0")
    return text.isascii() and text.isdigit() and 0 < len(digits) <= 5 and int(digits) <= 65535


def texts_of(request: Record, member: str) -> dict[str, str]:
    """Return a member that maps names to texts."""
    texts, where = request.members.get(member), request.path(member)
    if texts is None:
        return {}
    if type(texts) is not dict:
        raise invalid_property(where, f"{article(type_name(texts))} is not a Structure.")
    return {
        text_of(key, where) or "": text_of(value, f"{where}.{key}") or ""
        for key, value in texts.items()
    }


def headers_of(request: Record) -> dict[str, str]:
    """Return the headers of a request. None can begin another one."""
    found = texts_of(request, "Headers")
    for name, value in found.items():
        if not _TOKEN.fullmatch(name):
            problem = f"{summary(name)} is not the name of a header."
            raise impossible(request.path("Headers"), problem)
        header(value, request.path(f"Headers.{name}"))
    return found


def header(value: str, name: str) -> str:
    """Return the value of a header, which holds no line break."""
    if not _HEADER.fullmatch(value):
        raise impossible(name, "a header holds printable ASCII characters only.")
    return value


def answer(clients: Clients, request: HttpRequest) -> HttpResponse:
    """Send a request; return its response. Raises InvalidRequestException where there is none, and
    HttpAuthorisationException where the credentials are refused, as a BlockException."""
    shown = f"{request.method} {_USER.sub('', request.url)}"
    try:
        response = clients.http.send(request)
    except OSError as error:
        raise exception("InvalidRequestException", f"{shown} has no answer: {error}") from None
    if response.status in (401, 407):
        raise exception(
            "HttpAuthorisationException",
            f"{shown} was refused: {response.status} {response.reason}",
            error_code=response.status,
        )
    return response


def saved(response: HttpResponse, body: str, content: Any) -> Mapping[str, Any]:
    """Return the structure that a response is saved as, its content as `body`."""
    failed = f"{response.status} {response.reason}".strip()
    return {
        "StatusCode": response.status,
        "Headers": dict(response.headers),
        body: content,
        "ErrorMessage": failed if response.status >= 400 else None,
    }


def content_of(response: HttpResponse) -> Any:
    """Return the body of a response as its Content-Type says: the value of a JSON text, the
    structure of an XML text. Raises ValueError where it is not what it claims to be."""
    kind = response.headers.get("content-type", "").partition(";")[0].lower()
    if not response.body.strip():
        return response.body
    if "json" in kind:
        try:
            value = json.read(response.body)
        except RecursionError:
            raise ValueError("the values are nested too deep") from None
        if too_deep(value):
            raise ValueError("the values are nested too deep")
        return value
    return xml.read(response.body) if "xml" in kind else response.body
