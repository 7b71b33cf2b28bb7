"""What the hub does about presence: says who is connected, and tells pages when that has changed.

One exchange with Redis every few seconds for all connections of the process. A page that is told
fetches its parts, one of which says who else is there.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from asgiref.sync import sync_to_async

from executions import presence
from executions.presence import Look, Person

#: Seconds between two rounds; one begins at once when somebody comes or leaves.
ROUND = 3.0
#: After that a burst of comings and goings is one round.
GATHER = 0.1


Message = Callable[..., str]


class Onlookers:
    """The connections of this process that show one execution."""

    def __init__(self) -> None:
        self._looks: dict[Any, Look] = {}
        self._told: dict[str, list[Person]] = {}
        self._stirred: asyncio.Event | None = None

    def join(self, connection: Any, look: Look) -> None:
        """A page has been opened."""
        self._looks[connection] = look
        self._stir()

    async def leave(self, connection: Any) -> None:
        """It has been closed."""
        look = self._looks.pop(connection, None)
        if look is not None:
            self._stir()
            await _in_thread(presence.leave, look)

    def _stir(self) -> None:
        if self._stirred is not None:
            self._stirred.set()

    async def run(self, message: Message) -> None:
        """Round after round, until cancelled."""
        stirred = self._stirred = asyncio.Event()
        while True:
            stirred.clear()
            if self._looks:
                await self._round(message)
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND):
                    await stirred.wait()
                await asyncio.sleep(GATHER)

    async def _round(self, message: Message) -> None:
        looks = dict(self._looks)
        await _in_thread(presence.renew, list(looks.values()))
        now = await sync_to_async(presence.people, thread_sensitive=False)(
            {look.execution_id for look in looks.values()}
        )
        for connection, look in looks.items():
            there = now.get(look.execution_id, [])
            if there != self._told.get(look.execution_id, there):
                note = message("changed", id=look.execution_id, revision=None, children=[])
                connection.note("people", note)
        self._told = {look.execution_id: now.get(look.execution_id, []) for look in looks.values()}


def _in_thread(call: Callable[..., None], argument: Any) -> Awaitable[None]:
    """Redis is asked from a thread: the client waits."""
    return sync_to_async(call, thread_sensitive=False)(argument)
