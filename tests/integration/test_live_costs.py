"""What watching costs: queries, renderings, subscriptions and what a frame holds."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.backends.utils import CursorWrapper
from redis import Redis

from executions.access import ExecutionSet
from executions.grid.paging.page_query import PageQuery
from executions.grid.table.layout import Layout
from executions.live import counts
from executions.live import hub as hub_module
from executions.live.changes import CommittedChanges, Visibility
from executions.live.rendering import RenderedRows, row_format
from executions.live.viewers import GridViewer, ShownPage
from executions.models import Value
from flows.rights import NO_RIGHTS
from flows.values import encode
from tests.executions_in_tests import event_of, make_execution
from tests.tabs import Opener, alone, change, make, open_tabs, subscriptions, tell

pytestmark = pytest.mark.usefixtures("transactional_db", "redis")


@pytest.fixture
async def tab() -> AsyncIterator[Opener]:
    async with open_tabs() as opening:
        yield opening


@pytest.fixture
def ada(transactional_db: None) -> User:
    return User.objects.create_user("ada")


# What it costs --------------------------------------------------------------------------------


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every statement, of whatever thread."""
    monkeypatch.setattr(hub_module, "LOOK_EVERY", 60.0)
    heard: list[str] = []
    execute = CursorWrapper.execute

    def counting(self: Any, sql: Any, params: Any = None) -> Any:
        heard.append(str(sql))
        return execute(self, sql, params)

    monkeypatch.setattr(CursorWrapper, "execute", counting)
    return heard


async def test_changes_cost_no_query_however_many_watch(
    ada: User, tab: Opener, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "COUNT_EVERY", 60.0)
    addresses = ["", "?status=Running", "?flow=orders", "?q=mail", ""]
    tabs = [await tab(ada, f"/ws/executions/{address}") for address in addresses]
    events = [await change(await make(ada), block_description="Sort the mail") for _ in range(20)]
    statements.clear()
    await tell(*events)
    for one in tabs:
        assert len(await one.rows()) == 20
    assert statements == []


async def test_variables_that_are_shown_are_read_once_for_all(
    ada: User, tab: Opener, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "COUNT_EVERY", 60.0)
    addresses = ["?column=flow&column=var.Customer", "?column=var.Total&column=var.Customer"]
    tabs = [await tab(ada, f"/ws/executions/{address}") for address in addresses * 2]
    executions = [await make(ada) for _ in range(3)]
    for number, execution in enumerate(executions):
        await Value.objects.acreate(
            execution=execution, level=0, name="Customer", value={"s": f"customer {number}"}
        )
    events = [await change(one) for one in executions]
    statements.clear()
    await tell(*events)
    for one in tabs:
        frame = await one.frame("rows")
        assert len(frame["rows"]) == 3
    assert len(statements) == 1
    assert "executions_value" in statements[0]


async def test_a_filter_by_a_variable_holds_for_live_rows_too(
    ada: User, tab: Opener, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "COUNT_EVERY", 60.0)
    tabs = [await tab(ada, "/ws/executions/?var.customer=42") for _ in range(2)]
    executions = [await make(ada) for _ in range(3)]
    for number, execution in enumerate(executions):
        value = encode(41 + number)
        await Value.objects.acreate(execution=execution, level=0, name="customer", value=value)
    events = [await change(one) for one in executions]
    statements.clear()
    await tell(*events)
    for one in tabs:
        frame = await one.frame("rows")
        assert [row["id"] for row in frame["rows"]] == [str(executions[1].pk)]
        assert frame["mismatches"] == {}
    assert len(statements) == 1
    await Value.objects.filter(execution=executions[1]).aupdate(value=encode(43))
    await tell(await change(executions[1]))
    assert list((await tabs[0].frame("rows"))["mismatches"]) == [str(executions[1].pk)]


