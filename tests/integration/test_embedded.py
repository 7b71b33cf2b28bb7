"""The embedded servers' folders: where they are, and who may enter."""

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import environ
import pytest
from environ import ImproperlyConfigured

from cortexweb.data_folder import DataFolder
from cortexweb.embedded.postgres import Postgres
from cortexweb.embedded.programs import POSTGRES, REDIS, copy_programs, postgres_programs
from cortexweb.embedded.system_user import (
    Account,
    EmbeddedServerError,
    allow_passing_through,
    can_run,
    create_account,
    give,
    make_private_folder,
    server_account,
    wheel_folder,
)
from tests.servers import running_servers

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs servers as another user")


@pytest.fixture
def account() -> Account:
    create_account()
    return server_account()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that root's servers can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="cortexweb-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    with pytest.raises(ImproperlyConfigured, match=r"Set SECRET_KEY, or run `python manage.py up`"):
        data.secret_key()
    data.create()
    key = data.secret_key()
    data.create()
    assert data.secret_key() == key
    assert len(key) > 50
    assert stat.S_IMODE((data.path / "secret_key").stat().st_mode) == 0o600


def test_sockets_move_where_the_kernel_takes_them(open_folder: Path) -> None:
    data = DataFolder(open_folder / "a rather long name % of a folder" / ("x" * 80))
    assert data.sockets.parent == Path("/tmp")
    assert DataFolder(data.path).sockets == data.sockets
    data.path.mkdir(parents=True)
    try:
        with running_servers(data):
            config = environ.Env.db_url_config(data.database_url)
            assert config["OPTIONS"] == {"host": str(data.sockets)}
    finally:
        for left in data.sockets.iterdir():
            left.unlink()
        data.sockets.rmdir()


def test_a_stale_pid_file_keeps_nobody_out(open_folder: Path, account: Account) -> None:
    data = DataFolder(open_folder / "data")
    with running_servers(data):
        pass
    postgres = Postgres(data, account)
    # After a restart of the machine the old number may well be another process of the account.
    other = subprocess.Popen(["sleep", "60"], **account.process_options)
    (postgres.folder / "postmaster.pid").write_text(f"{other.pid}\n{postgres.folder}\n0\n5432\n")
    try:
        assert postgres.stop_leftover_server() is None
        with running_servers(data):
            assert postgres.is_ready()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path, account: Account) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "link").symlink_to(elsewhere)
    with pytest.raises(EmbeddedServerError, match="Remove it"):
        make_private_folder(tmp_path / "link", account)


@only_root
def test_a_folder_of_embedded_servers_is_taken_back_for_others(
    open_folder: Path, account: Account
) -> None:
    """As `up` does once DATABASE_URL and REDIS_URL are set, and when they no longer are."""
    folder = open_folder / "run"
    root = Account("root", 0, 0)
    for owner in (account, root, account):
        make_private_folder(folder, owner)
        assert (folder.stat().st_uid, folder.stat().st_gid) == (owner.uid, owner.gid)
    os.chown(folder, 65_534, 65_534)
    with pytest.raises(EmbeddedServerError, match="is not a folder of root"):
        make_private_folder(folder, root)


@only_root
def test_programs_in_a_private_folder_are_copied(
    open_folder: Path, tmp_path: Path, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual environment in root's home: its modes stay, and the servers run."""
    private = tmp_path / "environment"
    private.mkdir(mode=0o700)
    for part in (*POSTGRES, *REDIS):
        package = wheel_folder(POSTGRES[0].partition("/")[0]).parent / part
        shutil.copytree(package, private / part, ignore=shutil.ignore_patterns("include"))
        (private / part).parent.joinpath("__init__.py").touch()
        private.joinpath(part).chmod(0o700)
    monkeypatch.syspath_prepend(private)
    data = DataFolder(open_folder / "data")
    with running_servers(data):
        assert data.path in Postgres(data, account).programs.parents
    assert stat.S_IMODE(private.stat().st_mode) == 0o700
    # An environment that can be reached again needs no copy.
    monkeypatch.undo()
    if can_run(postgres_programs(DataFolder(open_folder / "other")) / "postgres", account):
        copy_programs(data, account)
        assert list((data.path / "programs").iterdir()) == []


@only_root
def test_a_folder_is_given_with_nothing_outside_of_it(tmp_path: Path, account: Account) -> None:
    given, outside = tmp_path / "given", tmp_path / "outside"
    (given / "below").mkdir(parents=True)
    (given / "below" / "file").touch()
    outside.mkdir()
    (outside / "secret").touch()
    (given / "link").symlink_to(outside)
    (given / "below" / "link").symlink_to(outside / "secret")
    (given / "below" / "name").hardlink_to(outside / "secret")
    give(given, account)
    for path in (given, given / "below", given / "below" / "file"):
        assert path.stat().st_uid == account.uid
    assert (outside.stat().st_uid, (outside / "secret").stat().st_uid) == (0, 0)


@only_root
def test_private_folders_above_are_opened_for_passing_only(
    open_folder: Path, account: Account
) -> None:
    private = open_folder / "private"
    private.mkdir(mode=0o700)
    assert allow_passing_through(private / "data", account) == [private.resolve()]
    assert stat.S_IMODE(private.stat().st_mode) == 0o701
    assert allow_passing_through(private / "data", account) == []
