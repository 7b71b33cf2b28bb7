"""What browsers say on live connections: read strictly, and nothing of it harms the others."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from redis import Redis
from websockets.asyncio.client import ClientConnection, connect

from executions.grid.planner.counts import CAP
from executions.live.hub import hub
from executions.live.viewers import SHOWN_LIMIT, GridViewer
from tests.conftest import LiveApp
from tests.tabs import Opener, alone, change, make, open_tabs, subscriptions, tell

MANY = "&".join("a" for _ in range(1_100))
TERMS = "&".join(f"var.v{n}=%3E{n}" for n in range(400))

NONSENSE: list[str | bytes] = [
    "",
    " ",
    "{",
    "[]",
    "null",
    "true",
    "3",
    '"ping"',
    b"\x00\xff",
    b'{"type":"ping","sent":1}',
    "[" * 100_000,
    '{"a":' * 50_000,
    "{}",
    '{"type":null}',
    '{"type":"hello"}',
    '{"type":["show"]}',
    '{"type":"ping"}',
    '{"type":"ping","sent":"now"}',
    '{"type":"ping","sent":1e999}',
    '{"type":"ping","sent":' + "9" * 5_000 + "}",
    '{"type":"ping","sent":NaN}',
    '{"type":"show","rows":5}',
    '{"type":"show","rows":{"a":1}}',
    '{"type":"show","rows":[[]]}',
    '{"type":"show","rows":[["a"]]}',
    '{"type":"show","rows":[["a",1,2]]}',
    '{"type":"show","rows":[["a",-1]]}',
    '{"type":"show","rows":[["a",1.5]]}',
    '{"type":"show","rows":[["a",' + "9" * 400 + "]]}",
    '{"type":"show","rows":[["' + "a" * 40 + '",1]]}',
    '{"type":"show","rows":[["x",NaN],["y",Infinity]]}',
    '{"type":"show","rows":[' + ",".join(['["a",1]'] * (SHOWN_LIMIT + 1)) + "]}",
    '{"type":"show","query":3}',
    '{"type":"show","query":["?"]}',
    '{"type":"show","query":"\\ud83d"}',
    '{"type":"show","query":"?' + MANY + '"}',
    '{"type":"show","layout":{}}',
    '{"type":"show","newest":7}',
    '{"type":"show","newest":"' + "0" * 300 + '"}',
    '{"type":"show","windows":[]}',
    '{"type":"show","windows":{"a":{}}}',
    '{"type":"show","last_frame":"1"}',
    '{"type":"show","last_frame":null}',
    '{"type":"show","page":-1}',
    '{"type":"show","heard":1}',
    '{"type":"show","page":{}}',
    '{"type":"show","query":"' + "a" * 500_000 + '"}',
]

#: What is well formed, and means nothing, or much.
STRANGE = [
    '{"type":"show"}',
    '{"type":"show","page":9007199254740991,"last_frame":0}',
    '{"type":"show","layout":"nonsense"}',
    json.dumps({"type": "show", "layout": "[" * 60_000}),
    json.dumps({"type": "show", "layout": '[["started",3],"flat","UTC"]'}),
    json.dumps({"type": "show", "layout": '[["var.a\\u0000b"],"x","Nowhere/No"]'}),
    json.dumps({"type": "show", "newest": "\0", "oldest": "é", "windows": {"a": "\0"}}),
    json.dumps({"type": "show", "query": "?sort=nonsense&older=%00&newer=x&at=9999-99-99&group=x"}),
    json.dumps({"type": "show", "query": "?q=%00&q=%25&var.=1&var..=2&flow=%ED%A0%BD&-=&=&&&"}),
    json.dumps({"type": "show", "query": "?open=x&more=1.2.3&more=x.9&column=%00&width=a:b"}),
    json.dumps({"type": "show", "query": "?" + TERMS}),
    json.dumps({"type": "show", "rows": [["no id", 1], ["", 2]], "last_frame": 3}),
]


def cookie_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


@asynccontextmanager
async def socket(app: LiveApp, cookie: str, address: str = "") -> AsyncIterator[ClientConnection]:
    """A real websocket to the web server of the tests, as a browser opens one."""
    url = f"{app.url.replace('http', 'ws', 1)}/ws/executions/{address}"
    headers = {"Cookie": cookie, "Origin": app.url}
    async with connect(url, additional_headers=headers, max_size=None) as opened:
        yield opened


async def frame(one: ClientConnection, *kinds: str) -> dict[str, Any]:
    """The next frame of one of these types. Heartbeats come all the time."""
    async with asyncio.timeout(20):
        while True:
            heard: dict[str, Any] = json.loads(await one.recv())
            if heard["type"] in kinds:
                return heard


async def refusals(one: ClientConnection) -> int:
    """How many refusals were answered before the pong of a ping that is sent now."""
    await one.send('{"type": "ping", "sent": 77.5}')
    found = 0
    while True:
        heard = await frame(one, "pong", "refused")
        if heard["type"] == "pong":
            assert heard["sent"] == 77.5
            return found
        found += 1


def statements_in(seconds: float) -> int:
    """Transactions of the database within a while, this one's own look at it apart."""

    def done() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_force_next_flush()")
            cursor.execute(
                "SELECT xact_commit + xact_rollback FROM pg_stat_database "
                "WHERE datname = current_database()"
            )
            return int(cursor.fetchone()[0])

    before = done()
    time.sleep(seconds)
    found = done() - before
    connection.close()  # this thread has one of its own
    return found


