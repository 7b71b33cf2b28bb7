"""Who sends an MCP request. Tools ask the HTTP API in this process for them, with their token, so
that rights, limits, checks and the audit trail are those of the API."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpx

API = "/api/v1"
#: Headers of the request that the API needs to know.
_FORWARDED = (b"authorization", b"host", b"user-agent", b"x-forwarded-proto")

_current: ContextVar["Caller"] = ContextVar("mcp_caller")


class Caller:
    """The client of one request. `scopes` are those of its token, once `endpoint` has asked."""

    def __init__(self, application: Any, scope: Mapping[str, Any]) -> None:
        self.scopes: frozenset[str] = frozenset()
        self._transport = httpx.ASGITransport(application, client=scope.get("client") or ("", 0))
        self._headers = [(name, value) for name, value in scope["headers"] if name in _FORWARDED]
        self._base = f"{scope['scheme']}://localhost{API}"

    async def ask(self, method: str, address: str, **options: Any) -> httpx.Response:
        """Return the API's answer to a request of the caller, with httpx's options."""
        headers = [*self._headers, *options.pop("headers", {}).items()]
        # It waits for as long as the API does.
        async with httpx.AsyncClient(
            transport=self._transport, headers=headers, timeout=httpx.Timeout(None), trust_env=False
        ) as client:
            return await client.request(method, f"{self._base}{address}", **options)

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make it the one for whom tools ask."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)


def current() -> Caller:
    """Return the caller whose request is answered."""
    return _current.get()
