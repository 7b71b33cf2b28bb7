"""Forms with typed fields: the one that starts a flow has a field for each input variable, the one
that answers a question a field for each that the flow has declared.

A field that is left empty is not given, so that the variable's default, or nothing, counts. What
was typed is shown again when something is wrong, but for secrets.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from executions import access
from executions.access import User
from executions.commands.permissions import ask_to_debug
from flows import parsing, pretty_json, values
from flows.expressions import ExpressionError
from flows.graph import FlowGraph, Message, VariableNode
from flows.questions import Field, problems
from flows.value_sources import Literal, evaluate_constant

#: Field names of variables begin with this, so that none meets a field of the form itself.
PREFIX = "input-"
#: Characters that a field takes.
LIMIT = 1_000_000
#: Bytes of a default that the form shows; a larger one counts all the same.
DEFAULT_LENGTH = 100_000
#: What stands for an empty text, since an empty field gives nothing.
EMPTY_TEXT = '""'


class TypedForm(forms.Form):
    """Built from variables; `values` are what was given, by variable name."""

    def __init__(self, variables: Iterable[VariableNode], data: Any = None) -> None:
        super().__init__(data)
        self.variables = {variable.name: variable for variable in variables}
        for variable in self.variables.values():
            self.fields[PREFIX + variable.name] = _Input(variable)

    @property
    def inputs(self) -> list[forms.BoundField]:
        """The fields of the variables, in their order."""
        return [self[PREFIX + name] for name in self.variables]

    @property
    def values(self) -> dict[str, Any]:
        """The given values by variable name; after `is_valid`."""
        return {
            name: self.cleaned_data[PREFIX + name]
            for name in self.variables
            if self.cleaned_data.get(PREFIX + name, NOTHING) is not NOTHING
        }


class AnswerForm(TypedForm):
    """The form of a question."""

    def __init__(self, fields: Iterable[Field], data: Any = None) -> None:
        self.asked = {field.name: field for field in fields}
        super().__init__(map(_variable, self.asked.values()), data)
        for name, field in self.asked.items():
            if field.choices and not field.is_secret:
                self.fields[PREFIX + name].widget = _choice_widget(field)

    def clean(self) -> dict[str, Any]:
        """Hold what could be read against what each field takes."""
        cleaned = super().clean() or self.cleaned_data
        read = {
            name: field for name, field in self.asked.items() if PREFIX + name not in self.errors
        }
        self.add_problems(problems(read.values(), {name: self.values.get(name) for name in read}))
        return cleaned

    def add_problems(self, problems: Mapping[str, str]) -> None:
        """Put what is wrong beside the fields that it is about."""
        for name, told in problems.items():
            self.add_error(PREFIX + name if name in self.asked else None, told)


def _variable(field: Field) -> VariableNode:
    """A field of a question as the variable that it is declared like."""
    return VariableNode(
        name=field.name,
        description=field.description,
        type=field.type,
        has_default=field.has_default or not field.required,
        default=Literal(field.default if field.has_default else NOTHING),
        is_input=True,
        is_output=False,
        is_secret=field.is_secret,
    )


def _choice_widget(field: Field) -> forms.Widget:
    """A list to choose from. What is chosen is read as if it were typed."""
    texts = [one if isinstance(one, str) else json.dumps(one) for one in field.choices]
    unset = "Choose one"
    if field.has_default:
        unset = f"Default: {field.default}"
    elif not field.required:
        unset = "None"
    return forms.Select(choices=[("", unset), *((text, text) for text in texts)])


class StartForm(TypedForm):
    """Built from a flow's input variables."""

    paused = forms.BooleanField(required=False, label="Pause at the first block")
    debug = forms.BooleanField(required=False, label="Debug it with my breakpoints")
    break_on_exception = forms.BooleanField(required=False, label="Break on exception")

    #: The fields of who may debug.
    DEBUGGING = ("paused", "debug", "break_on_exception")

    def __init__(
        self, graph: FlowGraph, data: Any = None, *, user: User | None = None, flow_name: str = ""
    ) -> None:
        super().__init__(graph.inputs, data)
        self._user, self._flow_name = user or AnonymousUser(), flow_name
        self.debugs = access.has_debug_permission(self._user, flow_name)
        self.general: list[Message] = []

    def clean(self) -> dict[str, Any]:
        """Refuse what only who may debug asks for."""
        cleaned = super().clean() or self.cleaned_data
        if not self.debugs and any(cleaned.get(name) for name in self.DEBUGGING):
            asked = ask_to_debug(self._user, self._flow_name)
            text = f"You may start it, but not debug it. {asked}"
            self.general.append(Message("Start", text, ""))
            self.add_error(None, text)
        return cleaned

    def add_problems(self, messages: Iterable[Message]) -> None:
        """Put each message beside the variable that it is about, the others above the form."""
        for message in messages:
            name = _variable_of(message, self.variables)
            if name:
                self.add_error(PREFIX + name, f"{message.summary} {message.details}".strip())
            else:
                self.general.append(message)


def read_value(variable: VariableNode, text: str) -> Any:
    """Return the value that is typed for a variable. Raises ParseError."""
    return _PARSERS.get(variable.type, _anything)(text)


class _Nothing:
    """Given nothing; null is a value."""

    def __bool__(self) -> bool:
        return False


NOTHING = _Nothing()


