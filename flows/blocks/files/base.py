"""What the blocks of files and folders share: their paths, and what is thrown when one fails.

A block of several paths goes on after a failure, and throws one exception for all of them.
"""

import errno
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from flows.blocks.base import Block, Property
from flows.blocks.clients import Clients, FileStore
from flows.blocks.errors import BlockException, exception, invalid_property
from flows.blocks.files.paths import name_of, names_file, require_names, tidy
from flows.values import ExceptionValue, article, type_name

FILE_PATH = Property("File Path", "String", required=True, nonempty=True)
FILE_PATHS = Property("File Paths", "IEnumerable<String>", required=True, nonempty=True)
FOLDER_PATH = Property("Folder Path", "String", required=True, nonempty=True)
FOLDER_PATHS = Property("Folder Paths", "IEnumerable<String>", required=True, nonempty=True)
DESTINATION = Property("Destination Path", "String", default="", required=True, nonempty=True)
OVERWRITE = Property("Overwrite", "Boolean", default=False)
NEW_NAME = Property("New Name", "String", default="", required=True, nonempty=True)

#: The original's exceptions for errors of the system.
_TYPES = {
    errno.ENOENT: "FileNotFoundException",
    errno.ENAMETOOLONG: "PathTooLongException",
    errno.EPERM: "UnauthorizedAccessException",
    errno.EACCES: "UnauthorizedAccessException",
}


class FilesBlock(Block):
    """A block of files or folders."""

    palette = "Files & Folders"
    icon = "file"
    throws: ClassVar[tuple[str, ...]] = ("OperationFailedException",)
    #: What is done to a path, as in "could not be read".
    done: ClassVar[str]


class OnePath(FilesBlock):
    """A block that does something with one file or folder: its first property."""

    def perform(self, inputs: Mapping[str, Any], clients: Clients) -> Mapping[str, Any]:
        self.prepare(inputs, clients.files)
        name = self.properties[0].name
        with failing(name, self.done, inputs[name]):
            return self.act(tidy(inputs[name]), inputs, clients.files) or {}

    def prepare(self, inputs: Mapping[str, Any], files: FileStore) -> None:
        """Look at the other properties first. Raises BlockException."""

    def act(
        self, path: str, inputs: Mapping[str, Any], files: FileStore
    ) -> Mapping[str, Any] | None:
        """Do it and return output properties. Raises OSError or ValueError with a sentence."""
        raise NotImplementedError(self.type)


class ManyPaths(FilesBlock):
    """A block that does the same with several files or folders: its first property."""

    def perform(self, inputs: Mapping[str, Any], clients: Clients) -> Mapping[str, Any]:
        self.prepare(inputs, clients.files)
        name = self.properties[0].name
        return self.outputs(Paths(name, inputs[name], self.done).each(self, inputs, clients.files))

    def prepare(self, inputs: Mapping[str, Any], files: FileStore) -> None:
        """Look at the other properties first. Raises BlockException."""

    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> Any:
        """Do it with one path. Raises OSError or ValueError with a sentence."""
        raise NotImplementedError(self.type)

    def outputs(self, found: dict[str, Any]) -> Mapping[str, Any]:
        """Return output properties from what each path gave."""
        return {}


def require_texts(name: str, items: Iterable[Any]) -> None:
    """Raise InvalidPropertyValueException as a BlockException for what is no text and not null."""
    for item in items:
        if item is not None and not isinstance(item, str):
            raise invalid_property(name, f"it holds {article(type_name(item))}, not a Text.")


