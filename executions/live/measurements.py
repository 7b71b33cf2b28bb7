"""What the hub of this process does, in numbers. Each process reports its own to Redis, where any
of them reads all."""

import os
import socket
import time
from bisect import bisect_left
from collections.abc import Iterable
from functools import cache

import msgspec
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from executions.events import ExecutionChanged

#: A hash: the name of each web process → its measurements, as JSON.
KEY = "cortexweb:hubs"
#: Seconds between two reports, and after which a process that reports no more has no viewers, and
#: is forgotten.
REPORT_EVERY = 3.0
SILENT_AFTER = 15.0
FORGOTTEN_AFTER = 3600.0
#: Upper bounds of the histogram of delays, in seconds; a last bucket has no bound.
BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Measurements(msgspec.Struct, kw_only=True):
    """Numbers since the process began. A delay is the time from the publication of a change until
    it is offered to the browsers; `delays` has the number in each bucket of `BOUNDS`."""

    process: str
    viewers: int = 0
    frames: int = 0
    changes: int = 0
    delays: list[int] = msgspec.field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    delay_sum: float = 0.0
    seen_at: float = 0.0

    @classmethod
    def of_this_process(cls) -> "Measurements":
        return cls(process=f"{socket.gethostname()}:{os.getpid()}")

    def count_changes(self, events: Iterable[ExecutionChanged]) -> None:
        """Count changes that are offered now. Those that no message told of have no delay."""
        now = time.time()
        for event in events:
            self.changes += 1
            if event.published_at:
                delay = max(0.0, now - event.published_at)
                self.delays[bisect_left(BOUNDS, delay)] += 1
                self.delay_sum += delay


@cache
def _redis() -> "Redis":
    return Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def report(measurements: Measurements) -> None:
    """Write the numbers of this process where others find them."""
    measurements.seen_at = time.time()
    try:
        _redis().hset(KEY, measurements.process, msgspec.json.encode(measurements))
    except RedisError:
        return  # the next report tries again


def read() -> list[Measurements]:
    """Return the numbers of all web processes, by name. Raises RedisError."""
    records = _redis().hgetall(KEY)
    found = [msgspec.json.decode(record, type=Measurements) for record in records.values()]
    now = time.time()
    if forgotten := [one.process for one in found if one.seen_at < now - FORGOTTEN_AFTER]:
        _redis().hdel(KEY, *forgotten)
    for one in found:
        if one.seen_at < now - SILENT_AFTER:
            one.viewers = 0
    return sorted((one for one in found if one.process not in forgotten), key=lambda m: m.process)
