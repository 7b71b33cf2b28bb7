"""What docs/embedded.md says of backing up, restoring and upgrading, done step by step."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cortexweb.data_folder import DataFolder
from tests.installations import Installation, prepare
from tests.servers import free_port

# `first_start` holds the tables of the session's database.
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="cortexweb-backup-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def installation(folder: Path, first_start: Path) -> Iterator[Installation]:
    installation = Installation(DataFolder(folder / "data"), free_port())
    prepare(installation.data, first_start)
    try:
        installation.up()
        yield installation
    finally:
        installation.end()


@pytest.fixture
def another(folder: Path) -> Iterator[Installation]:
    """A second one, not started; its folder may be made by the test."""
    another = Installation(DataFolder(Path(tempfile.mkdtemp(dir=folder)) / "data"), free_port())
    try:
        yield another
    finally:
        another.end()


#: A secret of the database, which is encrypted in it.
ADD_CHANNEL = """
from executions.models import AlertChannel
AlertChannel.objects.create(kind="webhook", name="kept", address="https://kept.example/secret")
"""
READ_CHANNEL = """
from executions.models import AlertChannel
print(AlertChannel.objects.get().address)
"""


def names(installation: Installation) -> list[str]:
    return installation.query("SELECT username FROM auth_user ORDER BY 1")


def add_user(installation: Installation, name: str) -> None:
    installation.query(
        "INSERT INTO auth_user (username, password, first_name, last_name, email, is_superuser,"
        f" is_staff, is_active, date_joined) VALUES ('{name}', '', '', '', '', false, false, true,"
        " now())"
    )


def test_a_dump_brings_back_what_was_there(installation: Installation, folder: Path) -> None:
    """While everything runs and is connected; then everything goes on with it."""
    add_user(installation, "kept")
    added = installation.manage("shell", "-c", ADD_CHANNEL)
    assert added.returncode == 0, added.stderr
    dump = folder / "hot.dump"
    made = installation.manage("dump_database", str(dump))
    assert made.returncode == 0, made.stderr
    data = installation.data.path
    assert f"Copy {data}/encryption_keys as well, apart from the dump: without it" in made.stdout
    assert f"Copy {data}/secret_key and {data}/files too." in made.stdout
    assert dump.stat().st_mode & 0o777 == 0o600
    again = installation.manage("dump_database", str(dump))
    assert again.returncode == 1
    assert "already exists" in again.stderr

    installation.query("DELETE FROM auth_user WHERE username = 'kept'")
    add_user(installation, "later")
    loaded = installation.manage("load_database", "--no-input", str(dump))
    assert loaded.returncode == 0, loaded.stderr
    assert "kept" in names(installation)
    assert "later" not in names(installation)
    done = installation.manage("start_flow", "check-orders", "--wait", "60")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_dump_changes_nothing(installation: Installation, folder: Path) -> None:
    before = names(installation)
    whole = (folder / "hot.dump").read_bytes()
    for content in (b"", b"no dump", whole[: len(whole) // 2]):
        (folder / "broken.dump").write_bytes(content)
        refused = installation.manage("load_database", "--no-input", str(folder / "broken.dump"))
        assert refused.returncode == 1
        assert "Nothing has changed" in refused.stderr
        assert names(installation) == before
    missing = installation.manage("load_database", "--no-input", str(folder / "missing.dump"))
    assert "There is no file" in missing.stderr


def test_an_upgrade_of_postgresql_goes_by_a_dump_and_a_cold_copy_is_whole(
    installation: Installation, another: Installation, folder: Path, first_start: Path
) -> None:
    """Into a new cluster beside the files and the keys of the old folder. Then the new folder is
    copied while it rests, and the copy is upgraded as a new version would."""
    (installation.data.path / "files" / "mine.txt").write_text("mine")
    moved = Installation(DataFolder(folder / "moved"), free_port())
    prepare(moved.data, first_start)
    for name in ("files", "secret_key", "encryption_keys"):
        subprocess.run(
            ["cp", "-a", str(installation.data.path / name), str(moved.data.path)], check=True
        )
    try:
        moved.up()
        loaded = moved.manage("load_database", "--no-input", str(folder / "hot.dump"))
        assert loaded.returncode == 0, loaded.stderr
        assert (
            f"{moved.data.path}/encryption_keys has to be that of the other: without it"
            in loaded.stdout
        )
        assert "https://kept.example/secret" in moved.manage("shell", "-c", READ_CHANNEL).stdout
        back = moved.manage("migrate", "sessions", "zero")
        assert back.returncode == 0, back.stderr
        moved.stop()
    finally:
        moved.end()
    subprocess.run(["cp", "-a", str(moved.data.path), str(another.data.path)], check=True)
    started = another.up()
    assert "Migrations: 1 applied" in started.output
    assert "Scripts and styles: up to date" in started.output
    assert "new cluster" not in started.output
    assert "kept" in names(another)
    assert another.data.secret_key() == installation.data.secret_key()
    assert (another.data.path / "files" / "mine.txt").read_text() == "mine"
    done = another.manage("start_flow", "check-orders", "--wait", "60")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", ["dump_database", "load_database"])
def test_other_servers_have_their_own_ways(tmp_path: Path, command: str) -> None:
    (tmp_path / "file").touch()
    refused = Installation(DataFolder(tmp_path / "data"), 0).manage(
        command, str(tmp_path / "file"), DATABASE_URL="postgresql://u@h/n", SECRET_KEY="x" * 50
    )
    assert refused.returncode == 1
    assert "DATABASE_URL is set" in refused.stderr
