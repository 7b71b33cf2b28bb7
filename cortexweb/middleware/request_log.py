"""The log of requests, and who is meant by what is logged while one is answered."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from cortexweb.log_filters import shown_path
from executions import log_context, tracing

logger = logging.getLogger("cortexweb.requests")


class RequestLogMiddleware:
    """Logs a line for each request, where that is asked for (LOG_FORMAT)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.monotonic()
        with log_context.bound():
            response = self.get_response(request)
            if logger.isEnabledFor(logging.INFO):
                told = {
                    "method": request.method,
                    "path": shown_path(request.path),
                    "status": response.status_code,
                    "milliseconds": round(1000 * (time.monotonic() - began), 1),
                }
                logger.info("%(method)s %(path)s %(status)s", told, extra=told)
        return response

    def process_view(self, request: HttpRequest, *_: Any) -> None:
        """Bind the user, whom another middleware has found by now."""
        log_context.add(user=request.user.pk)
        if tracing.is_on():
            match = request.resolver_match
            route = f"/{match.route}" if match else request.path
            tracing.describe(
                f"{request.method} {route}", http__route=route, user__id=request.user.pk
            )
