"""Processes beside the tests: the servers of the session, and processes of the product."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cortexweb.data_folder import DataFolder
from cortexweb.embedded.postgres import Postgres
from cortexweb.embedded.programs import copy_programs
from cortexweb.embedded.redis import Redis
from cortexweb.embedded.system_user import Account, create_account, give, server_account

PROJECT = Path(__file__).resolve().parent.parent


class Process:
    """A program beside the tests; its output goes to a file, to be shown when a test fails."""

    def __init__(
        self, name: str, command: list[str], log: Path, env: dict[str, str], **options: object
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self.popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                start_new_session=True,
                **options,
            )

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_until(self, ready: Callable[[], bool], seconds: float = 90) -> None:
        """Wait until `ready()`; the output is in the message when it takes too long."""
        deadline = time.monotonic() + seconds
        while not ready():
            assert self.popen.poll() is None, f"{self.name} ended:\n{self.output}"
            assert time.monotonic() < deadline, f"{self.name} is late:\n{self.output}"
            time.sleep(0.02)

    def begin(self, ready: Callable[[], bool]) -> None:
        """Wait until it is ready. One that is late ends: it serves no later test."""
        try:
            self.wait_until(ready)
        except BaseException:
            self.kill()
            raise

    def stop(self, with_signal: signal.Signals = signal.SIGTERM, seconds: float = 5) -> None:
        """Ask the program to end, then kill whatever it left."""
        if self.popen.poll() is None:
            self.popen.send_signal(with_signal)
            with suppress(subprocess.TimeoutExpired):
                self.popen.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the program and to every process that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


def hand_over(data: DataFolder) -> Account:
    """Make the data folder that of the servers' account, with programs that it can run."""
    data.create()
    create_account()
    account = server_account()
    copy_programs(data, account)
    give(data.path, account)
    data.logs.mkdir(exist_ok=True)
    return account


@contextmanager
def postgres_server(data: DataFolder) -> Iterator[None]:
    """PostgreSQL in `data`, as `up` runs it, but careless of power failures."""
    postgres = Postgres(data, hand_over(data))
    postgres.prepare(sync=False)
    careless = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    # Nobody copies its log elsewhere, so new files need not be in it.
    careless |= {"wal_level": "minimal", "max_wal_senders": "0"}
    with _server(postgres, postgres.command(**careless), signal.SIGINT):
        yield


@contextmanager
def redis_server(data: DataFolder) -> Iterator[None]:
    """Redis in `data`, as `up` runs it."""
    redis = Redis(data, hand_over(data))
    redis.prepare()
    with _server(redis, redis.command(), signal.SIGTERM):
        yield


@contextmanager
def running_servers(data: DataFolder) -> Iterator[None]:
    """Both."""
    with redis_server(data), postgres_server(data):
        yield


@contextmanager
def _server(server: Postgres | Redis, command: list[str], end: signal.Signals) -> Iterator[None]:
    log = server.data.logs / f"{server.name}.log"
    options = {"cwd": "/", **server.account.process_options}
    process = Process(server.name, command, log, dict(os.environ), **options)
    try:
        process.wait_until(server.is_ready)
        yield
    finally:
        process.stop(end)


def celery_worker(log: Path, env: dict[str, str], concurrency: int = 2) -> Process:
    """A Celery worker of the product, as `up` starts it, ready for tasks."""
    command = [sys.executable, "-m", "celery", "--skip-checks", "-A", "cortexweb", "worker"]
    command += ["--concurrency", str(concurrency), "--prefetch-multiplier", "1", "-O", "fair"]
    command += ["--without-gossip", "--without-mingle", "--loglevel", "info"]
    process = Process("worker", command, log, env, cwd=PROJECT)
    process.begin(lambda: " ready." in process.output)
    return process


def celery_beat(log: Path, env: dict[str, str], folder: Path) -> Process:
    """The scheduler of the product, which looks for what recovery has to move."""
    command = [sys.executable, "-m", "celery", "--skip-checks", "-A", "cortexweb", "beat"]
    command += ["--loglevel", "info", "--schedule", str(folder / "beat-schedule"), "--pidfile", ""]
    process = Process("beat", command, log, env, cwd=PROJECT)
    process.begin(lambda: "beat: Starting" in process.output)
    return process


def web_server(log: Path, env: dict[str, str], port: int) -> Process:
    """The product's web server, answering on loopback."""
    command = [sys.executable, "-m", "cortexweb.web.server"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--timeout-graceful-shutdown", "1"]
    process = Process("web", command, log, env, cwd=PROJECT)
    process.begin(lambda: "Uvicorn running on" in process.output)
    return process


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
