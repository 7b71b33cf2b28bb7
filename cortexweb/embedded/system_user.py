"""The system account that everything runs as when root starts it.

PostgreSQL refuses to run as root, and what serves strangers should not run as root either.
"""

import os
import pwd
import stat
import subprocess
from collections.abc import Iterable
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
    """The user that the servers run as: our own, or for root a system user."""

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
    if os.geteuid() != 0:
        return current_account()
    entry = pwd.getpwnam(ACCOUNT_NAME)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def current_account() -> Account:
    """The account of this process. A container may give it a number without a name."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = f"user {os.geteuid()}"
    return Account(name, os.geteuid(), os.getegid())


def create_account() -> bool:
    """As root, create the account unless it exists. Return whether it was created."""
    if os.geteuid() != 0 or any(entry.pw_name == ACCOUNT_NAME for entry in pwd.getpwall()):
        return False
    command = ["useradd", "--system", "--user-group", "--no-create-home", ACCOUNT_NAME]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise EmbeddedServerError(
            f"CortexWeb doesn't run as root, and this system has no useradd. Create a system "
            f"user named {ACCOUNT_NAME}, or run as an ordinary user."
        ) from None
    except subprocess.CalledProcessError as error:
        if any(entry.pw_name == ACCOUNT_NAME for entry in pwd.getpwall()):
            return False  # somebody else created it meanwhile
        raise EmbeddedServerError(
            f"CortexWeb doesn't run as root, and its system user {ACCOUNT_NAME} could not be "
            f"created: {error.stderr.strip()}"
        ) from None
    return True


def wheel_folder(package: str) -> Path:
    """Where a wheel's files are, found without importing it (which has effects of its own)."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            f"The embedded servers are not installed ({package} is missing). Run "
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
    """Return who may own a folder that the account gets: for root also the account of the embedded
    servers, when a data folder with servers of its own is used again."""
    users = {account.uid, os.geteuid()}
    if os.geteuid() == 0:
        users |= {entry.pw_uid for entry in pwd.getpwall() if entry.pw_name == ACCOUNT_NAME}
    return users


def give(folder: Path, account: Account) -> None:
    """As root, make the account the owner of the folder and of everything in it.

    Walks by descriptors and follows no link, so that nothing outside the folder changes its owner.
    A file that has another name elsewhere is left alone for the same reason.
    """
    if not account.is_other:
        return
    for _, _, files, descriptor in os.fwalk(folder, follow_symlinks=False):
        os.fchown(descriptor, account.uid, account.gid)
        for name in files:
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if status.st_uid != account.uid and status.st_nlink == 1:
                os.chown(name, account.uid, account.gid, dir_fd=descriptor, follow_symlinks=False)


def can_run(program: Path, account: Account) -> bool:
    """Whether the account can start the program where it is."""
    return not _refused("-x", [program], account)


def unreadable(paths: Iterable[Path], account: Account) -> list[Path]:
    """Return the paths that the account can't read."""
    return _refused("-r", paths, account)


def _refused(test: str, paths: Iterable[Path], account: Account) -> list[Path]:
    # Modes alone don't tell: access lists and mounts have a say too.
    asked = subprocess.run(
        ["/bin/sh", "-c", f'for path; do [ {test} "$path" ] || echo "$path"; done', "sh"]
        + [str(path) for path in paths],
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
        **account.process_options,  # type: ignore[call-overload]
    )
    return [Path(line) for line in asked.stdout.splitlines()]


def allow_passing_through(path: Path, account: Account) -> list[Path]:
    """Give the folders above `path` the right to pass through (not to read) where it is missing."""
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
