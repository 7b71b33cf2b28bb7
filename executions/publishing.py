"""Publishes committed changes to the web processes: from a thread, in batches.

The thread keeps one event loop and one connection while the process lives, so that a worker spends
microseconds on a change and a burst becomes one message. Messages are numbered, so that the web
processes notice lost ones, and the last number is repeated from time to time, so that they notice
when the last one was lost.
"""

import asyncio
import atexit
import logging
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from channels.layers import BaseChannelLayer, get_channel_layer
from django.db import transaction

from executions.events import EXECUTIONS_CHANGED, SUBJECTS_CHANGED, ExecutionChanged, Subject

GROUP = "executions"
_BATCH = 200
#: Seconds that a change waits for others to be sent with.
_GATHER = 0.01
#: Seconds for which subjects are gathered that become one message.
_GATHER_SUBJECTS = 0.25
#: Seconds after which the last number is repeated: soon after a message, then rarely.
_REPEAT = (0.5, 3.0)
logger = logging.getLogger(__name__)


class _Sender:
    """The publishing thread of this process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.began = time.time()
        self.name = f"{socket.gethostname()}:{self.pid}:{self.began:.3f}"
        self.number = 0
        self.loop = asyncio.new_event_loop()
        self.waiting: deque[ExecutionChanged] = deque()
        self.woken = asyncio.Event()
        self.idle = threading.Event()
        self.idle.set()
        self.subjects: set[Subject] = set()
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self._run, name="publish", daemon=True)
        self.thread.start()
        atexit.register(self.flush, 1.0)

    def put(self, events: Iterable[ExecutionChanged]) -> None:
        """Publish soon. Wakes the thread only when it sleeps: a switch between threads is slow."""
        self.waiting.extend(events)
        if self.idle.is_set():
            self.idle.clear()
            self.loop.call_soon_threadsafe(self.woken.set)

    def send_soon(self, message: dict[str, Any]) -> None:
        """Send a message about something else, outside of the batches."""
        self.loop.call_soon_threadsafe(lambda: self.loop.create_task(self._send_message(message)))

    def put_subject(self, subject: Subject) -> None:
        """Name a subject in the next message. Only the first of a moment wakes the thread."""
        with self.lock:
            is_first = not self.subjects
            self.subjects.add(subject)
        if is_first:
            send = self._send_subjects
            self.loop.call_soon_threadsafe(self.loop.call_later, _GATHER_SUBJECTS, send)

    def _send_subjects(self) -> None:
        with self.lock:
            subjects, self.subjects = self.subjects, set()
        message = {"type": SUBJECTS_CHANGED, "subjects": sorted(subjects)}
        self.loop.create_task(self._send_message(message))

    async def _send_message(self, message: dict[str, Any]) -> None:
        layer = get_channel_layer()
        assert layer is not None, "CHANNEL_LAYERS has no default"
        try:
            await layer.group_send(GROUP, message)
        except Exception:
            logger.exception("A live message could not be sent")

    def flush(self, timeout: float) -> None:
        """Wait until all has been sent, at most `timeout` seconds."""
        if self.pid == os.getpid() and self.thread.is_alive() and not self.idle.wait(timeout):
            logger.warning("Some live updates were not sent before the process ended.")

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._relay())

    async def _relay(self) -> None:
        layer = get_channel_layer()
        assert layer is not None, "CHANNEL_LAYERS has no default"
        soon, later = _REPEAT
        wait = later
        while True:
            try:
                async with asyncio.timeout(wait if self.number else None):
                    await self.woken.wait()
            except TimeoutError:
                wait = later
                await self._send(layer, [])
                continue
            wait = soon
            self.woken.clear()
            while self.waiting:
                # What follows at once comes along: a short execution's start with its end.
                await asyncio.sleep(_GATHER)
                await self._send_some(layer)
            self.idle.set()
            if self.waiting:
                # Added just before it counted as idle, by a thread that then did not wake it.
                self.idle.clear()
                self.woken.set()

    async def _send_some(self, layer: BaseChannelLayer) -> None:
        newest: dict[str, ExecutionChanged] = {}
        while self.waiting and len(newest) < _BATCH:
            event = self.waiting.popleft()
            newest[event.id] = event
        packed = [replace(event, published_at=time.time()).pack() for event in newest.values()]
        self.number += 1
        await self._send(layer, packed)

    async def _send(self, layer: BaseChannelLayer, packed: list[dict[str, Any]]) -> None:
        numbered = {"sender": self.name, "began": self.began, "number": self.number}
        numbered["events"] = packed
        try:
            await layer.group_send(GROUP, {"type": EXECUTIONS_CHANGED, **numbered})
        except Exception:
            # Whatever the layer raises, a live update is not worth ending the thread for. The next
            # message shows by its number that this one was lost.
            if packed:
                logger.exception("Live updates could not be sent")


_sender: _Sender | None = None
_lock = threading.Lock()


def _process_sender() -> _Sender:
    global _sender
    with _lock:
        # A forked worker process inherits the object but not the thread.
        if _sender is None or _sender.pid != os.getpid():
            _sender = _Sender()
    return _sender


def _send(events: tuple[ExecutionChanged, ...]) -> None:
    _process_sender().put(events)


def publish(events: Iterable[ExecutionChanged]) -> None:
    """Publish changes of executions once the transaction has committed."""
    transaction.on_commit(partial(_send, tuple(events)))


def announce(message: dict[str, Any]) -> None:
    """Send the web processes another message once the transaction has committed; `type` says what.

    Like a change it may be lost: what matters is in the database.
    """
    transaction.on_commit(lambda: _process_sender().send_soon(message))


def announce_subject(*subject: str) -> None:
    """Tell the pages that show a subject, once the transaction has committed, that it has changed.

    It may change many times a second: one message names the subjects of a moment.
    """
    transaction.on_commit(lambda: _process_sender().put_subject(subject))
