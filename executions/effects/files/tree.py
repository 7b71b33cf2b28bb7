"""What is in a folder: walked through and deleted by descriptors, which follow no link."""

import errno
import os
import stat
from collections.abc import Iterator

from executions.effects.files.root import SAFELY, Place
from executions.limits import FOLDER_LEVELS


def walked(
    folder: int, *, recursive: bool, before: str = "", level: int = 0
) -> Iterator[tuple[str, os.stat_result]]:
    """Yield what is in an open folder: paths from there, and statuses without following links.
    What is deleted meanwhile is left out."""
    if level == FOLDER_LEVELS:
        raise OSError(errno.ELOOP, f"Its folders are nested more than {FOLDER_LEVELS} deep.")
    for name in sorted(os.listdir(folder)):
        status = Place(folder, name).status()
        if status is None:
            continue
        yield before + name, status
        if recursive and stat.S_ISDIR(status.st_mode):
            inner = _opened(name, folder)
            if inner is None:
                continue
            try:
                yield from walked(inner, recursive=True, before=f"{before}{name}/", level=level + 1)
            finally:
                os.close(inner)


def _opened(name: str, folder: int) -> int | None:
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | SAFELY, dir_fd=folder)
    except (FileNotFoundError, NotADirectoryError, OSError) as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None  # deleted or replaced meanwhile
        raise


def empty(place: Place, level: int = 0) -> None:
    """Delete everything in a folder. What others delete meanwhile is no error."""
    if level == FOLDER_LEVELS:
        raise OSError(errno.ELOOP, f"Its folders are nested more than {FOLDER_LEVELS} deep.")
    folder = os.open(place.name, os.O_RDONLY | os.O_DIRECTORY | SAFELY, dir_fd=place.folder)
    try:
        for name in os.listdir(folder):
            inner = Place(folder, name)
            status = inner.status()
            try:
                if status and stat.S_ISDIR(status.st_mode):
                    empty(inner, level + 1)
                    os.rmdir(name, dir_fd=folder)
                elif status:
                    os.unlink(name, dir_fd=folder)
            except FileNotFoundError:
                continue
    finally:
        os.close(folder)
