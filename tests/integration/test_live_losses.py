"""What is lost on the way to the pages and how they notice, and what each browser costs."""

import asyncio
import json
import socket as sockets
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from redis import Redis
from websockets.asyncio.client import connect

from executions import publishing as publish_module
from executions.access import ExecutionSet
from executions.grid.paging.page_query import PageQuery
from executions.live import hub as hub_module
from executions.live.changes import CommittedChanges, Visibility
from executions.live.connection import Connection
from executions.live.consumers import GridConsumer
from executions.live.viewers import GridViewer
from executions.publishing import GROUP, publish
from executions.states import Status
from flows.rights import NO_RIGHTS
from tests.conftest import LiveApp
from tests.executions_in_tests import event_of, make_execution
from tests.tabs import Opener, change, make, open_tabs

pytestmark = pytest.mark.usefixtures("transactional_db", "redis")


@pytest.fixture
async def tab() -> AsyncIterator[Opener]:
    async with open_tabs() as opening:
        yield opening


@pytest.fixture
def ada(transactional_db: None) -> User:
    return User.objects.create_user("ada")


async def send(number: int, *events: Any) -> None:
    """A numbered message of a worker."""
    packed = [replace(event, published_at=time.time()).pack() for event in events]
    numbered = {"sender": "worker:1", "number": number, "events": packed}
    await get_channel_layer().group_send(GROUP, {"type": "executions.changed", **numbered})


# Losses ---------------------------------------------------------------------------------------


async def test_a_message_that_is_missing_makes_the_pages_catch_up(ada: User, tab: Opener) -> None:
    grid = await tab(ada)
    execution = await make(ada)
    await send(7, await change(execution))
    await grid.frame("rows")
    await send(8, await change(execution))
    await send(8)
    await grid.frame("rows")
    assert await grid.frames("catchup", 0.4) == []
    lost = await change(execution)
    assert lost.revision == 4
    await send(10, await change(await make(ada)))
    assert await grid.frame("catchup")


async def test_the_last_message_is_missed_too(ada: User, tab: Opener) -> None:
    grid = await tab(ada)
    await send(7, await change(await make(ada)))
    await grid.frame("rows")
    await send(8)  # which was the last, and never came
    assert await grid.frame("catchup")


async def test_the_first_message_of_a_process_is_missed_too(ada: User, tab: Opener) -> None:
    grid = await tab(ada)
    for sender, began, number in (("old", 0.0, 9), ("new", time.time() + 1, 1)):
        said = {"sender": sender, "began": began, "number": number, "events": []}
        await get_channel_layer().group_send(GROUP, {"type": "executions.changed", **said})
        assert len(await grid.frames("catchup", 0.4)) == (sender == "new")


