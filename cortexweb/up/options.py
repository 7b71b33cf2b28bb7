"""The options of `manage.py up`, and what has to be done before settings are read."""

import argparse
import contextlib
import io
import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from environ import ImproperlyConfigured

from cortexweb.data_folder import DEFAULT_PATH, DataFolder
from cortexweb.up.errors import explain


@dataclass(frozen=True)
class Options:
    """What the command line asked for."""

    port: int
    workers: int
    demo: bool
    admin_password: str | None

    @property
    def url(self) -> str:
        """Where the pages will be."""
        return f"http://127.0.0.1:{self.port}/"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options, for the command and for the look ahead."""
    _add_data_argument(parser)
    parser.add_argument(
        "--port", type=_port, default=8000, help="port of the web server (default: %(default)s)"
    )
    parser.add_argument(
        "--workers",
        type=_count,
        default=_cores(),
        help="number of worker processes (default: %(default)s)",
    )
    parser.add_argument(
        "--demo",
        action="store_true",
        help="start an example execution of each kind, then keep starting them at a gentle rate",
    )
    add_password_arguments(parser)


def move_password_to_environment(arguments: list[str]) -> None:
    """Move the administrator's password from the command line, which every user sees (`ps`), or
    from its file into ADMIN_PASSWORD, and start the same command again without the option.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_password_arguments(parser)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            chosen, others = parser.parse_known_args(arguments)
    except SystemExit:
        return  # the command says what is wrong
    password = chosen.admin_password
    if chosen.admin_password_file is not None:
        password = _first_line(chosen.admin_password_file)
    if password is None:
        return
    os.environ["ADMIN_PASSWORD"] = password
    own = sys.orig_argv[1 : len(sys.orig_argv) - len(arguments)]
    os.execv(sys.executable, [sys.executable, *own, *others])  # noqa: S606 (itself)


def take_password() -> str | None:
    """The password of ADMIN_PASSWORD, taken out of the environment, which all children inherit."""
    password = os.environ.get("ADMIN_PASSWORD") or None
    os.environ.pop("ADMIN_PASSWORD", None)
    return password


def add_password_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the two ways to give the password, besides ADMIN_PASSWORD."""
    password = parser.add_mutually_exclusive_group()
    password.add_argument(
        "--admin-password",
        help="password of the user admin (default: ADMIN_PASSWORD, else one is generated and shown "
        "once)",
    )
    password.add_argument(
        "--admin-password-file", help="file whose first line is the password of the user admin"
    )


def _first_line(file: str) -> str:
    try:
        lines = Path(file).expanduser().read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        sys.exit(f"The password can't be read from {file}: {error}")
    if not lines or not lines[0]:
        sys.exit(f"The first line of {file} is empty. Write the password there.")
    return lines[0]


def choose_data_folder(arguments: list[str]) -> None:
    """Choose the data folder and make its key, without which settings can't be read.

    Everything that `up` starts inherits the choice through the environment. Pages are served on
    loopback without TLS, so they don't insist on it unless told to.
    """
    if not (find_spec("supervisor") and find_spec("psutil")):
        sys.exit("`up` needs more packages. Run `pip install -e '.[embedded]'`.")
    parser = argparse.ArgumentParser(add_help=False)
    _add_data_argument(parser)
    chosen, _ = parser.parse_known_args(arguments)
    if not chosen.data:
        sys.exit("--data needs the path of a folder.")
    data = DataFolder(Path(chosen.data).expanduser())
    if "%" in str(data.path):
        sys.exit(f"The data folder {data.path} can't be used: supervisord can't handle the %.")
    os.environ["CORTEXWEB_DATA"] = str(data.path)
    os.environ.setdefault("HTTPS_ONLY", "false")
    try:
        if data.is_foreign:
            sys.exit(
                f"The folder {data.path} holds other files, and a data folder must be private. "
                "Choose a new or an empty one with --data."
            )
        data.create()
        data.secret_key()
    except OSError as error:
        sys.exit(f"The data folder {data.path} can't be used: {explain(error)}")
    except ImproperlyConfigured as error:
        sys.exit(str(error))


def _add_data_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        default=os.environ.get("CORTEXWEB_DATA", str(DEFAULT_PATH)),
        help="folder for the database, the key and the logs (default: %(default)s)",
    )


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else 0
    if not 0 < port < 65536:
        raise argparse.ArgumentTypeError("enter a number from 1 to 65535")
    return port


def _count(text: str) -> int:
    count = int(text) if text.isdecimal() else 0
    if count < 1:
        raise argparse.ArgumentTypeError("enter a number of 1 or more")
    return count


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1
