"""A page of the grid that has just been opened: told what has changed since it was fetched, or told
to fetch itself again."""

import asyncio
import json
import time
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from executions.live import hub as hub_module
from executions.models import Execution
from tests.tabs import Opener, Tab, make, open_tabs, tell

pytestmark = pytest.mark.usefixtures("transactional_db", "redis")


@pytest.fixture
async def tab() -> Any:
    async with open_tabs() as opening:
        yield opening


@pytest.fixture
def ada(transactional_db: None) -> User:
    return User.objects.create_user("ada")


def address(age: Any, written: Any = None) -> str:
    """That of the socket of a page that was fetched `age` seconds ago."""
    at = (time.time() - age) * 1000 if written is None else written
    return f"/ws/executions/?age={age if isinstance(age, str) else age * 1000}&written={at}"


async def opened(user: User, at: str) -> Tab:
    one = Tab(user, at)
    await one.app.send_input({"type": "websocket.connect"})
    assert (await one.app.receive_output(20))["type"] == "websocket.accept"
    return one


async def kinds(one: Tab, seconds: float = 0.6) -> list[str]:
    await asyncio.sleep(seconds)
    found = []
    while not one.app.output_queue.empty():
        found.append(json.loads(one.app.output_queue.get_nowait()["text"])["type"])
    return [kind for kind in found if kind != "pong"]


@pytest.mark.parametrize("first", [True, False])
async def test_it_is_told_what_nobody_told_of(ada: User, tab: Opener, first: bool) -> None:
    """Also when it is the first page that the web process serves, so that nobody has listened."""
    if not first:
        await tab(ada)
    shown = await make(ada, age=100)
    await sync_to_async(Execution.objects.filter(pk=shown.pk).update)(
        revision=5, block_description="Meanwhile", updated_at=timezone.now()
    )
    new = await make(ada, age=0, updated_at=timezone.now())
    old = await make(ada, age=100)
    one = await opened(ada, address(2))
    await one.show("", shown, old)
    assert sorted(await one.rows()) == sorted([str(shown.pk), str(new.pk)])
    assert await one.frame("complete")
    assert "catchup" not in await kinds(one)
    await tell(*[await sync_to_async(event)(old) for event in (_changed,)])
    assert await one.rows() == [str(old.pk)]
    await one.leave()


def _changed(execution: Execution) -> Any:
    from tests.executions_in_tests import event_of

    return event_of(execution, block_description="Later")


async def test_before_it_has_said_what_it_shows_nothing_is_pushed_on_it(
    ada: User, tab: Opener
) -> None:
    await tab(ada)
    on_page, elsewhere = await make(ada, age=500), await make(ada, age=1)
    one = await opened(ada, address(1))
    await tell(await sync_to_async(_changed)(elsewhere))
    assert "rows" not in await kinds(one)
    # An older page, which ends before the other begins.
    key = f"{int(on_page.started_at.timestamp() * 1_000_000)}"
    await one.show("", on_page, newest=f"{key}-{on_page.pk.hex}")
    assert "catchup" not in await kinds(one)
    await one.leave()


async def say_what_is_shown(one: Tab) -> None:
    """As `Tab.show`, which drops what comes before its own answer."""
    await one.say(json.dumps({"type": "show", "query": "", "rows": []}))


@pytest.mark.parametrize(
    ("age", "written"),
    [
        (40.0, None),  # an old tab that connects again
        (1.0, 1000.0),  # out of a cache: asked for now, written long ago
        ("Infinity", None),  # what it may see has changed
        ("", None),
        ("nan", 5.0),
        ("-9", 9e15),
    ],
)
async def test_a_page_that_is_too_old_or_does_not_say_is_fetched_again(
    ada: User, tab: Opener, age: Any, written: Any
) -> None:
    await tab(ada)
    if isinstance(age, str):
        written = written or time.time() * 1000
    one = await opened(ada, address(age, written))
    assert await one.frame("catchup")
    await one.leave()


async def test_when_too_much_has_changed_it_is_fetched_again(
    ada: User, tab: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "FETCHED_LIMIT", 2)
    await tab(ada)
    for _ in range(3):
        await make(ada, age=0, updated_at=timezone.now())
    one = await opened(ada, address(1))
    await say_what_is_shown(one)
    assert await one.frame("catchup")
    assert "complete" not in await kinds(one)
    await one.leave()


async def test_what_somebody_may_not_see_is_not_told(ada: User, tab: Opener) -> None:
    bob = await sync_to_async(User.objects.create_user)("bob")
    await make(bob, age=0, updated_at=timezone.now())
    one = await opened(ada, address(2))
    await say_what_is_shown(one)
    while (frame := json.loads((await one.app.receive_output(20))["text"]))["type"] != "complete":
        assert frame["type"] in {"pong", "beat", "counts"}
    assert "rows" not in await kinds(one)
    await one.leave()
