"""What there is: whether a file or folder exists, what is known of it, and what a folder holds."""

from collections.abc import Mapping
from typing import Any, ClassVar

from flows.blocks.base import Direction, Effect, Property
from flows.blocks.clients import Clients, FileStatus, FileStore
from flows.blocks.enumerations import CONTENT_OPTIONS
from flows.blocks.files.base import FILE_PATH, FOLDER_PATH, FilesBlock, OnePath, inside
from flows.blocks.files.paths import extension, name_of, parent_of, tidy
from flows.blocks.text.search import COMPARISON, SEARCH, THROWS, Search


class _Exists(FilesBlock):
    effect = Effect.REPEATABLE
    throws = ()
    done = "looked at"

    def perform(self, inputs: Mapping[str, Any], clients: Clients) -> Mapping[str, Any]:
        path, answer = (prop.name for prop in self.properties[:2])
        try:
            there = clients.files.status(tidy(inputs[path] or ""))
        except (OSError, ValueError):
            there = None
        return {answer: there is not None and self.fits(there)}

    def fits(self, there: FileStatus) -> bool:
        """Return whether it is what is asked about."""
        return there.is_file


class CheckFileExists(_Exists):
    """Tells whether there is a file. There is none at a path that is empty, of a folder, or out of
    the folder that flows may use."""

    type = "Check File Exists"
    properties = (
        Property("File Path", "String"), Property("File Exists", "Boolean", Direction.OUTPUT)
    )  # fmt: skip


class CheckFolderExists(_Exists):
    """Tells whether there is a folder. There is none at a path that is empty, of a file, or out of
    the folder that flows may use."""

    type = "Check Folder Exists"
    icon = "folder"
    properties = (
        Property("Folder Path", "String"), Property("Folder Exists", "Boolean", Direction.OUTPUT)
    )  # fmt: skip

    def fits(self, there: FileStatus) -> bool:
        return there.is_folder


# Information ----------------------------------------------------------------------------------


class _GetsInformation(OnePath):
    done = "looked at"
    effect: ClassVar[Effect] = Effect.REPEATABLE


class GetFileInformation(_GetsInformation):
    """Gets the name, size, times and attributes of a file. Times are in UTC."""

    type = "Get File Information"
    properties = (FILE_PATH, Property("File Information", "FileInformation", Direction.OUTPUT))

    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> Mapping[str, Any]:
        there = _found(path, files, folder=False)
        own = {"Extension": extension(name_of(path))}
        return {"File Information": own | _information(path, there, there.size)}


class GetFolderInformation(_GetsInformation):
    """Gets the name, times and attributes of a folder, and how many files and folders it holds at
    any depth, with their size. Times are in UTC."""

    type = "Get Folder Information"
    icon = "folder"
    properties = (
        FOLDER_PATH, Property("Folder Information", "FolderInformation", Direction.OUTPUT)
    )  # fmt: skip

    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> Mapping[str, Any]:
        there = _found(path, files, folder=True)
        entries = files.entries(path, recursive=True)
        folders = sum(entry.is_folder for entry in entries)
        counts = {
            "FileCount": len(entries) - folders,
            "FolderCount": folders,
            "TotalItemCount": len(entries),
        }
        size = sum(entry.size for entry in entries)
        return {"Folder Information": counts | _information(path, there, size)}


def _found(path: str, files: FileStore, *, folder: bool) -> FileStatus:
    """Return what is at the path. Raises OSError when it is none of that kind."""
    there = files.status(path)
    if there is None:
        raise FileNotFoundError(2, f"There is no such {'folder' if folder else 'file'}.")
    if folder and not there.is_folder:
        raise NotADirectoryError(20, "It is a file.")
    if not folder and there.is_folder:
        raise IsADirectoryError(21, "It is a folder.")
    return there


def _information(path: str, there: FileStatus, size: int) -> dict[str, Any]:
    name = name_of(path)
    hidden, fixed = name.startswith("."), not there.writable
    return {
        "Path": path,
        "Name": name,
        "ParentRoot": "/" if path.startswith("/") else "",
        "ParentPath": parent_of(path),
        "SizeInBytes": size,
        "IsArchive": False,
        "IsCompressed": False,
        "IsEncrypted": False,
        "IsHidden": hidden,
        "IsNormal": not there.is_folder and not hidden and not fixed,
        "IsTemporary": False,
        "IsReadOnly": fixed,
        "IsSystem": False,
        "CreationTimeLocal": there.created,
        "CreationTimeUtc": there.created,
        "LastAccessTimeLocal": there.accessed,
        "LastAccessTimeUtc": there.accessed,
        "LastWriteTimeLocal": there.modified,
        "LastWriteTimeUtc": there.modified,
    }


# Content --------------------------------------------------------------------------------------


class GetFolderContent(OnePath):
    """Gets the paths of the files or folders in a folder whose names match a pattern, in the order
    of their names. An empty pattern matches every name. Links are left out that lead out of the
    folder that flows may use, and those to folders are not gone into."""

    type = "Get Folder Content"
    icon = "folder"
    done = "looked into"
    effect = Effect.REPEATABLE
    properties = (
        FOLDER_PATH,
        Property("Search Pattern", "String", default=""),
        SEARCH,
        CONTENT_OPTIONS.property("Content Options", "Files", advanced=False),
        Property("Recursive", "Boolean", default=False),
        COMPARISON,
        Property("Paths", "IList<String>", Direction.OUTPUT),
    )
    throws = ("OperationFailedException", *THROWS)

    def prepare(self, inputs: Mapping[str, Any], files: FileStore) -> None:
        search = Search(inputs)
        search.compiled(search.source(inputs["Search Pattern"] or ""))
        CONTENT_OPTIONS.member("Content Options", inputs["Content Options"])

    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> Mapping[str, Any]:
        search, pattern = Search(inputs), inputs["Search Pattern"] or ""
        folders = CONTENT_OPTIONS.member("Content Options", inputs["Content Options"]) == "Folders"
        names = [
            entry.path
            for entry in files.entries(path, recursive=inputs["Recursive"])
            if entry.is_folder == folders
        ]
        if pattern:
            found = search.in_each([name_of(name) for name in names], pattern)
            names = [name for name, match in zip(names, found, strict=True) if match]
        return {"Paths": [inside(path, name) for name in names]}