def least_statements(enough: int) -> int:
    """The fewest transactions of a second out of eight, or the first that are no more than enough:
    what an earlier test began, the server may still be ending."""
    least = statements_in(1)
    for _ in range(7):
        if least <= enough:
            break
        least = min(least, statements_in(1))
    return least


@pytest.mark.usefixtures("transactional_db")
async def test_nonsense_is_refused_and_leaves_nothing_behind(
    live_app: LiveApp, redis: Redis, admin_user: User
) -> None:
    await alone(redis)
    at_rest = await sync_to_async(statements_in)(1)
    cookie = await sync_to_async(cookie_of)(admin_user)
    said = len(live_app.process.output)
    async with socket(live_app, cookie) as one:
        await frame(one, "catchup")  # from here on it misses nothing
        for nonsense in NONSENSE:
            await one.send(nonsense)
            assert await refusals(one) == 1, nonsense[:60]
        for strange in STRANGE:
            await one.send(strange)
            assert await refusals(one) == 0, strange[:60]
        # It is still told of what it shows.
        await one.send('{"type": "show", "page": 4}')
        execution = await make(admin_user)
        await tell(await change(execution))
        told = await frame(one, "rows")
        assert (told["page"], [row["id"] for row in told["rows"]]) == (4, [str(execution.pk)])
    for address in ("?" + MANY, "?" + TERMS, "?q=%00%ff", "?sort=x&at=y"):
        async with socket(live_app, cookie, address) as one:
            if address == "?" + MANY:
                await asyncio.wait_for(one.wait_closed(), 20)
                assert one.close_code == 4400
            else:
                assert await refusals(one) == 0
    await alone(redis)
    assert not subscriptions(redis)
    assert await sync_to_async(least_statements)(at_rest + 4) <= at_rest + 4
    assert "Traceback" not in live_app.process.output[said:]


@pytest.mark.usefixtures("transactional_db")
async def test_a_page_without_rows_shows_none(
    live_app: LiveApp, redis: Redis, admin_user: User
) -> None:
    cookie = await sync_to_async(cookie_of)(admin_user)
    execution = await make(admin_user)
    async with socket(live_app, cookie, f"{execution.pk}/") as one:
        await one.send('{"type": "show", "rows": []}')
        assert await refusals(one) == 1


# In one process with the hub ------------------------------------------------------------------


@pytest.fixture
async def tab(transactional_db: None, redis: Redis) -> AsyncIterator[Opener]:
    async with open_tabs() as opening:
        yield opening


class Broken(GridViewer):
    """A viewer with a defect."""

    def offer(self, changes: Any) -> bool:
        raise KeyError("a defect")


async def test_a_defect_ends_its_own_connection_and_is_logged(
    admin_user: User, tab: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    mine, other = await tab(admin_user), await tab(admin_user)
    # The defect is in the viewer of one connection, whatever else goes on.
    broken = next(iter(hub._connections))
    broken.viewer.__class__ = Broken
    await tell(await change(await make(admin_user)))
    rows, closed = [], []
    async with asyncio.timeout(20):
        for one in (mine, other):
            while True:
                said = await one.app.receive_output(20)
                if said["type"] == "websocket.close":
                    closed.append(said["code"])
                    break
                if json.loads(said["text"])["type"] == "rows":
                    rows.append(one)
                    break
    assert (len(rows), closed) == (1, [1011])
    assert any("could not be written to" in record.message for record in caplog.records)


async def test_who_breaks_off_in_a_message_is_not_left_behind(
    admin_user: User, tab: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `disconnect`: a defect ends the consumer, and its viewer leaves with it."""
    one = await tab(admin_user)
    await tab(admin_user)
    assert len(hub._connections) == 2

    def defect(*_: Any) -> None:
        raise KeyError("a defect")

    monkeypatch.setattr(GridViewer, "show", defect)
    await one.say('{"type": "show"}')
    with pytest.raises(KeyError):
        await one.app.wait(20)
    assert len(hub._connections) == 1


async def test_counting_too_long_is_told_to_who_asks_for_it_alone(
    admin_user: User, tab: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executions.live.counts.COUNT_EVERY", 0.3)
    # Nothing is planned within no time at all.
    monkeypatch.setattr("executions.grid.planner.statement_timeout.STATEMENT_SECONDS", 0.001)
    plain = await tab(admin_user)
    slow = await tab(admin_user, "/ws/executions/?" + "&".join(f"var.v{n}=1" for n in range(20)))
    execution = await make(admin_user)
    await tell(await change(execution))
    assert await plain.rows() == [str(execution.pk)]
    counts = await plain.frame("counts")
    assert (counts["total"], counts["words"]) == ("1", "1")
    assert not [one for one in (plain, slow) if one.app.future.done()]
    assert CAP  # counted exactly up to it
    await plain.leave()
    await slow.leave()
