"""Files and folders below FILES_ROOT: read, written, listed, made and deleted."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from executions.effects.files.root import (
    SAFELY,
    Root,
    errors_in_words,
    not_regular,
    require_file,
    write_all,
)
from executions.effects.files.transfer import Transfer
from executions.effects.files.tree import empty, walked
from executions.effects.files.usage import ENTRY_BYTES, Usage
from executions.limits import FILES_BYTES, FOLDER_ENTRIES, TEXT_FILE_BYTES
from flows.blocks.clients import FileEntry, FileStatus
from flows.blocks.files.paths import require_name

#: Seconds that writing a file waits for another worker or program that has locked it.
SECONDS_TO_LOCK = 5.0


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """`flows.blocks.clients.FileStore` below `path`; relative paths start there.

    All files together may take `limit` bytes; 0 is no limit. Errors are OSError and ValueError
    with a reason in words, and without the path of the folder, which a flow must not learn.
    """

    path: Path
    limit: int = FILES_BYTES
    root: Root = field(init=False, compare=False)
    usage: Usage = field(init=False, compare=False)
    transfer: Transfer = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", Root(self.path))
        object.__setattr__(self, "usage", Usage(self.path, self.limit))
        object.__setattr__(self, "transfer", Transfer(self.root, self.usage))

    # Files ------------------------------------------------------------------------------------

    def read(self, path: str) -> bytes:
        """Return a file's content. Raises OSError also for a file over TEXT_FILE_BYTES, and for
        what is not a regular file."""
        with errors_in_words(), self._opened(path, os.O_RDONLY) as descriptor:
            if os.fstat(descriptor).st_size > TEXT_FILE_BYTES:
                raise OSError(errno.EFBIG, f"It is larger than {TEXT_FILE_BYTES:,} bytes.")
            with open(descriptor, "rb", closefd=False) as file:
                return file.read(TEXT_FILE_BYTES)

    def write(self, path: str, data: bytes, *, overwrite: bool, mark: bytes = b"") -> None:
        """Write or append the data, after the mark where the file is empty so far. Raises OSError
        also when the files would take more than the limit; then nothing is written."""
        with errors_in_words():
            flags = os.O_WRONLY | os.O_CREAT | (0 if overwrite else os.O_APPEND)
            grown = len(mark) + len(data)
            with self._opened(path, flags, grown) as descriptor, _locked(descriptor):
                before = os.fstat(descriptor).st_size
                if overwrite or not before:
                    data = mark + data
                grown = len(data) - (before if overwrite else 0)
                self.usage.require(grown)
                if overwrite:
                    _overwrite(descriptor, data, before)
                else:
                    _append(descriptor, data, before)
                self.usage.add(grown)

    def delete_file(self, path: str) -> None:
        """Delete a file, or the link to one. One that is missing is no error."""
        with errors_in_words():
            try:
                self._delete_file(path)
            except FileNotFoundError:
                self._require_names(path)
            self.usage.forget()

    def _delete_file(self, path: str) -> None:
        status = self._status(path)
        if status is not None and stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "It is a folder.")
        with self.root.place(path, follow=False) as place:
            os.unlink(place.name, dir_fd=place.folder)

    # Folders ----------------------------------------------------------------------------------

    def make_folder(self, path: str) -> None:
        """Make a folder, with the folders on the way to it. One that exists is no error."""
        with errors_in_words():
            status = self._status(path)
            if status is not None and not stat.S_ISDIR(status.st_mode):
                raise FileExistsError(errno.EEXIST, "It is a file.")
            with self.root.folder(self.root.parts(path), self.usage.make):
                pass

    def delete_folder(self, path: str, *, recursive: bool) -> None:
        """Delete a folder, with what is in it when `recursive`; a link to a folder is deleted
        alone. One that is missing is no error."""
        with errors_in_words():
            try:
                self._delete_folder(path, recursive=recursive)
            except FileNotFoundError:
                self._require_names(path)
            self.usage.forget()

    def _delete_folder(self, path: str, *, recursive: bool) -> None:
        self._require_folder(path)
        if not self.root.parts(path, follow=False):
            raise PermissionError(errno.EPERM, "It is the folder of all files (FILES_ROOT).")
        with self.root.place(path, follow=False) as place:
            status = place.status()
            if status and stat.S_ISLNK(status.st_mode):
                os.unlink(place.name, dir_fd=place.folder)
                return
            if recursive:
                empty(place)
            os.rmdir(place.name, dir_fd=place.folder)

    def status(self, path: str) -> FileStatus | None:
        """Return what is at a path, None for nothing."""
        with errors_in_words():
            status = self._status(path)
        if status is None:
            return None
        return FileStatus(
            is_folder=stat.S_ISDIR(status.st_mode),
            is_file=stat.S_ISREG(status.st_mode),
            size=status.st_size,
            writable=bool(status.st_mode & 0o222),
            created=_moment(min(status.st_mtime, status.st_ctime)),
            accessed=_moment(status.st_atime),
            modified=_moment(status.st_mtime),
        )

    def entries(self, path: str, *, recursive: bool) -> list[FileEntry]:
        """Return the files and folders in a folder, by their paths from there, in order; with
        `recursive` also those in its folders. Links are followed within the root, but not gone
        into. Raises OSError for more than FOLDER_ENTRIES."""
        with errors_in_words():
            self._require_folder(path)
            parts = self.root.parts(path)
            found: list[FileEntry] = []
            with self.root.folder(parts) as folder:
                for name, entry in walked(folder, recursive=recursive):
                    if len(found) == FOLDER_ENTRIES:
                        raise OSError(errno.EFBIG, f"It holds more than {FOLDER_ENTRIES:,} files.")
                    known = self._entry("/".join((*parts, name)), name, entry)
                    if known:
                        found.append(known)
        return sorted(found, key=lambda entry: entry.path.split("/"))

    def _entry(self, path: str, name: str, status: os.stat_result) -> FileEntry | None:
        """Return a file or folder; None for a link out of the root or to nothing, and for devices
        and the like."""
        if stat.S_ISLNK(status.st_mode):
            try:
                followed = self._status(str(self.path.resolve() / path))
            except (OSError, RuntimeError):
                return None
            if followed is None:
                return None
            status = followed
        if stat.S_ISDIR(status.st_mode):
            return FileEntry(name, is_folder=True)
        return FileEntry(name, size=status.st_size) if stat.S_ISREG(status.st_mode) else None

    # Copying and moving -----------------------------------------------------------------------

    def copy_file(self, path: str, target: str, *, overwrite: bool) -> None:
        """Copy a file to the path `target`. Raises OSError when that exists, unless `overwrite`."""
        with errors_in_words():
            self.transfer.file(path, target, overwrite=overwrite, moved=False)

    def move_file(self, path: str, target: str, *, overwrite: bool) -> None:
        """Move a file to the path `target`. Raises OSError when that exists, unless `overwrite`."""
        with errors_in_words():
            self.transfer.file(path, target, overwrite=overwrite, moved=True)

    def copy_folder(self, path: str, target: str, *, overwrite: bool, content_only: bool) -> None:
        """Copy what is in a folder into the folder `target`. Raises OSError when that exists,
        unless `overwrite`; with `content_only`, when something in it exists there."""
        with errors_in_words():
            self._require_folder(path)
            self.transfer.copied(path, target, overwrite=overwrite, merge=content_only)

    def move_folder(self, path: str, target: str, *, overwrite: bool, content_only: bool) -> None:
        """Move a folder to the path `target`, or with `content_only` what is in it into that
        folder. Raises OSError as `copy_folder` does."""
        with errors_in_words():
            self._require_folder(path)
            self.transfer.moved(path, target, overwrite=overwrite, content_only=content_only)

    # Databases --------------------------------------------------------------------------------

    def database_file(self, path: str, *, is_new: bool) -> Path:
        """Return the place of a database's file, with links resolved; where it may be new, with the
        folders to it. Raises OSError and ValueError."""
        with errors_in_words():
            file = self.path.resolve().joinpath(*self.root.parts(path))
            if is_new and not file.exists():
                with self.root.place(path, make=self.usage.make):
                    self.usage.require(ENTRY_BYTES)
            elif not file.is_file():
                raise not_regular() if file.exists() else FileNotFoundError(errno.ENOENT, "")
            return file

    def room(self) -> int | None:
        """Return how many bytes may still be written; None without a limit."""
        return max(0, self.limit - self.usage.bytes()) if self.limit else None

    # What these share -------------------------------------------------------------------------

    def _status(self, path: str) -> os.stat_result | None:
        parts = self.root.parts(path)
        try:
            if not parts:
                return os.stat(self.path)
            with self.root.place(path) as place:
                return place.status()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _require_folder(self, path: str) -> None:
        status = self._status(path)
        if status is None:
            raise FileNotFoundError(errno.ENOENT, "There is no such folder.")
        if not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "It is a file.")

    def _require_names(self, path: str) -> None:
        """Raise ValueError for a missing path with a name that nothing may have."""
        for name in self.root.parts(path):
            require_name(name)

    @contextmanager
    def _opened(self, path: str, flags: int, grown: int = 0) -> Iterator[int]:
        """Yield a descriptor of the regular file, opened without following links."""
        making = self.usage.make if flags & os.O_CREAT else None
        with self.root.place(path, make=making) as place:
            new = require_file(place)
            if new and making:
                self.usage.require(max(grown, ENTRY_BYTES))
            file = os.open(place.name, flags | SAFELY, mode=0o666, dir_fd=place.folder)
            try:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    raise not_regular()
                if new:
                    self.usage.add(ENTRY_BYTES)
                yield file
            finally:
                os.close(file)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    """Lock the file against other workers, and against programs that lock it too."""
    until = time.monotonic() + SECONDS_TO_LOCK
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise OSError(errno.EBUSY, "Another program holds it.") from None
            time.sleep(0.01)
        else:
            break
    yield  # closing the file unlocks it


def _overwrite(descriptor: int, data: bytes, before: int) -> None:
    """Overwrite the file. Its room is reserved first: a full disk must not cost what was there."""
    if len(data) > before and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, before, len(data) - before)
        except OSError as error:
            os.ftruncate(descriptor, before)
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
    write_all(descriptor, data)
    os.ftruncate(descriptor, len(data))


def _append(descriptor: int, data: bytes, before: int) -> None:
    """Append all of it or nothing."""
    try:
        write_all(descriptor, data)
    except OSError:
        os.ftruncate(descriptor, before)
        raise
