"""What has to be free before anything starts: the data folder, the port, the disk."""

import errno
import fcntl
import json
import os
import shutil
import socket
from pathlib import Path

import psutil

from cortexweb.datafolder import DataFolder
from cortexweb.up.errors import CannotStartError

MEGABYTE = 1_000_000
SPACE_TO_START = 300 * MEGABYTE  # a new cluster takes about 60, its write-ahead log the rest
SPACE_TO_WARN = 100 * MEGABYTE


class FolderLock:
    """Holds the data folder for one `up`. The kernel lets go of it even after kill -9."""

    def __init__(self, data: DataFolder) -> None:
        self._path = data.path / "up.lock"
        self._data = data
        self._file = self._path.open("a+")

    def take(self, url: str) -> None:
        """Take the folder, or say who has it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStartError(
                f"{self._holder()} runs on the data folder {self._data.path} already. "
                "End it first, or choose another folder with --data."
            ) from None
        self._file.truncate(0)
        json.dump({"pid": os.getpid(), "url": url}, self._file)
        self._file.flush()

    def release(self) -> None:
        """Let go of the folder."""
        self._file.truncate(0)
        self._file.close()

    def _holder(self) -> str:
        self._file.seek(0)
        try:
            holder = json.load(self._file)
            return f"Another `up` (process {holder['pid']}, {holder['url']})"
        except ValueError:  # it has only just taken the folder
            return "Another `up`"


def require_port(port: int) -> None:
    """Check that the web server will be able to listen, and say who does when it won't."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                reason = f"in use{_listening_process(port)}"
            else:
                reason = f"not available ({error.strerror})"
            raise CannotStartError(
                f"Port {port} is {reason}. Choose another one with --port."
            ) from None


def free_space(folder: Path) -> int:
    """Bytes that are free where the folder is."""
    return shutil.disk_usage(folder).free


def require_space(folder: Path, needed: int = SPACE_TO_START) -> None:
    """Check that the disk has room: a server that runs into a full disk is hard to understand."""
    free = free_space(folder)
    if free < needed:
        raise CannotStartError(
            f"The disk is full: {free // MEGABYTE} MB are free at {folder} and "
            f"{needed // MEGABYTE} MB are needed. Make room, or choose another folder with --data."
        )


def _listening_process(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            address = connection.laddr
            if connection.status == psutil.CONN_LISTEN and address and address.port == port:
                name = psutil.Process(connection.pid).name() if connection.pid else None
                return f" by {name} (process {connection.pid})" if name else ""
    except psutil.Error:
        pass  # other users' processes may be hidden from us
    return ""