class _Input(forms.Field):
    """Text in, a value of the variable's type out."""

    def __init__(self, variable: VariableNode) -> None:
        self.variable = variable
        value = _default(variable)
        changed = variable.type in ("List", "Structure") and not variable.is_secret
        super().__init__(
            required=False,
            label=variable.name,
            widget=_widget(variable, _hint(variable, value)),
            # A list or structure is changed more often than written anew. It is sent back as it
            # is, so it has the form that is read.
            initial=_typed(value) if changed and value is not NOTHING else None,
            help_text=variable.description,
        )

    @property
    def kind(self) -> str:
        """The type as the form tells it."""
        return self.variable.type or "Any JSON, or text"

    @property
    def optional(self) -> bool:
        """Whether the flow starts without it."""
        return self.variable.has_default

    def clean(self, value: Any) -> Any:
        text = "" if value is None else str(value)
        if len(text) > LIMIT:
            raise forms.ValidationError(f"It is longer than {LIMIT:,} characters.")
        if not text.strip() and not (self.variable.type == "Text" and text):
            return NOTHING
        try:
            return read_value(self.variable, text)
        except parsing.ParseError as error:
            # Of a secret nothing is said that may repeat some of it.
            told = f"This cannot be read as {self.kind}." if self.variable.is_secret else str(error)
        raise forms.ValidationError(told)


def _default(variable: VariableNode) -> Any:
    """The default's value; NOTHING where there is none, or none that can be told."""
    if not variable.has_default:
        return NOTHING
    try:
        return evaluate_constant(variable.default, DEFAULT_LENGTH)
    except (ExpressionError, KeyError):
        # The flow's own messages say what is wrong with a default; here it is only a hint.
        return NOTHING


def _typed(value: Any) -> str:
    """A value in the form that is read back without a difference."""
    return json.dumps(values.encode(value), indent=2, ensure_ascii=False)


def _hint(variable: VariableNode, value: Any) -> str:
    """A value as one reads it; it is never read back."""
    if value is NOTHING:
        return ""
    if variable.type == "Text" and isinstance(value, str):
        return values.legible(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, float):
        return values.number_text(value)
    return pretty_json.text(value)


#: What the empty fields of some types show.
_EXAMPLES = {
    "Date Time": "2025-07-15 12:00",
    "Local Date Time": "2025-07-15 12:00, without an offset",
    "Duration": "00:01:30",
    "Time Period": "P1Y2M3DT4H",
}


def _widget(variable: VariableNode, default: str) -> forms.Widget:
    if variable.is_secret:
        told = " ".join(
            f"id_{PREFIX}{variable.name}_{part}" for part in ("secret", "helptext", "error")
        )
        return forms.PasswordInput(
            {"autocomplete": "new-password", "spellcheck": "false", "aria-describedby": told}
        )
    hint = {"placeholder": default[:200]} if default else {}
    match variable.type:
        case "Boolean":
            unset = f"Default: {default}" if default else "Not given"
            return forms.Select(choices=[("", unset), ("true", "True"), ("false", "False")])
        case "List" | "Structure":
            example = "[1, 2]" if variable.type == "List" else '{"key": "value"}'
            return forms.Textarea(
                {"rows": 4, "spellcheck": "false", **(hint or {"placeholder": example})}
            )
        case "Integer" | "Number":
            mode = "numeric" if variable.type == "Integer" else "decimal"
            return forms.TextInput({"inputmode": mode, **hint})
        case kind if kind in _EXAMPLES:
            return forms.TextInput(hint or {"placeholder": _EXAMPLES[kind]})
        case "Text":
            if "\n" in default or len(default) > 60:
                return forms.Textarea({"rows": 4, **hint})
            return forms.TextInput(hint)
    return forms.Textarea({"rows": 2, "spellcheck": "false", **hint})


def _moment(text: str) -> datetime:
    return parsing.moment(text, timezone.get_current_timezone())


def _list(text: str) -> Any:
    value = parsing.value(text)
    if not isinstance(value, list):
        raise parsing.ParseError('Enter a list, such as ["a", "b"].')
    return value


def _structure(text: str) -> Any:
    value = parsing.value(text)
    if not isinstance(value, dict):
        raise parsing.ParseError('Enter a structure, such as {"key": "value"}.')
    return value


def _text(text: str) -> str:
    # Browsers send line ends as the network has them.
    return "" if text.strip() == EMPTY_TEXT else text.replace("\r\n", "\n")


def _anything(text: str) -> Any:
    """JSON where it is, else the text itself. What begins like JSON's containers has to be it."""
    try:
        return parsing.value(text)
    except parsing.ParseError as error:
        if error.is_syntax and text.lstrip()[:1] not in ("{", "["):
            return text
        raise


_PARSERS = {
    **{kind: parsing.of_type(kind) for kind in parsing.NOTED},
    "Text": _text,
    "Date Time": _moment,
    "List": _list,
    "Structure": _structure,
}


def _variable_of(message: Message, variables: dict[str, VariableNode]) -> str:
    """The input variable that a message is about, or ""."""
    names = {name.casefold(): name for name in variables}
    parts = list(message.path)
    if len(parts) > 1 and parts[0] in ("variables", "inputs"):
        return names.get(str(parts[1]).casefold(), "")
    location = message.location.removeprefix("Variable ").removeprefix("Input ")
    return names.get(location.casefold(), "")
