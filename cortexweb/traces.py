"""Whether this process is traced, and the spans of its requests."""

from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from executions import tracing

Message = MutableMapping[str, Any]


def is_configured() -> bool:
    """Return whether traces are collected."""
    return bool(settings.TRACES_ENDPOINT)


def begin(service: str) -> None:
    """Trace this process, if that is configured. Otherwise nothing of OpenTelemetry is imported."""
    if not is_configured():
        return
    try:
        otel = import_module("cortexweb.otel")
    except ModuleNotFoundError as missing:
        raise ImproperlyConfigured(
            f"OTEL_EXPORTER_OTLP_ENDPOINT is set, but {missing.name} is not installed: "
            "pip install 'cortexweb[otel]'."
        ) from missing
    otel.install(service)


def begin_worker(**_: Any) -> None:
    """Trace a process of a worker: a receiver of Celery's signal, after the fork."""
    begin("cortexweb-worker")


class RequestSpans:
    """Makes a span for each request, in the trace that its header `traceparent` names, if any."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return

        async def send_and_describe(message: Message) -> None:
            if message["type"] == "http.response.start":
                tracing.describe(http__response__status_code=message["status"])
            await send(message)

        headers = dict(scope["headers"])
        with tracing.span(
            scope["method"],
            parent=headers.get(b"traceparent", b"").decode("latin-1"),
            kind="server",
            http__request__method=scope["method"],
            url__path=scope["path"],
        ):
            await self.application(scope, receive, send_and_describe)
