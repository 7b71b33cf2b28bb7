"""Questions: what flows ask people, and answering."""

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from ninja import Field, ModelSchema, Query, Router, Schema

from executions.api.one_of import OneOf
from executions.api.paging import NumberedPage, PageNumber, page_of
from executions.api.problems import Problem
from executions.api.schemas import ProblemDetails
from executions.api.values import VALUES, Form, in_form, plain, read_typed
from executions.commands.actor import Actor
from executions.models import Question as QuestionRow
from executions.questions import access, changes
from flows import values as flow_values
from flows.graph import Message
from flows.values import MASKED

PATH = "/v1/questions"
ROUTER = Router(tags=["Questions"])
Tab = Annotated[str, OneOf(access.TABS)]


class QuestionField(Schema):
    """A field of the form."""

    name: str
    type: str = Field(description="As of an input variable; empty takes any value.")
    description: str
    required: bool = Field(description="Whether an answer has to give it a value.")
    default: Any = Field(
        description="What counts when it is left out, or null; of a secret, a mask."
    )
    choices: list[Any]
    is_secret: bool


class Question(ModelSchema):
    """What a flow asks, and what was answered; secret answers are masked."""

    execution: UUID
    flow: str
    user: str | None = Field(description="Who is asked, or has taken it.")
    group: str | None
    fields: list[QuestionField]
    answers: dict[str, Any] | None
    answered_by: str | None

    class Meta:
        model = QuestionRow
        fields = ("id", "text", "details", "block", "state", "asked_at", "due_at", "closed_at")

    @staticmethod
    def resolve_execution(row: QuestionRow) -> UUID:
        return row.execution_id

    @staticmethod
    def resolve_flow(row: QuestionRow) -> str:
        return row.flow_name

    @staticmethod
    def resolve_user(row: QuestionRow) -> str | None:
        return row.user.get_username() if row.user else None

    @staticmethod
    def resolve_group(row: QuestionRow) -> str | None:
        return row.group.name if row.group else None

    @staticmethod
    def resolve_fields(row: QuestionRow) -> list[dict[str, Any]]:
        return [
            {
                "name": one.name,
                "type": one.type,
                "description": one.description,
                "required": one.required and not one.has_default,
                "default": plain(MASKED if one.is_secret and one.has_default else one.default),
                "choices": plain(list(one.choices)),
                "is_secret": one.is_secret,
            }
            for one in row.fields
        ]

    @staticmethod
    def resolve_answers(row: QuestionRow) -> dict[str, Any] | None:
        if row.state != QuestionRow.State.ANSWERED:
            return None
        answers: dict[str, Any] = in_form(flow_values.encode(row.shown_answers()), Form.PLAIN)
        return answers

    @staticmethod
    def resolve_answered_by(row: QuestionRow) -> str | None:
        return row.answered_by_name or None


class Answer(Schema):
    """The answers by the names of the fields. One that is left out takes its default."""

    answers: dict[str, Any] = Field(default_factory=dict)


@ROUTER.get("", response=NumberedPage[Question])
def list_questions(
    request: HttpRequest, tab: Tab = access.OPEN, page: PageNumber = 1
) -> dict[str, Any]:
    """List the questions that wait for you, what is due first and then the newest; with `tab`,
    those that you have answered, or all that you may see."""
    found = access.list_questions(request.user, tab)
    return page_of(request, found.select_related("user", "group"), page)


@ROUTER.get("/{uuid:question_id}", response=Question)
def get_question(request: HttpRequest, question_id: UUID) -> QuestionRow:
    """Return a question."""
    return access.get_or_404(request.user, question_id)


@ROUTER.post(
    "/{uuid:question_id}/answer",
    response={HTTPStatus.OK: Question, HTTPStatus.CONFLICT: ProblemDetails},
)
def answer_question(
    request: HttpRequest,
    question_id: UUID,
    answer: Answer,
    values: Annotated[Form, Query(description=VALUES)] = Form.PLAIN,
) -> QuestionRow:
    """Answer a question, and let its execution go on. 409 says what has become of a question that
    is not open any longer."""
    row = access.get_or_404(request.user, question_id)
    actor = Actor.of_request(request, "api")
    types = {one.name: one.type for one in row.fields}
    try:
        changes.require_may_answer(request.user, actor, row)
        given = {
            name: read_typed(name, item, types.get(name, ""), values, part="answers")
            for name, item in answer.answers.items()
        }
        return changes.answer(request.user, actor, row.pk, given)
    except changes.NotAllowed as refused:
        raise PermissionDenied(str(refused)) from None
    except changes.Closed as closed:
        raise Problem(HTTPStatus.CONFLICT, str(closed)) from None
    except changes.Unfit as unfit:
        messages = [
            Message(name, told, "", ("answers", name)) for name, told in unfit.problems.items()
        ]
        raise Problem(HTTPStatus.BAD_REQUEST, str(unfit), messages=messages) from None
