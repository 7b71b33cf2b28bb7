"""Copying, moving and renaming files and folders.

With Overwrite a copy may be made again after a crash. A move may not: what was moved is gone.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from flows.blocks.base import Effect, Property
from flows.blocks.clients import FileStore
from flows.blocks.errors import BlockException, exception
from flows.blocks.files.base import (
    DESTINATION,
    FILE_PATH,
    FILE_PATHS,
    FOLDER_PATH,
    FOLDER_PATHS,
    NEW_NAME,
    OVERWRITE,
    FilesBlock,
    ManyPaths,
    OnePath,
    destination,
    file_destination,
    folder_destination,
    inside,
)
from flows.blocks.files.paths import name_of, parent_of, require_name, tidy

_CONTENT_ONLY = Property(
    "Content Only", "Boolean", default=False, description="what is in it, without the folder itself"
)


class _Copies(FilesBlock):
    done = "copied"
    effect: ClassVar[Effect] = Effect.ONCE

    def effect_of(self, inputs: Mapping[str, Any]) -> Effect:
        return Effect.REPEATABLE if inputs["Overwrite"] else Effect.ONCE


class _Moves(FilesBlock):
    done = "moved"
    effect = Effect.ONCE


# Files ----------------------------------------------------------------------------------------


class _CopiesFile(_Copies):
    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> None:
        files.copy_file(path, file_destination(path, inputs, files), overwrite=inputs["Overwrite"])


class _MovesFile(_Moves):
    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> None:
        files.move_file(path, file_destination(path, inputs, files), overwrite=inputs["Overwrite"])


class _ToPath(OnePath):
    throws = ("InvalidPathException", "OperationFailedException")

    def prepare(self, inputs: Mapping[str, Any], files: FileStore) -> None:
        destination(inputs)


class _FilesToFolder(ManyPaths):
    throws = ("InvalidPathException", "OperationFailedException")

    def prepare(self, inputs: Mapping[str, Any], files: FileStore) -> None:
        folder_destination(inputs, files)


class CopyFile(_CopiesFile, _ToPath):
    """Copies a file into a folder, or to a path with an extension, and makes the folders on the
    way. On a full disk nothing is copied, and what was there stays."""

    type = "Copy File"
    properties = (FILE_PATH, DESTINATION, OVERWRITE)


class CopyFiles(_CopiesFile, _FilesToFolder):
    """Copies files into a folder, and makes the folders on the way."""

    type = "Copy Files"
    properties = (FILE_PATHS, DESTINATION, OVERWRITE)


class MoveFile(_MovesFile, _ToPath):
    """Moves a file into a folder, or to a path with an extension, and makes the folders on the
    way."""

    type = "Move File"
    properties = (FILE_PATH, DESTINATION, OVERWRITE)


class MoveFiles(_MovesFile, _FilesToFolder):
    """Moves files into a folder, and makes the folders on the way."""

    type = "Move Files"
    properties = (FILE_PATHS, DESTINATION, OVERWRITE)


# Folders --------------------------------------------------------------------------------------


def _target(path: str, inputs: Mapping[str, Any], files: FileStore) -> str:
    folder = folder_destination(inputs, files)
    return folder if inputs["Content Only"] else inside(folder, name_of(path))


class _CopiesFolder(_Copies):
    icon = "folder"

    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> None:
        files.copy_folder(
            path,
            _target(path, inputs, files),
            overwrite=inputs["Overwrite"],
            content_only=inputs["Content Only"],
        )


class _MovesFolder(_Moves):
    icon = "folder"

    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> None:
        files.move_folder(
            path,
            _target(path, inputs, files),
            overwrite=inputs["Overwrite"],
            content_only=inputs["Content Only"],
        )


class _FolderToFolder(OnePath):
    throws = ("InvalidPathException", "OperationFailedException")

    def prepare(self, inputs: Mapping[str, Any], files: FileStore) -> None:
        folder_destination(inputs, files)


class CopyFolder(_CopiesFolder, _FolderToFolder):
    """Copies a folder, or only what is in it, into another folder, and makes the folders on the
    way. Nothing is copied when anything would be overwritten without Overwrite. Links are copied as
    links."""

    type = "Copy Folder"
    properties = (FOLDER_PATH, DESTINATION, OVERWRITE, _CONTENT_ONLY)


class CopyFolders(_CopiesFolder, _FilesToFolder):
    """Copies folders, or only what is in them, into another folder."""

    type = "Copy Folders"
    properties = (FOLDER_PATHS, DESTINATION, OVERWRITE, _CONTENT_ONLY)


class MoveFolder(_MovesFolder, _FolderToFolder):
    """Moves a folder, or only what is in it, into another folder, and makes the folders on the way.
    Nothing is moved when anything would be overwritten without Overwrite."""

    type = "Move Folder"
    properties = (FOLDER_PATH, DESTINATION, OVERWRITE, _CONTENT_ONLY)


class MoveFolders(_MovesFolder, _FilesToFolder):
    """Moves folders, or only what is in them, into another folder."""

    type = "Move Folders"
    properties = (FOLDER_PATHS, DESTINATION, OVERWRITE, _CONTENT_ONLY)


# New names ------------------------------------------------------------------------------------


class _NewName(OnePath):
    """A folder beside the one that is given, with another name."""

    icon = "folder"
    effect = Effect.ONCE
    properties: ClassVar[tuple[Property, ...]] = (FOLDER_PATH, NEW_NAME)
    throws = ("InvalidFolderNameException", "OperationFailedException")

    def prepare(self, inputs: Mapping[str, Any], files: FileStore) -> None:
        try:
            name = tidy(inputs["New Name"])
            require_name(name)
        except ValueError as problem:
            raise _invalid_name(inputs, str(problem)) from None
        if "/" in name or name in (".", ".."):
            raise _invalid_name(inputs, "A name may not contain '/'.")

    def act(self, path: str, inputs: Mapping[str, Any], files: FileStore) -> None:
        name = tidy(inputs["New Name"])
        target = inside(parent_of(path), name) if parent_of(path) else name
        if (there := files.status(path)) and there.is_folder and files.status(target):
            raise _invalid_name(inputs, "Something has that name already.")
        self.give(path, target, files)

    def give(self, path: str, target: str, files: FileStore) -> None:
        """Let the folder `target` be. Raises OSError or ValueError with a sentence."""
        raise NotImplementedError(self.type)


def _invalid_name(inputs: Mapping[str, Any], problem: str) -> BlockException:
    return exception(
        "InvalidFolderNameException",
        f"The 'New Name' given was '{inputs['New Name']}'; this is not a valid folder name. "
        f"{problem}",
    )


class DuplicateFolder(_NewName):
    """Copies a folder beside itself, under a new name."""

    type = "Duplicate Folder"
    done = "duplicated"

    def give(self, path: str, target: str, files: FileStore) -> None:
        files.copy_folder(path, target, overwrite=False, content_only=False)


class RenameFolder(_NewName):
    """Gives a folder a new name."""

    type = "Rename Folder"
    done = "renamed"

    def give(self, path: str, target: str, files: FileStore) -> None:
        files.move_folder(path, target, overwrite=False, content_only=False)
