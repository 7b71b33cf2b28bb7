"""What people do to questions: answer, take, give back and assign them.

Each is checked, and written with its audit entry, in one transaction. A refusal is a sentence that
says what has happened meanwhile.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from executions import audit
from executions.access import User
from executions.audit.differences import Masked
from executions.commands.actor import Actor
from executions.dispatch import enqueue
from executions.models import Execution, Question
from executions.publishing import publish
from executions.questions import access
from executions.store.lifecycle import questions as store
from executions.store.lifecycle import transitions, wait_text
from flows import administrators, questions, values
from flows.formatting import clock


class Refused(Exception):
    """Nothing was changed. The text is a sentence that says why."""


class NotAllowed(Refused):
    """The user may see the question, but not do this."""


class Closed(Refused):
    """The question is not open any longer."""


class Unfit(Exception):
    """Answers that do not fit; `problems` says what is wrong, by the field's name."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {told}" for name, told in problems.items()))
        self.problems = problems


class NoSuchAssignee(Exception):
    """There is no such user or group. The text is a sentence."""


def what_became(question: Question) -> str:
    """Say what has become of a question that is not open."""
    when = clock(question.closed_at) if question.closed_at else ""
    match question.state:
        case Question.State.ANSWERED:
            return f"Answered by {question.answered_by_name} meanwhile, {when}."
        case Question.State.OVERDUE:
            return f"Nobody had answered when it was due, {when}."
    return f"Withdrawn {when}: its execution does not wait for the answer any longer."


def require_may_answer(user: User, actor: Actor, question: Question) -> None:
    """Refuse whoever may not answer, with an audit entry, before their answers are read. Raises
    NotAllowed."""
    if not access.may_answer(user, question):
        refused = _not_allowed(access.may_answer, user, question)
        _record(actor, "answer-question", question, done=False, detail=refused)
        raise NotAllowed(refused)


def answer(user: User, actor: Actor, question_id: UUID, given: Mapping[str, Any]) -> Question:
    """Answer a question and wake its execution. Raises Refused and Unfit."""
    with _changing(user, actor, "answer-question", question_id, access.may_answer) as question:
        fields = question.fields
        if problems := questions.problems(fields, given):
            raise Unfit(problems)
        answers = questions.complete(fields, given)
        question.state, question.closed_at = Question.State.ANSWERED, timezone.now()
        question.answers = values.encode(answers)
        question.answered_by_id, question.answered_by_name = actor.user_id, actor.name[:150]
        question.save(
            update_fields=["state", "closed_at", "answers", "answered_by", "answered_by_name"]
        )
        shown = {
            field.name: Masked(form) if field.is_secret else form
            for field in fields
            for form in [values.encode(answers[field.name])]
        }
        _record(actor, "answer-question", question, after=shown)
        store.notify_pages([(question.user_id, question.group_id)])
        woken = transitions.wake_answered(question.execution_id)
        for event in woken:
            enqueue(event)
        publish(woken)
    return question


def take(user: User, actor: Actor, question_id: UUID) -> Question:
    """Take a question: from now on it is for this user. Raises Refused."""
    with _changing(user, actor, "take-question", question_id, access.may_answer) as question:
        taker = get_user_model()._default_manager.get(username=user.get_username())
        _assign(actor, "take-question", question, taker, question.group)
    return question


def give_back(user: User, actor: Actor, question_id: UUID) -> Question:
    """Give a question back to its group. Raises Refused."""
    with _changing(user, actor, "give-back-question", question_id, access.may_answer) as question:
        if not access.may_give_back(user, question):
            raise Refused("Nobody has taken it from a group.")
        _assign(actor, "give-back-question", question, None, question.group)
    return question


def assign(
    user: User, actor: Actor, question_id: UUID, to_user: str = "", to_group: str = ""
) -> Question:
    """Give a question to a user, to a group, or with neither to whoever may control the
    execution; they are told. Raises Refused and NoSuchAssignee."""
    with _changing(user, actor, "assign-question", question_id, access.may_assign) as question:
        person, group = _person(to_user), _group(to_group)
        if person and not group:
            group = question.group
        question.told_at = None
        _assign(actor, "assign-question", question, person, group)
    return question


@contextmanager
def _changing(
    user: User,
    actor: Actor,
    command: str,
    question_id: UUID,
    may: Callable[[User, Question], bool],
) -> Iterator[Question]:
    """Lock a question for a change, if it is open and the user may. A refusal is audited."""
    question = Question.objects.select_related("execution").get(pk=question_id)
    try:
        with transaction.atomic():
            question = _lock(question)
            if not may(user, question):
                raise NotAllowed(_not_allowed(may, user, question))
            if not question.is_open:
                raise Closed(what_became(question))
            yield question
    except Refused as refused:
        _record(actor, command, question, done=False, detail=str(refused))
        raise


def _lock(question: Question) -> Question:
    """Lock a question, after its execution as everybody does."""
    Execution.objects.select_for_update(of=("self",)).only("pk").get(pk=question.execution_id)
    found = Question.objects.select_for_update(of=("self",))
    return found.select_related("user", "group", "execution").get(pk=question.pk)


def _not_allowed(may: Callable[[User, Question], bool], user: User, question: Question) -> str:
    if may is access.may_assign:
        asked = administrators.ask_about(user, question.flow_name)
        return (
            "You may not assign this question. That takes the role operate on "
            f"{question.flow_name}. {asked}"
        )
    return f"You may not answer this question: it is for {question.assignee}."


def _record(actor: Actor, command: str, question: Question, **about: Any) -> None:
    audit.record(actor, command, execution=question.execution, subject=question, **about)


def _person(name: str) -> Any:
    if not name:
        return None
    people = get_user_model()._default_manager.filter(is_active=True)
    if (found := people.filter(username=name).first()) is None:
        raise NoSuchAssignee(f"There is no active user called {name}.")
    return found


def _group(name: str) -> Group | None:
    if not name:
        return None
    if (found := Group.objects.filter(name=name).first()) is None:
        raise NoSuchAssignee(f"There is no group called {name}.")
    return found


def _assign(actor: Actor, command: str, question: Question, user: Any, group: Group | None) -> None:
    """Write down whom a question is for, also for those who look at its execution."""
    before = _assignee(question)
    asked_before = (question.user_id, question.group_id)
    question.user, question.group = user, group
    question.save(update_fields=["user", "group", "told_at"])
    _record(actor, command, question, before=before, after=_assignee(question))
    store.notify_pages([asked_before, (question.user_id, question.group_id)])
    text = wait_text.format_question(str(question.pk), question.assignee)
    publish(transitions.assign_question(question.execution_id, text))


def _assignee(question: Question) -> dict[str, Any]:
    return {
        "user": question.user.get_username() if question.user else None,
        "group": question.group.name if question.group else None,
    }
