"""How many bytes the files of all flows take."""

import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from flows.blocks.files.paths import require_name

#: The least number of bytes that a file or folder takes.
ENTRY_BYTES = 4096
#: A copy is called so until it is whole; `unfinished_name` makes such a name.
_UNFINISHED = re.compile(r"\.unfinished-[0-9a-f]{16}")
#: Seconds after which nobody writes a copy any more that has not changed: its worker was killed.
_SECONDS_UNFINISHED = 3600


def unfinished_name() -> str:
    """Return a name for a copy that is being written. A measure deletes what a killed worker has
    left under such a name."""
    return f".unfinished-{secrets.token_hex(8)}"


class Usage:
    """The bytes that a folder takes, measured again once the last measure is too old.

    A measure serves for a second, or twenty times as long as it took. Meanwhile, what this process
    writes is added, and what others write is not.
    """

    def __init__(self, root: Path, limit: int) -> None:
        self._root = root
        self._limit = limit
        self._bytes = 0
        self._until = 0.0

    def bytes(self) -> int:
        """Return what all files and folders in it take, each at least ENTRY_BYTES."""
        begun = time.monotonic()
        if begun >= self._until:
            self._bytes = sum(_measured(self._root))
            took = time.monotonic() - begun
            self._until = begun + took + max(1.0, 20 * took)
        return self._bytes

    def require(self, grown: int) -> None:
        """Raise OSError when the files would take more than the limit; 0 is no limit."""
        if self._limit and grown > 0 and self.bytes() + grown > self._limit:
            raise OSError(
                errno.EFBIG, f"The files of all flows may take {self._limit:,} bytes (FILES_BYTES)."
            )

    def make(self, name: str, folder: int) -> None:
        """Make a folder in the folder with that descriptor; another may have made it meanwhile."""
        require_name(name)
        self.require(ENTRY_BYTES)
        try:
            os.mkdir(name, dir_fd=folder)
        except FileExistsError:
            return
        self.add(ENTRY_BYTES)

    def add(self, grown: int) -> None:
        """Count what has been written."""
        self._bytes += grown

    def forget(self) -> None:
        """Measure again before the next answer: something has been deleted."""
        self._until = 0.0


def _measured(folder: Path) -> Iterator[int]:
    if not folder.is_dir():
        return
    for _, folders, files, descriptor in os.fwalk(folder.resolve()):
        yield ENTRY_BYTES * len(folders)
        for name in files:
            try:
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                if _is_left(name, status):
                    os.unlink(name, dir_fd=descriptor)
                    continue
            except OSError:
                continue  # deleted meanwhile
            yield max(ENTRY_BYTES, status.st_size)


def _is_left(name: str, status: os.stat_result) -> bool:
    """Return whether a file is a copy that nobody will finish."""
    unfinished = stat.S_ISREG(status.st_mode) and _UNFINISHED.fullmatch(name)
    return bool(unfinished) and time.time() - status.st_mtime > _SECONDS_UNFINISHED
