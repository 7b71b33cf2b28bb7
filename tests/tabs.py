"""Tabs of a browser, as the hub of live updates meets them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer
from channels.routing import URLRouter
from redis import Redis

from executions.events import ExecutionChanged
from executions.live.routing import websocket_urlpatterns
from executions.models import Execution
from executions.publishing import GROUP
from tests.executions_in_tests import event_of, make_execution

Communicator: Any = ApplicationCommunicator  # asgiref says nothing of its types


def subscriptions(redis: Redis) -> list[int]:
    """How many processes listen on each channel of changes."""
    channels = [name for name in redis.pubsub_channels() if GROUP.encode() in name]
    return [number for _, number in redis.pubsub_numsub(*channels)] if channels else []


async def alone(redis: Redis, seconds: float = 30) -> None:
    """Wait until the web process of earlier tests has noticed that its last browser has gone."""
    deadline = time.monotonic() + seconds
    while subscriptions(redis):
        assert time.monotonic() < deadline, "somebody else listens"
        await asyncio.sleep(0.05)


class Tab:
    """A browser's connection, as one reads its frames."""

    def __init__(self, user: Any, address: str, app: Any = None, session: str = "") -> None:
        path, _, query = address.partition("?")
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": query.encode(),
            "headers": [
                (b"origin", b"http://localhost"),
                (b"host", b"localhost"),
                (b"cookie", f"sessionid={session}".encode()),
            ],
            "subprotocols": [],
            **({"user": user} if user else {}),
        }
        self.app: Any = Communicator(app or URLRouter(websocket_urlpatterns), scope)

    async def connect(self) -> dict[str, Any]:
        """What the server says second: it accepts first, and then it may close."""
        await self.app.send_input({"type": "websocket.connect"})
        assert (await self.app.receive_output(20))["type"] == "websocket.accept"
        said: dict[str, Any] = await self.app.receive_output(20)
        return said

    async def leave(self) -> None:
        await self.app.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.app.wait(20)

    async def say(self, text: str) -> None:
        await self.app.send_input({"type": "websocket.receive", "text": text})

    async def frame(self, kind: str, seconds: float = 20) -> dict[str, Any]:
        """The next frame of that type."""
        deadline = time.monotonic() + seconds
        while True:
            said = await self.app.receive_output(max(deadline - time.monotonic(), 0.01))
            frame: dict[str, Any] = json.loads(said["text"])
            if frame["type"] == kind:
                return frame

    async def frames(self, kind: str, seconds: float) -> list[dict[str, Any]]:
        """Every frame of that type for a while."""
        await asyncio.sleep(seconds)
        found = []
        while not self.app.output_queue.empty():
            frame = json.loads(self.app.output_queue.get_nowait()["text"])
            if frame["type"] == kind:
                found.append(frame)
        return found

    async def rows(self) -> list[str]:
        return [row["id"] for row in (await self.frame("rows"))["rows"]]

    async def show(self, query: str = "", *shown: Execution, **window: str) -> None:
        rows = [[str(one.pk), 0] for one in shown]
        await self.say(json.dumps({"type": "show", "query": query, "rows": rows, **window}))
        # Answered in order, so what was said is in force.
        await self.say('{"type": "ping", "sent": 1}')
        await self.frame("pong")


Opener = Callable[..., Awaitable[Tab]]


@asynccontextmanager
async def open_tabs() -> AsyncIterator[Opener]:
    """Opens tabs that are connected and listen; they leave at the end."""
    opened: list[Tab] = []

    async def opening(user: Any, address: str = "/ws/executions/") -> Tab:
        one = Tab(user, address)
        opened.append(one)
        said = await one.connect()
        assert json.loads(said["text"])["type"] == "catchup"  # from here on it misses nothing
        return one

    yield opening
    for one in opened:
        if not one.app.future.done():
            await one.leave()
    await get_channel_layer().flush()


async def tell(*events: ExecutionChanged) -> None:
    packed = [replace(event, published_at=time.time()).pack() for event in events]
    await get_channel_layer().group_send(GROUP, {"type": "executions.changed", "events": packed})


make = sync_to_async(make_execution)
change = sync_to_async(event_of)
