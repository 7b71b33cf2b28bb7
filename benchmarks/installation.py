"""An installation for one measurement: servers, workers and a scheduler in a temporary folder.

Importing this module points Django at that folder, so import it before anything that reads
settings. The servers run with the product's own settings: what is committed is on the disk.

BENCHMARK_DATA=FOLDER uses that folder and keeps it, so that a benchmark that fills it for minutes
finds its data there the next time.
"""

import atexit
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connections

from cortexweb.data_folder import DataFolder
from cortexweb.embedded.postgres import Postgres
from cortexweb.embedded.programs import copy_programs
from cortexweb.embedded.redis import Redis
from cortexweb.embedded.system_user import create_account, give, server_account
from tests.servers import PROJECT, Process, celery_beat, celery_worker

for _name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "DEBUG", "ALLOWED_HOSTS"):
    os.environ.pop(_name, None)
_kept = os.environ.get("BENCHMARK_DATA", "")
FOLDER = Path(_kept or tempfile.mkdtemp(prefix="cortexweb-"))
if not _kept:
    atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
os.environ |= {
    "CORTEXWEB_DATA": str(FOLDER),
    "SECRET_KEY": "benchmarks-" * 5,
    "DJANGO_SETTINGS_MODULE": "cortexweb.settings",
    "PYTHONUNBUFFERED": "1",
}
django.setup()

from flows.models import FlowVersion  # noqa: E402
from tests.flows_in_tests import publish as published  # noqa: E402


class Installation:
    """The processes of one installation; each may be killed and started again."""

    def __init__(self) -> None:
        self.data = DataFolder(FOLDER)
        self.data.create()
        # A process has started once its log says so: the one of an earlier run must not.
        shutil.rmtree(self.data.logs, ignore_errors=True)
        self.data.logs.mkdir()
        create_account()
        self.account = server_account()
        copy_programs(self.data, self.account)
        give(self.data.path, self.account)
        self.postgres = Postgres(self.data, self.account)
        self.redis = Redis(self.data, self.account)
        self.postgres.prepare(sync=False)
        self.redis.prepare()
        self.started: list[Process] = []
        self.postgres_process = self.start_postgres()
        self.redis_process = self.start_redis()
        self.postgres.create_database("cortexweb")

    def start_postgres(self) -> Process:
        """Start PostgreSQL, and wait until it answers."""
        self.postgres_process = self._server(self.postgres)
        return self.postgres_process

    def start_redis(self) -> Process:
        """Start Redis, and wait until it answers."""
        self.redis_process = self._server(self.redis)
        return self.redis_process

    def _server(self, server: Postgres | Redis) -> Process:
        options: dict[str, object] = {"cwd": "/", **self.account.process_options}
        process = Process(
            server.name, server.command(), self._log(server.name), dict(os.environ), **options
        )
        self.started.append(process)
        process.wait_until(server.is_ready)
        return process

    def worker(self, concurrency: int = 2, name: str = "worker") -> Process:
        """A worker of the product, started as `up` starts it, ready for tasks."""
        process = celery_worker(self._log(name, fresh=True), dict(os.environ), concurrency)
        self.started.append(process)
        return process

    def beat(self) -> Process:
        """The scheduler of the product."""
        process = celery_beat(self._log("beat", fresh=True), dict(os.environ), self.data.path)
        self.started.append(process)
        return process

    def bare_worker(self) -> Process:
        """A worker that knows nothing of the product, for comparison."""
        command = [sys.executable, "-m", "celery", "-A", "benchmarks.bare", "worker"]
        command += ["--concurrency", "2", "--prefetch-multiplier", "1", "-O", "fair"]
        command += ["--without-gossip", "--without-mingle", "--loglevel", "warning"]
        process = Process("bare", command, self._log("bare"), dict(os.environ), cwd=PROJECT)
        self.started.append(process)
        return process

    def end(self) -> None:
        """End everything that was started, the servers last."""
        for process in reversed(self.started):
            process.stop(signal.SIGINT if process.name == "postgres" else signal.SIGTERM, 3)

    def _log(self, name: str, *, fresh: bool = False) -> Path:
        # A worker counts as ready when its log says so: each has a log of its own.
        number = sum(1 for _ in self.data.logs.iterdir()) if fresh else ""
        return self.data.logs / f"{name}{number}.log"


@contextmanager
def installation() -> Iterator[Installation]:
    """An installation with an empty, migrated database."""
    # Ended from outside it must not leave its servers behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    running = Installation()
    try:
        call_command("migrate", verbosity=0)
        yield running
    finally:
        for connection in connections.all():
            connection.close()
        running.end()


def publish(name: str, blocks: str, variables: str = "{}") -> FlowVersion:
    """Import and publish a flow of YAML blocks; returns its version."""
    return published(FOLDER, name, blocks, variables)