async def test_two_tabs_cost_two_tabs(ada: User, tab: Opener, redis: Redis) -> None:
    """Each hears of a change once, and what it shows does not come again for the other's sake."""
    await alone(redis)
    one, other = await tab(ada), await tab(ada)
    execution = await make(ada)
    await tell(await change(execution))
    for each in (one, other):
        assert await each.rows() == [str(execution.pk)]
    await other.show("", execution)
    assert await one.frames("rows", 0.4) == []
    assert subscriptions(redis) == [1]


def test_a_changed_row_is_told_by_what_differs(ada: User) -> None:
    rows, layout = RenderedRows(), row_format(Layout())
    execution = make_execution(ada, error_message="<td> in a text")
    first = event_of(execution)
    whole = json.loads(rows.part(first, layout))
    assert whole["html"].startswith("<tr")
    second = event_of(execution, block_description="Sort the mail")
    told = json.loads(rows.part(second, layout, first.revision))
    assert told["from"] == first.revision
    assert "html" not in told
    assert "head" not in told
    assert all(
        cell.startswith("<td ") and cell.endswith("</td>") for cell in told["cells"].values()
    )
    assert any("Sort the mail" in cell for cell in told["cells"].values())
    assert len(json.dumps(told)) < len(json.dumps(whole)) / 2
    third = event_of(execution, status="Paused")
    told = json.loads(rows.part(third, layout, second.revision))
    assert 'data-status="Paused"' in told["head"]
    # From a revision that is not known any more the row comes whole, and no wrong difference.
    assert "html" in json.loads(rows.part(third, layout, 99))
    assert rows.rendered == 3


def test_what_is_under_way_counts_as_held(ada: User) -> None:
    """A page that tells its revisions while frames are under way is not sent what it will have."""
    rows, viewer = (
        RenderedRows(),
        GridViewer(Visibility(ada, NO_RIGHTS, ExecutionSet(None)), PageQuery()),
    )
    execution = make_execution(ada)
    one = str(execution.pk)

    def told(event: Any) -> dict[str, Any]:
        assert viewer.offer(CommittedChanges({one: event}))
        frame: dict[str, Any] = json.loads(viewer.frame(rows) or "")
        return frame

    first = told(event_of(execution))
    second = told(event_of(execution, block_description="second"))
    assert [first["number"], second["number"]] == [1, 2]
    # It had read the first frame when it said so, and the second is on its way.
    viewer.show(ShownPage(query=PageQuery(), revisions={one: 2}, last_frame=1))
    third = told(event_of(execution, block_description="third"))
    assert third["rows"][0]["from"] == 3
    # Once it has read all of them, what it says is so.
    viewer.show(ShownPage(query=PageQuery(), revisions={one: 3}, last_frame=3))
    fourth = told(event_of(execution, block_description="fourth"))
    assert fourth["rows"][0]["from"] == 3
    # What was under way to the page before this one is not read.
    viewer.show(ShownPage(query=PageQuery(), revisions={one: 3}, last_frame=3, number=1))
    assert (
        "html" in (fifth := told(event_of(execution)))["rows"][0] or fifth["rows"][0]["from"] == 3
    )
    assert fifth["page"] == 1
    # A row that it needs whole comes whole, whatever is under way.
    viewer.show(ShownPage(query=PageQuery(), revisions={one: 0}, last_frame=3, number=1))
    assert "html" in told(event_of(execution))["rows"][0]


async def test_a_browser_that_needs_a_row_whole_gets_it(ada: User, tab: Opener) -> None:
    grid = await tab(ada)
    execution = await make(ada)
    await tell(await change(execution))
    assert "html" in (await grid.frame("rows"))["rows"][0]
    await asyncio.sleep(0.3)
    await tell(await change(execution, block_description="Sort the mail"))
    assert "cells" in (await grid.frame("rows"))["rows"][0]
    await grid.say(json.dumps({"type": "show", "query": "", "rows": [[str(execution.pk), 0]]}))
    assert "html" in (await grid.frame("rows"))["rows"][0]
