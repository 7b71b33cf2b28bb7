"""The tools of MCP. Each asks operations of the HTTP API, and answers with what matters of them."""

from importlib.metadata import version as installed_version
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import httpx
from django.conf import settings
from django.urls import reverse
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import ToolAnnotations
from pydantic import AwareDatetime, Field

from cortexweb.mcp.caller import current
from executions.alerts.messages import absolute
from executions.api.problems import CONTENT_TYPE
from executions.bulk import retry_group
from executions.failures.queries import TABS
from executions.grid.query.fields import FIELDS
from executions.states import Status

#: The scope that a token needs for tools that change something, beside the role.
CHANGES = "mcp"
#: The longest answer, in bytes: longer ones fill what a model can keep in mind.
LONGEST = 100_000
#: What is told of an execution, where there is something to tell.
_TOLD = (
    *("id", "flow_name", "version_number", "status", "reason", "block", "block_type"),
    *("workspace_name", "waiting_for", "started_at", "ended_at", "due_at", "initiator_name"),
    *("trigger", "step_count", "parent_id", "root_id", "origin_id", "retried_as", "retry_state"),
    *("failure", "error_type", "error_message", "unhandled", "debugged_by_name"),
    *("inputs", "outputs"),
)
_INSTRUCTIONS = """
Executions are runs of flows. Find them with search_executions. explain_execution says why one does
not move; read_moment shows an earlier moment of it, after any of its steps; compare_executions says
where two diverge. list_failures has the groups of executions that failed alike. start_flow,
retry_execution and retry_failures change something: they need a token with the scope mcp. What is
masked is secret.
"""
_EXAMPLES = ", ".join(f"{one.key}:{one.example}" for one in FIELDS if one.example)
_QUERY = (
    "Conditions as people type them into the grid, such as `status:Error flow:order-* "
    "started:>-2h`; a minus before one negates it. Empty for all. Statuses are "
    f"{', '.join(Status)}. Further conditions: {_EXAMPLES}, and var.<path> for a variable."
)

READ = ToolAnnotations(read_only_hint=True, open_world_hint=False)
CHANGE = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
Step = Annotated[int | None, Field(ge=0, description="The moment after this step; null: now.")]
Page = Annotated[int, Field(ge=1)]
State = Annotated[str, Field(description=f"One of {', '.join(TABS)}.")]

SERVER = MCPServer(
    "CortexWeb",
    instructions=_INSTRUCTIONS.strip(),
    version=installed_version("cortexweb"),
    subscriptions=False,
)


