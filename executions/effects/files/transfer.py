"""Copying and moving files and folders below FILES_ROOT.

A file is copied under another name and then renamed, so that a full disk or a crash leaves what was
there. What would overwrite something is found before anything of a folder is copied or moved.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from executions.effects.files.root import (
    SAFELY,
    Place,
    Root,
    not_regular,
    require_file,
    write_all,
)
from executions.effects.files.tree import walked
from executions.effects.files.usage import ENTRY_BYTES, Usage, unfinished_name
from executions.limits import FOLDER_ENTRIES
from flows.blocks.files.paths import require_name

#: Bytes that are copied at once.
_PIECE = 1 << 20
Act = Callable[..., None]
_EXISTS = "The destination exists already, and Overwrite is false."


@dataclass(frozen=True, slots=True)
class Transfer:
    """Copies and moves below a root, within what its files may take."""

    root: Root
    usage: Usage

    def file(self, path: str, target: str, *, overwrite: bool, moved: bool) -> None:
        """Copy or move a file. Raises OSError for a folder, for a target that exists unless
        `overwrite`, and for a target that is the file itself."""
        with self.root.place(path) as source:
            if require_file(source):
                raise FileNotFoundError(errno.ENOENT, "There is no such file.")
        if self.root.parts(path) == self.root.parts(target):
            raise FileExistsError(errno.EEXIST, "It is its own destination.")
        with (
            self.root.place(path, follow=not moved) as source,
            self.root.place(target, make=self.usage.make) as place,
        ):
            new = require_file(place)
            if not new and not overwrite:
                raise FileExistsError(errno.EEXIST, _EXISTS)
            if moved:
                self._move(source, place, overwrite=overwrite)
            else:
                self._copy(source, place, overwrite=overwrite)

    def copied(self, path: str, target: str, *, overwrite: bool, merge: bool) -> None:
        """Copy what is in a folder into the folder `target`, which may exist with `merge`."""
        self._require_apart(path, target)
        entries = self._entries(path)
        self._require_free(target, entries, overwrite=overwrite, merge=merge)
        self.usage.require(sum(max(ENTRY_BYTES, status.st_size) for status in entries.values()))
        self._each(path, target, entries, self._copy)

    def moved(self, path: str, target: str, *, overwrite: bool, content_only: bool) -> None:
        """Move a folder, or what is in it."""
        self._require_apart(path, target)
        entries = self._entries(path)
        self._require_free(target, entries, overwrite=overwrite, merge=content_only)
        if not content_only and self._renamed(path, target):
            return
        self._each(path, target, entries, self._move)
        self._drop_emptied(path, entries)
        if not content_only:
            with self.root.place(path) as place:
                os.rmdir(place.name, dir_fd=place.folder)

    # Folders ----------------------------------------------------------------------------------

    def _require_apart(self, path: str, target: str) -> None:
        """Raise OSError unless the folder and its destination lie apart."""
        parts, aim = self.root.parts(path), self.root.parts(target)
        if aim == parts:
            raise FileExistsError(errno.EEXIST, "It is its own destination.")
        if aim[: len(parts)] == parts:
            raise OSError(errno.EINVAL, "The destination is inside of it.")

    def _entries(self, path: str) -> dict[str, os.stat_result]:
        """Return everything in a folder, by its path from there."""
        found: dict[str, os.stat_result] = {}
        with self.root.folder(self.root.parts(path)) as folder:
            for name, status in walked(folder, recursive=True):
                if len(found) == FOLDER_ENTRIES:
                    raise OSError(errno.EFBIG, f"It holds more than {FOLDER_ENTRIES:,} files.")
                found[name] = status
        return found

    def _require_free(
        self, target: str, entries: dict[str, os.stat_result], *, overwrite: bool, merge: bool
    ) -> None:
        """Raise OSError for what the entries would overwrite but may not: anything unless
        `overwrite`, and never a folder with a file or a file with a folder."""
        aim = self.root.parts(target)
        try:
            with self.root.folder(aim) as folder:
                there = dict(walked(folder, recursive=True))
        except FileNotFoundError:
            return
        if not overwrite and not merge:
            raise FileExistsError(errno.EEXIST, _EXISTS)
        for name in sorted(entries.keys() & there.keys()):
            if not overwrite:
                told = f"'{name}' exists already in the destination, and Overwrite is false."
                raise FileExistsError(errno.EEXIST, told)
            if stat.S_ISDIR(entries[name].st_mode) != stat.S_ISDIR(there[name].st_mode):
                told = f"'{name}' is a file in one of the folders, and a folder in the other."
                raise FileExistsError(errno.EEXIST, told)

    def _renamed(self, path: str, target: str) -> bool:
        """Move a whole folder where nothing is yet; return whether that was so."""
        with (
            self.root.place(path, follow=False) as source,
            self.root.place(target, make=self.usage.make) as place,
        ):
            if place.status() is not None:
                return False
            require_name(place.name)
            try:
                _rename(source, place)
            except OSError as error:
                if error.errno == errno.EXDEV:
                    return False
                raise
            return True

    def _each(self, path: str, target: str, entries: dict[str, os.stat_result], act: Act) -> None:
        parts, aim = self.root.parts(path), self.root.parts(target)
        with self.root.folder(aim, self.usage.make):
            pass
        for name, status in entries.items():
            *between, last = name.split("/")
            if stat.S_ISDIR(status.st_mode):
                with self.root.folder((*aim, *name.split("/")), self.usage.make):
                    continue
            with (
                self.root.folder((*parts, *between)) as source,
                self.root.folder((*aim, *between), self.usage.make) as folder,
            ):
                act(Place(source, last), Place(folder, last), overwrite=True)

    def _drop_emptied(self, path: str, entries: dict[str, os.stat_result]) -> None:
        """Delete the folders whose content has moved; what came meanwhile is kept."""
        parts = self.root.parts(path)
        for name in reversed([n for n, status in entries.items() if stat.S_ISDIR(status.st_mode)]):
            *between, last = name.split("/")
            with self.root.folder((*parts, *between)) as folder:
                os.rmdir(last, dir_fd=folder)

    # Files ------------------------------------------------------------------------------------

    def _move(self, source: Place, place: Place, *, overwrite: bool) -> None:
        with _reserved(place, overwrite=overwrite):
            try:
                _rename(source, place)
                return
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
        # To another file system: a mount below the root.
        self._copy(source, place, overwrite=True)
        os.unlink(source.name, dir_fd=source.folder)

    def _copy(self, source: Place, place: Place, *, overwrite: bool) -> None:
        status = source.status()
        if status is not None and stat.S_ISLNK(status.st_mode):
            _copy_link(source, place)
            return
        if status is not None and not stat.S_ISREG(status.st_mode):
            raise not_regular()
        original = os.open(source.name, os.O_RDONLY | SAFELY, dir_fd=source.folder)
        try:
            self._copy_open(original, place, overwrite=overwrite)
        finally:
            os.close(original)

    def _copy_open(self, original: int, place: Place, *, overwrite: bool) -> None:
        status = os.fstat(original)
        self.usage.require(max(ENTRY_BYTES, status.st_size))
        unfinished = Place(place.folder, unfinished_name())
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFELY
        copy = os.open(unfinished.name, flags, 0o600, dir_fd=place.folder)
        try:
            while piece := os.read(original, _PIECE):
                write_all(copy, piece)
            os.fchmod(copy, stat.S_IMODE(status.st_mode) & 0o777)
            with _reserved(place, overwrite=overwrite):
                _rename(unfinished, place)
        except BaseException:
            os.unlink(unfinished.name, dir_fd=place.folder)
            raise
        else:
            # Only now: by its time of change, an unfinished copy is told from one that was left.
            os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
        finally:
            os.close(copy)
        self.usage.add(max(ENTRY_BYTES, status.st_size))


def _rename(source: Place, place: Place) -> None:
    os.rename(source.name, place.name, src_dir_fd=source.folder, dst_dir_fd=place.folder)


def _copy_link(source: Place, place: Place) -> None:
    """Copy a link as one: where it leads is looked at when it is used."""
    if place.status() is not None:
        os.unlink(place.name, dir_fd=place.folder)
    os.symlink(os.readlink(source.name, dir_fd=source.folder), place.name, dir_fd=place.folder)


@contextmanager
def _reserved(place: Place, *, overwrite: bool) -> Iterator[None]:
    """Keep the name for what is renamed to it. Raises FileExistsError when somebody else has taken
    it meanwhile, unless `overwrite`."""
    if overwrite:
        yield
        return
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | SAFELY
        os.close(os.open(place.name, flags, dir_fd=place.folder))
    except FileExistsError:
        raise FileExistsError(errno.EEXIST, _EXISTS) from None
    try:
        yield
    except BaseException:
        os.unlink(place.name, dir_fd=place.folder)
        raise
