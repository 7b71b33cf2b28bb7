"""What goes on while something is logged: the execution, its flow, the request and so on. Pure.

Whoever begins something binds what it is about, and every line that is logged meanwhile says so
(`cortexweb.json_log`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

from executions import tracing

#: The fields that an execution takes along.
_KEPT = ("request_id", "traceparent")

_fields: ContextVar[Mapping[str, object]] = ContextVar("fields", default=MappingProxyType({}))


def current() -> Mapping[str, object]:
    """Return the fields that are bound."""
    return _fields.get()


@contextmanager
def bound(**fields: object) -> Iterator[None]:
    """Bind fields for the block, in this thread or task; those that are None are left out."""
    token = _fields.set(_fields.get())
    add(**fields)
    try:
        yield
    finally:
        _fields.reset(token)


def add(**fields: object) -> None:
    """Bind more fields, until the block of `bound` ends."""
    known = {name: value for name, value in fields.items() if value is not None}
    _fields.set(MappingProxyType({**_fields.get(), **known}))


def start_context() -> dict[str, object] | None:
    """Return what an execution that is started now keeps of the context, to go on with it in its
    worker; None for nothing."""
    kept = {name: value for name, value in _fields.get().items() if name in _KEPT}
    if span := tracing.traceparent():
        kept["traceparent"] = span
    return kept or None
