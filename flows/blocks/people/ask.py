"""Asking a person, and waiting for the answer."""

from datetime import datetime
from typing import Any

from flows import questions
from flows.blocks.base import AskPerson, Block, Direction, Leave, Property, Visit
from flows.blocks.errors import invalid_property
from flows.blocks.schedules.wait import add_period
from flows.questions import Answer, FieldProblem, Question
from flows.values import with_offset

#: Characters of a question, and of its details, that are kept.
LONGEST_QUESTION, LONGEST_DETAILS = 500, 20_000


class AskAPerson(Block):
    """Asks a person to answer a form, and parks the execution until somebody has; no worker is held
    meanwhile.

    User or Group says who may answer; with neither, whoever may control the execution. Fields
    declares the form: a list of structures with Name, Type, Description, Required, Default,
    Choices and Secret, as in a start form; a text alone is the name of a Text. Answers holds what
    was answered, by the names of the fields.

    When Due passes before anybody has answered, QuestionNotAnsweredException is thrown.
    """

    type = "Ask A Person"
    palette = "People"
    icon = "user"
    properties = (
        Property("Question", "String", required=True, nonempty=True, description="one line"),
        Property("Details", "String", description="what one has to know to answer; plain text"),
        Property("Fields", "IList", default=[], required=True),
        Property("User", "String", description="the name of a user"),
        Property("Group", "String", description="the name of a group; any of its members answers"),
        Property("Due", "dynamic", description="a TimePeriod or a Date Time; null for never"),
        Property(
            "Reminder",
            "dynamic",
            description="when to remind who has not answered, as a TimePeriod or a Date Time",
        ),
        Property("Answers", "Structure", Direction.OUTPUT),
        Property("Answered By", "String", Direction.OUTPUT, description="the name of the user"),
        Property("Answered At", "DateTimeOffset", Direction.OUTPUT),
    )
    throws = (
        "ArgumentOutOfRangeException",
        "PersonNotFoundException",
        "QuestionNotAnsweredException",
    )

    def run(self, visit: Visit) -> AskPerson:
        inputs = visit.inputs
        try:
            fields = questions.read_fields(inputs["Fields"])
        except FieldProblem as problem:
            raise invalid_property("Fields", str(problem)) from None
        return AskPerson(
            Question(
                text=_short(inputs, "Question", LONGEST_QUESTION),
                details=_short(inputs, "Details", LONGEST_DETAILS),
                fields=fields,
                user=inputs["User"] or "",
                group=inputs["Group"] or "",
                due_at=_moment(visit.now(), inputs, "Due"),
                remind_at=_moment(visit.now(), inputs, "Reminder"),
            )
        )

    def resume(self, visit: Visit, result: Answer) -> Leave:
        return Leave(
            outputs={
                "Answers": dict(result.answers),
                "Answered By": result.by,
                "Answered At": result.at,
            }
        )


def _short(inputs: Any, name: str, longest: int) -> str:
    text = inputs[name] or ""
    if len(text) > longest:
        problem = f"it has {len(text):,} characters, and may have {longest:,}."
        raise invalid_property(name, problem)
    return str(text)


def _moment(now: datetime, inputs: Any, name: str) -> datetime | None:
    """The moment that a property names, or that comes after its period."""
    value = inputs[name]
    if value is None:
        return None
    return with_offset(value) if isinstance(value, datetime) else add_period(now, value, name)
