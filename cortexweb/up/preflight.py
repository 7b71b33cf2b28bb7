"""What has to be free before anything starts: the data folder and the port."""

import errno
import fcntl
import json
import os
import socket
from collections.abc import Collection
from contextlib import suppress

import psutil

from cortexweb.data_folder import DataFolder
from cortexweb.up.errors import CannotStartError


class FolderLock:
    """Holds the data folder for one `up`. The kernel lets go of it even after kill -9."""

    def __init__(self, data: DataFolder) -> None:
        self._path = data.path / "up.lock"
        self._data = data
        self._file = self._path.open("a+")

    def take(self, url: str) -> None:
        """Take the folder. Raises CannotStartError, with who has it."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStartError(
                f"{self._holder()} already runs on the data folder {self._data.path}. "
                "Stop it first, or choose another folder with --data."
            ) from None
        self._file.truncate(0)
        with suppress(OSError):  # a full disk, of which `up` says more than this could
            json.dump({"pid": os.getpid(), "url": url}, self._file)
            self._file.flush()

    def release(self) -> None:
        """Let go of the folder."""
        with suppress(OSError):
            self._file.truncate(0)
            self._file.close()

    def _holder(self) -> str:
        self._file.seek(0)
        try:
            holder = json.load(self._file)
            return f"Another `up` (process {holder['pid']}, {holder['url']})"
        except ValueError:  # it has only just taken the folder
            return "Another `up`"


def require_port(port: int, ours: Collection[int] = ()) -> None:
    """Raise CannotStartError, with who listens there, when the web server could not listen.

    `ours` are processes that are stopped before anything starts.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                listening = _listening_process(port)
                if listening and listening.pid in ours:
                    return
                reason = f"in use by {_name(listening)}" if listening else "in use"
            else:
                reason = f"not available ({error.strerror})"
            raise CannotStartError(
                f"Port {port} is {reason}. Choose another one with --port."
            ) from None


def _listening_process(port: int) -> psutil.Process | None:
    try:
        for connection in psutil.net_connections("tcp"):
            address = connection.laddr
            if connection.status == psutil.CONN_LISTEN and address and address.port == port:
                return psutil.Process(connection.pid) if connection.pid else None
    except psutil.Error:
        pass  # other users' processes may be hidden from us
    return None


def _name(process: psutil.Process) -> str:
    try:
        return f"{process.name()} (process {process.pid})"
    except psutil.Error:
        return f"process {process.pid}"
