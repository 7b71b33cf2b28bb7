"""Chains: the end of one execution starts another."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from ninja import Field, Router, Schema
from ninja.responses import Status as Answer

from executions.api.input_forms import check, row_id, save, values_of
from executions.api.paging import NumberedPage, PageNumber, page_of
from executions.api.problems import Problem
from executions.api.schemas import ProblemDetails
from executions.commands.actor import Actor
from executions.models import Chain
from executions.webhooks import access, changes
from executions.webhooks.forms import ChainForm
from flows import access as flows_access
from flows import queries

PATH = "/v1/chains"
ROUTER = Router(tags=["Webhooks and chains"])
_FIELDS = ("when", "condition", "is_on")
#: Without a flow that is there, and of a state that forbids it.
_REFUSED = {HTTPStatus.NOT_FOUND: ProblemDetails, HTTPStatus.CONFLICT: ProblemDetails}


class ChainInput(Schema):
    """Which ends start what."""

    flow: str = Field(description="The flow whose ends count. It does not change.")
    target: str = Field(description="The flow that is started. It does not change.")
    when: Chain.When = Chain.When.ENDED
    condition: str = Field("", description="An expression; empty for every such end.")
    inputs: dict[str, str] = Field(
        default_factory=dict,
        description="By input variable: values as people type them, or = and an expression. A "
        "secret value that is left out stays as it is.",
    )
    is_on: bool = True
    revision: int | None = Field(None, description="For a change: the revision that you saw.")


class ChainOutput(Schema):
    """A chain that exists."""

    id: int
    flow: str
    target: str
    when: str
    condition: str
    inputs: dict[str, str] = Field(description="Without secret values.")
    is_on: bool
    owner: str | None = Field(description="On whose behalf executions start.")
    revision: int
    changed_at: datetime


@ROUTER.get("", response=NumberedPage[ChainOutput])
def list_chains(request: HttpRequest, page: PageNumber = 1) -> dict[str, Any]:
    """List the chains between flows that you may see."""
    listed = page_of(request, access.chains(request.user).order_by("id"), page)
    return {**listed, "items": [_output(one) for one in listed["items"]]}


@ROUTER.post("", response={HTTPStatus.CREATED: ChainOutput, **_REFUSED})
def make_chain(request: HttpRequest, given: ChainInput) -> Answer[dict[str, Any]]:
    """Make a chain from one flow to another."""
    flow = flows_access.get(request.user, given.flow)
    target = flows_access.get(request.user, given.target)
    chain = _save(request, Chain(flow=flow, target=target), given)
    return Answer(HTTPStatus.CREATED, _output(chain))


@ROUTER.get("/{int:chain_id}", response=ChainOutput)
def get_chain(request: HttpRequest, chain_id: int) -> dict[str, Any]:
    """Return a chain."""
    return _output(access.get_chain_or_404(request.user, row_id(chain_id)))


@ROUTER.put("/{int:chain_id}", response={HTTPStatus.OK: ChainOutput, **_REFUSED})
def change_chain(request: HttpRequest, chain_id: int, given: ChainInput) -> dict[str, Any]:
    """Change a chain as a whole; its flows stay."""
    found = access.get_chain_or_404(request.user, row_id(chain_id))
    return _output(_save(request, found, given))


@ROUTER.delete("/{int:chain_id}", response={HTTPStatus.NO_CONTENT: None})
def delete_chain(request: HttpRequest, chain_id: int) -> Answer[None]:
    """Delete a chain. Executions stay."""
    found = access.get_chain_or_404(request.user, row_id(chain_id))
    _require_permission(request, found)
    changes.delete(request.user, Actor.of_request(request, "api"), found)
    return Answer(HTTPStatus.NO_CONTENT, None)


def _require_permission(request: HttpRequest, chain: Chain) -> None:
    if not access.may_change(request.user, chain.flow):
        raise PermissionDenied(access.not_allowed(chain.flow))
    if not flows_access.may_start(request.user, chain.target):
        raise PermissionDenied("You may not start the flow that the chain starts.")


def _save(request: HttpRequest, chain: Chain, given: ChainInput) -> Chain:
    _require_permission(request, chain)
    version = queries.latest_published(chain.target.name)
    if version is None:
        detail = f"{chain.target} has no published version. Publish one first."
        raise Problem(HTTPStatus.CONFLICT, detail)
    graph = queries.compiled(version.pk)
    check(form=ChainForm(graph, values_of(given, _FIELDS, graph), instance=chain))
    save(request, chain, given.revision)
    return chain


def _output(chain: Chain) -> dict[str, Any]:
    return {
        **{name: getattr(chain, name) for name in ("id", *_FIELDS, "revision", "changed_at")},
        "flow": chain.flow.name,
        "target": chain.target.name,
        "inputs": chain.inputs,
        "owner": chain.owner.get_username() if chain.owner else None,
    }
