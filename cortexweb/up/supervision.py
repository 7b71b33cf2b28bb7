"""supervisord as a child of `up`: started, asked over its socket, followed and stopped."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from cortexweb.data_folder import DataFolder
from cortexweb.up.errors import CannotStartError
from cortexweb.up.orphans import MARK, SUPERVISOR

SUCCESS = 80  # supervisor.xmlrpc.Faults
LOG_LINE = re.compile(r"(?P<time>\S+ \S+) \w+ (?P<event>exited|spawned|spawnerr): (?P<text>.*)")
ENDED = re.compile(r"(?P<name>\S+) \((?P<cause>[^;)]+)")


class Supervision:
    """supervisord of one data folder, in a session of its own so that Ctrl-C spares it."""

    def __init__(self, data: DataFolder, project: Path, configuration: str) -> None:
        self._data = data
        self._log = data.logs / "supervisord.log"
        self._log.touch()
        self.restart_log = RestartLog(self._log)
        file = data.path / "supervisord.conf"
        file.write_text(configuration)
        with (data.logs / "supervisord.out").open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", SUPERVISOR, "-c", str(file)],
                cwd=project,
                env={**os.environ, MARK: str(data.path), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until_ready(self, patience: float = 20) -> None:
        """Wait until supervisord takes orders."""
        deadline = time.monotonic() + patience
        while True:
            self.require_alive()
            try:
                self._ask("getState")
            except (OSError, HTTPException):
                if time.monotonic() > deadline:
                    raise CannotStartError(
                        f"supervisord doesn't answer. See {self._log}."
                    ) from None
                time.sleep(0.02)
            else:
                return

    def require_alive(self) -> None:
        """Raise when supervisord itself has ended."""
        if (code := self._process.poll()) is not None:
            cause = f"was killed by signal {-code}" if code < 0 else f"exited with status {code}"
            raise CannotStartError(
                f"supervisord, which keeps everything running, {cause}. "
                f"See {self._data.logs / 'supervisord.out'}."
            )

    def start(self, name: str) -> None:
        """Start a program; supervisord starts it again whenever it ends."""
        try:
            self._ask("startProcess", name, False)
        except Fault as fault:
            raise CannotStartError(f"{name} could not be started: {fault.faultString}") from None

    def start_group(self, name: str) -> None:
        """Start every program of a group."""
        for started in self._ask("startProcessGroup", name, False):
            if started["status"] != SUCCESS:
                raise CannotStartError(
                    f"{started['name']} could not be started: {started['description']}"
                )

    def start_waiting(self) -> list[str]:
        """Start at once what supervisord would try again only after a pause. Return the names."""
        names = []
        for process in self._ask("getAllProcessInfo"):
            if process["statename"] in ("BACKOFF", "FATAL", "EXITED"):
                name = f"{process['group']}:{process['name']}"
                with suppress(Fault):  # it has just recovered
                    self._ask("stopProcess", name, True)
                with suppress(Fault):
                    self._ask("startProcess", name, False)
                names.append(process["name"])
        return names

    def stop(self, patience: float) -> None:
        """Stop everything in order: the group, Redis, PostgreSQL, supervisord itself."""
        self.restart_log.close()
        if self._process.poll() is not None:
            return
        try:
            self._ask("shutdown")
        except (OSError, HTTPException, Fault):
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, method: str, *arguments: str | bool) -> Any:
        # A connection for each call: after a failure the transport can't use its own again.
        address = f"unix://{self._data.sockets / 'supervisor.sock'}"
        transport = SupervisorTransport(None, None, serverurl=address)
        try:
            proxy = ServerProxy("http://127.0.0.1", transport=transport)
            return getattr(proxy.supervisor, method)(*arguments)
        finally:
            transport.close()


class RestartLog:
    """What supervisord logs from now on, across the rotation of the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] = path.open(errors="replace")
        self._file.seek(0, os.SEEK_END)
        self._ended: dict[str, tuple[str, datetime]] = {}

    def sentences(self) -> Iterator[str]:
        """Yield a sentence for each child that was started again since the last call."""
        for line in self._lines():
            if match := LOG_LINE.match(line):
                at = datetime.strptime(match["time"], "%Y-%m-%d %H:%M:%S,%f")
                yield from self._sentences_of(match["event"], match["text"], at)

    def close(self) -> None:
        """Stop following."""
        self._file.close()

    def _sentences_of(self, event: str, text: str, at: datetime) -> Iterator[str]:
        if event == "spawnerr":
            yield text
        elif event == "exited" and (match := ENDED.match(text)):
            self._ended[match["name"]] = (_in_words(match["cause"]), at)
        elif event == "spawned":
            name = text.split("'")[1]
            if name in self._ended:
                cause, since = self._ended.pop(name)
                seconds = (at - since).total_seconds()
                log = self._path.with_name(f"{name}.log")
                yield f"{name} {cause}. Started again after {seconds:.1f} s (see {log})"

    def _lines(self) -> Iterator[str]:
        yield from self._file
        with suppress(FileNotFoundError):  # in the middle of the rotation
            if os.fstat(self._file.fileno()).st_ino != self._path.stat().st_ino:
                following = self._path.open(errors="replace")
                self._file.close()
                self._file = following
                yield from self._file


def _in_words(cause: str) -> str:
    """Return what happened to a process, from supervisord's log: "terminated by SIGKILL" or "exit
    status 3". One that exits with 0 has obeyed a signal."""
    name = cause.removeprefix("terminated by ").split()[0]
    if name in signal.Signals.__members__:
        return f"was killed by signal {signal.Signals[name].value} ({name})"
    if cause == "exit status 0":
        return "was shut down by another process (exit status 0)"
    return f"failed with {cause}"
