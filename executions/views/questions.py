"""For you: the questions that flows ask people, and answering one."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from executions import access
from executions.commands.actor import Actor
from executions.forms import AnswerForm
from executions.models import Question
from executions.questions import access as questions_access
from executions.questions import changes
from executions.questions.access import OPEN, TABS
from executions.views.parts import Part, changed, held
from flows import access as flows_access

#: Questions on a page, and people whom a form offers.
_PAGE, _OFFERED = 50, 500
_LIST = (Part("questions", "questions/table.html", "question-list"),)
_STATE = (Part("state", "questions/state_part.html", "question-state"),)


@require_safe
def question_list(request: HttpRequest) -> HttpResponse:
    """List the questions for the user: what is due first, then the newest."""
    context = _listed(request)
    context |= {
        "section": "questions",
        "parts": {part.name: part.element(request, context) for part in _LIST},
        "live_url": reverse("questions-live"),
    }
    return render(request, "questions/questions.html", context)


@require_safe
@never_cache
def question_list_live(request: HttpRequest) -> HttpResponse:
    """The list, when it differs from the one that the browser holds."""
    return HttpResponse(changed(_LIST, request, _listed(request), held(request)))


def _listed(request: HttpRequest) -> dict[str, Any]:
    tab = request.GET.get("tab", OPEN)
    tab = tab if tab in TABS else OPEN
    found = questions_access.list_questions(request.user, tab)
    page = Paginator(found.select_related("user", "group"), _PAGE).get_page(request.GET.get("page"))
    questions = list(page)
    named = {question.flow_name for question in questions}
    flows = flows_access.visible(request.user).filter(name__in=named).values_list("name", flat=True)
    return {"tab": tab, "tabs": TABS, "page": page, "questions": questions, "flows": set(flows)}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def question(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Show a question with its form; a POST answers it."""
    found = questions_access.get_or_404(request.user, question_id)
    if request.method != "POST":
        return _page(request, found, AnswerForm(found.fields))
    actor = Actor.of_request(request)
    form = AnswerForm(found.fields, request.POST)
    try:
        changes.require_may_answer(request.user, actor, found)
        if form.is_valid():
            changes.answer(request.user, actor, found.pk, form.values)
            messages.success(request, "Your answer is saved, and the execution goes on.")
            return redirect(found)
    except changes.Unfit as unfit:
        form.add_problems(unfit.problems)
    except changes.NotAllowed as refused:
        raise PermissionDenied(str(refused)) from None
    except changes.Closed as closed:
        return _closed(request, found, str(closed))
    return _page(request, found, form)


def _closed(request: HttpRequest, found: Question, why: str) -> HttpResponse:
    """Say what has become of a question that somebody has just answered. A form that was sent twice
    has been answered by the same user, who need not hear of it."""
    found.refresh_from_db()
    if found.answered_by_id != request.user.pk:
        messages.warning(request, why)
    return redirect(found)


def _page(request: HttpRequest, found: Question, form: AnswerForm) -> HttpResponse:
    user = request.user
    may_answer = found.is_open and questions_access.may_answer(user, found)
    may_assign = found.is_open and questions_access.may_assign(user, found)
    context = _state(request, found) | {
        "section": "questions",
        "form": form if may_answer else None,
        "may_answer": may_answer,
        "may_assign": may_assign,
        "may_take": may_answer and found.user_id != user.pk,
        "may_give_back": may_answer and questions_access.may_give_back(user, found),
        "live_url": reverse("question-live", args=[found.pk]),
    }
    if may_assign:
        context["people"] = _names(get_user_model()._default_manager.filter(is_active=True))
        context["groups"] = list(Group.objects.order_by("name").values_list("name", flat=True))
    context["parts"] = {part.name: part.element(request, context) for part in _STATE}
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "questions/question.html", context, status=status)


def _names(people: Any) -> list[str]:
    return list(people.order_by("username").values_list("username", flat=True)[:_OFFERED])


@require_safe
@never_cache
def question_live(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """What is known of a question, when it differs from what the browser holds."""
    found = questions_access.get_or_404(request.user, question_id)
    return HttpResponse(changed(_STATE, request, _state(request, found), held(request)))


def _state(request: HttpRequest, found: Question) -> dict[str, Any]:
    execution = access.visible(request.user).filter(pk=found.execution_id).first()
    flow = flows_access.visible(request.user).filter(name=found.flow_name).first()
    following = questions_access.open_for(request.user).exclude(pk=found.pk)
    return {
        "question": found,
        "execution": execution,
        "flow": flow,
        "answers": found.shown_answers() if found.state == Question.State.ANSWERED else {},
        "next": None
        if found.is_open
        else following.order_by(F("due_at").asc(nulls_last=True), "-asked_at").first(),
    }


@require_POST
def take_question(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Take a question: from now on it is for this user."""
    return _change(request, question_id, "take", "The question is yours now.")


@require_POST
def give_back_question(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Give a question back to its group."""
    return _change(request, question_id, "give_back", "The question is back with its group.")


@require_POST
def assign_question(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Give a question to somebody else."""
    given = {
        "to_user": request.POST.get("user", "").strip(),
        "to_group": request.POST.get("group", "").strip(),
    }
    return _change(
        request,
        question_id,
        "assign",
        "The question is assigned, and its assignee is notified.",
        **given,
    )


_CHANGES = {"take": changes.take, "give_back": changes.give_back, "assign": changes.assign}


def _change(
    request: HttpRequest, question_id: UUID, name: str, told: str, **given: str
) -> HttpResponse:
    found = questions_access.get_or_404(request.user, question_id)
    try:
        _CHANGES[name](request.user, Actor.of_request(request), found.pk, **given)
    except changes.NotAllowed as refused:
        raise PermissionDenied(str(refused)) from None
    except (changes.Refused, changes.NoSuchAssignee) as refused:
        messages.warning(request, str(refused))
    else:
        messages.success(request, told)
    still = questions_access.visible(request.user).filter(pk=found.pk).exists()
    return redirect(found) if still else redirect("questions")
