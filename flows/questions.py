"""Questions that a flow asks people: the form that is answered, who is asked, and until when.

Pure. A field of the form is declared as an input variable of a flow is, so that the same form
fields take its value (`executions.forms`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flows import values
from flows.values import article, summary, type_name
from flows.variable_types import VARIABLE_TYPES

#: Fields that one question may have, and choices that a field may offer.
MOST_FIELDS, MOST_CHOICES = 50, 100
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_KEYS = ("Name", "Type", "Description", "Required", "Default", "Choices", "Secret")
#: The types whose values are chosen from a list.
_CHOSEN = ("Text", "Integer", "Number")


class FieldProblem(ValueError):
    """Something wrong with a declared field, or with an answer. The text is a sentence."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form. An empty `type` takes any value."""

    name: str
    type: str = "Text"
    description: str = ""
    required: bool = True
    has_default: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    is_secret: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the field in the typed JSON form."""
        shown = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return shown | {
            "default": values.encode(self.default),
            "choices": [values.encode(one) for one in self.choices],
        }

    @classmethod
    def of(cls, form: Mapping[str, Any]) -> "Field":
        """Return the field of a typed JSON form."""
        choices = tuple(values.decode(one) for one in form["choices"])
        return cls(**{**form, "default": values.decode(form["default"]), "choices": choices})

    def problem(self, value: Any) -> str:
        """Return what is wrong with a value for it; empty when it fits."""
        if values.too_deep(value):
            return f"The value is nested deeper than {values.LEVELS} levels."
        if value is None:
            return "It needs a value." if self.required else ""
        accepted = VARIABLE_TYPES.get(self.type)
        if accepted and type_name(value) not in accepted:
            return f"The value is {article(type_name(value))}, not {article(self.type)}."
        if self.choices and not any(value == one for one in self.choices):
            return f"It is none of {', '.join(map(summary, self.choices))}."
        return ""


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked. Without `user` and `group`, whoever may control the execution is."""

    text: str
    details: str
    fields: tuple[Field, ...]
    user: str
    group: str
    due_at: datetime | None
    remind_at: datetime | None

    @property
    def assignee(self) -> str:
        """Whom it is for, as in "Waits for ann" and "Waits for group approvers"."""
        return assignee(self.user, self.group)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, by whom and when; `secret_texts` are the values of secret fields."""

    answers: Mapping[str, Any]
    by: str
    at: datetime
    secret_texts: tuple[str, ...] = ()


def assignee(user: str, group: str) -> str:
    """Return in words whom a question is for."""
    if user:
        return user
    return f"group {group}" if group else "a person"


def read_fields(given: Any) -> tuple[Field, ...]:
    """Return the fields that a list of structures declares. Raises FieldProblem."""
    if not isinstance(given, list):
        raise FieldProblem("It must be a list of structures.")
    if len(given) > MOST_FIELDS:
        raise FieldProblem(
            f"It declares {len(given):,} fields; a question has up to {MOST_FIELDS}."
        )
    fields = tuple(_read_field(one) for one in given)
    seen: set[str] = set()
    for field in fields:
        if field.name.casefold() in seen:
            raise FieldProblem(f"It declares the field {field.name} twice.")
        seen.add(field.name.casefold())
    return fields


def _read_field(given: Any) -> Field:
    if isinstance(given, str):
        given = {"Name": given}
    if not isinstance(given, dict):
        raise FieldProblem(f"A field is a structure or a name, not {article(type_name(given))}.")
    for key in given:
        if key not in _KEYS:
            raise FieldProblem(f"A field has no {summary(key)}; it has {', '.join(_KEYS)}.")
    name = given.get("Name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise FieldProblem(
            f"{summary(name)} is no name of a field: a letter, then letters, digits and _."
        )
    kind = given.get("Type", "Text") or ""
    if kind and kind not in VARIABLE_TYPES:
        raise FieldProblem(f"{summary(kind)} is no type of a field; {_types()} are.")
    field = Field(
        name=name,
        type=kind,
        description=_text(given, "Description"),
        required=_flag(given, "Required", default=True),
        has_default="Default" in given,
        default=values.copy(given.get("Default")),
        choices=_choices(given.get("Choices"), name, kind),
        is_secret=_flag(given, "Secret", default=False),
    )
    return _with_fitting_default(field)


def _types() -> str:
    *first, last = VARIABLE_TYPES
    return f"{', '.join(first)} and {last}"


def _with_fitting_default(field: Field) -> Field:
    """Return the field, which null as a default leaves without one. Raises FieldProblem."""
    if field.default is None:
        return replace(field, has_default=False)
    if problem := field.problem(field.default):
        raise FieldProblem(f"The default of {field.name} does not fit. {problem}")
    return field


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key) or ""
    if not isinstance(value, str):
        raise FieldProblem(f"{key} is {article(type_name(value))}, not a Text.")
    return value


def _flag(given: Mapping[str, Any], key: str, *, default: bool) -> bool:
    value = given.get(key, default)
    if not isinstance(value, bool):
        raise FieldProblem(f"{key} is {article(type_name(value))}, not a Boolean.")
    return value


def _choices(given: Any, name: str, kind: str) -> tuple[Any, ...]:
    if given is None:
        return ()
    if kind not in _CHOSEN:
        raise FieldProblem(f"{name} has Choices, which only {', '.join(_CHOSEN)} take.")
    if not isinstance(given, list) or not 0 < len(given) <= MOST_CHOICES:
        raise FieldProblem(f"The Choices of {name} must be a list of 1 to {MOST_CHOICES} values.")
    for one in given:
        if one is None or (problem := Field(name, kind).problem(one)):
            told = "null is no choice." if one is None else problem
            raise FieldProblem(f"A choice of {name} does not fit. {told}")
    return tuple(given)


def complete(fields: Iterable[Field], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers in the order of the fields, with defaults where nothing was given."""
    return {
        field.name: given[field.name]
        if given.get(field.name) is not None
        else values.copy(field.default)
        for field in fields
    }


def problems(fields: Iterable[Field], given: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with answers, by the field's name."""
    fields = tuple(fields)
    known = {field.name for field in fields}
    names = ", ".join(field.name for field in fields)
    unknown = f"The question has no such field; it has {names or 'none'}."
    found = dict.fromkeys((name for name in given if name not in known), unknown)
    for name, value in complete(fields, given).items():
        field = next(one for one in fields if one.name == name)
        if problem := field.problem(value):
            found[name] = problem
    return found
