"""The hub and its viewers, on the real channel layer: who hears what, how often, how dear."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries
from redis import Redis

from cortexweb.asgi import application
from executions.access import ExecutionSet
from executions.grid.paging.page_query import PageQuery
from executions.grid.table.layout import Layout
from executions.grid.table.row import GridRow
from executions.live import counts, subscription
from executions.live import hub as hub_module
from executions.live.changes import Visibility
from executions.live.connection import Connection
from executions.live.consumers import GridConsumer
from executions.live.hub import hub
from executions.live.rate_limit import UPDATES, WINDOW
from executions.live.viewers import GridViewer
from executions.states import Status
from flows.rights import NO_RIGHTS
from tests.executions_in_tests import event_of, make_execution
from tests.tabs import Opener, Tab, alone, change, make, open_tabs, subscriptions, tell

pytestmark = pytest.mark.usefixtures("transactional_db", "redis")


@pytest.fixture
async def tab() -> AsyncIterator[Opener]:
    async with open_tabs() as opening:
        yield opening


@pytest.fixture
def ada(transactional_db: None) -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def watcher(transactional_db: None) -> User:
    user = User.objects.create_user("watcher")
    user.user_permissions.add(Permission.objects.get(codename="view_execution"))
    return user


# Who hears what -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["/ws/executions/", f"/ws/executions/{'0' * 8}-0000-0000-0000-000000000000/"]
)
async def test_nobody_listens_without_signing_in(address: str) -> None:
    for app in (None, application):  # the routes alone, and the whole site
        one = Tab(AnonymousUser(), address, app)
        said = await one.connect()
        assert (said["type"], said["code"]) == ("websocket.close", 4401)
        await one.leave()


@pytest.mark.parametrize(("end", "code"), [("leave", 4401), ("retire", 4401), ("promote", 1012)])
async def test_who_may_no_longer_watch_is_shown_out(
    ada: User, client: Client, monkeypatch: pytest.MonkeyPatch, end: str, code: int
) -> None:
    monkeypatch.setattr(subscription, "HEARTBEAT_EVERY", 0.1)
    monkeypatch.setattr("executions.live.consumers.CHECK_USER_EVERY", 0.3)
    await sync_to_async(client.force_login)(ada)
    session = client.cookies["sessionid"].value
    one = Tab(None, "/ws/executions/", application, session)
    await one.connect()
    await one.frames("beat", 0.7)  # asked, and it stays
    assert not one.app.future.done()
    if end == "leave":
        await sync_to_async(client.logout)()
    elif end == "retire":
        await User.objects.filter(pk=ada.pk).aupdate(is_active=False)
    else:
        await User.objects.filter(pk=ada.pk).aupdate(is_superuser=True)
    said: dict[str, Any] = {}
    while said.get("type") != "websocket.close":
        said = await one.app.receive_output(20)
    assert said["code"] == code
    await one.leave()


async def test_one_event_reaches_those_who_may_see_it(
    ada: User, watcher: User, tab: Opener
) -> None:
    grace = await sync_to_async(User.objects.create_user)("grace")
    hers, all_of_them, his = await tab(ada), await tab(watcher), await tab(grace)
    execution = await make(ada)
    await tell(await change(execution))
    assert await hers.rows() == [str(execution.pk)]
    assert await all_of_them.rows() == [str(execution.pk)]
    # Not even by naming it.
    await his.show("", execution)
    await tell(await change(execution))
    assert await his.frames("rows", 0.6) == []


async def test_the_page_of_an_execution_needs_its_permission(ada: User, tab: Opener) -> None:
    grace = await sync_to_async(User.objects.create_user)("grace")
    execution = await make(ada)
    refused = Tab(grace, f"/ws/executions/{execution.pk}/")
    closed = await refused.connect()
    assert (closed["type"], closed["code"]) == ("websocket.close", 4404)
    await refused.leave()
    hers = await tab(ada, f"/ws/executions/{execution.pk}/")
    child = await make(ada, parent=execution)
    unrelated = await make(ada)
    await tell(await change(unrelated))
    await tell(await change(execution, status=Status.PAUSED), await change(child))
    heard = await hers.frame("changed")
    assert heard["id"] == str(execution.pk)
    assert heard["status"] == "Paused"
    assert heard["revision"] == 2
    assert heard["children"] == [str(child.pk)]


async def test_a_filter_holds_for_live_rows_too(ada: User, tab: Opener) -> None:
    grid = await tab(ada, "/ws/executions/?status=Running&flow=orders")
    running, other_flow = await make(ada), await make(ada, flow="stock")
    paused = await make(ada, status=Status.PAUSED)
    await tell(*[await change(one) for one in (running, other_flow, paused)])
    frame = await grid.frame("rows")
    assert [row["id"] for row in frame["rows"]] == [str(running.pk)]
    assert frame["mismatches"] == {}
    await tell(await change(running, status=Status.PAUSED))
    frame = await grid.frame("rows")
    assert frame["mismatches"] == {str(running.pk): "it is Paused, not Running"}
    # A changed filter needs no new connection.
    await grid.show("?status=Paused")
    await tell(await change(paused), await change(running))
    heard: set[str] = set()
    while len(heard) < 2:
        heard |= set(await grid.rows())
    assert heard == {str(paused.pk), str(running.pk)}


async def test_an_older_page_hears_of_its_own_rows_only(ada: User, tab: Opener) -> None:
    grid = await tab(ada)
    above, inside, below = [await make(ada, age=age) for age in (10, 20, 30)]
    events = [await change(one) for one in (above, inside, below)]
    key = GridRow(events[1], layout=Layout()).key
    await grid.show("", newest=key, oldest=key)
    await tell(*events)
    assert await grid.rows() == [str(inside.pk)]
    await grid.show("", below, newest=key, oldest=key)
    await tell(await change(above), await change(below))
    assert await grid.rows() == [str(below.pk)]


async def test_children_are_for_those_who_opened_their_parent(ada: User, tab: Opener) -> None:
    parent = await make(ada, child_count=1)
    closed, opened = await tab(ada), await tab(ada)
    await closed.show("", parent)
    await opened.show(f"?open={parent.pk}", parent)
    child = await make(ada, parent=parent)
    await tell(await change(child))
    frame = await opened.frame("rows")
    assert [row["parent"] for row in frame["rows"]] == [str(parent.pk)]
    assert 'aria-level="2"' in frame["rows"][0]["html"]
    assert await closed.frames("rows", 0.5) == []


async def test_who_fetched_before_saying_so_is_told_what_is_newer_than_that(
    ada: User, tab: Opener
) -> None:
    grid, other = await tab(ada), await tab(ada)
    execution = await make(ada, age=30)
    key = GridRow(await change(execution), layout=Layout()).key
    above = await make(ada, age=10)
    await grid.show("", newest=key, oldest=key)  # a page that does not hold `above`
    event = await change(above)
    await tell(event)
    await other.frame("rows")
    # A page that holds what was told has nothing to hear again: it would say so again, for ever.
    held = [[event.id, event.revision]]
    await grid.say(json.dumps({"type": "show", "rows": held, "newest": key, "oldest": key}))
    assert await grid.frames("rows", 0.4) == []
    # One that fetched it before it changed hears of it; that was late, and measures no delay.
    held = [[event.id, event.revision - 1]]
    await grid.say(json.dumps({"type": "show", "rows": held, "newest": key, "oldest": key}))
    frame = await grid.frame("rows")
    assert [row["id"] for row in frame["rows"]] == [event.id]
    assert frame["published"] == 0


# How often ------------------------------------------------------------------------------------


async def test_the_first_change_comes_at_once_and_a_storm_four_times_a_second(
    ada: User, tab: Opener
) -> None:
    grid = await tab(ada)
    took = []
    for _ in range(4):  # the first compiles the template, and a busy machine delays one or two
        event = await change(await make(ada))
        await asyncio.sleep(2 * WINDOW / UPDATES)
        begun = time.monotonic()
        await tell(event)
        await grid.frame("rows")
        took.append(time.monotonic() - begun)
    assert min(took) < WINDOW / UPDATES
    begun = time.monotonic()
    for revision in range(3, 203):
        await tell(replace(event, revision=revision))
        await asyncio.sleep(0.005)
    frames = []
    while not frames or frames[-1]["rows"][0]["revision"] < 202:
        frames.append(await grid.frame("rows"))
    revisions = [frame["rows"][0]["revision"] for frame in frames]
    assert len(frames) <= UPDATES * ((time.monotonic() - begun) / WINDOW + 1)
    assert revisions == sorted(revisions)
    assert revisions[-1] == 202  # no update is lost for good


async def test_an_older_revision_is_dropped(ada: User, tab: Opener) -> None:
    grid = await tab(ada)
    ended = await change(await make(ada), status=Status.RUNNING)
    late = replace(ended, revision=ended.revision - 1, status="Queued")
    await tell(ended)
    await grid.frame("rows")
    await tell(late)
    assert await grid.frames("rows", 0.5) == []


async def test_many_viewers_cost_one_rendering_and_one_subscription(
    ada: User, tab: Opener, redis: Redis
) -> None:
    await alone(redis)
    tabs = [await tab(ada) for _ in range(5)]
    events = [await change(await make(ada)) for _ in range(3)]
    before = hub.rows.rendered
    await tell(*events)
    for one in tabs:
        assert len(await one.rows()) == 3
    assert hub.rows.rendered - before == 3
    assert subscriptions(redis) == [1]


def test_a_row_asks_nothing_of_the_database(
    ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    event = event_of(make_execution(ada, child_count=2, error_type="X"))
    GridRow(event, layout=Layout()).render()  # compiles the template
    with django_assert_num_queries(0):
        GridRow(event, layout=Layout()).render()


async def test_counts_are_taken_once_for_all(
    ada: User, tab: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Any] = []
    counting = counts._counts

    async def counted(*given: Any) -> Any:
        taken.append(given)
        return await counting(*given)

    monkeypatch.setattr(counts, "_counts", counted)
    monkeypatch.setattr(counts, "COUNT_EVERY", 0.3)
    tabs = [await tab(ada), await tab(ada, "/ws/executions/?status=Paused")]
    await tell(await change(await make(ada)))
    for one in tabs:
        frame = await one.frame("counts")
        assert frame["counts"]["Running"] == "1"
        assert frame["counts"][""] == "1"
    assert len(taken) == 1


# What goes wrong ------------------------------------------------------------------------------


async def test_a_lost_connection_to_redis_heals_and_says_catch_up(
    ada: User, tab: Opener, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "HEARTBEAT_EVERY", 0.2)
    monkeypatch.setattr(subscription, "HEARTBEAT_TIMEOUT", 1.0)
    monkeypatch.setattr(hub_module, "RECONNECT_AFTER", 0.1)
    grid = await tab(ada)
    await grid.frame("beat")
    redis.client_kill_filter(_type="pubsub")
    execution = await make(ada)
    heard = False
    for _ in range(20):
        await tell(await change(execution))
        heard = bool(await grid.frames("rows", 0.4))
        if heard:
            break
    assert heard
    assert await grid.frame("beat")


async def test_a_slow_browser_is_told_to_catch_up(
    ada: User, tab: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executions.live.viewers.PENDING_LIMIT", 5)
    grid = await tab(ada)
    await tell(*[await change(await make(ada)) for _ in range(6)])
    assert await grid.frame("catchup")


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[]",
        "null",
        "{",
        "[" * 100_000,
        '{"type":"show","rows":5}',
        '{"type":"show","rows":[[]],"query":3}',
        '{"type":"show","rows":[["x",NaN],["y",Infinity]]}',
    ],
    ids=lambda said: said[:40],
)
async def test_nonsense_from_a_browser_ends_nothing(ada: User, tab: Opener, said: str) -> None:
    grid = await tab(ada)
    await grid.say(said)
    await grid.say('{"type": "ping", "sent": 7}')
    assert (await grid.frame("pong"))["sent"] == 7


async def test_the_hub_rests_when_nobody_watches(ada: User, tab: Opener, redis: Redis) -> None:
    await alone(redis)
    one = await tab(ada)
    await one.leave()
    assert hub._task is None
    assert not subscriptions(redis)


async def test_an_unknown_address_is_closed_without_a_traceback(ada: User) -> None:
    one = Tab(ada, "/ws/elsewhere/", application)
    assert (await one.connect())["code"] == 4404
    await one.leave()


async def test_a_browser_that_leaves_while_it_is_written_to_is_no_error(
    ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    """Servers raise an OSError then (uvicorn's ClientDisconnected)."""
    consumer = GridConsumer()
    written = asyncio.Event()

    async def gone(message: Any) -> None:
        written.set()
        raise OSError

    consumer.base_send = gone
    connection = Connection(GridViewer(Visibility(ada, NO_RIGHTS, ExecutionSet(None)), PageQuery()))
    writer = asyncio.create_task(consumer.write(connection))
    connection.queue("beat", "{}")
    await asyncio.wait_for(written.wait(), 20)
    await asyncio.wait_for(writer, 20)
    consumer.connection = connection
    await consumer.receive('{"type": "ping", "sent": 1}')
    assert not caplog.records
