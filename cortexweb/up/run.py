"""The run of `up` from the first line to the last: start in order, watch, end in order."""

import os
import pwd
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from django.conf import settings

from cortexweb.datafolder import DataFolder
from cortexweb.embedded.account import (
    Account,
    admit,
    create_account,
    make_private_folder,
    server_account,
)
from cortexweb.embedded.postgres import Postgres
from cortexweb.embedded.redis import Redis
from cortexweb.up.claim import (
    SPACE_TO_WARN,
    FolderLock,
    free_space,
    require_port,
    require_space,
)
from cortexweb.up.errors import CannotStartError
from cortexweb.up.leftovers import end, marked_processes, orphaned
from cortexweb.up.options import Options
from cortexweb.up.preparation import (
    apply_migrations,
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
SECONDS_BETWEEN_DISK_CHECKS = 15.0


class EndRequested(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal."""


class Up:
    """One run of `manage.py up`."""

    def __init__(self, options: Options, data: DataFolder, say: Callable[[str], None]) -> None:
        self.options = options
        self.data = data
        self.say = say
        self.started = time.monotonic()
        self.account = _own_account()
        self.postgres: Postgres | None = None
        self.redis: Redis | None = None
        self.supervision: Supervision | None = None

    def run(self) -> None:
        """Start everything, then watch it until somebody asks for the end."""
        with self._holding_the_folder(), self._ending_on_signals():
            self._do(self._end_leftovers)
            require_port(self.options.port)
            require_space(self.data.path)
            self._do(self._admit_account)
            self._do(self._start_supervisor)
            self._do(self._start_postgres)
            self._do(self._start_redis)
            self._do(apply_migrations)
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

        # Under nohup SIGHUP is ignored already and stays so.
        asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        ends = [number for number in asked if signal.getsignal(number) != signal.SIG_IGN]
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
            Postgres(self.data, self.account).end_leftover()
        return f"Ended what a killed run had left: {', '.join(names)}" if names else None

    def _admit_account(self) -> str | None:
        lines = []
        if settings.EMBEDDED or settings.EMBEDDED_REDIS:
            if create_account():
                lines.append("created the system user pgserver")
            self.account = server_account()
            opened = admit(self.data.path, self.account)
            if settings.EMBEDDED:
                self.postgres = Postgres(self.data, self.account)
                opened += self.postgres.open_programs()
            if settings.EMBEDDED_REDIS:
                self.redis = Redis(self.data, self.account)
                opened += self.redis.open_programs()
            lines += [
                f"opened {folder} for passing through (o+x), not reading" for folder in opened
            ]
        make_private_folder(self.data.sockets, self.account)
        self.data.logs.mkdir(mode=0o700, exist_ok=True)
        if not self.account.is_other:
            return None
        return "; ".join([f"The servers run as {self.account.name}, not as root", *lines])

    def _start_supervisor(self) -> None:
        project: Path = settings.BASE_DIR
        configuration = supervisor_configuration(
            self.data,
            self._server_programs(),
            app_programs(self.options, self.data, project),
            _own_account().name,
        )
        self.supervision = Supervision(self.data, configuration)
        self.supervision.wait_until_ready()

    def _server_programs(self) -> list[Program]:
        user = self.account.name if self.account.is_other else None
        root = Path("/")
        programs = []
        if self.postgres:
            # SIGINT is its fast shutdown; SIGTERM would wait for every client.
            programs.append(
                Program("postgres", self.postgres.command(), root, 100, user, "INT", stop_seconds=4)
            )
        if self.redis:
            programs.append(Program("redis", self.redis.command(), root, 200, user, stop_seconds=1))
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
        supervision = self._supervision
        supervision.start(name)
        told = time.monotonic()
        while not is_ready():
            supervision.require_alive()
            for line in supervision.follower.news():
                self.say(line)
            if time.monotonic() - told > 5:
                told = time.monotonic()
                require_space(self.data.path, needed=SPACE_TO_WARN)
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
            time.sleep(0.1)
        raise CannotStartError(
            f"The pages don't answer at {self.options.url} ({answer}): "
            f"see {self.data.logs / 'web.log'}"
        )

    def _watch(self) -> None:
        checked = 0.0
        warned = False
        while True:
            self._tell_news()
            if time.monotonic() - checked > SECONDS_BETWEEN_DISK_CHECKS:
                checked = time.monotonic()
                full = free_space(self.data.path) < SPACE_TO_WARN
                if full and not warned:
                    self.say(f"The disk is nearly full at {self.data.path}: make room soon")
                warned = full
            time.sleep(0.2)

    def _tell_news(self) -> None:
        self._supervision.require_alive()
        for line in self._supervision.follower.news():
            self.say(line)

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


def _own_account() -> Account:
    entry = pwd.getpwuid(os.geteuid())
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _title(process: psutil.Process) -> str:
    # supervisord puts the name of the program into the environment of what it starts.
    name = process.environ().get("SUPERVISOR_PROCESS_NAME", "supervisord")
    return f"{name} (process {process.pid})"
