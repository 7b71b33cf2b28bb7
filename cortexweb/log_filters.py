"""Filters for the log."""

import logging


class WithoutTraceback(logging.Filter):
    """Drops tracebacks of refused requests: the place that refuses them is always the same."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True
