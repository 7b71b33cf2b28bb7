"""Questions: asked when an execution parks, answered once, and closed with what they are about.

Every function runs in the transaction that writes down what it is for. Whoever changes a question
locks its execution first.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection

from executions.engine.interpreter import Interpreter
from executions.engine.secrets import Secrets, read_by
from executions.events import QUESTIONS_CHANGED
from executions.models import Question
from executions.publishing import announce
from executions.store.lifecycle.claims import ClaimedExecution
from flows import questions, values
from flows.blocks.errors import BlockException, exception
from flows.questions import Answer, Field
from flows.values import ExceptionValue, storable

S = Question.State
_WITHDRAW = """
    UPDATE executions_question SET state = %(withdrawn)s, closed_at = now()
    WHERE execution_id = ANY(%(executions)s::uuid[]) AND state = %(open)s
    RETURNING user_id, group_id
"""


def ask(
    claimed: ClaimedExecution, interpreter: Interpreter, asked: questions.Question, now: datetime
) -> Question:
    """Ask for a claimed execution. Raises PersonNotFoundException as a BlockException."""
    user, group = _user(asked.user), _group(asked.group)
    withdraw([claimed.id])
    node = interpreter.instruction.node
    secrets = interpreter.secrets or Secrets({})
    names = [target.variable for target in node.targets if target.output == "Answers"]
    whole = bool(read_by(interpreter.graph, node.workspace, names))
    question = Question.objects.create(
        execution_id=claimed.id,
        flow_name=claimed.event.flow_name,
        initiator_id=claimed.event.initiator_id,
        block=node.key,
        block_title=secrets.redact_text(node.title)[:200],
        text=storable(secrets.redact_text(asked.text)),
        details=storable(secrets.redact_text(asked.details)),
        form=[_shown(field, secrets, whole=whole).as_json() for field in asked.fields],
        user=user,
        group=group,
        asked_at=now,
        due_at=asked.due_at,
        remind_at=asked.remind_at,
    )
    notify_pages([(question.user_id, question.group_id)])
    return question


def _user(name: str) -> Any:
    if not name:
        return None
    found = get_user_model()._default_manager.filter(username=name, is_active=True).first()
    if found is None:
        raise _not_found("user", name)
    return found


def _group(name: str) -> Group | None:
    if not name:
        return None
    found = Group.objects.filter(name=name).first()
    if found is None:
        raise _not_found("group", name)
    return found


def _not_found(kind: str, name: str) -> BlockException:
    told = "no active user" if kind == "user" else "no group"
    return exception(
        "PersonNotFoundException",
        f"There is {told} called '{name}'.",
        extra={"Kind": kind, "Name": name},
    )


def _shown(field: Field, secrets: Secrets, *, whole: bool) -> Field:
    """The field without secret texts. One whose default holds a secret is secret itself, and so are
    all whose answers are saved to a secret variable."""
    return replace(
        field,
        description=secrets.redact_text(field.description),
        choices=tuple(secrets.redact(list(field.choices))),
        is_secret=whole or field.is_secret or secrets.redact(field.default) != field.default,
    )


def settle(question_id: str, now: datetime) -> Answer | ExceptionValue | Question:
    """Return what became of the question for which a claimed execution waits: its answer, the
    exception of one that was due, or itself while it is open."""
    question = Question.objects.select_for_update(of=("self",)).filter(pk=question_id).first()
    if question is None:
        return _not_answered("", None)
    if question.state == S.ANSWERED:
        return _answer(question)
    if question.is_open and (question.due_at is None or question.due_at > now):
        return question
    if question.is_open:
        question.state, question.closed_at = S.OVERDUE, now
        question.save(update_fields=["state", "closed_at"])
        notify_pages([(question.user_id, question.group_id)])
    return _not_answered(question.text, question.due_at)


def _answer(question: Question) -> Answer:
    given = values.decode(question.answers or {})
    secret = [given[field.name] for field in question.fields if field.is_secret]
    assert question.closed_at is not None
    return Answer(
        given,
        question.answered_by_name,
        question.closed_at,
        tuple(one for one in secret if isinstance(one, str)),
    )


def _not_answered(text: str, due_at: datetime | None) -> ExceptionValue:
    return exception(
        "QuestionNotAnsweredException",
        f"Nobody has answered '{text}' in time.",
        extra={"Question": text, "DueAt": due_at},
    ).value


def withdraw(executions: Sequence[UUID]) -> None:
    """Close the open questions of executions that do not wait for them any longer."""
    with connection.cursor() as cursor:
        cursor.execute(
            _WITHDRAW,
            {"executions": list(executions), "open": S.OPEN, "withdrawn": S.WITHDRAWN},
        )
        notify_pages(cursor.fetchall())


def notify_pages(assignees: Sequence[tuple[int | None, int | None]]) -> None:
    """Have the pages of those who are asked, by the ids of a user and a group, fetch how many
    questions are open for them. Of what nobody in particular is asked, all pages are told."""
    if not assignees:
        return
    users = {user for user, _ in assignees if user}
    groups = {group for user, group in assignees if group and not user}
    if groups:
        people = get_user_model()._default_manager.filter(groups__in=groups, is_active=True)
        users |= set(people.values_list("pk", flat=True))
    is_for_all = any(not user and not group for user, group in assignees)
    announce({"type": QUESTIONS_CHANGED, "users": None if is_for_all else sorted(users)})
