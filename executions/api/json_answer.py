"""Answers as JSON, where an operation makes its answer itself."""

import json
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from ninja.responses import NinjaJSONEncoder


def json_answer(content: Any, status: int = HTTPStatus.OK) -> HttpResponse:
    """Return an answer that nothing keeps."""
    text = json.dumps(content, cls=NinjaJSONEncoder, ensure_ascii=False)
    return HttpResponse(text, "application/json", status, headers={"Cache-Control": "no-store"})