async def serve(scope: Any, receive: Any, send: Any) -> None:
    """Answer one request, and end with it whatever it has begun."""
    application = SERVER.streamable_http_app(
        stateless_http=True,
        json_response=True,
        max_request_body_size=settings.MAX_REQUEST_BYTES,
        # The endpoint has looked at host and origin.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    async with application.router.lifespan_context(application):
        await application(scope, receive, send)


@SERVER.tool(annotations=READ)
async def search_executions(
    query: Annotated[str, Field(max_length=2_000, description=_QUERY)] = "",
    sort: Annotated[str, Field(description="Such as `-duration`; the newest first if empty.")] = "",
    limit: Annotated[int, Field(ge=1, le=100)] = 20,
    page: Annotated[str, Field(description="`next` of an answer; it counts alone.")] = "",
) -> dict[str, Any]:
    """Search the executions that you may see."""
    wanted = {"q": query, "sort": sort, "limit": limit}
    parameters = page or {name: value for name, value in wanted.items() if value}
    found = await _get("/executions", parameters)
    following = (found["next"] or "").partition("?")[2]
    return {"executions": [_summary(one) for one in found["items"]], "next": following or None}


@SERVER.tool(annotations=READ)
async def get_execution(execution_id: UUID) -> dict[str, Any]:
    """Get an execution with its inputs, and its outputs or what ended it."""
    return _summary(await _get(f"/executions/{execution_id}", {"values": "plain"}))


@SERVER.tool(annotations=READ)
async def explain_execution(execution_id: UUID) -> dict[str, Any]:
    """Explain why an execution does not move, or where it is, and where its tokens stand."""
    told = _summary(await _get(f"/executions/{execution_id}"))
    moment = await _get(f"/executions/{execution_id}/tokens")
    return {"why": moment["why"], "tokens": moment["tokens"], "execution": told}


@SERVER.tool(annotations=READ)
async def read_moment(
    execution_id: UUID,
    step: Step = None,
    time: Annotated[
        AwareDatetime | None, Field(description="Instead of a step: the last begun by then.")
    ] = None,
) -> dict[str, Any]:
    """Read a moment of an execution: where its tokens stood, and what their variables were."""
    at = f"/executions/{execution_id}"
    wanted = {"step": step, "time": time.isoformat() if time else None}
    moment = await _get(f"{at}/tokens", {k: v for k, v in wanted.items() if v is not None})
    if not moment["is_kept"]:
        raise ToolError(f"Step {moment['step']} is not kept any more. Read a later one, or now.")
    at_step = {} if moment["is_live"] else {"step": moment["step"]}
    variables = await _get(f"{at}/variables", {**at_step, "values": "plain"})
    return {**moment, "variables": variables["items"]}


@SERVER.tool(annotations=READ)
async def read_value(
    execution_id: UUID,
    path: Annotated[
        str,
        Field(description="`path` of a variable, or a part: `0:Order.lines[0]`, `in:N`, `out:N`."),
    ],
    step: Step = None,
) -> dict[str, Any]:
    """Read a value that read_moment leaves out because it is large, or a part of it."""
    wanted = {"values": "plain"} if step is None else {"values": "plain", "step": step}
    return await _get(f"/executions/{execution_id}/variables/{quote(path, safe='')}", wanted)


@SERVER.tool(annotations=READ)
async def compare_executions(first: UUID, second: UUID) -> dict[str, Any]:
    """Compare two executions: the first step at which they diverge, and variables that differ."""
    return await _get(f"/executions/{first}/differences", {"other": str(second)})


@SERVER.tool(annotations=READ)
async def compare_moments(
    execution_id: UUID, first: Annotated[int, Field(ge=0)], second: Step = None
) -> dict[str, Any]:
    """Compare an execution after two of its steps: the variables that differ."""
    wanted = {"first": first} if second is None else {"first": first, "step": second}
    return await _get(f"/executions/{execution_id}/differences", wanted)


@SERVER.tool(annotations=READ)
async def list_failures(
    state: State = "open", flow: str = "", search: str = "", page: Page = 1
) -> dict[str, Any]:
    """List failure groups: executions that failed alike, counted, the latest first. Their
    executions are found with search_executions and `failure:<id>`."""
    wanted = {"state": state, "flow": flow, "q": search, "page": page}
    found = await _get("/failures", wanted)
    return {"failures": found["items"], "next": page + 1 if found["next"] else None}


@SERVER.tool(annotations=READ)
async def list_flows(search: str = "", page: Page = 1) -> dict[str, Any]:
    """List the flows that you may see, by name."""
    found = await _get("/flows", {"q": search, "page": page})
    return {"flows": found["items"], "next": page + 1 if found["next"] else None}


@SERVER.tool(annotations=READ)
async def get_flow(name: str) -> dict[str, Any]:
    """Get a flow: what it takes, what it returns, and whether you may start it."""
    return await _get(f"/flows/{quote(name, safe='')}")


@SERVER.tool(annotations=CHANGE)
async def start_flow(
    flow: str,
    inputs: Annotated[dict[str, Any] | None, Field(description="Values by input.")] = None,
    version: Annotated[int | None, Field(ge=1, description="The newest if null.")] = None,
    wait: Annotated[float, Field(ge=0, description="Seconds to wait for its end.")] = 0,
    key: Annotated[
        str, Field(max_length=200, description="A key of your own: sent again, it starts nothing.")
    ] = "",
) -> dict[str, Any]:
    """Start an execution of a flow. get_flow says which inputs it takes."""
    answer = await _send(
        f"/flows/{quote(flow, safe='')}/executions",
        {"inputs": inputs or {}, "version": version},
        params={"values": "plain", "wait": wait, "async": not wait},
        headers={"Idempotency-Key": key} if key else {},
    )
    if answer.status_code == httpx.codes.INTERNAL_SERVER_ERROR:
        failed = answer.json()
        if "execution_status" in failed:  # it was started, and has failed
            return _summary(
                {"id": failed["execution"], "status": failed["execution_status"]},
                exception=failed["exception"],
            )
    return _summary(_content(answer))


@SERVER.tool(annotations=CHANGE)
async def retry_execution(
    execution_id: UUID,
    from_start: Annotated[
        bool, Field(description="From Start Flow, not from where it failed.")
    ] = False,
    newest: Annotated[bool, Field(description="In the newest version of the flow.")] = False,
) -> dict[str, Any]:
    """Start a new execution where one failed or was stopped. The old one stays as it is."""
    fields = {"from": "start"} if from_start else {}
    fields |= {"version": "newest"} if newest else {}
    address = f"/executions/{execution_id}/commands/retry"
    done = _content(await _send(address, {"fields": fields}))
    return {
        "detail": done["detail"],
        **_summary({"id": done["started"], "flow_name": done["flow"]}),
    }


@SERVER.tool(annotations=CHANGE)
async def retry_failures(
    failure_id: UUID,
    from_start: Annotated[
        bool, Field(description="From Start Flow, not from where they failed.")
    ] = False,
    newest: Annotated[bool, Field(description="In the newest version of the flow.")] = False,
    at_a_time: Annotated[int, Field(ge=1, le=retry_group.MOST_AT_A_TIME)] = retry_group.AT_A_TIME,
    one_first: Annotated[bool, Field(description="One first; the job waits after it.")] = False,
) -> dict[str, Any]:
    """Retry all executions of a failure group, a few at a time, as a job."""
    wanted = {
        "from_start": from_start,
        "newest": newest,
        "at_a_time": at_a_time,
        "one_first": one_first,
    }
    return _content(await _send(f"/failures/{failure_id}/retry", wanted))


async def _get(address: str, parameters: Any = None) -> dict[str, Any]:
    """Return what the API answers. Raises ToolError when it refuses."""
    return _content(await current().ask("GET", address, params=parameters))


async def _send(address: str, body: dict[str, Any], **options: Any) -> httpx.Response:
    """Return the API's answer to a change. Raises ToolError for a token that may only read."""
    if CHANGES not in current().scopes:
        raise ToolError(
            f"This token may only read: it lacks the scope {CHANGES}. Make one that has it, and "
            f"the role to do this, at {absolute(reverse('account'))}. Nothing was changed."
        )
    return await current().ask("POST", address, json=body, **options)


def _content(answer: httpx.Response) -> dict[str, Any]:
    """Return the content of an answer. Raises ToolError for a problem, and for one too long."""
    if not answer.is_success:
        raise ToolError(_problem(answer))
    if len(answer.content) > LONGEST:
        raise ToolError(
            f"The answer has {len(answer.content):,} bytes; {LONGEST:,} are told. Ask for less: a "
            "smaller limit, a narrower query, or a part of the value."
        )
    content: dict[str, Any] = answer.json()
    return content


def _problem(answer: httpx.Response) -> str:
    """Say what is wrong, and what to do next."""
    if not answer.headers.get("content-type", "").startswith(CONTENT_TYPE):
        return f"The site refused this ({answer.status_code}). Check the arguments."
    problem = answer.json()
    parts = [f"{problem['title']}. {problem['detail']}"]
    parts += [one["details"] for one in problem["messages"] if one["details"]]
    if answer.status_code == httpx.codes.NOT_FOUND:
        parts.append("search_executions, list_flows and list_failures say what there is.")
    return " ".join(dict.fromkeys(parts))


def _summary(execution: dict[str, Any], exception: Any = None) -> dict[str, Any]:
    """Return what matters of an execution, and the address of its page."""
    told = {name: execution[name] for name in _TOLD if execution.get(name) not in (None, "", False)}
    if exception:
        told["exception"] = exception
    return {**told, "page": absolute(reverse("execution", args=[execution["id"]]))}
