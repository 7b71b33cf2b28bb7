"""The address /mcp: who may ask there, and how."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import httpx
from django.conf import settings
from django.http import HttpResponse

from cortexweb.mcp.caller import Caller
from cortexweb.web.origin_check import is_allowed
from executions.api.problems import CONTENT_TYPE, Problem

PATH = "/mcp"

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def is_on() -> bool:
    """Return whether MCP is served: the extra is installed, and no setting turns it off."""
    return settings.MCP and find_spec("mcp") is not None


class McpEndpoint:
    """Answers MCP requests at /mcp, of those who send an API token; passes others on.

    Each request stands alone: there are no sessions, so that any web process answers it.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].removesuffix("/") != PATH:
            await self.application(scope, receive, send)
            return
        caller = Caller(self.application, scope)
        try:
            await _admit(scope, caller)
        except Problem as problem:
            await _send(problem.response(), send)
            return
        # The SDK takes long to load, and many sites never need it.
        tools = await asyncio.to_thread(import_module, "cortexweb.mcp.tools")
        with caller.current():
            await tools.serve({**scope, "path": PATH, "raw_path": PATH.encode()}, receive, send)


async def _admit(scope: Message, caller: Caller) -> None:
    """Find out the scopes of the caller's token. Raises Problem for who may not ask here."""
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    origin = headers.get(b"origin")
    if origin is not None and not is_allowed(origin, headers.get(b"host", "")):
        raise Problem(HTTPStatus.FORBIDDEN, "Pages of other sites may not use MCP here.")
    # Neither a cookie nor a password: clients of models keep what they are given.
    if not headers.get(b"authorization", "").lower().startswith("bearer "):
        raise _unknown()
    answer = await caller.ask("GET", "/me")
    if not answer.is_success:
        raise _refused(answer)
    if scope["method"] != "POST":
        raise Problem(
            HTTPStatus.METHOD_NOT_ALLOWED,
            "This address takes POST alone: there are no sessions and no streams.",
            headers={"Allow": "POST"},
        )
    caller.scopes = frozenset(answer.json()["token_scopes"])


def _refused(answer: httpx.Response) -> Problem:
    """Return the problem of a request that the API has refused."""
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        return _unknown()
    if answer.is_redirect:
        return Problem(HTTPStatus.FORBIDDEN, "This site answers by HTTPS alone. Use https://.")
    detail = "This request was refused."
    if answer.headers.get("content-type", "").startswith(CONTENT_TYPE):
        detail = answer.json()["detail"]
    again = {name: answer.headers[name] for name in ("Retry-After",) if name in answer.headers}
    return Problem(answer.status_code, detail, headers=again)


def _unknown() -> Problem:
    detail = (
        "Send an API token: Authorization: Bearer cwt_…. You make one on Your account; "
        "this one is missing, wrong, or has ended."
    )
    headers = {"WWW-Authenticate": 'Bearer realm="CortexWeb"'}
    return Problem(HTTPStatus.UNAUTHORIZED, detail, headers=headers)


async def _send(response: HttpResponse, send: Send) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    headers.append((b"content-length", str(len(response.content)).encode()))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})
