"""The run of `up`: start everything in order, watch it, stop it in order."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import httpx
import psutil
from django.conf import settings

from cortexweb.data_folder import DataFolder
from cortexweb.embedded.postgres import Postgres
from cortexweb.embedded.redis import Redis
from cortexweb.embedded.system_user import current_account, make_private_folder
from cortexweb.up.disk import (
    SPACE_FOR_CLUSTER,
    SPACE_TO_START,
    disk_problem,
    is_nearly_full,
    require_disk_space,
)
from cortexweb.up.drop_privileges import run_as_system_user
from cortexweb.up.errors import CannotStartError
from cortexweb.up.options import Options
from cortexweb.up.orphans import marked_processes, orphans, stop_processes
from cortexweb.up.preflight import FolderLock, require_port
from cortexweb.up.preparation import (
    apply_migrations,
    build_static,
    close_connections,
    ensure_administrator,
    import_examples,
    require_database,
    require_redis,
)
from cortexweb.up.programs import Program, app_programs, supervisor_configuration
from cortexweb.up.supervision import Supervision

SECONDS_TO_END = 8.0
SECONDS_TO_ANSWER = 90.0
SECONDS_BETWEEN_DISK_CHECKS = 5.0


class StopRequested(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal."""


class Up:
    """One run of `manage.py up`."""

    def __init__(self, options: Options, data: DataFolder, say: Callable[[str], None]) -> None:
        self.options = options
        self.data = data
        self.say = say
        self.started = time.monotonic()
        self.postgres: Postgres | None = None
        self.redis: Redis | None = None
        self.supervision: Supervision | None = None
        self.disk_problem: str | None = None
        self.disk_warned = False
        self.disk_checked = 0.0

    def run(self) -> None:
        """Start everything, then watch it until somebody stops it."""
        with self._locked_folder():
            self._check()  # before anything is stopped
            self._run_until_stopped()

    def _check(self) -> None:
        """Raise CannotStartError when it can't start. Whatever runs is left alone."""
        require_port(self.options.port, {p.pid for p in marked_processes(self.data)})
        require_disk_space(self.data.path, self._space_to_start())
        if settings.EMBEDDED:
            Postgres(self.data, current_account()).require_same_major()

    def _run_until_stopped(self) -> None:
        with self._stopping_on_signals():
            self._do(self._stop_orphans)
            if os.geteuid() == 0:
                self._run_as_system_user()
            self._do(self._prepare_servers)
            self._do(self._start_supervisor)
            self._do(self._start_postgres)
            self._do(self._start_redis)
            self._do(apply_migrations)
            self._do(lambda: build_static(self.data.path / "static.built"))
            self._do(import_examples)
            self._do(lambda: ensure_administrator(self.options.admin_password))
            close_connections()
            self._do(self._start_app)
            self._watch()

    def _do(self, step: Callable[[], str | None]) -> None:
        """Take a step, and say what came of it and how long it took."""
        begun = time.monotonic()
        if outcome := step():
            self.say(f"{outcome} ({time.monotonic() - begun:.1f} s)")

    @contextmanager
    def _locked_folder(self) -> Iterator[None]:
        lock = FolderLock(self.data)
        lock.take(self.options.url)
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _stopping_on_signals(self) -> Iterator[None]:
        def request_end(number: int, frame: Any) -> None:
            raise StopRequested

        # A shell makes what it starts in the background ignore SIGINT, which is how scripts end it.
        ends = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # not under nohup
            ends.append(signal.SIGHUP)
        for number in ends:
            signal.signal(number, request_end)
        try:
            yield
        except StopRequested:
            pass
        finally:
            # From here on, stopping takes a bounded time: a second Ctrl-C has nothing to add.
            for number in ends:
                signal.signal(number, signal.SIG_IGN)
            self._do(self._end)

    def _stop_orphans(self) -> str | None:
        found = orphans(self.data)
        names = [_title(process) for process in found]
        # supervisord stops its children in order. Then come those whose supervisord was killed;
        # PostgreSQL is stopped last, in its own way.
        stop_processes(
            [process for process in found if process.name() != "postgres"], SECONDS_TO_END
        )
        stop_processes([p for p in marked_processes(self.data) if p.name() != "postgres"], 2)
        if settings.EMBEDDED and (self.data.path / "postgres").exists():
            Postgres(self.data, current_account()).stop_leftover_server()
        return f"Stopped what a killed run left behind: {', '.join(names)}" if names else None

    def _run_as_system_user(self) -> NoReturn:
        embedded = settings.EMBEDDED or settings.EMBEDDED_REDIS
        run_as_system_user(
            self.data,
            settings.BASE_DIR,
            embedded=embedded,
            password=self.options.admin_password,
            say=self.say,
        )

    def _prepare_servers(self) -> None:
        account = current_account()
        if settings.EMBEDDED:
            self.postgres = Postgres(self.data, account)
        if settings.EMBEDDED_REDIS:
            self.redis = Redis(self.data, account)
        make_private_folder(self.data.sockets, account)
        self.data.logs.mkdir(mode=0o700, exist_ok=True)

    def _space_to_start(self) -> int:
        """Return the bytes that must be free: for a new cluster, or for what recovery may write."""
        if settings.EMBEDDED and not (self.data.path / "postgres").exists():
            return SPACE_FOR_CLUSTER
        return SPACE_TO_START

    def _start_supervisor(self) -> None:
        project: Path = settings.BASE_DIR
        configuration = supervisor_configuration(
            self.data,
            self._server_programs(),
            app_programs(self.options, self.data, project),
        )
        self.supervision = Supervision(self.data, project, configuration)
        self.supervision.wait_until_ready()

    def _server_programs(self) -> list[Program]:
        root = Path("/")
        programs = []
        if self.postgres:
            # SIGINT is its fast shutdown; SIGTERM would wait for every client.
            programs.append(
                Program("postgres", self.postgres.command(), root, 100, "INT", stop_seconds=4)
            )
        if self.redis:
            programs.append(Program("redis", self.redis.command(), root, 200, stop_seconds=1))
        return programs

    def _start_postgres(self) -> str | None:
        if not self.postgres:
            require_database()
            return "PostgreSQL: from DATABASE_URL"
        new = self.postgres.prepare()
        self._start_server("postgres", self.postgres.is_ready)
        self.postgres.create_database("cortexweb")
        return f"PostgreSQL: {'new cluster, ' if new else ''}ready in {self.postgres.folder}"

    def _start_redis(self) -> str | None:
        if not self.redis:
            require_redis()
            return "Redis: from REDIS_URL"
        self.redis.prepare()
        self._start_server("redis", self.redis.is_ready)
        return "Redis: ready"

    def _start_server(self, name: str, is_ready: Callable[[], bool]) -> None:
        """Start a server and wait for it as long as it lives: recovery may take its time."""
        self._supervision.start(name)
        told = time.monotonic()
        while not is_ready():
            self._report_restarts()
            if time.monotonic() - told > 5:
                told = time.monotonic()
                self.say(f"{name} isn't ready yet (see {self.data.logs / f'{name}.log'})")
            time.sleep(0.05)

    def _start_app(self) -> str:
        self._supervision.start_group("app")
        self.say(
            f"Starting the web server, {self.options.workers} worker processes and the scheduler; "
            f"their logs are in {self.data.logs}"
        )
        # To itself it speaks without proxies and TLS, whose authorities take 50 ms to read.
        with httpx.Client(
            base_url=self.options.url,
            verify=False,  # noqa: S501 (the address is http)
            trust_env=False,
        ) as client:
            self._wait_for_pages(client)
        total = time.monotonic() - self.started
        where = f"CortexWeb is running at {self.options.url} after {total:.1f} s"
        return f"{where}. Press Ctrl-C to stop it"

    def _wait_for_pages(self, client: httpx.Client) -> None:
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        while problem := _problem(client):
            self._report_restarts()
            if self.disk_problem:
                deadline = time.monotonic() + SECONDS_TO_ANSWER
            if time.monotonic() > deadline:
                raise CannotStartError(
                    f"The pages at {self.options.url} don't answer ({problem}). "
                    f"See {self.data.logs / 'web.log'}."
                )
            time.sleep(0.1)

    def _watch(self) -> None:
        while True:
            self._report_restarts()
            time.sleep(0.2)

    def _report_restarts(self) -> None:
        self._supervision.require_alive()
        restarts = list(self._supervision.restart_log.sentences())
        if restarts or time.monotonic() - self.disk_checked > SECONDS_BETWEEN_DISK_CHECKS:
            self._check_disk()
        # On a full disk they fail repeatedly, for the same reason.
        for line in restarts if not self.disk_problem else ():
            self.say(line)

    def _check_disk(self) -> None:
        """Say when the disk is full and when it no longer is; then start at once what waits."""
        self.disk_checked = time.monotonic()
        before, self.disk_problem = self.disk_problem, disk_problem(self.data.path)
        if self.disk_problem and not before:
            self.say(
                f"{self.disk_problem}. Nothing can be saved. Everything continues by itself once "
                "there is free space"
            )
        elif before and not self.disk_problem:
            started = self._supervision.start_waiting()
            told = f" ({', '.join(started)} started again)" if started else ""
            self.say(f"There is free space again at {self.data.path}. Everything continues{told}")
        elif not self.disk_problem:
            nearly = is_nearly_full(self.data.path)
            if nearly and not self.disk_warned:
                self.say(f"The disk at {self.data.path} is nearly full. Free some space soon")
            self.disk_warned = nearly

    @property
    def _supervision(self) -> Supervision:
        assert self.supervision is not None
        return self.supervision

    def _end(self) -> str | None:
        if self.supervision:
            self.say("Stopping everything …")
            self.supervision.stop(SECONDS_TO_END)
        # What supervisord couldn't stop in time, or lost because it was killed.
        stop_processes([p for p in marked_processes(self.data) if p.name() != "postgres"], 0.3)
        if self.postgres:
            self.postgres.stop_leftover_server(patience=0.7)
        return "Everything has stopped. The data is kept" if self.supervision else None


def _problem(client: httpx.Client) -> str | None:
    """Return what keeps the pages from being seen, None when they answer."""
    try:
        health = client.get("healthz", timeout=5)
        # Signed out, the home page leads to the sign-in page; with HTTPS_ONLY to the proxy.
        page = client.get("", timeout=10, follow_redirects=not settings.HTTPS_ONLY)
    except httpx.HTTPError as error:
        return str(error)
    if health.is_success and page.status_code < 400:
        return None
    return f"{page.status_code} {page.reason_phrase}; health: {health.text.strip()}"


def _title(process: psutil.Process) -> str:
    # supervisord puts the name of the program into the environment of what it starts.
    name = process.environ().get("SUPERVISOR_PROCESS_NAME", "supervisord")
    return f"{name} (process {process.pid})"
