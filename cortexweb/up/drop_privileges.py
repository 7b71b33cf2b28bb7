"""Started by root, `up` continues as a system user: what serves strangers doesn't run as root.

The data folder becomes that user's. What root owns outside of it keeps its modes: where the user
may not read Python or the project, the process keeps one capability of root's, to read; only where
that can't be had are folders opened for passing through.
"""

import compileall
import os
import pwd
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import django

from cortexweb.data_folder import DataFolder
from cortexweb.embedded.programs import copy_programs
from cortexweb.embedded.system_user import (
    Account,
    allow_passing_through,
    create_account,
    give,
    server_account,
    unreadable,
)
from cortexweb.up.errors import CannotStartError

CAP_DAC_READ_SEARCH = 2  # its bit, as linux/capability.h numbers them


def run_as_system_user(
    data: DataFolder,
    project: Path,
    *,
    embedded: bool,
    password: str | None,
    say: Callable[[str], None],
) -> NoReturn:
    """Hand the data folder over and run the same command line again as the account."""
    if create_account():
        say("Created the system user pgserver")
    account = server_account()
    if embedded and copy_programs(data, account):
        say(f"Copied the servers' programs into {data.path}, where {account.name} can run them")
    give(data.path, account)
    if data.sockets.is_dir() and data.sockets.lstat().st_uid == os.geteuid():
        give(data.sockets, account)
    for package in ("cortexweb", "flows", "executions"):
        # The account may not write beside the sources, and would compile them at each start.
        compileall.compile_dir(project / package, quiet=2)
    needed = [Path(sys.executable), Path(os.__file__), Path(django.__file__), project / "manage.py"]
    closed = unreadable([*needed, data.path], account)
    prefix: list[str] = []
    if not closed:
        say(f"Everything runs as {account.name}, not as root")
    elif _can_keep_reading():
        prefix = _command_prefix(account)
        say(
            f"Everything runs as {account.name}, not as root. It may read what root reads, because "
            f"{_outermost_closed(closed)} is closed to it"
        )
    else:
        _open_folders(closed, account, say)
        say(f"Everything runs as {account.name}, not as root")
    if not prefix:
        os.setgroups([])
        os.setgid(account.gid)
        os.setuid(account.uid)
    _clear_environment(account, data)
    if password is not None:
        os.environ["ADMIN_PASSWORD"] = password
    # The interpreter's own options stay: -W, -X and the like.
    interpreter = [sys.executable, *sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv)]]
    command = [*prefix, *interpreter, str(project / "manage.py"), *sys.argv[1:]]
    sys.stdout.flush()
    os.execv(command[0], command)  # noqa: S606 (itself)


def _can_keep_reading() -> bool:
    """Whether there is the capability, and the program that passes it on."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return False
    bounds = next(line for line in status.splitlines() if line.startswith("CapBnd:"))
    return bool(int(bounds.split()[1], 16) >> CAP_DAC_READ_SEARCH & 1 and shutil.which("setpriv"))


def _command_prefix(account: Account) -> list[str]:
    only = "-all,+dac_read_search"
    program = shutil.which("setpriv")
    assert program is not None
    user = ["--reuid", str(account.uid), "--regid", str(account.gid), "--clear-groups"]
    # access(2) would ignore the capability otherwise, and supervisord asks it what it can start.
    capabilities = ["--securebits", "+no_setuid_fixup"]
    capabilities += ["--inh-caps", only, "--ambient-caps", only, "--bounding-set", only]
    return [program, *user, *capabilities, "--no-new-privs", "--"]


def _open_folders(closed: list[Path], account: Account, say: Callable[[str], None]) -> None:
    for path in closed:
        for folder in allow_passing_through(path, account):
            say(f"Allowed passing through {folder} (o+x), but not reading it")
    if still := unreadable(closed, account):
        raise CannotStartError(
            f"Started by root, everything runs as the system user {account.name}, which can't read "
            f"{still[0]}. Let it read that, or run `up` as an ordinary user."
        )


def _outermost_closed(closed: list[Path]) -> str:
    """Return the outermost folder that keeps the account out, which people recognise."""
    for folder in reversed(closed[0].resolve().parents):
        if not folder.stat().st_mode & 0o001:
            return str(folder)
    return str(closed[0])


def _clear_environment(account: Account, data: DataFolder) -> None:
    entry = pwd.getpwuid(account.uid)
    os.environ |= {"HOME": str(data.path), "USER": entry.pw_name, "LOGNAME": entry.pw_name}
    if unreadable([Path(tempfile.gettempdir())], account):
        os.environ.pop("TMPDIR", None)
