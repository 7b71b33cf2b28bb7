"""Filters for the log."""

import logging

#: How addresses begin whose rest opens something to whoever has it.
_SECRET = ("/shared/", "/hooks/", "/password/reset/")


def shown_path(address: str) -> str:
    """Return what the log tells of an address: nothing that opens something by itself, and nothing
    after its `?`, which may be what somebody searches for."""
    path = address.partition("?")[0]
    return next((f"{start}…" for start in _SECRET if path.startswith(start)), path)


class WithoutSecretPaths(logging.Filter):
    """Tells of addresses what `shown_path` does, also where Django and uvicorn write them down."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                shown_path(one) if isinstance(one, str) and one.startswith("/") else one
                for one in record.args
            )
        return True


class WithoutTraceback(logging.Filter):
    """Drops tracebacks of refused requests: the place that refuses them is always the same."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True
