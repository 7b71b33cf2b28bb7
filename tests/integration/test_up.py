"""`manage.py up`, really run: one life of an installation from the first start to the last end, and
what docs/embedded.md says of backing up, restoring and upgrading, done step by step."""

import errno
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from django.contrib.auth.hashers import check_password
from django.core.management import CommandError, call_command, execute_from_command_line

from cortexweb.data_folder import DataFolder
from cortexweb.embedded.system_user import server_account
from cortexweb.up.disk import require_disk_space
from cortexweb.up.drop_privileges import CAP_DAC_READ_SEARCH
from cortexweb.up.errors import CannotStartError, explain
from cortexweb.up.orphans import marked_processes
from cortexweb.up.preparation import require_redis
from cortexweb.up.supervision import RestartLog
from tests.installations import PASSWORD, Installation, prepare
from tests.servers import PROJECT, free_port

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's processes change their user")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Private, as a user's own folders are: what root starts comes in as another user."""
    folder = Path(tempfile.mkdtemp(prefix="cortexweb-up-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def installation(folder: Path) -> Iterator[Installation]:
    installation = Installation(DataFolder(folder / "data"), free_port())
    # A file of an earlier version, in which the data folder was root's.
    installation.data.create()
    (installation.data.path / "files").mkdir()
    (installation.data.path / "files" / "earlier.txt").write_text("from an earlier version")
    try:
        installation.up()
        yield installation
    finally:
        installation.end()


@pytest.fixture(scope="module")
def another(folder: Path) -> Iterator[Installation]:
    """A second one, not started; its folder is made by a test."""
    (folder / "another").mkdir()
    another = Installation(DataFolder(folder / "another" / "data"), free_port())
    try:
        yield another
    finally:
        another.end()


def test_it_answers_and_says_what_it_did(installation: Installation) -> None:
    assert httpx.get(f"{installation.url}healthz").text == "ok\n"
    assert httpx.get(installation.url, follow_redirects=True).status_code == 200
    said = installation.runs[-1].output
    for beginning in ("PostgreSQL: new cluster", "Redis: ready", "Migrations: ", "Administrator: "):
        assert f"\n{beginning}" in f"\n{said}"
    assert PASSWORD not in said
    assert str(installation.data.logs) in said


def test_only_root_and_the_servers_can_enter_the_data(installation: Installation) -> None:
    data = installation.data
    assert data.path.stat().st_mode & 0o007 == 0
    for name in ("secret_key", "encryption_keys"):
        assert data.path.joinpath(name).stat().st_mode & 0o777 == 0o600
    assert data.sockets.stat().st_mode & 0o777 == 0o700


@only_root
def test_nothing_runs_as_root(installation: Installation) -> None:
    """It may read where the environment is private, and nothing more; no mode has changed."""
    running = [psutil.Process(installation.runs[-1].pid), *marked_processes(installation.data)]
    assert len(running) > 5
    server = server_account()
    for process in running:
        assert set(process.uids()) == {server.uid}
        status = Path(f"/proc/{process.pid}/status").read_text()
        (capabilities,) = re.findall(r"CapEff:\s+(\w+)", status)
        assert int(capabilities, 16) in (0, 1 << CAP_DAC_READ_SEARCH)
    for path in (installation.data.path, *installation.data.path.rglob("*")):
        assert path.lstat().st_uid == server.uid, path
    assert installation.data.path.parent.stat().st_mode & 0o777 == 0o700


def test_the_password_is_not_in_sight(installation: Installation) -> None:
    """`ps` shows command lines to everybody, and children inherit the environment."""
    run = psutil.Process(installation.runs[-1].pid)
    for process in (run, *marked_processes(installation.data)):
        assert PASSWORD not in " ".join(process.cmdline())
    for process in marked_processes(installation.data):
        assert PASSWORD not in process.environ().values()
    kept = "SELECT password FROM auth_user WHERE username = 'admin' AND is_active"
    (encoded,) = installation.query(kept)
    assert check_password(PASSWORD, encoded)


@pytest.mark.parametrize(("content", "said"), [(None, "No such file"), ("\n", "is empty")])
def test_a_file_without_a_password_is_told(tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_text(content)
    refused = Installation(DataFolder(tmp_path / "data"), free_port()).manage(
        "up", "--admin-password-file", str(file)
    )
    assert refused.returncode == 1
    assert said in refused.stderr
    assert not (tmp_path / "data").exists()


def test_commands_find_the_folder_on_which_it_runs(installation: Installation) -> None:
    """After `up --data`, in a terminal where CORTEXWEB_DATA is not set."""
    told = installation.manage("export_flow", "check-orders", CORTEXWEB_DATA="")
    assert str(installation.data.path) in told.stderr  # the one, or listed among several
    assert "Traceback" not in told.stderr


def test_a_second_one_on_the_same_data_is_refused(installation: Installation) -> None:
    refused = installation.manage("up", "--port", str(free_port()))
    assert refused.returncode == 1
    assert f"process {installation.runs[-1].pid}, {installation.url}" in refused.stderr


def test_a_port_in_use_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        refused = Installation(DataFolder(tmp_path / "data"), port).manage(
            "up", "--port", str(port)
        )
    assert refused.returncode == 1
    assert f"Port {port} is in use by" in refused.stderr
    assert f"(process {os.getpid()})" in refused.stderr
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.parametrize("name", ["worker", "web", "beat", "redis", "postgres"])
def test_what_is_killed_is_started_again(installation: Installation, name: str) -> None:
    killed = installation.program(name)
    assert killed is not None
    killed.kill()
    run = installation.runs[-1]
    told = f"{name} was killed by signal 9 (SIGKILL). Started again after"
    run.wait_until(lambda: told in run.output, seconds=60)
    run.wait_until(lambda: installation.program(name) not in (None, killed))
    run.wait_until(installation.answers, seconds=90)


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    refused = Installation(DataFolder(tmp_path / "data"), 0).manage("up", "--data", "")
    assert refused.returncode
    assert "needs the path of a folder" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "x"], "enter a number from 1 to 65535"),
        (["--workers", "two"], "enter a number of 1 or more"),
    ],
)
def test_bad_arguments_are_told(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By what manage.py calls: a process would take a second to start."""
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "up", *arguments])
    assert ended.value.code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "address", "said"),
    [
        ("DATABASE_URL", "mysql://u@h/n", "is not the address of a PostgreSQL database"),
        ("DATABASE_URL", "nonsense", "is not the address of a PostgreSQL database"),
        ("DATABASE_URL", "postgresql://u@127.0.0.1:9/n", "DATABASE_URL doesn't answer"),
        ("REDIS_URL", "redis://127.0.0.1:9/0", "REDIS_URL doesn't answer"),
    ],
)
def test_servers_that_are_not_there_are_told(
    installation: Installation, tmp_path: Path, setting: str, address: str, said: str
) -> None:
    """Each beside the other's working one, on a folder of its own."""
    working = {"DATABASE_URL": installation.data.database_url, "REDIS_URL": "redis://127.0.0.1:9"}
    data = DataFolder(tmp_path / "data")
    refused = subprocess.run(
        [sys.executable, "manage.py", "up", "--port", str(free_port())],
        cwd=PROJECT,
        env={
            **installation.environment,
            **working,
            setting: address,
            "CORTEXWEB_DATA": str(data.path),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 1
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


def test_what_is_no_address_of_a_redis_is_told(settings: Any) -> None:
    settings.REDIS_URL = "nonsense"
    with pytest.raises(CannotStartError, match="The Redis of REDIS_URL doesn't answer"):
        require_redis()


def test_a_folder_of_others_is_left_as_it_is(tmp_path: Path) -> None:
    """A data folder is closed to everybody else: /tmp or a home must not become one."""
    others = tmp_path / "others"
    others.mkdir(mode=0o755)
    (others / "letter.txt").touch()
    before = others.stat()
    refused = Installation(DataFolder(others), free_port()).manage("up")
    assert refused.returncode
    assert "holds other files" in refused.stderr
    assert (others.stat().st_mode, others.stat().st_gid) == (before.st_mode, before.st_gid)
    assert [entry.name for entry in others.iterdir()] == ["letter.txt"]


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
    added = installation.manage("shell", "-c", ADD_CHANNEL)  # of another terminal
    assert added.returncode == 0, added.stderr
    assert installation.query("SELECT name FROM executions_alertchannel") == ["kept"]
    dump = folder / "hot.dump"
    made = installation.manage("dump_database", str(dump))
    assert made.returncode == 0, made.stderr
    data = installation.data.path
    assert f"Copy {data}/encryption_keys as well, apart from the dump: without it" in made.stdout
    assert f"Copy {data}/secret_key and {data}/files too." in made.stdout
    assert dump.stat().st_mode & 0o777 == 0o600
    installation.query("DELETE FROM auth_user WHERE username = 'kept'")
    add_user(installation, "later")
    loaded = installation.manage("load_database", "--no-input", str(dump))
    assert loaded.returncode == 0, loaded.stderr
    assert "kept" in names(installation)
    assert "later" not in names(installation)
    done = installation.manage("start_flow", "check-orders", "--wait", "60")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def of_installation(installation: Installation, settings: Any) -> None:
    """Commands of this process work on the data of the installation: each process of its own would
    take more than a second to start."""
    settings.DATA = installation.data


@pytest.mark.usefixtures("of_installation")
def test_a_broken_dump_changes_nothing(installation: Installation, folder: Path) -> None:
    before = names(installation)
    whole = (folder / "hot.dump").read_bytes()
    for content in (b"", b"no dump", whole[: len(whole) // 2]):
        (folder / "broken.dump").write_bytes(content)
        with pytest.raises(CommandError, match="Nothing has changed"):
            call_command("load_database", "--no-input", str(folder / "broken.dump"))
        assert names(installation) == before
    with pytest.raises(CommandError, match="There is no file"):
        call_command("load_database", "--no-input", str(folder / "missing.dump"))


@pytest.mark.usefixtures("of_installation")
def test_a_dump_overwrites_nothing(folder: Path) -> None:
    dump = folder / "hot.dump"
    before = dump.read_bytes()
    with pytest.raises(CommandError, match="already exists"):
        call_command("dump_database", str(dump))
    assert dump.read_bytes() == before


@pytest.mark.parametrize("command", ["dump_database", "load_database"])
def test_other_servers_have_their_own_ways(tmp_path: Path, command: str, settings: Any) -> None:
    (tmp_path / "file").touch()
    settings.EMBEDDED = False
    with pytest.raises(CommandError, match="DATABASE_URL is set"):
        call_command(command, str(tmp_path / "file"))


def test_after_kill_9_it_starts_again_on_the_same_data(installation: Installation) -> None:
    add_user(installation, "committed")
    killed = installation.runs[-1]
    supervisor = installation.process("cortexweb.up.supervisord")
    killed.kill()
    supervisor.kill()
    supervisor.wait(30)

    run = installation.up()

    (ended,) = [line for line in run.output.splitlines() if line.startswith("Stopped what")]
    assert "postgres (process " in ended
    assert "new cluster" not in run.output
    assert "committed" in names(installation)


def test_ctrl_c_ends_everything_in_time(installation: Installation) -> None:
    """Also where the shell had made it ignored. SIGTERM ends the one that is upgraded."""
    installation.stop(signal.SIGINT)
    assert not [p for p in psutil.process_iter() if names_folder(p, installation.data)]


def names_folder(process: psutil.Process, data: DataFolder) -> bool:
    try:
        return any(str(data.path) in argument for argument in process.cmdline())
    except psutil.Error:
        return False


def test_commands_without_it_say_so_at_once(installation: Installation) -> None:
    """After the last end of the installation."""
    begun = time.monotonic()
    refused = installation.manage("start_flow", "check-orders")
    assert time.monotonic() - begun < 60
    assert refused.returncode == 1
    assert "Is `python manage.py up` running?" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_cluster_of_another_major_version_is_told(installation: Installation) -> None:
    version = installation.data.path / "postgres" / "PG_VERSION"
    written = version.read_text()
    version.write_text("16\n")
    refused = installation.manage("up", "--port", str(installation.port))
    version.write_text(written)
    assert refused.returncode == 1
    assert "is of PostgreSQL 16" in refused.stderr
    assert "docs/embedded.md" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert marked_processes(installation.data) == []


def test_an_upgrade_of_postgresql_goes_by_a_dump_and_a_cold_copy_is_whole(
    installation: Installation, another: Installation, folder: Path
) -> None:
    """Into another cluster beside the files and the keys of the old folder. Then the new folder is
    copied while it rests, and the copy is upgraded as a new version would."""
    (folder / "moved").mkdir()
    moved = Installation(DataFolder(folder / "moved" / "data"), free_port())
    prepare(moved.data, installation.data.path)
    (installation.data.path / "files" / "mine.txt").write_text("mine")
    for name in ("files", "secret_key", "encryption_keys"):
        subprocess.run(
            ["cp", "-a", str(installation.data.path / name), str(moved.data.path)], check=True
        )
    try:
        moved.up()
        add_user(moved, "of the other cluster")
        loaded = moved.manage("load_database", "--no-input", str(folder / "hot.dump"))
        assert loaded.returncode == 0, loaded.stderr
        assert (
            f"{moved.data.path}/encryption_keys has to be that of the other: without it"
            in loaded.stdout
        )
        assert "https://kept.example/secret" in moved.manage("shell", "-c", READ_CHANNEL).stdout
        assert "of the other cluster" not in names(moved)
        # As a version was whose tables were fewer.
        moved.query("DROP TABLE django_session")
        moved.query("DELETE FROM django_migrations WHERE app = 'sessions'")
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


def test_without_its_supervisor_it_ends_in_words(another: Installation) -> None:
    """The copy, which runs now."""
    run = another.runs[-1]
    another.process("cortexweb.up.supervisord").kill()
    assert run.popen.wait(60) == 1
    assert "supervisord, which keeps everything running, was killed by signal 9" in run.output
    assert "Traceback" not in run.output
    assert marked_processes(another.data) == []


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("file", "It is not a folder. Choose another one with --data."),
        ("file/data", "A part of its path is not a folder."),
        ("n" * 300, "Its path is too long."),
    ],
)
def test_what_cannot_be_a_data_folder_is_told(tmp_path: Path, place: str, said: str) -> None:
    (tmp_path / "file").touch()
    refused = Installation(DataFolder(tmp_path / place), free_port()).manage("up")
    assert refused.returncode == 1
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_full_disk_is_said_beforehand(tmp_path: Path) -> None:
    with pytest.raises(
        CannotStartError, match=r"The disk is full: \d+ MB are free at .* Free some space"
    ):
        require_disk_space(tmp_path, needed=shutil.disk_usage(tmp_path).total * 2)
    require_disk_space(tmp_path, needed=1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_disk_that_fills_up_is_said_in_words() -> None:
    with (
        pytest.raises(OSError, match="No space left") as raised,
        open("/dev/full", "wb", 0) as full,
    ):
        full.write(b"data")
    assert raised.value.errno == errno.ENOSPC
    assert explain(raised.value).startswith("The disk is full. Free some space")


def test_news_survive_the_rotation_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "supervisord.log"
    log.write_text("2026-01-01 10:00:00,000 WARN exited: web (exit status 1; not expected)\n")
    restart_log = RestartLog(log)
    assert list(restart_log.sentences()) == []
    with log.open("a") as file:
        file.write("2026-01-01 10:00:01,000 WARN exited: web (exit status 3; not expected)\n")
    log.rename(tmp_path / "supervisord.log.1")
    log.write_text("2026-01-01 10:00:03,500 INFO spawned: 'web' with pid 12\n")
    (news,) = restart_log.sentences()
    restart_log.close()
    assert news.startswith("web failed with exit status 3. Started again after 2.5 s")


# Ordinary faults ------------------------------------------------------------------------------


def refused_in_a_sentence(refused: subprocess.CompletedProcess[str]) -> str:
    """What a refused command says: one line, without a traceback."""
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    told = refused.stderr.strip()
    assert "\n" not in told
    return told


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("SESSION_DAYS", "many", "SESSION_DAYS is 'many'. It takes a whole number."),
        ("TIME_ZONE", "Mars/Base", "TIME_ZONE is 'Mars/Base'. It takes the name of a time zone"),
        ("HTTP_PRIVATE_ADDRESSES", "home", "HTTP_PRIVATE_ADDRESSES contains 'home'."),
    ],
)
def test_a_setting_that_cannot_be_read_is_named(
    tmp_path: Path, setting: str, value: str, said: str
) -> None:
    up = Installation(DataFolder(tmp_path / "data"), 0)
    assert said in refused_in_a_sentence(up.manage("up", **{setting: value}))


def test_a_package_that_is_missing_is_named(tmp_path: Path) -> None:
    """In front of the installed one stands another, as after a half upgrade."""
    (tmp_path / "celery.py").write_text("raise ImportError(\"cannot import name 'Celery'\")\n")
    up = Installation(DataFolder(tmp_path / "data"), 0)
    told = refused_in_a_sentence(up.manage("up", PYTHONPATH=str(tmp_path)))
    assert "cannot import name 'Celery'" in told
    assert "pip install -c constraints.txt -e '.[embedded]'" in told


def test_a_folder_that_one_may_not_write_is_told() -> None:
    told = explain(PermissionError(errno.EACCES, "Permission denied", "/data/up.lock"))
    assert told == (
        "Permission denied at /data/up.lock. Run `up` as the user whom it belongs to, or choose "
        "another folder with --data."
    )
