"""Questions that flows ask people."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.urls import reverse

from executions.fields import EncryptedJSONField
from executions.models.execution import Execution, new_id
from flows import questions, values
from flows.questions import Field


class Question(models.Model):
    """What an Ask A Person block asks, and what was answered.

    It is inserted in the transaction that parks its execution. The answer and the wake of the
    execution are one transaction too, so an answer counts once, whatever dies.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ANSWERED = "answered", "Answered"
        OVERDUE = "overdue", "Not answered in time"
        #: Its execution has stopped, or gone elsewhere.
        WITHDRAWN = "withdrawn", "Withdrawn"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="questions", db_index=False
    )
    #: As of its execution: who may answer is found without it.
    flow_name = models.CharField(max_length=120, db_collation="C")
    initiator_id = models.BigIntegerField(null=True)
    block = models.CharField(max_length=200)
    block_title = models.CharField(max_length=200)

    text = models.TextField()
    details = models.TextField(blank=True)
    #: The declared fields (`flows.questions.Field.as_json`); a default may be secret.
    form = EncryptedJSONField(default=list)

    #: Who is asked: a user, or else the members of a group, or else whoever may control
    #: the execution. With both, the user has taken it from the group, or was given it.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    group = models.ForeignKey(
        Group, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    remind_at = models.DateTimeField(null=True, blank=True)
    #: When those who are asked were told of it, and when they were reminded.
    told_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)

    #: When it was answered, overdue or withdrawn.
    closed_at = models.DateTimeField(null=True, blank=True)
    answers = EncryptedJSONField(null=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    answered_by_name = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-asked_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["execution"], condition=Q(state="open"), name="question_open_once"
            ),
            models.CheckConstraint(
                condition=Q(state="open", closed_at=None)
                | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="question_closed_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["execution", "-asked_at"], name="question_of_execution"),
            models.Index(fields=["user", "-asked_at", "-id"], name="question_of_user"),
            models.Index(fields=["group", "-asked_at", "-id"], name="question_of_group"),
            models.Index(fields=["answered_by", "-closed_at"], name="question_answered_by"),
            models.Index(
                fields=["flow_name"],
                name="question_open_for_anyone",
                condition=Q(state="open", user=None, group=None),
            ),
            models.Index(fields=["flow_name", "-asked_at", "-id"], name="question_of_flow"),
            models.Index(
                fields=["asked_at"], name="question_untold", condition=Q(state="open", told_at=None)
            ),
            models.Index(
                fields=["remind_at"],
                name="question_to_remind",
                condition=Q(state="open", reminded_at=None, remind_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.text

    def get_absolute_url(self) -> str:
        return reverse("question", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state == self.State.OPEN

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of its form."""
        return tuple(Field.of(one) for one in self.form or ())

    @property
    def assignee(self) -> str:
        """Whom it is for, in words."""
        return questions.assignee(
            self.user.get_username() if self.user else "", self.group.name if self.group else ""
        )

    def shown_answers(self) -> dict[str, Any]:
        """Return the answers as people may see them."""
        given = values.decode(self.answers or {})
        return {
            field.name: values.MASKED
            if field.is_secret and given.get(field.name) is not None
            else given.get(field.name)
            for field in self.fields
        }
