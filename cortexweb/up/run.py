"""The run of `up` from the first line to the last: start in order, watch, end in order."""

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
from cortexweb.embedded.system_user import make_private_folder, own_account
from cortexweb.up.disk import (
    SPACE_FOR_CLUSTER,
    SPACE_TO_START,
    disk_trouble,
    is_nearly_full,
    require_space,
)
from cortexweb.up.drop_privileges import go_on_unprivileged
from cortexweb.up.errors import CannotStartError
from cortexweb.up.options import Options
from cortexweb.up.orphans import end, marked_processes, orphaned
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


class EndRequested(BaseException):
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
        self.disk_trouble: str | None = None
        self.disk_warned = False
        self.disk_checked = 0.0

    def run(self) -> None:
        """Start everything, then watch it until somebody asks for the end."""
        with self._holding_the_folder():
            self._check()  # before anything ends
            self._run_until_the_end()

    def _check(self) -> None:
        """Raise CannotStartError when it can't start, whatever runs meanwhile as it was."""
        require_port(self.options.port, {p.pid for p in marked_processes(self.data)})
        require_space(self.data.path, self._space_to_start())
        if settings.EMBEDDED:
            Postgres(self.data, own_account()).require_same_major()

    def _run_until_the_end(self) -> None:
        with self._ending_on_signals():
            self._do(self._end_leftovers)
            if os.geteuid() == 0:
                self._go_on_unprivileged()
            self._do(self._prepare_servers)
            self._do(self._start_supervisor)
            self._do(self._start_postgres)
            self._do(self._start_redis)
            self._do(apply_migrations)
            self._do(build_static)
            self._do(import_examples)
            self._do(lambda: ensure_administrator(self.options.admin_password))
            close_connections()
            self._do(self._start_app)
            self._watch()

    def _do(self, step: Callable[[], str | None]) -> None:
        """Take a step and say what came of it and how long it took."""
        begun = time.monotonic()
        if outcome := step():
            self.say(f"{outcome} ({time.monotonic() - begun:.1f} s)")

    @contextmanager
    def _holding_the_folder(self) -> Iterator[None]:
        lock = FolderLock(self.data)
        lock.take(self.options.url)
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _ending_on_signals(self) -> Iterator[None]:
        def request_end(number: int, frame: Any) -> None:
            raise EndRequested

        # A shell makes what it starts in the background ignore SIGINT, which is how scripts end it.
        ends = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # not under nohup
            ends.append(signal.SIGHUP)
        for number in ends:
            signal.signal(number, request_end)
        try:
            yield
        except EndRequested:
            pass
        finally:
            # From here on the end takes a bounded time, so a second Ctrl-C has nothing to add.
            for number in ends:
                signal.signal(number, signal.SIG_IGN)
            self._do(self._end)

    def _end_leftovers(self) -> str | None:
        tops = orphaned(self.data)
        names = [_title(process) for process in tops]
        # supervisord ends its children in order; then the ones whose supervisord was killed,
        # PostgreSQL in its own way and last.
        end([process for process in tops if process.name() != "postgres"], SECONDS_TO_END)
        end([p for p in marked_processes(self.data) if p.name() != "postgres"], 2)
        if settings.EMBEDDED and (self.data.path / "postgres").exists():
            Postgres(self.data, own_account()).end_leftover()
        return f"Ended what a killed run had left: {', '.join(names)}" if names else None

    def _go_on_unprivileged(self) -> NoReturn:
        embedded = settings.EMBEDDED or settings.EMBEDDED_REDIS
        go_on_unprivileged(
            self.data,
            settings.BASE_DIR,
            embedded=embedded,
            password=self.options.admin_password,
            say=self.say,
        )

    def _prepare_servers(self) -> None:
        account = own_account()
        if settings.EMBEDDED:
            self.postgres = Postgres(self.data, account)
        if settings.EMBEDDED_REDIS:
            self.redis = Redis(self.data, account)
        make_private_folder(self.data.sockets, account)
        self.data.logs.mkdir(mode=0o700, exist_ok=True)

    def _space_to_start(self) -> int:
        """A new cluster needs room; one that is there, only what recovery may write."""
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
            return "PostgreSQL: the one of DATABASE_URL"
        new = self.postgres.prepare()
        self._start_server("postgres", self.postgres.is_ready)
        self.postgres.create_database("cortexweb")
        return f"PostgreSQL: {'new cluster, ' if new else ''}ready in {self.postgres.folder}"

    def _start_redis(self) -> str | None:
        if not self.redis:
            require_redis()
            return "Redis: the one of REDIS_URL"
        self.redis.prepare()
        self._start_server("redis", self.redis.is_ready)
        return "Redis: ready"

    def _start_server(self, name: str, is_ready: Callable[[], bool]) -> None:
        """Start a server and wait for it as long as it lives: recovery may take its time."""
        self._supervision.start(name)
        told = time.monotonic()
        while not is_ready():
            self._tell_news()
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
        deadline = time.monotonic() + SECONDS_TO_ANSWER
        answer = "nothing"
        while time.monotonic() < deadline:
            self._tell_news()
            try:
                health = httpx.get(f"{self.options.url}healthz", timeout=5)
                # Signed out, the home page leads to the sign-in page; with HTTPS_ONLY to the proxy.
                follow = not settings.HTTPS_ONLY
                page = httpx.get(self.options.url, timeout=10, follow_redirects=follow)
                if health.is_success and page.status_code < 400:
                    total = time.monotonic() - self.started
                    return f"CortexWeb is at {self.options.url} after {total:.1f} s. Ctrl-C ends it"
                answer = f"{page.status_code} {page.reason_phrase}; health: {health.text.strip()}"
            except httpx.HTTPError as error:
                answer = str(error)
            if self.disk_trouble:
                deadline = time.monotonic() + SECONDS_TO_ANSWER
            time.sleep(0.1)
        raise CannotStartError(
            f"The pages don't answer at {self.options.url} ({answer}): "
            f"see {self.data.logs / 'web.log'}"
        )

    def _watch(self) -> None:
        while True:
            self._tell_news()
            time.sleep(0.2)

    def _tell_news(self) -> None:
        self._supervision.require_alive()
        news = list(self._supervision.follower.news())
        if news or time.monotonic() - self.disk_checked > SECONDS_BETWEEN_DISK_CHECKS:
            self._check_disk()
        # On a full disk they end again and again, for the reason that has been said.
        for line in news if not self.disk_trouble else ():
            self.say(line)

    def _check_disk(self) -> None:
        """Say when the disk is full and when it no longer is; then start at once what waits."""
        self.disk_checked = time.monotonic()
        before, self.disk_trouble = self.disk_trouble, disk_trouble(self.data.path)
        if self.disk_trouble and not before:
            self.say(
                f"{self.disk_trouble}. Nothing can be saved until there is room; then everything "
                "goes on by itself"
            )
        elif before and not self.disk_trouble:
            started = self._supervision.start_what_waits()
            told = f" ({', '.join(started)} started again)" if started else ""
            self.say(f"There is room again at {self.data.path}: everything goes on{told}")
        elif not self.disk_trouble:
            nearly = is_nearly_full(self.data.path)
            if nearly and not self.disk_warned:
                self.say(f"The disk is nearly full at {self.data.path}: make room soon")
            self.disk_warned = nearly

    @property
    def _supervision(self) -> Supervision:
        assert self.supervision is not None
        return self.supervision

    def _end(self) -> str | None:
        if self.supervision:
            self.say("Ending everything …")
            self.supervision.stop(SECONDS_TO_END)
        # What supervisord couldn't end in time, or lost because it was killed.
        end([p for p in marked_processes(self.data) if p.name() != "postgres"], 0.3)
        if self.postgres:
            self.postgres.end_leftover(patience=0.7)
        return "Everything has ended; the data stays" if self.supervision else None


def _title(process: psutil.Process) -> str:
    # supervisord puts the name of the program into the environment of what it starts.
    name = process.environ().get("SUPERVISOR_PROCESS_NAME", "supervisord")
    return f"{name} (process {process.pid})"
