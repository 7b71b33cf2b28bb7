"""Text files inside the configured folder (FILES_ROOT), and nowhere else."""

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from executions.limits import FILES_BYTES, TEXT_FILE_BYTES
from flows.values import legible

# Opening must not wait for the other end of a pipe, follow a link that was put there meanwhile, or
# take over a terminal, whatever is in the folder.
SAFELY = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
#: The least number of bytes that a file or folder takes.
ENTRY_BYTES = 4096
#: Seconds that writing a file waits for another worker or program that has locked it.
SECONDS_TO_LOCK = 5.0

WORDS = {
    errno.ENOENT: "There is no such file.",
    errno.EISDIR: "It is a folder.",
    errno.ENOTDIR: "A part of its path is not a folder.",
    errno.EEXIST: "A part of its path is not a folder.",
    errno.ELOOP: "Its links lead in a circle.",
    errno.ENOSPC: "The disk is full.",
    errno.EDQUOT: "The disk is full.",
}


class Usage:
    """The bytes that a folder takes, measured again once the last measure is too old.

    A measure serves for a second, or twenty times as long as it took. Meanwhile, what this process
    writes is added, and what others write is not.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
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

    def add(self, grown: int) -> None:
        """Count what has been written."""
        self._bytes += grown


def _measured(folder: Path) -> Iterator[int]:
    if not folder.is_dir():
        return
    for _, folders, files, descriptor in os.fwalk(folder.resolve()):
        yield ENTRY_BYTES * len(folders)
        for name in files:
            try:
                status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            except OSError:
                continue  # deleted meanwhile
            yield max(ENTRY_BYTES, status.st_size)


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """`flows.blocks.clients.Files` below `root`; relative paths start there.

    All files together may take `limit` bytes; 0 is no limit. Errors are OSError and ValueError
    with a reason in words, and without the path of the folder, which a flow must not learn.
    """

    root: Path
    limit: int = FILES_BYTES
    usage: Usage = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "usage", Usage(self.root))

    def read_text(self, path: str, encoding: str | None) -> str:
        """Return a file's text. Line ends are kept as they are, and a byte order mark is left
        out."""
        return self.read(path).decode(encoding or "utf-8-sig")

    def read(self, path: str) -> bytes:
        """Return a file's content. Raises OSError also for a file over TEXT_FILE_BYTES, and for
        what is not a regular file."""
        with _errors_in_words(), self._opened(path, os.O_RDONLY) as descriptor:
            if os.fstat(descriptor).st_size > TEXT_FILE_BYTES:
                raise OSError(errno.EFBIG, f"It is larger than {TEXT_FILE_BYTES:,} bytes.")
            with open(descriptor, "rb", closefd=False) as file:
                data = file.read(TEXT_FILE_BYTES)
        return data

    def write_text(self, path: str, text: str, *, overwrite: bool, encoding: str | None) -> None:
        """Write or append a text. Raises OSError also when the files would take more than the
        limit; then nothing is written."""
        # A lone surrogate is written as the replacement character, as by the original.
        self.write(path, legible(text).encode(encoding or "utf-8"), overwrite=overwrite)

    def write(self, path: str, data: bytes, *, overwrite: bool) -> None:
        """Write or append the data, as `write_text` does."""
        with _errors_in_words():
            self._make_parents(path)
            flags = os.O_WRONLY | os.O_CREAT | (0 if overwrite else os.O_APPEND)
            with self._opened(path, flags, len(data)) as descriptor, _locked(descriptor):
                before = os.fstat(descriptor).st_size
                grown = len(data) - (before if overwrite else 0)
                self._require_room(grown)
                if overwrite:
                    _overwrite(descriptor, data, before)
                else:
                    _append(descriptor, data, before)
                self.usage.add(grown)

    def database_file(self, path: str, *, is_new: bool) -> Path:
        """Return the place of a database's file, with links resolved; where it may be new, with the
        folders to it. Raises OSError and ValueError."""
        with _errors_in_words():
            file = self.root.resolve() / self._path(path)
            if not file.exists() and is_new:
                self._make_parents(path)
                self._require_room(ENTRY_BYTES)
            elif not file.is_file():
                raise _not_regular() if file.exists() else FileNotFoundError(errno.ENOENT, "")
            return file

    def room(self) -> int | None:
        """Return how many bytes may still be written; None without a limit."""
        return max(0, self.limit - self.usage.bytes()) if self.limit else None

    def _require_room(self, grown: int) -> None:
        if self.limit and grown > 0 and self.usage.bytes() + grown > self.limit:
            raise OSError(
                errno.EFBIG, f"The files of all flows may take {self.limit:,} bytes (FILES_BYTES)."
            )

    def _path(self, path: str) -> Path:
        """Return the path below the root, with links resolved. Raises PermissionError for a path
        that leads out of it."""
        root = self.root.resolve()
        full = (root / path).resolve()
        if not full.is_relative_to(root):
            raise PermissionError(
                errno.EPERM, "It is outside the folder that flows may use (FILES_ROOT)."
            )
        return full.relative_to(root)

    def _make_parents(self, path: str) -> None:
        parents = self._path(path).parent
        missing = 0
        while not (self.root / parents).exists() and parents.name:
            missing += 1
            parents = parents.parent
        if missing:
            self._require_room(missing * ENTRY_BYTES)
        (self.root / self._path(path)).parent.mkdir(parents=True, exist_ok=True)
        self.usage.add(missing * ENTRY_BYTES)

    @contextmanager
    def _opened(self, path: str, flags: int, grown: int = 0) -> Iterator[int]:
        """Yield a descriptor of the regular file, opened without following links."""
        *folders, name = self._path(path).parts or ("",)
        if not name:
            raise IsADirectoryError(errno.EISDIR, "It is a folder.")
        with ExitStack() as stack:
            descriptor = self._entered(folders, stack)
            new = _require_file(name, descriptor)
            if new and flags & os.O_CREAT:
                self._require_room(max(grown, ENTRY_BYTES))
            file = os.open(name, flags | SAFELY, mode=0o666, dir_fd=descriptor)
            stack.callback(os.close, file)
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise _not_regular()
            if new:
                self.usage.add(ENTRY_BYTES)
            yield file

    def _entered(self, folders: list[str], stack: ExitStack) -> int:
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, descriptor)
        for folder in folders:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | SAFELY, dir_fd=descriptor)
            stack.callback(os.close, descriptor)
        return descriptor


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
    _write(descriptor, data)
    os.ftruncate(descriptor, len(data))


def _append(descriptor: int, data: bytes, before: int) -> None:
    """Append all of it or nothing."""
    try:
        _write(descriptor, data)
    except OSError:
        os.ftruncate(descriptor, before)
        raise


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _require_file(name: str, folder: int) -> bool:
    """Return whether the file is missing. Raises OSError when it exists but is not a regular file:
    opening a device may already do something."""
    try:
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return True
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "It is a folder.")
    if not stat.S_ISREG(mode):
        raise _not_regular()
    return False


def _not_regular() -> OSError:
    return OSError(errno.EINVAL, "It is no regular file but a pipe, a device or a socket.")


@contextmanager
def _errors_in_words() -> Iterator[None]:
    """Turn errors into sentences. Those of the system carry the path, which is left out."""
    try:
        yield
    except RuntimeError:  # of Path.resolve, until Python 3.13
        raise OSError(errno.ELOOP, WORDS[errno.ELOOP]) from None
    except OSError as error:
        own = error.filename is None and error.strerror and error.strerror.endswith(".")
        reason = error.strerror if own else WORDS.get(error.errno or 0, f"{error.strerror}.")
        raise OSError(error.errno, reason) from None
