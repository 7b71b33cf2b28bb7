"""The folder that flows may use, entered by descriptors: no link that is put there leads out."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from flows.blocks.files.paths import require_name

# Opening must not wait for the other end of a pipe, follow a link that was put there meanwhile, or
# take over a terminal, whatever is in the folder.
SAFELY = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY

WORDS = {
    errno.ENOENT: "There is no such file.",
    errno.EISDIR: "It is a folder.",
    errno.ENOTDIR: "A part of its path is not a folder.",
    errno.EEXIST: "A part of its path is not a folder.",
    errno.ELOOP: "Its links lead in a circle.",
    errno.ENOSPC: "The disk is full.",
    errno.EDQUOT: "The disk is full.",
    errno.ENOTEMPTY: "The folder is not empty.",
    errno.ENAMETOOLONG: "Its name is too long.",
}
#: Makes a folder of that name in the folder with that descriptor.
MakeFolder = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file or folder is or will be: an open folder, and a name in it."""

    folder: int
    name: str

    def status(self) -> os.stat_result | None:
        """Return what is there, None for nothing."""
        try:
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None


@dataclass(frozen=True, slots=True)
class Root:
    """The folder. Relative paths start there, absolute ones must lead into it."""

    path: Path

    def parts(self, path: str, *, follow: bool = True) -> tuple[str, ...]:
        """Return the names on the way from the root, without links; with `follow` false the last
        may be one. Raises PermissionError for a path that leads out of it."""
        root = self.path.resolve()
        given = root / path
        full = given.resolve()
        _require_inside(full, root)
        if not follow and given.name not in ("", ".", ".."):
            full = given.parent.resolve() / given.name
            _require_inside(full, root)
        return full.relative_to(root).parts

    @contextmanager
    def folder(self, parts: tuple[str, ...], make: MakeFolder | None = None) -> Iterator[int]:
        """Yield a descriptor of the folder. `make` makes those that are missing."""
        if make:
            self.path.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            descriptor = os.open(self.path, _FOLDER | os.O_CLOEXEC)
            stack.callback(os.close, descriptor)
            for name in parts:
                descriptor = _entered(name, descriptor, make)
                stack.callback(os.close, descriptor)
            yield descriptor

    @contextmanager
    def place(
        self, path: str, *, follow: bool = True, make: MakeFolder | None = None
    ) -> Iterator[Place]:
        """Yield the place of a path. Raises IsADirectoryError for the root itself."""
        *folders, name = self.parts(path, follow=follow) or ("",)
        if not name:
            raise IsADirectoryError(errno.EISDIR, "It is a folder.")
        with self.folder(tuple(folders), make) as folder:
            yield Place(folder, name)


def _require_inside(full: Path, root: Path) -> None:
    if not full.is_relative_to(root):
        raise PermissionError(
            errno.EPERM, "It is outside the folder that flows may use (FILES_ROOT)."
        )


def _entered(name: str, folder: int, make: MakeFolder | None) -> int:
    try:
        return os.open(name, _FOLDER | SAFELY, dir_fd=folder)
    except FileNotFoundError:
        require_name(name)
        if make is None:
            raise
    make(name, folder)
    return os.open(name, _FOLDER | SAFELY, dir_fd=folder)


def require_file(place: Place) -> bool:
    """Return whether the file is missing. Raises OSError when it exists but is not a regular file:
    opening a device may already do something."""
    status = place.status()
    if status is None:
        require_name(place.name)
        return True
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "It is a folder.")
    if not stat.S_ISREG(status.st_mode):
        raise not_regular()
    return False


def not_regular() -> OSError:
    return OSError(errno.EINVAL, "It is no regular file but a pipe, a device or a socket.")


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of the data, in as many pieces as it takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@contextmanager
def errors_in_words() -> Iterator[None]:
    """Turn errors into sentences. Those of the system carry the path, which is left out."""
    try:
        yield
    except RuntimeError:  # of Path.resolve, until Python 3.13
        raise OSError(errno.ELOOP, WORDS[errno.ELOOP]) from None
    except OSError as error:
        own = error.filename is None and error.strerror and error.strerror.endswith(".")
        reason = error.strerror if own else WORDS.get(error.errno or 0, f"{error.strerror}.")
        raise OSError(error.errno, reason) from None
