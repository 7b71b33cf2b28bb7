"""Waiting for the end of executions, without a database connection or a thread meanwhile."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from executions.events import ExecutionChanged

T = TypeVar("T")

#: Seconds after which the database is asked, should the change that told of the end be lost.
LOOK_EVERY = 5.0


class AwaitedEnds:
    """The executions for whose end somebody waits, by their ids."""

    def __init__(self) -> None:
        self._futures: dict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self._number = 0

    def __len__(self) -> int:
        return self._number

    def notify(self, event: ExecutionChanged) -> None:
        """Wake those who wait for the end that a change tells of."""
        if event.ended_at is not None and event.id in self._futures:
            for future in self._futures[event.id]:
                if not future.done():
                    future.set_result(None)

    async def wait(
        self, execution_id: str, seconds: float, read: Callable[[], Awaitable[T | None]]
    ) -> T | None:
        """Return what `read` finds once the execution has ended; None after `seconds`.

        `read` returns None as long as it has not ended.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        async with self._future(execution_id) as future:
            while (found := await read()) is None and (left := until - loop.time()) > 0:
                with suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(future), min(left, LOOK_EVERY))
                if future.done():
                    return await read()
        return found

    @asynccontextmanager
    async def _future(self, execution_id: str) -> AsyncIterator[asyncio.Future[None]]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._futures[execution_id].add(future)
        self._number += 1
        try:
            yield future
        finally:
            self._number -= 1
            self._futures[execution_id].discard(future)
            if not self._futures[execution_id]:
                del self._futures[execution_id]
