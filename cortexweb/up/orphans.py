"""Processes that a killed `up` left behind on this data folder."""

import contextlib
import os
from pathlib import Path

import psutil

from cortexweb.data_folder import DataFolder

# In the environment of everything that `up` starts. CORTEXWEB_DATA wouldn't do: a command typed
# in another terminal may carry that one too.
MARK = "CORTEXWEB_UP"
SUPERVISOR = "cortexweb.up.supervisord"


def marked_processes(data: DataFolder) -> list[psutil.Process]:
    """Return every living process that an `up` on this data folder started, the oldest first."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(data.path) and process.pid != os.getpid():
                found.append(process)
        except psutil.Error:
            continue  # gone, or of another user and so not ours
    return sorted(found, key=lambda process: process.create_time())


def running_folders(project: Path) -> list[Path]:
    """Return the data folders on which an `up` of this project runs, as far as we may see."""
    found = set()
    for process in psutil.process_iter():
        try:
            if SUPERVISOR in process.cmdline() and Path(process.cwd()) == project:
                found.add(Path(process.environ()[MARK]))
        except (psutil.Error, KeyError):
            continue  # gone, or of another user
    return sorted(found)


def orphans(data: DataFolder) -> list[psutil.Process]:
    """Return the marked processes whose parent is not one: supervisord, or what lost its parent."""
    marked = marked_processes(data)
    numbers = {process.pid for process in marked}
    return [process for process in marked if _parent(process) not in numbers]


def stop_processes(processes: list[psutil.Process], patience: float) -> None:
    """Ask the processes to stop, and kill those that don't."""
    for process in processes:
        _signal(process, kill=False)
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        _signal(process, kill=True)
    psutil.wait_procs(alive, timeout=patience)


def _signal(process: psutil.Process, *, kill: bool) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill() if kill else process.terminate()


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return None
