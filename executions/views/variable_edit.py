"""Edits a variable of a paused execution, or a part of it, with a preview before it is saved.

The page changes nothing; its last form gives the command `set-variable`
(`executions.views.commands`).
"""

import json
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from executions.commands.actor import Actor
from executions.commands.debugging.set_variable import preview
from executions.commands.request import CommandRefused, CommandRequest
from executions.views.address import Address
from executions.views.detail.subject import Subject
from executions.views.detail.value import ValuePlace, ValueView
from flows import equality, pretty_json, value_diff, value_paths, values
from flows.values import MASK, Masked

#: Characters of the largest value that is edited as a whole.
EDITABLE = 100_000


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def variable_edit(request: HttpRequest, execution_id: UUID) -> HttpResponse:
    """Show the value that `var` names in a form; posted with `value` and `retype`, also what would
    change. htmx gets only the form, for the dialog."""
    asked = request.POST if request.method == "POST" else request.GET
    place = ValuePlace.parse(asked.get("var", "")[:2000])
    subject = Subject(request.user, execution_id, Address())
    if place is None or place.level is None:
        raise Http404("This variable does not exist.")
    view = ValueView(subject, place, exact=True)
    context: dict[str, Any] = {
        "section": "executions",
        "execution": subject.execution,
        "view": view,
        "path": value_paths.join(place.keys),
        "back": f"{subject.execution.get_absolute_url()}{Address(var=str(place)).url()}",
        "refusal": view.no_edit,
    }
    if not view.no_edit:
        context |= _form(view) | (_preview(request, view) if request.method == "POST" else {})
    fragment = bool(getattr(request, "htmx", False))
    template = "executions/variable_form.html" if fragment else "executions/variable_edit.html"
    response = render(request, template, context)
    response["Cache-Control"] = "no-store"
    return response


def _form(view: ValueView) -> dict[str, Any]:
    """The value as text. A secret one is never shown, only replaced."""
    found = view.found
    if view.is_secret:
        why = f"{view.place.name} is secret. Edit it as a whole." if view.place.keys else ""
        return {"refusal": why} if why else {"value": ""}
    if not found.is_known and view.whole.is_known:
        return {"refusal": found.why}
    text = _text(found.value) if found.is_known else ""
    if len(text) > EDITABLE:
        return {"refusal": f"It has {len(text):,} characters. Open it, and edit a part of it."}
    return {"value": text}


def _text(value: Any) -> str:
    """The value as people type it: plain Text where that is unambiguous, otherwise JSON in its
    typed form. Both are read back unchanged."""
    if isinstance(value, Masked):
        return ""  # it is given anew
    if isinstance(value, str):
        if value[:1] != '"' and value.isprintable():
            return value
        # A typed form would be taken for the text itself.
        return json.dumps(value, ensure_ascii=values.legible(value) != value)
    return json.dumps(values.encode(value), indent=2, ensure_ascii=False)


def _preview(request: HttpRequest, view: ValueView) -> dict[str, Any]:
    """The preview of saving the value, or why that is refused, with what was typed."""
    subject, place = view.subject, view.place
    fields = {
        "level": place.scope,
        "name": place.name,
        "path": value_paths.join(place.keys),
        "value": request.POST.get("value", ""),
        "retype": request.POST.get("retype", ""),
    }
    if view.is_secret:
        return {}
    command = CommandRequest(subject.execution, request.user, Actor.of_request(request), fields)
    typed = {"value": fields["value"], "retype": command.is_checked("retype")}
    try:
        edit = preview(subject.execution.pk, command)
    except CommandRefused as refused:
        return typed | {"problem": str(refused)}
    parts, more = value_diff.diff(edit.before if edit.is_set else value_diff.ABSENT, edit.after)
    before, after = values.type_name(edit.before), values.type_name(edit.after)
    return typed | {
        "edit": edit,
        "was": edit.was,
        "parts": parts,
        "more": more,
        # The mask of a secret says nothing about equality.
        "is_same": edit.is_set
        and equality.same(edit.before, edit.after)
        and MASK not in pretty_json.text(edit.after),
        "types": (before, after) if edit.is_set and before != after else None,
    }
