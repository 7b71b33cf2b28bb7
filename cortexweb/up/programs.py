"""What `up` keeps running, and supervisord's configuration made of it."""

import configparser
import io
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from cortexweb.data_folder import DataFolder
from cortexweb.up.options import Options

# Never give up: supervisor waits a second longer after each failure.
RETRIES = 1_000_000_000


@dataclass(frozen=True)
class Program:
    """One process for supervisord to keep running."""

    name: str
    command: list[str]
    folder: Path
    order: int
    stop_signal: str = "TERM"
    stop_seconds: int = 3
    # One that ends sooner counts as a failed start, with growing pauses before the next.
    start_seconds: int = 1


def app_programs(options: Options, data: DataFolder, project: Path) -> list[Program]:
    """The product's own processes, the same as in production."""
    python = [sys.executable, "-m"]
    # Django's checks load every page and form, which takes a second of a processor in each process.
    celery = [*python, "celery", "--quiet", "--skip-checks", "-A", "cortexweb"]
    web = [*python, "cortexweb.web.server", "--host", "127.0.0.1", "--port", str(options.port)]
    web += ["--timeout-graceful-shutdown", "2"]
    worker = [*celery, "worker", "--concurrency", str(options.workers), "--loglevel", "INFO"]
    worker += ["--prefetch-multiplier", "1", "-O", "fair", "--without-gossip", "--without-mingle"]
    # At INFO it would write a line for each of its seconds.
    beat = [
        *celery,
        "beat",
        "--loglevel",
        "WARNING",
        "--schedule",
        str(data.path / "beat-schedule"),
    ]
    commands = {"web": web, "worker": worker, "beat": beat}
    if options.demo:
        site = options.url.rstrip("/")
        commands["demo"] = [sys.executable, str(project / "manage.py"), "demo", "--url", site]
    return [
        Program(name, command, project, order=300, start_seconds=3)
        for name, command in commands.items()
    ]


def supervisor_configuration(data: DataFolder, servers: list[Program], app: list[Program]) -> str:
    """The configuration: servers start on demand and stop last, `app` as a whole."""
    parser = configparser.RawConfigParser()
    socket = str(data.sockets / "supervisor.sock")
    parser["unix_http_server"] = _escaped({"file": socket, "chmod": "0600"})
    parser["supervisord"] = _escaped(
        {
            "nodaemon": "true",
            "silent": "true",
            "logfile": str(data.logs / "supervisord.log"),
            "logfile_maxbytes": "1MB",
            "logfile_backups": "1",
            "pidfile": str(data.path / "supervisord.pid"),
            "childlogdir": str(data.logs),
            "nocleanup": "true",
            "umask": "077",
        }
    )
    parser["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    for program in (*servers, *app):
        parser[f"program:{program.name}"] = _escaped(_section(program, data))
    parser["group:app"] = {"programs": ",".join(program.name for program in app), "priority": "300"}
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


def _section(program: Program, data: DataFolder) -> dict[str, str]:
    return {
        "command": shlex.join(program.command),
        "directory": str(program.folder),
        "priority": str(program.order),
        "autostart": "false",
        "autorestart": "true",
        "startsecs": str(program.start_seconds),
        "startretries": str(RETRIES),
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_seconds),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": str(data.logs / f"{program.name}.log"),
        "stdout_logfile_maxbytes": "5MB",
        "stdout_logfile_backups": "2",
    }


def _escaped(section: dict[str, str]) -> dict[str, str]:
    # supervisord expands %(name)s.
    return {name: value.replace("%", "%%") for name, value in section.items()}
