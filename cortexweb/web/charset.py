"""Refuses requests whose content is not in UTF-8, which no browser sends.

Python knows "charsets" that are not, such as rot13, and fails on them.
"""

from http import HTTPStatus
from typing import Any

from django.utils.http import parse_header_parameters

from cortexweb.web.request_limits import Receive, Send, refuse

TOLD = "Requests must be in UTF-8. Leave the charset out of the Content-Type.\n"


class Utf8OnlyRequests:
    """Answers 415 to a request that names another charset."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_utf8(scope["headers"]):
            await refuse(scope, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, TOLD, receive, send)
        else:
            await self.application(scope, receive, send)


def is_utf8(headers: list[tuple[bytes, bytes]]) -> bool:
    """Return whether these headers name no charset, or UTF-8 as Django writes it. Django joins
    several Content-Type headers into one."""
    types = [value.decode("latin-1") for name, value in headers if name == b"content-type"]
    try:
        charset = parse_header_parameters(",".join(types))[1].get("charset", "utf-8")
    except ValueError:
        return False
    return charset.lower() == "utf-8"
