"""MCP: a client of the SDK over a real server, as tokens that may more and less."""

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import httpx2
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import Client as DjangoClient
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from pytest_django import Settings

from cortexweb.mcp import endpoint
from cortexweb.mcp.tools import LONGEST
from executions.api_tokens import Wanted, issue, revoke
from executions.commands.actor import Actor
from executions.models import AuditEntry, Execution, FailureGroup
from executions.statistics.aggregation import aggregate
from flows.models import Flow, FlowVersion, Grant
from flows.roles import Role
from tests.conftest import LiveApp
from tests.driving import begin, drive
from tests.flows_in_tests import SQUARE, SQUARE_VARIABLES, WAIT, WAIT_VARIABLES, publish

READS = {
    *("search_executions", "get_execution", "explain_execution", "read_moment", "read_value"),
    *("compare_executions", "compare_moments", "list_failures", "list_flows", "get_flow"),
}
CHANGES = {"start_flow", "retry_execution", "retry_failures"}


@pytest.fixture
def square(live_app: LiveApp, tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)


@pytest.fixture
def nap(live_app: LiveApp, tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "nap", WAIT, WAIT_VARIABLES)


def token(*scopes: str, role: Role | None = Role.DEBUG, **wanted: Any) -> str:
    """The text of a new token, whose user has a role on the whole site."""
    user = User.objects.create_user(f"user {uuid4().hex[:6]}")
    if role is not None:
        Grant.objects.create(user=user, role=role)
    actor = Actor(user.pk, user.username, "page")
    return issue(actor, user, Wanted("model", scopes, **wanted))[1]


