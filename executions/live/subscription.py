"""The hub's subscription to the channel layer.

A heartbeat goes through Redis and back, so that a browser which hears it knows that changes would
arrive too. Publishers number their messages, so that lost ones are noticed.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from channels.layers import get_channel_layer

from executions.publishing import GROUP

logger = logging.getLogger(__name__)

HEARTBEAT = "hub.beat"
#: Seconds between two heartbeats, and without one after which the subscription has failed.
HEARTBEAT_EVERY = 3.0
HEARTBEAT_TIMEOUT = 9.0
#: Publishers whose last number is remembered.
PUBLISHERS_KEPT = 10_000
#: Seconds within which every publisher repeats its last number.
REPEATED_WITHIN = 10.0


class Subscription:
    """A channel in the group to which changes are published."""

    def __init__(self, layer: Any, channel: str) -> None:
        self._layer = layer
        self._channel = channel

    async def receive(self) -> dict[str, Any]:
        """Return the next message. Raises TimeoutError when not even a heartbeat arrives."""
        async with asyncio.timeout(HEARTBEAT_TIMEOUT):
            message: dict[str, Any] = await self._layer.receive(self._channel)
        return message

    async def beat(self) -> None:
        """Send a heartbeat to itself again and again, until cancelled."""
        while True:
            beat = {"type": HEARTBEAT, "sent": int(time.time() * 1000)}
            await self._layer.send(self._channel, beat)
            await asyncio.sleep(HEARTBEAT_EVERY)


@asynccontextmanager
async def subscribe() -> AsyncIterator[Subscription]:
    """Join the group while the block runs. After an error in it, the channel layer's connections
    are closed, so that the next attempt makes new ones."""
    layer = get_channel_layer()
    assert layer is not None, "CHANNEL_LAYERS has no default"
    try:
        channel = await layer.new_channel()
        try:
            await layer.group_add(GROUP, channel)
            yield Subscription(layer, channel)
        finally:
            await layer.group_discard(GROUP, channel)
    except Exception:
        await _close_connections(layer)
        raise


async def _close_connections(layer: Any) -> None:
    try:
        await layer.flush()
    except Exception as error:
        logger.warning("The connections of the channel layer could not be closed: %r", error)


class LossDetector:
    """Notices gaps in the numbers of the publishers' messages, from one subscription on."""

    def __init__(self) -> None:
        self._since = time.time()
        self._numbers: OrderedDict[str, int] = OrderedDict()

    def has_lost(self, message: dict[str, Any]) -> bool:
        """Return whether the publisher of this message sent others that did not arrive."""
        publisher, number = message.get("sender", ""), message.get("number", 0)
        last = self._numbers.get(publisher)
        if last is None:
            # A publisher repeats its last number every few seconds: this one had not published
            # before, or began after the subscription. What others published before is unknown.
            is_new = (
                message.get("began", 0.0) > self._since
                or time.time() - self._since > REPEATED_WITHIN
            )
            last = 0 if is_new else number
        self._numbers[publisher] = number
        self._numbers.move_to_end(publisher)
        if len(self._numbers) > PUBLISHERS_KEPT:
            self._numbers.popitem(last=False)
        # A message without events repeats the last number.
        return bool(number > last + bool(message["events"]))
