"""What is known of one execution: its family, tokens, variables, steps, exceptions, logs, audit,
and the differences between two moments. Now, or as it was after one of its steps."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Field, ModelSchema, Query, Router, Schema

from executions import access, why
from executions.api.problems import Problem
from executions.api.schemas import ExecutionSummary
from executions.api.values import VALUES, Form, Value, in_form, plain
from executions.grid.table.row_events import read_events
from executions.models import AuditEntry, ExceptionRecord, Execution, LogEntry, Step
from executions.store.history import Availability, ExecutionAt, variable_differences
from executions.store.history.divergence import Divergence, compare_steps
from executions.store.read import records, step_lists
from executions.views.address import Address
from executions.views.detail.subject import Subject
from executions.views.detail.value import ValuePlace, ValueView
from flows import values

PATH = "/v1/executions"
ROUTER = Router(tags=["Executions"])

#: Executions of a family that are listed.
FAMILY = 1_000
#: A number of a step, or of a row.
Number = Annotated[int | None, Query(ge=0, le=2**62)]
Moment = Annotated[
    int | None, Query(ge=0, le=2**62, description="As it was after this step; without it, now.")
]
Values = Annotated[Form, Query(description=VALUES)]


class Family(Schema):
    """The executions that an execution and its relatives have started, the oldest first."""

    root: UUID
    items: list[ExecutionSummary]
    is_whole: bool = Field(
        description="Whether these are all. If not, list them with the filter root."
    )


class TokenAtMoment(Schema):
    """Where a token stands."""

    level: int
    workspace: str
    block: str
    port: str | None = Field(description="The port on which it stands; null before its block.")


class ExecutionAtMoment(Schema):
    """An execution after one of its steps."""

    step: int
    steps: int = Field(description="How many steps it has made by now.")
    is_live: bool
    is_kept: bool = Field(description="Whether its tokens and variables are known.")
    version: int
    why: str | None = Field(description="Why it does not move now, or where it is.")
    tokens: list[TokenAtMoment]


class VariableAtMoment(Schema):
    """A variable that a token sees."""

    level: int
    workspace: str
    name: str
    path: str = Field(description="Where to ask for its value: variables/{path}.")
    availability: str = Field(description="value, stored (large: ask for it) or lost.")
    value: Value = Field(description="Null where it is large or lost.")
    summary: str
    changed: bool = Field(description="Whether this step has changed it.")
    step: int | None = Field(description="The step that gave it this value.")


class VariablesAtMoment(Schema):
    step: int
    items: list[VariableAtMoment]


class ValueAtMoment(Schema):
    """A value, or a part of one."""

    path: str
    type: str
    value: Value


class StepOutput(ModelSchema):
    """One visit of a token to a block. `duration` is in microseconds."""

    class Meta:
        model = Step
        fields = ("number", "level", "block", "at", "duration", "port", "changes", "exception")


class Steps(Schema):
    items: list[StepOutput]
    older: str | None = Field(description="`first` of the page before; null on the first.")
    newer: str | None = Field(description="`first` of the next page; null on the last.")


class ExceptionOutput(ModelSchema):
    """An exception that a block has thrown."""

    class Meta:
        model = ExceptionRecord
        fields = ("id", "step", "at", "block", "type", "message", "data", "handled_by")


class Exceptions(Schema):
    items: list[ExceptionOutput]
    count: int = Field(description=f"Up to {records.COUNT_CAP}.")


class LogLine(ModelSchema):
    """What a Log Event block wrote."""

    class Meta:
        model = LogEntry
        fields = ("id", "step", "at", "block", "severity", "event_type", "details")


class LogLines(Schema):
    items: list[LogLine]
    older: str | None = Field(description="`before` of the page before; null on the first.")


class AuditedCommand(ModelSchema):
    """A command that it was given."""

    class Meta:
        model = AuditEntry
        fields = ("id", "at", "actor", "command", "source", "outcome", "detail")


class AuditTrail(Schema):
    items: list[AuditedCommand]
    older: str | None = Field(description="`before` of the next page; null on the last.")


class PartDifference(Schema):
    path: str
    before: str | None
    after: str | None


class VariableDifference(Schema):
    """A variable at two moments."""

    scope: str
    name: str
    kind: str = Field(description="added, gone, changed, unknown or secret.")
    before: str
    after: str
    parts: list[PartDifference]
    more: bool


class StepsThatDiffer(Schema):
    """The first step at which two executions diverge, in each of them; null where it has none."""

    first: int | None
    second: int | None


class Differences(Schema):
    before: int
    after: int
    divergence: StepsThatDiffer | None = Field(
        description="Where two executions of one flow diverge; null where they do not."
    )
    items: list[VariableDifference]


@ROUTER.get("/{uuid:execution_id}/tree", response=Family)
def list_family(request: HttpRequest, execution_id: UUID) -> dict[str, Any]:
    """List the whole family of an execution: its root with all children, grandchildren…"""
    execution = access.get_or_404(request.user, execution_id)
    rows = access.visible(request.user).filter(root_id=execution.root_id)
    found = read_events(rows.order_by("started_at", "id")[: FAMILY + 1])
    return {"root": execution.root_id, "items": found[:FAMILY], "is_whole": len(found) <= FAMILY}


@ROUTER.get("/{uuid:execution_id}/tokens", response=ExecutionAtMoment)
def get_moment(
    request: HttpRequest,
    execution_id: UUID,
    step: Moment = None,
    time: Annotated[
        datetime | None, Query(description="Instead of a step: the last that had begun by then.")
    ] = None,
) -> dict[str, Any]:
    """Return where the tokens of an execution stand, and why it does not move; or where they stood
    after one of its steps."""
    milliseconds = None if time is None else int(time.timestamp() * 1000)
    subject = Subject(request.user, execution_id, Address(step=step, time=milliseconds))
    past = subject.past
    return {
        "step": past.step,
        "steps": subject.execution.step_count,
        "is_live": past.is_live,
        "is_kept": past.is_kept,
        "version": past.version_id,
        "why": why.why(subject.execution, subject.visible) if past.is_live else None,
        "tokens": past.tokens,
    }


@ROUTER.get("/{uuid:execution_id}/variables", response=VariablesAtMoment)
def list_variables(
    request: HttpRequest, execution_id: UUID, step: Moment = None, values: Values = Form.TYPED
) -> dict[str, Any]:
    """List the variables that the tokens see, with their values where these are small."""
    subject = Subject(request.user, execution_id, Address(step=step))
    past = _kept(subject.past)
    items = []
    for (level, folded), held in past.variables.items():
        workspace = past.graph.workspaces[past.tokens[level].workspace]
        declared = {one.name.casefold(): one.name for one in workspace.variables}
        if folded not in declared:
            continue
        is_known = held.availability is Availability.VALUE
        items.append(
            {
                "level": level,
                "workspace": workspace.name,
                "name": declared[folded],
                "path": f"{level}:{declared[folded]}",
                "availability": held.availability,
                "value": in_form(held.form, values) if is_known else None,
                "summary": held.summary,
                "changed": held.changed,
                "step": held.step,
            }
        )
    return {"step": past.step, "items": items}


@ROUTER.get("/{uuid:execution_id}/variables/{path:path}", response=ValueAtMoment)
def get_variable(
    request: HttpRequest,
    execution_id: UUID,
    path: str,
    step: Moment = None,
    values: Values = Form.TYPED,
) -> dict[str, Any]:
    """Return a value or a part of one, however large it is.

    The path is `<level>:<variable>.<key>[0]…`; the level is 0 for the top-level workspace, `in` for
    inputs, `out` for outputs.
    """
    place = ValuePlace.parse(path[:2000].replace("\0", ""))
    subject = Subject(request.user, execution_id, Address(step=step))
    if place is None:
        raise Problem(HTTPStatus.NOT_FOUND, "Write a path as 0:Name, in:Name or out:Name.")
    found = ValueView(subject, place, exact=values is Form.TYPED).found
    if not found.is_known:
        raise Problem(HTTPStatus.NOT_FOUND, found.why)
    return {"path": str(place), **_value_form(found.value, values)}


@ROUTER.get("/{uuid:execution_id}/steps", response=Steps)
def list_steps(
    request: HttpRequest,
    execution_id: UUID,
    first: Number = None,
    block: Annotated[str, Query(max_length=200, description="Only its visits.")] = "",
    thrown: Annotated[bool, Query(description="Only those that threw.")] = False,
) -> dict[str, Any]:
    """List the steps of an execution, the oldest first: from `first` on, or the newest page."""
    execution = access.get_or_404(request.user, execution_id)
    wanted = step_lists.StepFilter(block.replace("\0", ""), thrown)
    page = (
        step_lists.filtered_step_page(execution.pk, first, wanted)
        if wanted
        else step_lists.step_page(execution, first)
    )
    return {"items": page.rows, "older": page.older or None, "newer": page.newer or None}


@ROUTER.get("/{uuid:execution_id}/exceptions", response=Exceptions)
def list_exceptions(
    request: HttpRequest, execution_id: UUID, step: Moment = None
) -> dict[str, Any]:
    """List the exceptions that its blocks threw, the newest first."""
    execution = access.get_or_404(request.user, execution_id)
    found = records.exceptions(execution.pk, step)
    return {"items": found, "count": records.tab_counts(execution.pk).exceptions}


@ROUTER.get("/{uuid:execution_id}/logs", response=LogLines)
def list_logs(request: HttpRequest, execution_id: UUID, before: Number = None) -> dict[str, Any]:
    """List what its blocks have logged, the newest page, or the one before an entry."""
    execution = access.get_or_404(request.user, execution_id)
    page = records.log_page(execution.pk, before)
    return {"items": page.rows, "older": page.older or None}


@ROUTER.get("/{uuid:execution_id}/audit", response=AuditTrail)
def audit_of_execution(
    request: HttpRequest, execution_id: UUID, before: Number = None
) -> dict[str, Any]:
    """List the commands that it was given, the newest first."""
    execution = access.get_or_404(request.user, execution_id)
    page = records.audit_page(execution.pk, before)
    return {"items": page.rows, "older": page.older or None}


@ROUTER.get("/{uuid:execution_id}/differences", response=Differences)
def list_differences(
    request: HttpRequest,
    execution_id: UUID,
    first: Annotated[int, Query(ge=0, le=2**62, description="The step to compare from.")] = 0,
    step: Moment = None,
    other: Annotated[
        UUID | None, Query(description="Another execution, as it is now, to compare with.")
    ] = None,
) -> dict[str, Any]:
    """List the variables that differ between two steps of an execution, or between two executions
    as they are."""
    subject = Subject(request.user, execution_id, Address(step=step))
    divergence = None
    if other is None:
        before = Subject(request.user, execution_id, Address(step=first)).past
        after = subject.past
    else:
        compared = Subject(request.user, other, Address())
        before, after = subject.past, compared.past
        divergence = _divergence(subject.execution, compared.execution)
    found = variable_differences.of_variables(_kept(before), _kept(after))
    return {"before": before.step, "after": after.step, "divergence": divergence, "items": found}


def _divergence(first: Execution, second: Execution) -> Divergence | None:
    if first.version.flow_id != second.version.flow_id:
        return None
    return compare_steps(first, second).divergence


def _kept(past: ExecutionAt) -> ExecutionAt:
    if not past.is_kept:
        raise Problem(HTTPStatus.NOT_FOUND, f"Step {past.step:,} is not kept.")
    return past


def _value_form(value: Any, form: Form) -> dict[str, Any]:
    """Return the type and the value in a form; of a secret, a mask."""
    told = values.encode(value) if form is Form.TYPED else plain(value)
    return {"type": values.type_name(value), "value": told}
