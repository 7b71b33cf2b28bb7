"""`manage.py up` on a data folder of a test's own."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil
import psycopg

from cortexweb.data_folder import DataFolder
from cortexweb.up.orphans import marked_processes
from tests.servers import PROJECT, Process

PASSWORD = "correct horse battery"


@dataclass
class Installation:
    """A data folder and the `up` that runs on it."""

    data: DataFolder
    port: int
    runs: list[Process] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def environment(self) -> dict[str, str]:
        """That of a new terminal: nothing is set but where the data is."""
        unset = {"SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL", "REDIS_URL", "HTTPS_ONLY"}
        kept = {name: value for name, value in os.environ.items() if name not in unset}
        return {**kept, "CORTEXWEB_DATA": str(self.data.path)}

    def up(self) -> Process:
        """Start it, as a script does in the background, and wait for the address."""
        command = [sys.executable, "manage.py", "up", "--port", str(self.port), "--workers", "1"]
        command += ["--admin-password", PASSWORD]
        log = self.data.path.with_name(f"up-{len(self.runs)}.log")
        process = Process(
            "up", command, log, self.environment, cwd=PROJECT, preexec_fn=ignore_interrupts
        )
        self.runs.append(process)
        process.wait_until(
            lambda: f"CortexWeb is running at {self.url}" in process.output, seconds=150
        )
        return process

    def stop(self, asked: signal.Signals = signal.SIGTERM) -> None:
        """End it as a service manager does: in time, and with nothing left of it."""
        run = self.runs[-1]
        run.popen.send_signal(asked)
        assert run.popen.wait(30) == 0
        assert "Everything has stopped. The data is kept" in run.output
        assert marked_processes(self.data) == []

    def answers(self) -> bool:
        """Whether the web server is there, asked as often as one likes: without a client of TLS,
        which takes 50 ms of a processor to make."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def query(self, statement: str) -> list[str]:
        """What the database answers, without the second that a command takes to start."""
        address = f"host={self.data.sockets} user=postgres dbname=cortexweb"
        with psycopg.connect(address, autocommit=True) as connection:
            answer = connection.execute(statement)
            return [str(value) for (value,) in answer] if answer.description else []

    def manage(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Another command, as typed in another terminal."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    def process(self, *words: str) -> psutil.Process:
        """The oldest of the started processes with these words in its command line."""
        return next(p for p in marked_processes(self.data) if set(words) <= set(p.cmdline()))

    def program(self, name: str) -> psutil.Process | None:
        """The process that supervisord keeps under this name; a new one has it once it runs."""
        for process in self.process("cortexweb.up.supervisord").children():
            with suppress(psutil.Error):  # it has just ended
                if process.environ().get("SUPERVISOR_PROCESS_NAME") == name:
                    return process
        return None

    def end(self) -> None:
        """Kill whatever is left, and show what it said."""
        for run in self.runs:
            run.kill()
            print(run.output)
        for process in marked_processes(self.data):
            process.kill()


def prepare(data: DataFolder, first_start: Path) -> None:
    """Make the data folder a copy of another that nothing runs on, with keys of its own."""
    subprocess.run(["cp", "-a", str(first_start), str(data.path)], check=True)
    data.key_file.unlink()
    data.encryption_file.unlink(missing_ok=True)
    data.create()


def ignore_interrupts() -> None:
    """What a shell does to a command that a script starts with `&`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
