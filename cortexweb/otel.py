"""Traces by OpenTelemetry, sent by OTLP over HTTP. Only imported where that is configured
(`cortexweb.traces`); the packages are those of the extra `otel`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from executions import tracing

_propagator = TraceContextTextMapPropagator()
_KINDS = {kind.name.lower(): kind for kind in SpanKind}


class OtelTracer:
    """Makes spans of OpenTelemetry. A thread sends them; what waits while nobody receives them is
    bounded."""

    def __init__(self, service: str) -> None:
        # OTEL_SERVICE_NAME counts more; without it, OpenTelemetry knows no name.
        found = Resource.create()
        if str(found.attributes["service.name"]).startswith("unknown_service"):
            found = found.merge(Resource({"service.name": service}))
        self.provider = TracerProvider(resource=found)
        self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self.provider.get_tracer("cortexweb")

    @contextmanager
    def span(
        self, name: str, attributes: dict[str, object], parent: str | None, kind: str
    ) -> Iterator[None]:
        """Open a span for a block. An exception that leaves the block is an error of the span."""
        beginning = context.get_current()
        if parent:
            beginning = _propagator.extract({"traceparent": parent}, beginning)
        with self._tracer.start_as_current_span(
            name, beginning, _KINDS[kind], _attributes(attributes)
        ):
            yield

    def describe(self, name: str | None, attributes: dict[str, object]) -> None:
        """Add to the span that is open."""
        span = trace.get_current_span()
        if name is not None:
            span.update_name(name)
        span.set_attributes(_attributes(attributes))

    def describe_error(self, kind: str) -> None:
        """Mark the span that is open as one of an error."""
        span = trace.get_current_span()
        span.set_status(StatusCode.ERROR)
        span.set_attribute("error.type", kind)

    def past_span(self, name: str, seconds: float) -> None:
        """Make a span that ends now."""
        now = time.time_ns()
        self._tracer.start_span(name, start_time=now - int(seconds * 1e9)).end(now)

    def traceparent(self) -> str | None:
        """Return the span that is open as W3C Trace Context writes it."""
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        return carrier.get("traceparent")


def _attributes(attributes: dict[str, object]) -> dict[str, AttributeValue]:
    """Name attributes as OpenTelemetry does where it has a name, else as ours."""
    return {
        name.replace("__", "."): value if isinstance(value, bool | int | float) else str(value)
        for name, value in attributes.items()
        if value is not None
    }


def install(service: str) -> OtelTracer:
    """Trace this process."""
    tracer = OtelTracer(service)
    tracing.install(tracer)
    return tracer
