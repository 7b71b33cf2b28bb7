"""Making and deleting files and folders. What is there already, or is gone already, is no error:
all of this may be done again after a crash."""

from collections.abc import Mapping
from typing import Any

from flows.blocks.base import Effect, Property
from flows.blocks.clients import FileStore
from flows.blocks.files.base import (
    FILE_PATH,
    FILE_PATHS,
    FOLDER_PATH,
    FOLDER_PATHS,
    FilesBlock,
    ManyPaths,
    OnePath,
)

_RECURSIVE = Property(
    "Recursive", "Boolean", default=False, description="also a folder that is not empty"
)


class _Creates(FilesBlock):
    icon = "folder"
    done = "created"
    effect = Effect.REPEATABLE

    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> None:
        files.make_folder(path)


class CreateFolder(_Creates, OnePath):
    """Creates a folder, with the folders on the way to it. One that exists stays as it is."""

    type = "Create Folder"
    properties = (FOLDER_PATH,)


class CreateFolders(_Creates, ManyPaths):
    """Creates folders, with the folders on the way to them. Those that exist stay as they are."""

    type = "Create Folders"
    properties = (FOLDER_PATHS,)


class _DeletesFile(FilesBlock):
    done = "deleted"
    effect = Effect.REPEATABLE

    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> None:
        files.delete_file(path)


class DeleteFile(_DeletesFile, OnePath):
    """Deletes a file. One that does not exist is no error. Of a link, the link is deleted."""

    type = "Delete File"
    properties = (FILE_PATH,)


class DeleteFiles(_DeletesFile, ManyPaths):
    """Deletes files. Those that do not exist are no error."""

    type = "Delete Files"
    properties = (FILE_PATHS,)


class _DeletesFolder(FilesBlock):
    icon = "folder"
    done = "deleted"
    effect = Effect.REPEATABLE

    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> None:
        files.delete_folder(path, recursive=inputs["Recursive"])


class DeleteFolder(_DeletesFolder, OnePath):
    """Deletes a folder, with what is in it when Recursive is true. One that does not exist is no
    error. Links in it are deleted, but not what they lead to."""

    type = "Delete Folder"
    properties = (FOLDER_PATH, _RECURSIVE)


class DeleteFolders(_DeletesFolder, ManyPaths):
    """Deletes folders, with what is in them when Recursive is true. Those that do not exist are no
    error."""

    type = "Delete Folders"
    properties = (FOLDER_PATHS, _RECURSIVE)
