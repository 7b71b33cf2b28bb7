"""The embedded PostgreSQL: its cluster, its command line, and whether it answers."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from cortexweb.data_folder import DataFolder
from cortexweb.embedded.programs import postgres_programs
from cortexweb.embedded.system_user import Account, EmbeddedServerError, make_private_folder

MAJOR = "18"
PORT = 5432  # only part of the socket's name: the server listens on no network address


class Postgres:
    """PostgreSQL 18 in the data folder, reachable through a Unix socket only."""

    name = "postgres"

    def __init__(self, data: DataFolder, account: Account) -> None:
        self.data = data
        self.account = account
        self.folder = data.path / "postgres"
        self.programs = postgres_programs(data)

    def require_same_major(self) -> None:
        """Raise EmbeddedServerError when the cluster is of another major version of PostgreSQL.

        The server would refuse to start, again and again.
        """
        try:
            found = self.folder.joinpath("PG_VERSION").read_text().strip()
        except FileNotFoundError:
            if not self.folder.exists():
                return
            raise EmbeddedServerError(
                f"{self.folder} is not a PostgreSQL cluster: it has no PG_VERSION. Restore a "
                "backup (docs/embedded.md), or choose another folder with --data."
            ) from None
        if found != MAJOR:
            raise EmbeddedServerError(
                f"The cluster {self.folder} is of PostgreSQL {found}, which PostgreSQL {MAJOR} of "
                "this CortexWeb can't read. Nothing has been changed. Go back to the version of "
                "CortexWeb that wrote it, dump the database there, and load the dump here. "
                "docs/embedded.md says how."
            )

    def prepare(self, *, sync: bool = True) -> bool:
        """Make the cluster if there is none. Return whether one was made."""
        make_private_folder(self.data.sockets, self.account)
        if self.folder.exists():
            return False
        # initdb works beside the final place: a half-made cluster looks like a whole one.
        draft = self.folder.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        make_private_folder(draft, self.account)
        self._init_cluster(draft, sync=sync)
        draft.rename(self.folder)
        return True

    def command(self, **settings: str) -> list[str]:
        """The command line of the server, with `settings` beside the product's own."""
        options = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": str(self.data.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            **settings,
        }
        flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [str(self.programs / "postgres"), "-D", str(self.folder), *flags]

    def is_ready(self) -> bool:
        """Whether the server answers; it doesn't while it recovers from a crash."""
        try:
            with self._connect():
                return True
        except psycopg.OperationalError:
            return False

    def create_database(self, name: str) -> None:
        """Create the database unless it exists."""
        with self._connect() as connection:
            exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if not exists.fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def stop_leftover_server(self, patience: float = 10) -> int | None:
        """Stop a server that a killed `up` left on this cluster, and remove its stale pid files.

        Only for the holder of the data folder's lock. PostgreSQL takes any process with the old
        number (after a restart of the machine or container, often one of ours) for a server.
        """
        process = self._running_server()
        if process:
            process.send_signal(signal.SIGINT)
            _, alive = psutil.wait_procs([process], patience)
            if alive:
                process.kill()
                # A zombie still counts as running: that is no reason to fail.
                psutil.wait_procs(alive, patience)
        self.folder.joinpath("postmaster.pid").unlink(missing_ok=True)
        self.data.sockets.joinpath(f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)
        return process.pid if process else None

    def _running_server(self) -> psutil.Process | None:
        # Its helpers have titles of their own in place of the command line.
        for process in psutil.process_iter():
            try:
                if process.name() == "postgres" and str(self.folder) in process.cmdline():
                    return process
            except psutil.Error:
                continue
        return None

    def _init_cluster(self, folder: Path, *, sync: bool) -> None:
        # The built-in locale is the same on every machine, whatever LANG says.
        command = [self.programs / "initdb", "-D", folder, "-U", "postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--locale=C"] if sync else ["--locale=C", "--no-sync"]
        made = subprocess.run(
            command,
            cwd="/",
            env={**os.environ, "TZ": "UTC"},
            capture_output=True,
            text=True,
            check=False,
            **self.account.process_options,  # type: ignore[call-overload]
        )
        if made.returncode:
            raise EmbeddedServerError(f"initdb failed: {(made.stderr or made.stdout).strip()}")

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.data.sockets),
            port=PORT,
            user="postgres",
            dbname="postgres",
            autocommit=True,
            connect_timeout=5,
        )
