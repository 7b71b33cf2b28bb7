"""A person's answer, which wakes whoever asked (`questions.changes`), until the question is due."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from executions.engine.interpreter import Interpreter
from executions.engine.state import Resumed, Threw, TimedOut
from executions.models import Question
from executions.states import Reason
from executions.store.lifecycle import questions, wait_text
from executions.store.lifecycle.claims import ClaimedExecution
from executions.wait_states.wait_state import Outcome, Park, WaitState
from flows.blocks.base import AskPerson
from flows.questions import Answer


class PersonAnswer(WaitState[AskPerson]):
    request = AskPerson
    name = "person"
    reason = Reason.PERSON
    locks_execution = True

    def enter(
        self, claimed: ClaimedExecution, interpreter: Interpreter, request: AskPerson
    ) -> Outcome:
        now = datetime.fromtimestamp(interpreter.since, UTC)
        return _park(questions.ask(claimed, interpreter, request.question, now))

    def resume(
        self, claimed: ClaimedExecution, interpreter: Interpreter, waits: Mapping[str, Any]
    ) -> Outcome:
        found = questions.settle(waits["question"], datetime.now(UTC))
        if isinstance(found, Question):
            if not interpreter.is_late:
                return _park(found)
            questions.withdraw([claimed.id])
            return TimedOut()
        if isinstance(found, Answer):
            interpreter.keep_secret(found.secret_texts)
            return Resumed(found)
        return Threw(found)


def _park(question: Question) -> Park:
    """Park until a question is answered, at most until it is due."""
    number, assignee = str(question.pk), question.assignee
    return Park(
        {"question": number, "assignee": assignee},
        wait_text.format_question(number, assignee),
        None if question.due_at is None else question.due_at.timestamp(),
    )


WAIT_STATE = PersonAnswer()
