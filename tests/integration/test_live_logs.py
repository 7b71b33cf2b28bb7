"""Pages of logs on the hub: who is told of new lines, how often, and with how many queries."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from executions.events import ExecutionChanged
from executions.live import log_broadcast
from executions.models import LogEntry
from executions.states import Status
from tests.executions_in_tests import event_of, make_execution
from tests.tabs import Opener, open_tabs, tell

pytestmark = pytest.mark.usefixtures("transactional_db", "redis")


@pytest.fixture
async def tab() -> AsyncIterator[Opener]:
    async with open_tabs() as opening:
        yield opening


@pytest.fixture
def ada(transactional_db: None) -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def write(ada: User) -> Callable[..., Any]:
    """Write lines of an execution, and tell of it."""

    @sync_to_async
    def insert(user: User, number: int, flow: str, severity: str) -> ExecutionChanged:
        execution = make_execution(user, flow=flow, status=Status.RUNNING)
        LogEntry.objects.bulk_create(
            LogEntry(
                execution=execution, step=1, at=timezone.now(), block="l", severity=severity,
                flow_name=flow, initiator_id=user.pk,
            )
            for _ in range(number)
        )  # fmt: skip
        return event_of(execution)

    async def lines(
        user: User, number: int = 1, flow: str = "orders", severity: str = "Error"
    ) -> None:
        await tell(await insert(user, number, flow, severity))

    return lines


async def test_pages_hear_of_lines_that_may_be_theirs(
    tab: Opener, ada: User, admin_user: User, write: Callable[..., Any]
) -> None:
    whole = await tab(admin_user, "/ws/logs/")
    errors = await tab(admin_user, "/ws/logs/?severity=Error&flow=orders")
    own = await tab(ada, "/ws/logs/")
    await write(admin_user)  # the first look tells everybody: it knows nothing yet
    for one in (whole, errors, own):
        await one.frame("logs")
    await write(admin_user, flow="billing")
    await whole.frame("logs")
    await write(admin_user, severity="Information")
    await whole.frame("logs")
    assert not await errors.frames("logs", 0.3)
    assert not await own.frames("logs", 0.1)
    await write(ada)
    for one in (whole, errors, own):
        await one.frame("logs")


async def test_a_page_hears_at_most_once_a_second(
    tab: Opener, admin_user: User, write: Callable[..., Any]
) -> None:
    page = await tab(admin_user, "/ws/logs/")
    began = time.monotonic()
    for _ in range(12):
        await write(admin_user, 10)
        await asyncio.sleep(0.1)
    heard = await page.frames("logs", 1.5)
    seconds = time.monotonic() - began
    assert 1 <= len(heard) <= seconds / log_broadcast.LOOK_EVERY + 1


async def test_nobody_looks_while_nothing_changes_or_nobody_follows(
    tab: Opener, admin_user: User, write: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    read = log_broadcast._new_lines

    async def counted(floor: int) -> Any:
        looks.append(floor)
        return await read(floor)

    monkeypatch.setattr(log_broadcast, "_new_lines", counted)
    monkeypatch.setattr(log_broadcast, "LOOK_EVERY", 0.05)
    grid = await tab(admin_user, "/ws/executions/")
    await write(admin_user)
    await grid.frames("rows", 0.3)
    assert not looks
    page = await tab(admin_user, "/ws/logs/")
    await page.frames("logs", 0.3)
    assert not looks
    await write(admin_user)
    await page.frame("logs")
    await asyncio.sleep(0.3)
    assert 1 <= len(looks) <= 2  # the events of two executions may come in two batches


async def test_a_line_that_is_committed_late_is_told(
    tab: Opener, admin_user: User, write: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_broadcast, "LOOK_EVERY", 0.05)
    page = await tab(admin_user, "/ws/logs/?flow=late")
    await write(admin_user, 2)
    await page.frame("logs")

    @sync_to_async
    def take_id() -> int:
        """Take an id as a transaction does that commits later."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence('executions_logentry', 'id'))")
            return int(cursor.fetchone()[0])

    taken = await take_id()
    await write(admin_user)
    assert not await page.frames("logs", 0.3)

    @sync_to_async
    def late() -> ExecutionChanged:
        execution = make_execution(admin_user, flow="late")
        LogEntry.objects.create(
            pk=taken, execution=execution, step=1, at=timezone.now(), block="l",
            severity="Error", flow_name="late", initiator_id=admin_user.pk,
        )  # fmt: skip
        return event_of(execution)

    await tell(await late())
    await page.frame("logs")
