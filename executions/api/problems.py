"""Answers that say what is wrong, as RFC 9457 describes them: `application/problem+json`."""

import json
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse

from flows import graph

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """Ends an operation with an answer that says what is wrong.

    `extra` are further members of the answer, `headers` further headers.
    """

    def __init__(  # noqa: PLR0913 (the members of the answer)
        self,
        status: int,
        detail: str,
        *,
        title: str = "",
        messages: Iterable[graph.Message] = (),
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.title = title or HTTPStatus(status).phrase
        self.messages = list(messages)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """Return the members of the answer."""
        return {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "messages": [
                {
                    "location": one.location,
                    "summary": one.summary,
                    "details": one.details,
                    "path": list(one.path),
                }
                for one in self.messages
            ],
            **self.extra,
        }

    def response(self) -> HttpResponse:
        """Return the answer."""
        content = json.dumps(self.body(), default=str)
        headers = {"Cache-Control": "no-store", **self.headers}
        return HttpResponse(content, CONTENT_TYPE, self.status, headers=headers)


def invalid(detail: str, location: str, *path: str | int) -> Problem:
    """Return the problem of a parameter or a part of the body that means nothing."""
    return Problem(
        HTTPStatus.BAD_REQUEST, detail, messages=[graph.Message(location, detail, "", path)]
    )