async def test_what_is_lost_while_the_subscription_is_cut_is_caught_up(
    ada: User, tab: Opener, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The channel layer connects again by itself, and says nothing of what it missed."""
    monkeypatch.setattr(hub_module, "LOOK_EVERY", 60.0)
    monkeypatch.setattr(publish_module, "_REPEAT", (0.2, 0.5))
    monkeypatch.setattr(publish_module, "_sender", None)
    grid = await tab(ada)
    execution = await make(ada)

    def lose(event: Any) -> None:
        publish([event])
        sender: Any = publish_module._sender
        while not sender.idle.wait(0.001):
            redis.client_kill_filter(_type="pubsub")

    for _ in range(10):
        event = await change(execution)
        await sync_to_async(lose)(event)
        said: dict[str, Any] = {"type": ""}
        while said["type"] != "catchup":
            said = json.loads((await grid.app.receive_output(20))["text"])
            if said["type"] == "rows" and said["rows"][0]["revision"] == event.revision:
                break  # it came through between two cuts: once more
        else:
            return
    pytest.fail("Nothing was lost in ten attempts.")


async def test_what_nobody_told_of_is_found(
    ada: User, tab: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a worker is killed between a commit and its message."""
    monkeypatch.setattr(hub_module, "LOOK_EVERY", 0.3)
    monkeypatch.setattr(hub_module, "MESSAGE_TAKES", 0.1)
    others = await sync_to_async(User.objects.create_user)("grace")
    grid, his = await tab(ada, "/ws/executions/?status=Paused"), await tab(others)
    untold = await make(ada)
    await change(untold, status=Status.PAUSED)
    frame = await grid.frame("rows")
    assert [row["id"] for row in frame["rows"]] == [str(untold.pk)]
    assert frame["published"] == 0  # which measures no delay
    assert await grid.frames("rows", 0.8) == []  # and once
    assert await his.frames("rows", 0.1) == []


async def test_numbers_are_repeated_and_count_what_could_not_be_sent(
    ada: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(publish_module, "_REPEAT", (0.1, 0.3))
    monkeypatch.setattr(publish_module, "_sender", None)
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    try:
        event = await change(await make(ada))
        await sync_to_async(publish)([event])
        sender: Any = publish_module._sender

        async def heard() -> dict[str, Any]:
            async with asyncio.timeout(20):
                while True:  # others have no sender, and senders of earlier tests repeat
                    said: dict[str, Any] = await layer.receive(channel)
                    if said.get("sender") == sender.name:
                        return said

        first, again = await heard(), await heard()
        assert (first["number"], len(first["events"])) == (1, 1)
        assert (again["number"], again["events"]) == (1, [])
        sending, sender._send = sender._send, _fails_once(sender)
        await sync_to_async(publish)([event])
        await sync_to_async(publish)([event])
        assert sending
        numbers = []
        while not numbers or numbers[-1] < 2:
            numbers.append((await heard())["number"])
    finally:
        await layer.group_discard(GROUP, channel)
        await layer.flush()


def _fails_once(sender: Any) -> Any:
    """A connection that fails: the number is used up all the same."""
    sending = sender._send

    async def failing(layer: Any, packed: Any) -> None:
        sender._send = sending

    return failing


# A slow browser -------------------------------------------------------------------------------


def open_socket(url: str, cookie: str, **options: Any) -> Any:
    address = f"ws{url.removeprefix('http')}/ws/executions/"
    return connect(address, additional_headers={"Cookie": cookie}, origin=url, **options)


Frames = list[dict[str, Any]]


async def watch(url: str, cookie: str, quick: Frames, stop: threading.Event) -> Frames:
    """Put what a quick browser hears until `stop` into `quick`. Return what one hears that reads
    only after it."""
    late: Frames = []

    async def reading() -> None:
        async with open_socket(url, cookie) as socket:
            async for text in socket:
                quick.append(json.loads(text))

    small = sockets.socket()
    small.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    host, _, port = url.removeprefix("http://").partition(":")
    small.connect((host, int(port)))
    async with open_socket(url, cookie, sock=small, max_queue=1) as slow:
        reader = asyncio.create_task(reading())
        await asyncio.to_thread(stop.wait, 60)
        reader.cancel()
        with suppress(TimeoutError):
            while True:
                late.append(json.loads(await asyncio.wait_for(slow.recv(), 2)))
    return late


async def test_nothing_piles_up_for_a_browser_that_does_not_read(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executions.live.viewers.PENDING_LIMIT", 8)
    consumer = GridConsumer()
    sent: list[str] = []
    reads = asyncio.Event()

    async def slow(said: dict[str, Any]) -> None:
        sent.append(said["text"])
        await reads.wait()

    consumer.base_send = slow
    viewer = GridViewer(Visibility(ada, NO_RIGHTS, ExecutionSet(None)), PageQuery())
    connection = Connection(viewer)
    writer = asyncio.create_task(consumer.write(connection))
    events = [await change(await make(ada)) for _ in range(6)]
    for revision in range(2, 500):
        newer = [replace(event, revision=revision) for event in events]
        if viewer.offer(CommittedChanges({event.id: event for event in newer})):
            connection.wake.set()
        for _ in range(5):
            connection.queue("beat", f'{{"type": "beat", "now": {revision}}}')
        await asyncio.sleep(0)
    assert len(sent) == 1
    reads.set()
    while len(sent) < 4:
        await asyncio.sleep(0.01)
    said = [json.loads(text) for text in sent]
    assert [frame["type"] for frame in said] == ["rows", "beat"] * 2
    assert {row["revision"] for row in said[2]["rows"]} == {499}
    # More than can be told at once: it fetches its page instead.
    more = [await change(await make(ada)) for _ in range(9)]
    assert viewer.offer(CommittedChanges({event.id: event for event in more}))
    connection.wake.set()
    while len(sent) < 5:
        await asyncio.sleep(0.01)
    assert json.loads(sent[-1])["type"] == "catchup"
    writer.cancel()
    await sync_to_async(connections.close_all)()


def revisions(heard: Frames) -> dict[str, int]:
    """The newest revision that was told of each execution."""
    told = [frame for frame in heard if frame["type"] == "rows"]
    return {row["id"]: row["revision"] for frame in told for row in frame["rows"]}


def wait_until(is_so: Callable[[], bool], meanwhile: Future[Any]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert not meanwhile.done(), meanwhile.exception()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_browser_that_does_not_read_delays_nobody(live_app: LiveApp, admin_user: User) -> None:
    client = Client()
    client.force_login(admin_user)
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    executions = [make_execution(admin_user, age=age) for age in range(60)]
    quick: Frames = []
    stop = threading.Event()
    with ThreadPoolExecutor() as pool:
        watching = pool.submit(lambda: asyncio.run(watch(live_app.url, cookie, quick, stop)))
        try:
            wait_until(lambda: bool(quick), watching)
            for number in range(40):
                text = f"step {number} " + "x" * 180
                publish([event_of(one, block_description=text) for one in executions])
            newest = {str(one.pk): 41 for one in executions}
            wait_until(lambda: revisions(quick) == newest, watching)
        finally:
            stop.set()
        late = watching.result()
    told = [frame for frame in quick if frame["type"] == "rows"]
    delays = sorted(frame["now"] - frame["published"] for frame in told if frame["published"])
    assert delays[len(delays) // 2] < 5000
    # And in the end it is right itself.
    is_caught_up = any(frame["type"] == "catchup" for frame in late[1:])
    assert is_caught_up or revisions(late) == newest
