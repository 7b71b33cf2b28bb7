"""Free space on the disk of the data folder: before anything starts, and while everything runs."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

from cortexweb.up.errors import CannotStartError

MEGABYTE = 1_000_000
SPACE_FOR_CLUSTER = 300 * MEGABYTE  # it takes about 60 when new, its write-ahead log the rest
SPACE_TO_START = 40 * MEGABYTE  # recovery may write two segments of the write-ahead log
SPACE_TO_WARN = 100 * MEGABYTE
SPACE_TO_WORK = 20 * MEGABYTE  # PostgreSQL makes its log in files of 16 MB
PROBE_BYTES = 65_536


def require_disk_space(folder: Path, needed: int) -> None:
    """Raise CannotStartError unless that many bytes are free: a server on a full disk fails in ways
    that are hard to understand."""
    free = _free_space(folder)
    if free < needed:
        raise CannotStartError(
            f"The disk is full: {free // MEGABYTE} MB are free at {folder}, "
            f"{needed // MEGABYTE} MB are needed. Free some space, or choose another folder with "
            "--data."
        )
    if problem := disk_problem(folder):
        raise CannotStartError(f"{problem}. Free some space, or choose another folder with --data.")


def is_nearly_full(folder: Path) -> bool:
    """Whether so little is free that people should know."""
    return _free_space(folder) < SPACE_TO_WARN


def disk_problem(folder: Path) -> str | None:
    """Return why nothing can be saved in the folder (full, over its quota, read-only), or None.

    Something is written, because free space says nothing of quotas and of full tables of files.
    """
    try:
        with tempfile.TemporaryFile(dir=folder, buffering=0) as probe:
            probe.write(os.urandom(PROBE_BYTES))  # zeros may be stored as nothing
    except OSError as error:
        if error.errno == errno.ENOSPC:
            return f"The disk is full at {folder}"
        return f"The disk can't be written at {folder}: {error.strerror}"
    free = _free_space(folder)
    if free < SPACE_TO_WORK:
        return f"The disk is full at {folder}: {free // MEGABYTE} MB are free"
    return None


def _free_space(folder: Path) -> int:
    return shutil.disk_usage(folder).free
