"""Tells people what flows ask them, and reminds those who have not answered."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.text import Truncator

from executions.alerts import choices, deliveries
from executions.alerts.messages import Message
from executions.models import Delivery, Question
from executions.questions import access
from flows.models import Grant
from flows.roles import Role

#: Questions of which one transaction tells, and people whom one question is told at most.
_BATCH, _PEOPLE = 100, 200
#: Characters of the question and its details that a message shows.
_TITLE, _TEXT = 120, 400


def send_due() -> None:
    """Tell of questions that are new or newly assigned, and remind of those whose time has come."""
    now = timezone.now()
    _send(Question.objects.filter(told_at=None), now, "told_at")
    to_remind = Question.objects.filter(remind_at__lte=now, reminded_at=None, told_at__lt=now)
    _send(to_remind, now, "reminded_at", "Reminder: ")


@transaction.atomic
def _send(those: QuerySet[Question], now: datetime, column: str, before: str = "") -> None:
    """Write the deliveries of open questions, and in `column` that it was done."""
    rows = those.filter(state=Question.State.OPEN).order_by("asked_at")
    found = list(rows.select_for_update(of=("self",), skip_locked=True)[:_BATCH])
    written: list[Delivery] = []
    for question in found:
        message = _message(question, before)
        for user in _asked(question):
            written += deliveries.to_person(
                user, message, now, occasion=choices.ASKED.name, step=Delivery.Step.PERSONAL
            )
    deliveries.write(written)
    Question.objects.filter(pk__in=[one.pk for one in found]).update(**{column: now})


def _message(question: Question, before: str) -> Message:
    due = f" Due {question.due_at:%Y-%m-%d %H:%M} UTC." if question.due_at else ""
    details = Truncator(question.details).chars(_TEXT)
    return Message(
        title=before + Truncator(question.text).chars(_TITLE),
        text=f"{question.flow_name} asks you.{due} {details}".strip(),
        address=question.get_absolute_url(),
    )


def _asked(question: Question) -> Iterator[Any]:
    """Yield the users for whom a question is."""
    people = get_user_model()._default_manager.filter(is_active=True).select_related("preferences")
    if question.user_id:
        yield from people.filter(pk=question.user_id)
    elif question.group_id:
        yield from people.filter(groups=question.group_id).order_by("pk")[:_PEOPLE]
    else:
        for user in people.filter(_may_control(question)).order_by("pk")[:_PEOPLE]:
            if access.open_for(user).filter(pk=question.pk).exists():
                yield user


def _may_control(question: Question) -> Q:
    """The condition for users who may control an execution: those with a role, and who started it.
    What each may is asked of `questions.access`."""
    granted = Grant.objects.filter(role__gte=Role.OPERATE)
    return (
        Q(pk=question.initiator_id)
        | Q(is_superuser=True)
        | Q(pk__in=granted.values("user"))
        | Q(groups__in=granted.values("group"))
    )
