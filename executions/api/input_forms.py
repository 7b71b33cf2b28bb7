"""Webhooks and chains as programs send them: checked by the forms of their pages."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest

from executions.api.problems import Problem, invalid
from executions.commands.actor import Actor
from executions.models import Chain, Webhook
from executions.webhooks import changes
from executions.webhooks.forms import PREFIX, InputsForm
from flows.graph import FlowGraph, Message


def row_id(number: int) -> int:
    """Return a number of an address as an id. Raises Http404 for one that no row can have."""
    if number >= 2**63:
        raise Http404
    return number


def values_of(given: Any, fields: Iterable[str], graph: FlowGraph) -> dict[str, Any]:
    """Return what is given as the form takes it. Raises Problem for an input that is not there."""
    known = {variable.name for variable in graph.inputs}
    if unknown := sorted(set(given.inputs) - known):
        raise invalid(f"The flow has no input {unknown[0]}.", "inputs", "inputs", unknown[0])
    values = {name: getattr(given, name) for name in fields}
    return values | {PREFIX + name: text for name, text in given.inputs.items()}


def check(form: InputsForm) -> None:
    """Raise Problem with the messages of a form."""
    if form.is_valid():
        return
    messages = [
        Message(name.removeprefix(PREFIX), str(text), "", (name,))
        for name, texts in form.errors.items()
        for text in texts
    ]
    told = "; ".join(f"{one.location}: {one.summary}" for one in messages[:3])
    raise Problem(HTTPStatus.BAD_REQUEST, told, messages=messages)


def save(request: HttpRequest, row: Webhook | Chain, revision: int | None) -> None:
    """Save a row that its form has changed. Raises Problem."""
    if revision is not None:
        row.revision = revision
    try:
        changes.save(request.user, Actor.of_request(request, "api"), row)
    except changes.Changed:
        detail = "Somebody else has changed it meanwhile. Read it again."
        raise Problem(HTTPStatus.CONFLICT, detail) from None
    except changes.TooMany as problem:
        raise Problem(HTTPStatus.CONFLICT, str(problem)) from None
