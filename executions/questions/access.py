"""Who may see, answer and assign which questions. Pages, the API and the admin ask here.

A question is for a user, or else for the members of a group, or else for whoever controls its
execution. Those who operate its flow may always answer and assign it; that somebody has started the
execution is not enough, or people could approve what they ask for themselves.
"""

from typing import Any

from django.contrib.auth.models import Group
from django.db.models import F, Q, QuerySet
from django.http import Http404

from executions import access
from executions.access import User
from executions.models import Question
from flows.rights import rights_of
from flows.roles import Role

#: The lists of questions, and what they are called.
OPEN, ANSWERED, ALL = "open", "answered", "all"
TABS = {OPEN: "Open", ANSWERED: "Answered by you", ALL: "All you may see"}
NOT_FOUND = "This question does not exist, or you may not see it."


def _of_flows(names: frozenset[str] | None) -> Q:
    return Q() if names is None else Q(flow_name__any_of=sorted(names))


def _within(user: User, role: Role) -> frozenset[str] | None:
    """The flows of which they may do, up to a role, what concerns themselves; None for all. An API
    token may be limited to some."""
    rights = rights_of(user)
    return rights.names_of(rights.own_flow_ids(role))


def _operated(user: User) -> frozenset[str] | None:
    """The flows that they operate, whoever has started the execution; None for all."""
    rights = rights_of(user)
    return rights.names_of(rights.flow_ids(Role.OPERATE))


def _groups(user: User) -> QuerySet[Group]:
    return Group.objects.filter(user=user.pk)


def _assigned(user: User) -> Q:
    """The condition for questions that are for a user, or for a group of theirs."""
    return Q(user=user.pk) | Q(user=None, group__in=_groups(user).values("pk"))


def _for(user: User, role: Role) -> Q:
    if user.pk is None:
        return Q(pk__in=[])
    for_anyone = Q(user=None, group=None) & access.controlled(user).condition()
    return (_assigned(user) & _of_flows(_within(user, role))) | for_anyone


def for_me(user: User) -> QuerySet[Question]:
    """Return the questions that are for a user: by name, as a member of a group, or because nobody
    in particular is asked."""
    return Question.objects.filter(_for(user, Role.OPERATE))


def open_for(user: User) -> QuerySet[Question]:
    """Return the questions that wait for a user."""
    return for_me(user).filter(state=Question.State.OPEN)


def count_open(user: User, most: int) -> int:
    """Return how many questions wait for a user, counted up to so many."""
    return open_for(user).order_by()[:most].count()


def answered_by(user: User) -> QuerySet[Question]:
    """Return the questions that a user has answered, and that they may still see."""
    return visible(user).filter(answered_by=user.pk, state=Question.State.ANSWERED)


def visible(user: User) -> QuerySet[Question]:
    """Return the questions that a user may see: those for them or their groups, those that they
    have answered, and those of the executions that they see."""
    if user.pk is None:
        return Question.objects.none()
    seen = access.seen(user)
    if seen.is_all:
        return Question.objects.all()
    own = Q(answered_by=user.pk) | Q(group__in=_groups(user).values("pk")) | Q(user=user.pk)
    return Question.objects.filter((own & _of_flows(_within(user, Role.SEE))) | seen.condition())


def list_questions(user: User, tab: str) -> QuerySet[Question]:
    """Return the questions of a list: open ones with what is due first, others the newest first."""
    if tab == OPEN:
        return open_for(user).order_by(F("due_at").asc(nulls_last=True), "-asked_at", "-id")
    if tab == ANSWERED:
        return answered_by(user).order_by("-closed_at", "-id")
    return visible(user).order_by("-asked_at", "-id")


def get_or_404(user: User, question_id: Any) -> Question:
    """Return a question that the user may see. Raises Http404 when there is none."""
    found = visible(user).select_related("user", "group", "execution__version")
    question = found.filter(pk=question_id).first()
    if question is None:
        raise Http404(NOT_FOUND)
    return question


def may_assign(user: User, question: Question) -> bool:
    """Return whether a user may give a question to somebody else."""
    names = _operated(user)
    return names is None or question.flow_name in names


def may_answer(user: User, question: Question) -> bool:
    """Return whether a user may answer a question, once it is open."""
    return may_assign(user, question) or for_me(user).filter(pk=question.pk).exists()


def may_give_back(user: User, question: Question) -> bool:
    """Return whether a user may give a question back to the group from which it was taken."""
    if question.user_id is None or question.group_id is None:
        return False
    return may_assign(user, question) or may_answer(user, question)
