"""What operations answer about executions; other subjects have theirs in their routers."""

from typing import Any, get_type_hints
from uuid import UUID

from ninja import Field, Schema
from pydantic import create_model

from executions.api.values import Value
from executions.events import COLUMNS, ExecutionChanged

#: What a live event tells that concerns no program.
_HIDDEN = ("failed_descendants",)
_TYPES = get_type_hints(ExecutionChanged)

#: An execution as the grid shows it: the columns of a live event.
_COLUMNS: Any = {one: (_TYPES[one], ...) for one in COLUMNS if one not in _HIDDEN}
ExecutionSummary: Any = create_model(
    "ExecutionSummary",
    __base__=Schema,
    __doc__="An execution, as the grid shows it.",
    **_COLUMNS,
)


class ThrownException(Schema):
    """An exception that an execution has thrown."""

    type: str
    message: str


class ExecutionDetail(ExecutionSummary):  # type: ignore[misc]
    """An execution with what it was given and what it returned."""

    origin_id: UUID | None = Field(description="The execution that this one retries.")
    inputs: dict[str, Value] = Field(description="Its inputs by name; of a secret, a mask.")
    outputs: dict[str, Value] | None = Field(description="Its outputs by name, once it has ended.")
    exception: ThrownException | None = Field(
        description="The exception that ended it, or at which it stands."
    )


class ExecutionPage(Schema):
    """A page of executions in the order that was asked for."""

    items: list[ExecutionSummary]
    next: str | None = Field(description="The address of the next page; null on the last one.")
    previous: str | None = Field(description="The address of the page before; null on the first.")


class StartedExecution(Schema):
    """An execution that has been started and has not ended yet."""

    id: UUID
    status: str
    address: str = Field(description="Where to ask for it.")


class ProblemMessage(Schema):
    """One thing that is wrong, and where."""

    location: str = Field(description="What it is about, such as “Input Count” or a parameter.")
    summary: str = Field(description="What is wrong.")
    details: str = Field(description="What to do about it. May be empty.")
    path: list[str | int] = Field(description="The path to it in the request. May be empty.")


class ProblemDetails(Schema):
    """Why a request was not done (RFC 9457)."""

    type: str = Field("about:blank", description="The kind of problem; about:blank: its status.")
    title: str = Field(description="The problem in a few words.")
    status: int = Field(description="The status of the answer.")
    detail: str = Field(description="What is wrong with this request, and what to do next.")
    messages: list[ProblemMessage] = Field(
        default_factory=list, description="Each thing that is wrong with what was sent."
    )
