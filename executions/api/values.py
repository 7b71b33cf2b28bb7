"""The values of variables as programs send and read them: in the typed JSON form of flow files, or
plain."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any

from django.utils import timezone
from django.utils.duration import duration_iso_string
from pydantic import WithJsonSchema

from executions.api.problems import invalid
from flows import parsing, pretty_json, values
from flows.graph import FlowGraph
from flows.keys import labelled


class Form(StrEnum):
    """How values are written: `typed` keeps every type, `plain` has JSON's own types only."""

    TYPED = "typed"
    PLAIN = "plain"


#: What the parameter `values` says.
VALUES = "`typed` keeps every type as flow files do, `plain` has the types of JSON only."


#: What `Value` leaves in the schema of a field until `cortexweb.api` completes the document.
IN_A_FORM = "x-value"
#: A value in one of these forms, as a field of a body or an answer.
Value = Annotated[Any, WithJsonSchema({IN_A_FORM: True})]


def in_form(form: Any, wanted: Form) -> Any:
    """Return the form that a value is shown in, of its typed JSON form."""
    return form if wanted is Form.TYPED else plain(pretty_json.decode(form))


def plain(value: Any) -> Any:
    """Return the value with JSON's types only, so that programs can read it."""
    match value:
        case dict():
            return {values.legible(key): plain(item) for key, item in labelled(value)}
        case list():
            return [plain(item) for item in value]
        case values.ExceptionValue():
            return plain(value.as_structure())
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case timedelta():
            return duration_iso_string(value)
        case values.TaskValue():
            return value.execution_id
        case _:
            return pretty_json.plain(value)


def read_inputs(graph: FlowGraph, given: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """Return the inputs of a start by name. Raises Problem for what is not a value.

    What a plain text means depends on the type of its variable: a moment is a text in JSON.
    """
    kinds = {variable.name.casefold(): variable.type for variable in graph.inputs}
    return {
        name: read_typed(name, item, kinds.get(name.casefold(), ""), form)
        for name, item in given.items()
    }


def read_value(name: str, item: Any, form: Form) -> Any:
    """Return the value of a part of the body. Raises Problem for what is not a value."""
    try:
        return _parsed(item, "", form)
    except parsing.ParseError as error:
        raise invalid(str(error), name, "body", name) from None


def read_typed(name: str, item: Any, kind: str, form: Form, *, part: str = "inputs") -> Any:
    """Return a value of a type, as a program sends it in a part of the body. Raises Problem for
    what is not a value."""
    try:
        return _parsed(item, kind, form)
    except parsing.ParseError as error:
        location = f"Input {name}" if part == "inputs" else name
        raise invalid(str(error), location, part, name) from None


def _parsed(item: Any, kind: str, form: Form) -> Any:
    if form is Form.TYPED:
        return parsing.decoded(item)
    if kind == "Date Time" and isinstance(item, str):
        return parsing.moment(item, timezone.get_current_timezone())
    if kind in parsing.WRITTEN and isinstance(item, str):
        return parsing.of_type(kind)(item)
    if values.too_deep(item):
        raise parsing.ParseError(f"A value can be nested up to {values.LEVELS} levels deep.")
    return item
