"""Lets only pages of the same site, host and port open a live connection.

A browser sends its cookies with every WebSocket, whichever page opens it, and asks nobody first.
"""

from typing import Any
from urllib.parse import SplitResult, urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain

_PORTS = {"http": 80, "https": 443}


class SameOrigin:
    """Accepts connections from pages of the requested host and port, which must be one of
    ALLOWED_HOSTS, and from CSRF_TRUSTED_ORIGINS."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        host = headers.get(b"host", b"").decode("latin-1")
        handler = self.application if is_allowed(origin, host) else WebsocketDenier()
        return await handler(scope, receive, send)


def is_allowed(origin: str, host: str) -> bool:
    """Return whether a page of `origin` may connect to `host`, both as in the headers."""
    found = _split(origin)
    if found is None or (settings.HTTPS_ONLY and found.scheme != "https"):
        return False
    if any(_is_trusted(found, trusted) for trusted in settings.CSRF_TRUSTED_ORIGINS):
        return True
    asked = _split(f"{found.scheme}://{host}")
    domain, _ = split_domain_port(host)
    hosts = settings.ALLOWED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]
    return (
        asked is not None
        and (asked.hostname, _port(asked)) == (found.hostname, _port(found))
        and validate_host(domain, hosts)
    )


def _is_trusted(found: SplitResult, trusted: str) -> bool:
    """Return whether an origin is in CSRF_TRUSTED_ORIGINS, which may name all hosts of a domain."""
    meant = _split(trusted)
    if meant is None or (meant.scheme, _port(meant)) != (found.scheme, _port(found)):
        return False
    return is_same_domain(found.hostname or "", (meant.hostname or "").removeprefix("*"))


def _split(origin: str) -> SplitResult | None:
    """Return the scheme, host and port of an origin; None for anything else."""
    try:
        found = urlsplit(origin)
        is_origin = found.scheme in _PORTS and found.hostname and _port(found)
    except ValueError:
        return None
    is_origin = is_origin and not found.path and not found.query and "@" not in found.netloc
    return found if is_origin else None


def _port(found: SplitResult) -> int:
    return _PORTS[found.scheme] if found.port is None else found.port
