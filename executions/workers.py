"""The workers that are online: each renews its record in Redis every 2 s
(`cortexweb.worker_heartbeat`).

Asking the workers themselves (Celery's inspect) takes a second, and a busy one doesn't answer.
"""

import time
from functools import cache

import msgspec
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from executions.limits import (
    SCHEDULER_SILENT_AFTER,
    WORKER_FORGOTTEN_AFTER,
    WORKER_HEARTBEAT_TIMEOUT,
)

#: A hash: the name of each worker → its record, as JSON.
KEY = "cortexweb:workers"
#: There while the scheduler has a worker do its work.
SCHEDULER_KEY = "cortexweb:scheduler"


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """A worker as it was at its last heartbeat. `slots` is the number of its processes, `busy` how
    many of them work on a task; `seen_at` and `started_at` are in seconds since the epoch.
    `machine` and `processes` are those that the owner of a lease names."""

    name: str
    slots: int
    busy: int
    queues: tuple[str, ...]
    started_at: float
    seen_at: float
    machine: str = ""
    processes: tuple[int, ...] = ()

    @property
    def is_silent(self) -> bool:
        """Whether it counts as gone: it has missed its heartbeats, and did not say goodbye."""
        return self.seen_at < time.time() - WORKER_HEARTBEAT_TIMEOUT


@cache
def _redis() -> "Redis":
    return Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def lease_owner(machine: str, process: int, *more: str) -> str:
    """Return how the lease of an execution names the process of a worker that holds it."""
    return ":".join((machine[:30], str(process), *more))


def record(worker: Worker) -> None:
    """Record that a worker is online."""
    try:
        _redis().hset(KEY, worker.name, msgspec.json.encode(worker))
    except RedisError:
        return  # then nobody can ask either; the next heartbeat tries again


def forget(name: str) -> None:
    """Delete the record of a worker that ends as it should."""
    try:
        _redis().hdel(KEY, name)
    except RedisError:
        return


def read() -> list[Worker] | None:
    """Return the workers that are online or silent, by name; None when Redis does not answer.

    A worker that has been silent for long is forgotten.
    """
    try:
        records = _redis().hgetall(KEY)
        workers = [msgspec.json.decode(record, type=Worker) for record in records.values()]
        oldest = time.time() - WORKER_FORGOTTEN_AFTER
        if forgotten := [worker.name for worker in workers if worker.seen_at < oldest]:
            _redis().hdel(KEY, *forgotten)
    except RedisError:
        return None
    return sorted((one for one in workers if one.seen_at >= oldest), key=lambda one: one.name)


def find(name: str) -> Worker | None:
    """Return a worker that is online or silent; None when there is none, or Redis does not
    answer."""
    return next((worker for worker in read() or () if worker.name == name), None)


def is_online() -> bool | None:
    """Return whether a worker is online; None when Redis does not answer."""
    workers = read()
    return None if workers is None else any(not worker.is_silent for worker in workers)


def record_scheduled() -> None:
    """Record that a worker does what the scheduler has asked for."""
    try:
        _redis().set(SCHEDULER_KEY, 1, ex=SCHEDULER_SILENT_AFTER)
    except RedisError:
        return


def is_scheduler_running() -> bool | None:
    """Return whether something was scheduled lately; None when Redis does not answer."""
    try:
        return bool(_redis().exists(SCHEDULER_KEY))
    except RedisError:
        return None
