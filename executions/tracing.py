"""Spans of traces, for whoever collects them. Pure: without a tracer, nothing happens.

`cortexweb.otel` installs the tracer where that is configured.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Tracer(Protocol):
    """What makes spans."""

    def span(
        self, name: str, attributes: dict[str, object], parent: str | None, kind: str
    ) -> AbstractContextManager[None]:
        """Open a span for a block; `parent` is the traceparent of one that another process made."""

    def describe(self, name: str | None, attributes: dict[str, object]) -> None:
        """Add to the span that is open."""

    def describe_error(self, kind: str) -> None:
        """Mark the span that is open as one of an error."""

    def past_span(self, name: str, seconds: float) -> None:
        """Make a span that ends now."""

    def traceparent(self) -> str | None:
        """Return the span that is open as W3C Trace Context writes it."""


_tracer: Tracer | None = None
_NOTHING: AbstractContextManager[None] = nullcontext()


def install(tracer: Tracer | None) -> None:
    """Have a tracer make the spans of this process; None for none."""
    global _tracer
    _tracer = tracer


def is_on() -> bool:
    """Return whether there is a tracer."""
    return _tracer is not None


def span(
    name: str, *, parent: str | None = None, kind: str = "internal", **attributes: object
) -> AbstractContextManager[None]:
    """Open a span for a block: a child of the one that is open, or of `parent`."""
    if _tracer is None:
        return _NOTHING
    return _tracer.span(name, attributes, parent, kind)


def describe(name: str | None = None, **attributes: object) -> None:
    """Name the span that is open anew, and add attributes to it."""
    if _tracer is not None:
        _tracer.describe(name, attributes)


def traceparent() -> str | None:
    """Return the span that is open, to go on from it elsewhere; None for none."""
    return None if _tracer is None else _tracer.traceparent()


def past_span(name: str, seconds: float) -> None:
    """Make a span that ends now, and began so long ago."""
    if _tracer is not None:
        _tracer.past_span(name, seconds)


def describe_error(kind: str) -> None:
    """Say that what the open span is about has failed, by the type of the exception."""
    if _tracer is not None:
        _tracer.describe_error(kind)
