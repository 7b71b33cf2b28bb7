"""`manage.py up` on a disk that fills up, really: a small file system of the test's own."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cortexweb.data_folder import DataFolder
from cortexweb.up.disk import SPACE_FOR_CLUSTER, SPACE_TO_START, disk_problem
from tests.installations import Installation, prepare
from tests.servers import PROJECT, Process, free_port

# `first_start` holds the tables of the session's database.
pytestmark = pytest.mark.django_db

MEGABYTES = 400


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system in memory. Only root may mount one, which the gate is."""
    folder = Path(tempfile.mkdtemp(prefix="cortexweb-disk-"))
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=700", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False).returncode:
        folder.rmdir()
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.rmdir()


def fill(folder: Path) -> Path:
    """Fill the disk to its last byte."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65_536))
        except OSError:
            pass
    return filler


def test_a_full_disk_for_a_moment_ends_nothing(small_disk: Path, first_start: Path) -> None:
    installation = Installation(DataFolder(small_disk / "data"), free_port())
    prepare(installation.data, first_start)
    try:
        run = installation.up()
        supervisor = installation.process("cortexweb.up.supervisord")
        web = installation.process("cortexweb.web.server")
        filler = fill(small_disk)
        run.wait_until(lambda: f"The disk is full at {small_disk}" in run.output)
        # What would be logged, and what PostgreSQL would write: it ends, again and again.
        web.kill()
        for _ in range(3):
            refused = installation.manage("start_flow", "check-orders")
            assert refused.returncode
        installation.process("-D", str(installation.data.path / "postgres")).kill()
        time.sleep(8)
        assert run.popen.poll() is None
        assert supervisor.is_running()

        filler.unlink()
        run.wait_until(
            lambda: f"There is free space again at {small_disk}" in run.output, seconds=30
        )
        run.wait_until(installation.answers, seconds=90)
        done = installation.manage("start_flow", "check-orders", "--wait", "60")
        assert done.returncode == 0, done.stderr + done.stdout
        assert supervisor.is_running()
        installation.stop()
        little_room_is_enough_for_what_is_there(installation, small_disk)
    finally:
        installation.end()


def little_room_is_enough_for_what_is_there(installation: Installation, disk: Path) -> None:
    """A cluster that exists starts with less than a new one needs, but not with nothing."""
    (disk / "filler").write_bytes(bytes(shutil.disk_usage(disk).free - SPACE_TO_START * 3 // 2))
    assert shutil.disk_usage(disk).free < SPACE_FOR_CLUSTER
    run = installation.up()
    # What a killed run left goes on while there is no room to start: nothing has ended.
    run.popen.kill()
    run.popen.wait()
    fill(disk)
    refused = installation.manage("up", "--port", str(installation.port))
    assert refused.returncode == 1
    assert "The disk is full" in refused.stderr
    assert installation.process("cortexweb.up.supervisord").is_running()


def test_a_disk_that_cannot_be_written_is_told(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert disk_problem(small_disk) == (
        f"The disk can't be written at {small_disk}: Read-only file system"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_supervisord_lives_without_its_log(tmp_path: Path) -> None:
    """It logs to a full disk, and so does what it keeps running; both go on."""
    for name in ("supervisord.log", "child.log"):
        (tmp_path / name).symlink_to("/dev/full")
    configuration = tmp_path / "supervisord.conf"
    configuration.write_text(
        f"""[supervisord]
nodaemon = true
silent = true
logfile = {tmp_path}/supervisord.log
pidfile = {tmp_path}/supervisord.pid
[program:child]
command = /bin/sh -c 'echo started; sleep 600'
startsecs = 0
redirect_stderr = true
stdout_logfile = {tmp_path}/child.log
"""
    )
    output = tmp_path / "output"
    output.symlink_to("/dev/full")
    command = [sys.executable, "-m", "cortexweb.up.supervisord", "-c", str(configuration)]
    process = Process("supervisord", command, output, dict(os.environ), cwd=PROJECT)
    try:
        for _ in range(3):
            child = until_there_is_a_child(process)
            child.kill()
            child.wait(10)
        until_there_is_a_child(process)
    finally:
        process.kill()


def until_there_is_a_child(process: Process) -> psutil.Process:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.popen.poll() is None
        children = psutil.Process(process.pid).children()
        if children and children[0].status() != psutil.STATUS_ZOMBIE:
            return children[0]
        time.sleep(0.05)
    raise AssertionError("nothing was started again")
