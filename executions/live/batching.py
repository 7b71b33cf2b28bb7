"""Batches of changes: the newest change of each execution, at a bounded rate."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping

from executions.events import ExecutionChanged
from executions.live.rate_limit import WINDOW, RateLimit

#: Seconds between two batches; or that part of the time that sending the last one took, up to a
#: limit: when there is much to send, more of it goes together.
PAUSE = 0.05
PAUSE_FACTOR = 0.25
PAUSE_LIMIT = 0.25
#: Executions whose newest revision is remembered.
REVISIONS_KEPT = 20_000
#: Seconds of changes that can be replayed, and executions of them.
REPLAY_SECONDS = 10.0
REPLAY_LIMIT = 10_000


class Batcher:
    """Collects changes and delivers them in batches: the first at once, the next after a pause."""

    def __init__(self, deliver: Callable[[Mapping[str, ExecutionChanged]], None]) -> None:
        self._deliver = deliver
        self._revisions: OrderedDict[str, int] = OrderedDict()
        self._waiting: dict[str, ExecutionChanged] = {}
        #: What was delivered lately, and when, the latest last.
        self._delivered: OrderedDict[str, tuple[float, ExecutionChanged]] = OrderedDict()
        self._rate_limit = RateLimit()
        self._timer: asyncio.TimerHandle | None = None
        self._rests_until = 0.0

    def is_new(self, execution_id: str, revision: int) -> bool:
        """Return whether no such or later revision of the execution was added."""
        return revision > self._revisions.get(execution_id, 0)

    def add(self, event: ExecutionChanged) -> None:
        """Deliver a change soon."""
        self._revisions[event.id] = event.revision
        self._revisions.move_to_end(event.id)
        if len(self._revisions) > REVISIONS_KEPT:
            self._revisions.popitem(last=False)
        self._waiting[event.id] = event
        if self._timer is None:
            # The first change goes out at once; what follows waits.
            self._deliver_at(asyncio.get_running_loop().time())

    def recent(self) -> dict[str, ExecutionChanged]:
        """Return the changes that were delivered in the last seconds."""
        return {one: event for one, (_, event) in self._delivered.items()}

    def clear(self) -> None:
        """Drop what waits and what could be replayed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._waiting.clear()
        self._delivered.clear()

    def _deliver_at(self, when: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(max(when, self._rests_until), self._deliver_batch)

    def _deliver_batch(self) -> None:
        """Deliver what waits, except rows that were delivered a moment ago."""
        loop = asyncio.get_running_loop()
        self._timer = None
        began = loop.time()
        batch: dict[str, ExecutionChanged] = {}
        next_at = began + WINDOW
        for one, event in self._waiting.items():
            allowed_at = self._rate_limit.allowed_at(one)
            if allowed_at <= began:
                batch[one] = event
            else:
                next_at = min(next_at, allowed_at)
        for one, event in batch.items():
            del self._waiting[one]
            self._rate_limit.record(one, began)
            self._delivered[one] = (began, event)
            self._delivered.move_to_end(one)
        self._forget_delivered(began)
        self._deliver(batch)
        if self._waiting:
            self._rests_until = began + PAUSE
            self._deliver_at(next_at)
        # After the tasks that were woken have written.
        loop.call_soon(self._rest, began)

    def _forget_delivered(self, now: float) -> None:
        delivered = self._delivered
        while delivered and (
            len(delivered) > REPLAY_LIMIT
            or next(iter(delivered.values()))[0] < now - REPLAY_SECONDS
        ):
            delivered.popitem(last=False)

    def _rest(self, began: float) -> None:
        took = asyncio.get_running_loop().time() - began
        self._rests_until = began + took + min(PAUSE_LIMIT, max(PAUSE, PAUSE_FACTOR * took))
