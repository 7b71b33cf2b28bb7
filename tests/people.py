"""Users and groups whom flows ask, and questions of executions."""

from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group, User

from executions.commands.actor import Actor
from executions.models import Execution, Question
from executions.questions import changes

#: Asks User or Group about Item, until Due.
APPROVAL = """
a: {type: Start Flow, bottom: ask}
ask:
  type: Ask A Person
  description: Ask for approval
  properties:
    Question: '="Approve " + Item + "?"'
    Details: =Details
    Fields: =Fields
    User: =User
    Group: =Group
    Due: =Due
    Answers: ($)Answers
    Answered By: ($)By
    Answered At: ($)At
  bottom: e
  exception: h
h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: e}
e: {type: End Flow}
"""
APPROVAL_VARIABLES = """
Item: {input: true, default: it}
Details: {input: true, default: null}
Fields: {input: true, default: [{Name: Approved, Type: Boolean}]}
User: {input: true, default: null}
Group: {input: true, default: null}
Due: {input: true, default: null}
Answers: {output: true}
By: {output: true}
At: {output: true}
Problem: {output: true}
"""


def person(name: str, *groups: str) -> User:
    """A user who may sign in, in these groups."""
    user, _ = User.objects.get_or_create(username=name, defaults={"email": f"{name}@example.org"})
    for group in groups:
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    return user


def actor(user: User) -> Actor:
    return Actor(user.pk, user.get_username(), "page")


def question_of(execution: Execution | UUID) -> Question:
    """The open question of an execution."""
    pk = execution if isinstance(execution, UUID) else execution.pk
    return Question.objects.select_related("user", "group").get(execution=pk, state="open")


def answer(question: Question, user: User, **given: Any) -> Question:
    return changes.answer(user, actor(user), question.pk, given)
