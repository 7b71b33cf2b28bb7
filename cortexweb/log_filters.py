"""What goes to the log, and how much of it."""

import logging


class WithoutTraceback(logging.Filter):
    """What a client sent is a line; where it was refused is always the same."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True
