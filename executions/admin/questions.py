"""Questions that flows ask people, in the admin."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from executions.admin.lists import FlowFilter, ReadOnly, page_link
from executions.models import Question
from executions.questions import access


@admin.register(Question)
class QuestionAdmin(ReadOnly):
    """The questions that a user may see. They are answered and assigned on their pages, which write
    down who did that; their answers may be secret, and are not shown here."""

    list_display = (
        *("asked_at", "question_page", "flow_name", "assignee", "state", "due_at"),
        *("answered_by_name", "closed_at", "execution_page"),
    )
    list_filter = ("state", FlowFilter)
    list_select_related = ("user", "group")
    ordering = ("-pk",)
    exclude = ("form", "answers")
    raw_id_fields = ("execution", "user", "group", "answered_by")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return access.visible(request.user)

    @admin.display(description="question")
    def question_page(self, row: Question) -> str:
        """The question, as a link to its page."""
        return page_link("question", row.pk, row.text[:80])
