"""What is wrong with a parameter or a body, in the product's words. pydantic finds it, and says it
in those of programmers."""

from collections.abc import Mapping
from typing import Any

from flows.graph import Message

_UNKNOWN = "Enter what /api/docs says of it."
#: By the kind of error; braces stand for what the error knows.
_SENTENCES = {
    "missing": "It is missing. Give it a value.",
    "extra_forbidden": "There is no such field. Leave it out.",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "Enter a whole number."),
    "int_parsing_size": "Enter a number with fewer digits.",
    **dict.fromkeys(("float_type", "float_parsing"), "Enter a number."),
    "finite_number": "Enter a finite number.",
    **dict.fromkeys(("bool_type", "bool_parsing"), "Enter true or false."),
    "greater_than": "Enter a number greater than {gt}.",
    "greater_than_equal": "Enter {ge} or more.",
    "less_than": "Enter a number less than {lt}.",
    "less_than_equal": "Enter {le} or less.",
    **dict.fromkeys(("string_type", "string_unicode"), "Enter a text."),
    "string_too_short": "Enter at least {min_length} character{s}.",
    "string_too_long": "Enter at most {max_length} character{s}.",
    "too_short": "Give at least {min_length} item{s}.",
    "too_long": "Give at most {max_length} item{s}.",
    **dict.fromkeys(("literal_error", "enum"), "Enter one of {expected}."),
    **dict.fromkeys(("list_type", "tuple_type", "set_type"), 'Give a list, such as ["a", "b"].'),
    **dict.fromkeys(
        ("dict_type", "model_type", "model_attributes_type"),
        'Give an object, such as {{"key": "value"}}.',
    ),
    **dict.fromkeys(
        ("datetime_type", "datetime_parsing", "datetime_from_date_parsing"),
        "Enter a date and time, such as 2026-07-15T12:00:00Z.",
    ),
    **dict.fromkeys(("date_type", "date_parsing"), "Enter a date, such as 2026-07-15."),
    **dict.fromkeys(
        ("uuid_type", "uuid_parsing"), "Enter an id, such as 0190b0f4-6c3e-7000-8000-00000000002a."
    ),
    # What the code of this product raises is in its own words.
    "value_error": "{error}",
}


def message(error: Mapping[str, Any]) -> Message:
    """Return the message of one error of pydantic, as django-ninja passes it on."""
    source, *way = error["loc"]
    if source == "body":
        way = way[1:]  # without the name of the function's argument, which nobody sends
    return Message(_location(source, way), _sentence(error), "", (str(source), *way))


def _location(source: str, way: list[str | int]) -> str:
    """Say where it is: `page`, or `executions, item 1, inputs`."""
    words = (f"item {one + 1}" if isinstance(one, int) else one for one in way)
    return ", ".join(words) or source.capitalize()


def _sentence(error: Mapping[str, Any]) -> str:
    known = dict(error.get("ctx", ()))
    if "expected" in known:
        known["expected"] = known["expected"].replace("'", "").replace(" or ", ", ")
    length = known.get("min_length", known.get("max_length"))
    return _SENTENCES.get(error["type"], _UNKNOWN).format(**known, s="" if length == 1 else "s")
