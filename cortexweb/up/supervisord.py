"""supervisord, made to live through a full disk: what it can't log is lost, nothing else.

Run as `python -m cortexweb.up.supervisord -c FILE`. Its own handler prints a traceback when it
can't write, to an output on the same disk, and ends with all that it keeps running.
"""

import sys
import traceback
from contextlib import suppress
from typing import Any

from supervisor import loggers, supervisord


class FullDiskFileHandler(loggers.RotatingFileHandler):  # type: ignore[misc]  # untyped
    """A log file that goes on when there is room again."""

    def emit(self, record: Any) -> None:
        """Write the record, or drop it when the disk refuses."""
        with suppress(OSError):
            if self.stream.closed:  # the disk was full in the middle of a rotation
                self.reopen()
            super().emit(record)

    def close(self) -> None:
        """Close the file, whatever of it could not be written."""
        with suppress(OSError):
            super().close()

    def handleError(self) -> None:
        """Tell what is not about the disk."""
        if not isinstance(sys.exc_info()[1], OSError):
            with suppress(OSError):
                traceback.print_exc()


if __name__ == "__main__":
    loggers.RotatingFileHandler = FullDiskFileHandler
    supervisord.main()