class Model:
    """A language model's client: what its tools answer, and what they refuse."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        assert result.structured_content is not None
        return result.structured_content

    async def refused(self, tool: str, **arguments: Any) -> str:
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error, result.structured_content
        return str(result.content[0].text)  # type: ignore[union-attr]


@asynccontextmanager
async def connected(app: LiveApp, raw: str, mode: Any = "auto") -> AsyncIterator[Model]:
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {raw}"}) as http:
        transport = streamable_http_client(f"{app.url}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield Model(client)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_tools_say_whether_they_change_something(live_app: LiveApp, mode: str) -> None:
    raw = await in_thread(token, "see")
    async with connected(live_app, raw, mode) as model:
        tools = (await model.client.list_tools()).tools
    reads = {one.name for one in tools if one.annotations and one.annotations.read_only_hint}
    assert reads == READS
    assert {one.name for one in tools} - reads == CHANGES
    query = next(one for one in tools if one.name == "search_executions").input_schema
    assert "flow:order-*" in query["properties"]["query"]["description"]


async def test_a_model_finds_out_what_happened(
    live_app: LiveApp, square: FlowVersion, nap: FlowVersion
) -> None:
    def prepare() -> tuple[str, Execution, Execution, Execution]:
        done, failed = drive(begin(square, N=3).pk), drive(begin(square, N=-1).pk)
        aggregate()
        return token("see"), done, failed, begin(nap)

    raw, done, failed, queued = await in_thread(prepare)
    async with connected(live_app, raw) as model:
        found = await model.call("search_executions", query="status:Error")
        assert [one["id"] for one in found["executions"]] == [str(failed.pk)]
        assert found["executions"][0]["page"].endswith(f"/executions/{failed.pk}/")
        first = await model.call("search_executions", limit=2)
        rest = await model.call("search_executions", page=first["next"])
        ids = [one["id"] for one in (*first["executions"], *rest["executions"])]
        assert ids == [str(one.pk) for one in (queued, failed, done)]
        assert rest["next"] is None

        assert (await model.call("get_execution", execution_id=str(done.pk)))["outputs"] == {
            "Square": 9
        }
        why = await model.call("explain_execution", execution_id=str(queued.pk))
        assert why["execution"]["status"] == "Queued"
        assert "worker" in why["why"]

        then = await model.call("read_moment", execution_id=str(done.pk), step=1)
        assert (then["step"], then["tokens"][0]["block"]) == (1, "if")
        assert {one["name"]: one["value"] for one in then["variables"]}["N"] == 3
        late = done.ended_at.isoformat()  # type: ignore[union-attr]
        end = await model.call("read_moment", execution_id=str(done.pk), time=late)
        assert end["step"] == end["steps"]
        value = await model.call("read_value", execution_id=str(done.pk), path="out:Square")
        assert value["value"] == 9

        compared = await model.call("compare_executions", first=str(done.pk), second=str(failed.pk))
        assert compared["divergence"] == {"first": 2, "second": 2}
        differ = {one["name"]: (one["before"], one["after"]) for one in compared["items"]}
        assert differ["N"] == ("3", "-1")
        moments = await model.call("compare_moments", execution_id=str(done.pk), first=1)
        assert [one["name"] for one in moments["items"]] == ["Square"]

        failures = await model.call("list_failures")
        assert [(one["flow"], one["count"]) for one in failures["failures"]] == [("square", 1)]
        same = await model.call(
            "search_executions", query=f"failure:{failures['failures'][0]['id']}"
        )
        assert [one["id"] for one in same["executions"]] == [str(failed.pk)]
        assert [one["name"] for one in (await model.call("list_flows"))["flows"]] == [
            "nap",
            "square",
        ]


async def test_a_model_starts_and_retries(live_app: LiveApp, square: FlowVersion) -> None:
    raw = await in_thread(token, "operate", "mcp")
    async with connected(live_app, raw) as model:
        assert (await model.call("get_flow", name="square"))["inputs"][0]["name"] == "N"
        started = await model.call("start_flow", flow="square", inputs={"N": -1}, key="once")
        again = await model.call("start_flow", flow="square", inputs={"N": -1}, key="once")
        assert started["id"] == again["id"]
        refused = await model.refused("start_flow", flow="square", inputs={})
        assert "Input N" in refused
        assert "Give it a value" in refused
        refused = await model.refused("retry_execution", execution_id=started["id"])
        assert "Queued" in refused

        await in_thread(drive, started["id"])
        retried = await model.call("retry_execution", execution_id=started["id"], from_start=True)
        assert retried["id"] != started["id"]
        await in_thread(drive, retried["id"])
        groups = (await model.call("list_failures"))["failures"]
        job = await model.call("retry_failures", failure_id=groups[0]["id"])
        assert job["command"] == "retry"

    def told() -> list[tuple[str, str, str]]:
        entries = AuditEntry.objects.filter(outcome="done", source="api").order_by("id")
        return [(one.command, one.token, one.address) for one in entries if one.token]

    assert ("retry", "model", "127.0.0.1") in await in_thread(told)


async def test_a_start_may_wait_for_the_end(
    live_app: LiveApp, square: FlowVersion, worker: object
) -> None:
    async with connected(live_app, await in_thread(token, "start", "mcp")) as model:
        done = await model.call("start_flow", flow="square", inputs={"N": 4}, wait=30)
        assert (done["status"], done["outputs"]) == ("Ended", {"Square": 16})
        failed = await model.call("start_flow", flow="square", inputs={"N": -4}, wait=30)
        assert (failed["status"], failed["exception"]["message"]) == ("Error", "negative")


async def test_the_scope_and_the_role_are_both_needed(
    live_app: LiveApp, square: FlowVersion
) -> None:
    failed = await in_thread(lambda: drive(begin(square, N=-1).pk))
    group = await in_thread(FailureGroup.objects.get)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("start_flow", {"flow": "square", "inputs": {"N": 1}}),
        ("retry_execution", {"execution_id": str(failed.pk)}),
        ("retry_failures", {"failure_id": str(group.pk)}),
    ]
    async with connected(live_app, await in_thread(token, "operate")) as model:
        for tool, arguments in calls:
            refused = await model.refused(tool, **arguments)
            assert "lacks the scope mcp" in refused
            assert "/account/" in refused
    async with connected(live_app, await in_thread(token, "see", "mcp")) as model:
        for tool, arguments in calls:
            assert "Forbidden" in await model.refused(tool, **arguments)
    assert await in_thread(Execution.objects.count) == 1


async def test_a_limited_token_sees_nothing_of_other_flows(
    live_app: LiveApp, square: FlowVersion, nap: FlowVersion
) -> None:
    def prepare() -> tuple[str, Execution, Execution]:
        raw = token("operate", "mcp", flows=[Flow.objects.get(name="nap")])
        return raw, begin(nap), drive(begin(square, N=-1).pk)

    raw, own, other = await in_thread(prepare)
    async with connected(live_app, raw) as model:
        found = (await model.call("search_executions"))["executions"]
        assert [one["id"] for one in found] == [str(own.pk)]
        assert (await model.call("list_failures"))["failures"] == []
        assert [one["name"] for one in (await model.call("list_flows"))["flows"]] == ["nap"]
        for tool in ("get_execution", "explain_execution", "read_moment", "retry_execution"):
            assert "search_executions" in await model.refused(tool, execution_id=str(other.pk))
        for pair in ((own.pk, other.pk), (other.pk, own.pk)):
            first, second = map(str, pair)
            assert "may not see" in await model.refused(
                "compare_executions", first=first, second=second
            )
        assert "search_executions" in await model.refused("start_flow", flow="square")


async def test_errors_say_what_to_do(live_app: LiveApp, tmp_path: Path) -> None:
    def begin_large() -> Execution:
        untyped = publish(tmp_path, "square", SQUARE, "{N: {input: true}, Square: {}}")
        return begin(untyped, N="x" * LONGEST)

    large = await in_thread(begin_large)
    async with connected(live_app, await in_thread(token, "see")) as model:
        assert "started" in await model.refused("search_executions", query="started:sometime")
        assert "part of the value" in await model.refused(
            "read_value", execution_id=str(large.pk), path="in:N"
        )
        assert "uuid" in (await model.refused("get_execution", execution_id="7")).lower()
        assert "open" in await model.refused("list_failures", state="sad")


def test_only_tokens_are_let_in(live_app: LiveApp, admin_user: User) -> None:
    raw = token("see")
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}

    def ask(method: str = "POST", **headers: str) -> httpx.Response:
        return httpx.request(method, f"{live_app.url}/mcp", json=body, headers=accept | headers)

    bearer = {"Authorization": f"Bearer {raw}"}
    assert len(ask(**bearer).json()["result"]["tools"]) == len(READS | CHANGES)
    for headers in (
        {},
        {"Authorization": "Bearer cwt_no"},
        {"Authorization": f"Basic {b64encode(b'admin:password').decode()}"},
    ):
        refused = ask(**headers)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert "cwt_" in refused.json()["detail"]
        assert "Content-Security-Policy" in refused.headers
    assert ask(**bearer, Origin="https://evil.example").status_code == 403
    assert ask(**bearer, Origin=live_app.url).status_code == 200
    assert ask("GET", **bearer).status_code == 405
    revoke(Actor(None, "x", "page"), User.objects.get(username__startswith="user").api_tokens.get())
    assert ask(**bearer).status_code == 401
    assert httpx.get(f"{live_app.url}/healthz").status_code == 200


def test_it_is_off_without_the_extra_or_by_the_setting(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, client: DjangoClient
) -> None:
    assert endpoint.is_on()
    settings.MCP = False
    assert not endpoint.is_on()
    settings.MCP = True
    monkeypatch.setattr(endpoint, "find_spec", {"mcp": None}.get)
    assert not endpoint.is_on()
    assert client.post("/mcp").status_code == 404  # what Django answers then


async def in_thread(function: Any, *arguments: Any, **named: Any) -> Any:
    """Call what asks the ORM, which the event loop may not."""
    return await sync_to_async(function)(*arguments, **named)
