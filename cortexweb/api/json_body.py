"""Reads the bodies of requests: strict JSON."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser

from executions.api.problems import Problem, invalid
from flows import parsing


class JsonBody(Parser):
    """Refuses what parsers read differently, and says what is expected instead."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type not in ("application/json", ""):
            raise Problem(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "Send the body as JSON, with the header Content-Type: application/json.",
                headers={"Accept": "application/json"},
            )
        try:
            return parsing.load(request.body.decode())
        except UnicodeDecodeError:
            raise invalid("The body is not UTF-8.", "Body", "body") from None
        except parsing.ParseError as error:
            raise invalid(str(error), "Body", "body") from None