class Paths:
    """The paths of a property, and which of them failed."""

    def __init__(self, name: str, paths: list[Any], done: str) -> None:
        """Raises InvalidPropertyValueException as a BlockException for what is no text."""
        require_texts(name, paths)
        self._name, self._paths, self._done = name, paths, done
        self._failed: dict[str, ExceptionValue] = {}

    def each(self, block: ManyPaths, inputs: Mapping[str, Any], files: FileStore) -> dict[str, Any]:
        """Return what the block gives for each path. Raises OperationFailedException as a
        BlockException when any of them failed, is missing, or is there twice."""
        found: dict[str, Any] = {}
        for path in self._paths:
            if not path or path in found or path in self._failed:
                continue
            try:
                found[path] = block.act(tidy(path), inputs, files)
            except (OSError, ValueError) as error:
                self._failed[path] = exception_of(error)
        blanks = [index for index, path in enumerate(self._paths) if not path]
        repeated = {
            path: [index for index, other in enumerate(self._paths) if other == path]
            for path in self._paths
            if path and self._paths.count(path) > 1
        }
        if self._failed or blanks or repeated:
            raise self._exception(blanks, repeated)
        return found

    def _exception(self, blanks: list[int], repeated: dict[str, list[int]]) -> BlockException:
        told = [f"'{path}': {problem.message}" for path, problem in self._failed.items()]
        told += [f"Item {index} is null or empty." for index in blanks]
        told += [f"'{path}' is there {len(at)} times." for path, at in repeated.items()]
        more = [f"And {len(told) - 10:,} more."] if len(told) > 10 else []
        failed = len(self._failed) + len(blanks) + sum(len(at) - 1 for at in repeated.values())
        return exception(
            "OperationFailedException",
            " ".join(
                [
                    f"{failed:,} of {len(self._paths):,} {self._name} could not be {self._done}.",
                    *told[:10],
                    *more,
                ]
            ),
            extra={
                "PathExceptions": self._failed,
                "IndexesOfDuplicatePaths": repeated,
                "IndexesOfNullOrEmptyPaths": blanks,
            },
        )


@contextmanager
def failing(name: str, done: str, path: str) -> Iterator[None]:
    """Raise OperationFailedException for an error that a file or folder gives."""
    try:
        yield
    except (OSError, ValueError) as error:
        kind = "folder" if name.startswith("Folder") else "file"
        problem = exception_of(error)
        raise exception(
            "OperationFailedException",
            f"The {kind} '{path}' could not be {done}: {problem.message}",
            extra={"PathExceptions": {path: problem}},
        ) from None


def exception_of(error: OSError | ValueError) -> ExceptionValue:
    """Return the original's exception for an error. An OSError's own text would show the path of
    the folder."""
    if isinstance(error, OSError):
        kind = _TYPES.get(error.errno or 0, "IOException")
        return exception(kind, error.strerror or str(error)).value
    return exception("IOException", str(error)).value


# Destinations ---------------------------------------------------------------------------------


def destination(inputs: Mapping[str, Any]) -> str:
    """Return the Destination Path. Raises InvalidPathException as a BlockException when it is no
    path."""
    path: str = inputs[DESTINATION.name]
    try:
        tidied = tidy(path)
        require_names(tidied)
    except ValueError as problem:
        raise _invalid_path(path, str(problem)) from None
    return tidied


def folder_destination(inputs: Mapping[str, Any], files: FileStore) -> str:
    """Return the Destination Path, which must be one of a folder. Raises InvalidPathException as a
    BlockException."""
    path = destination(inputs)
    if not is_folder(path, files):
        raise _invalid_path(inputs[DESTINATION.name], "It is a path of a file.")
    return path


def file_destination(path: str, inputs: Mapping[str, Any], files: FileStore) -> str:
    """Return where a file goes: into the Destination Path when that is a folder, else there."""
    aim = destination(inputs)
    return inside(aim, name_of(path)) if is_folder(aim, files) else aim


def is_folder(path: str, files: FileStore) -> bool:
    """Return whether a path is one of a folder: there is one, or it ends with a slash, or has no
    extension and is no file."""
    try:
        there = files.status(path)
    except (OSError, ValueError):
        there = None
    if there is not None:
        return there.is_folder
    return path.endswith("/") or not names_file(path)


def inside(folder: str, name: str) -> str:
    """Return the path of something in a folder."""
    return f"{folder.rstrip('/')}/{name}" if folder.strip("/") else f"{folder}{name}"


def _invalid_path(path: str, problem: str) -> BlockException:
    return exception(
        "InvalidPathException",
        f"The '{DESTINATION.name}' given was '{path}'; this is not a valid folder path. {problem}",
    )
