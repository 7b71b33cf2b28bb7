"""What may follow in the query box, and what the editors of the filter bar suggest.

Only what the user may see is suggested. Names that no table lists (workspaces, exception types,
variables) are those of the newest executions.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from executions import access
from executions.grid.query import query_syntax
from executions.grid.query.fields import FIELDS, ME, VARIABLE, Field, Kind, field_of
from executions.grid.query.lexemes import fold
from executions.models import Execution, Value
from executions.states import LIVE, Reason, Status
from flows import access as flows_access
from flows.blocks import BY_TYPE

#: Suggestions at a time.
LIMIT = 12
#: Executions in which names are looked for: the newest that the user may see.
RECENT = 1_000

PRESETS = {
    Kind.TIME: (
        ("today", "Today, from midnight"),
        ("yesterday", "Yesterday"),
        (">-15m", "In the last 15 minutes"),
        (">-2h", "In the last 2 hours"),
        (">-1d", "In the last 24 hours"),
        (">-7d", "In the last 7 days"),
    ),
    Kind.DURATION: ((">10s", "Longer than 10 s"), (">1m", "Longer than 1 min"), ("<1s", "Shorter")),
    Kind.NUMBER: ((">1000", "More than 1000"), ("1..5", "1 to 5")),
}


@dataclass(frozen=True)
class Known:
    """A value of a field, and what it means."""

    value: str
    detail: str = ""


@dataclass(frozen=True)
class Suggestion:
    """`text` is the whole query with the suggestion taken, and `caret` where one types on;
    `is_choice` says that the field can be nothing but what is suggested."""

    label: str
    detail: str
    text: str
    caret: int
    is_choice: bool = False


def complete(user: Any, typed: str, caret: int) -> list[Suggestion]:
    """What may stand at the caret of a query."""
    caret = max(0, min(caret, len(typed)))
    start = _start(typed[:caret])
    end = caret + len(re.split(r"\s", typed[caret:], maxsplit=1)[0])
    word = typed[start:caret]
    negation = "-" if word.startswith("-") else ""
    named = re.match(r"([A-Za-z]+(?:\.[^\s:=<>]+)?)(:|=)(.*)", word[len(negation) :], re.DOTALL)
    found = []
    if named and (field := field_of(named[1])):
        before, partial = "", named[3]
        if field.kind.alternatives:
            before, _, partial = partial.rpartition(",")
        kept = f"{before}," if before else ""
        for one in values(user, field, partial.strip('"')):
            whole = f"{negation}{named[1]}{named[2]}{kept}{query_syntax.quoted(one.value)}"
            taken = _suggestion(one.value, one.detail, typed, start, end, f"{whole} ")
            found.append(replace(taken, is_choice=bool(field.options)))
        return found
    partial = word[len(negation) :].lower()
    if partial.startswith(VARIABLE):
        for name in variables(user, partial[len(VARIABLE) :]):
            whole = f"{negation}{VARIABLE}{name}="
            found.append(_suggestion(whole, "Variable", typed, start, end, whole))
        return found
    for field in FIELDS:
        if field.key.startswith(partial) or (partial and field.label.lower().startswith(partial)):
            whole = f"{negation}{field.key}:"
            found.append(_suggestion(whole, _about(field), typed, start, end, whole))
    if VARIABLE.startswith(partial):
        found.append(
            _suggestion(VARIABLE, "Variable, as in var.customer=42", typed, start, end, VARIABLE)
        )
    return found[: LIMIT if partial else None]


def values(user: Any, field: Field, partial: str) -> list[Known]:
    """What a field may be that contains what is typed."""
    folded = fold(partial)
    if field.options:
        known = [Known(name, label if label != name else "") for name, label in field.options]
        return [one for one in known if folded in fold(one.value) or folded in fold(one.detail)]
    if field.kind in PRESETS:
        return [Known(*one) for one in PRESETS[field.kind] if one[0].startswith(partial)]
    return [Known(name) for name in _names(user, field, folded)][:LIMIT]


def variables(user: Any, partial: str) -> list[str]:
    """The names of variables that the newest executions hold."""
    ids = list(_newest(user).values_list("pk", flat=True)[:100])
    names = Value.objects.filter(execution_id__in=ids).values_list("name", flat=True).distinct()
    return sorted(name for name in names if partial.casefold() in name)[:LIMIT]


def _names(user: Any, field: Field, folded: str) -> Iterable[str]:
    match field.key:
        case "flow":
            flows = flows_access.visible(user).filter(name__icontains=folded)
            return list(flows.order_by("name").values_list("name", flat=True)[:LIMIT])
        case "initiator" | "debugger":
            people = get_user_model().objects.filter(username__icontains=folded, is_active=True)
            if not access.sees_all(user):
                people = people.filter(pk=user.pk)
            names = list(people.order_by("username").values_list("username", flat=True)[:LIMIT])
            return [ME, *names] if ME.startswith(folded) else names
        case "block":
            return [block.type for block in BY_TYPE.values() if folded in fold(block.type)]
        case "workspace" | "error" | "worker" | "semaphore":
            rows = _newest(user)
            if field.key == "semaphore":
                rows = rows.filter(status=Status.RUNNING, reason=Reason.SEMAPHORE)
            if field.key == "worker":
                rows = rows.filter(status__in=sorted(LIVE))
            if field.key == "error":
                rows = rows.exclude(exception_types="")
            found = set(rows.values_list(field.column, flat=True)[:RECENT])
            if field.several:
                found = {name for names in found for name in names.split("\n")}
            return sorted(name for name in found if name and folded in fold(name))
    return ()


def _newest(user: Any) -> QuerySet[Execution]:
    return access.visible(user).order_by("-started_at", "-id")


def _suggestion(
    label: str, detail: str, typed: str, start: int, end: int, whole: str
) -> Suggestion:
    rest = typed[end:].lstrip() if whole.endswith(" ") else typed[end:]
    return Suggestion(label, detail, typed[:start] + whole + rest, start + len(whole))


def _start(before: str) -> int:
    """Where the word that is being typed begins."""
    start, inside = 0, False
    for number, char in enumerate(before):
        if char == '"':
            inside = not inside
        elif char.isspace() and not inside:
            start = number + 1
    return start


def _about(field: Field) -> str:
    if not field.example:
        return field.label
    return f"{field.label}, as in {field.key}:{query_syntax.quoted(field.example)}"
