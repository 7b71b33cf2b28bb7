"""Checks a flow document against the JSON Schema, with errors that people can act on. Pure."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from flows.blocks import BY_TYPE, types_named
from flows.files import schema
from flows.parsing import CHECKED, unclear
from flows.validation.message_text import did_you_mean
from flows.values import VALUE_SCHEMA, tagged, value_schema
from flows.variable_types import VARIABLE_TYPES

DocumentPath = tuple[str | int, ...]
#: The place in the document, and what is wrong and what was expected.
Found = tuple[DocumentPath, str]

#: The most characters of a wrong text that are repeated.
LONGEST_SHOWN = 80

#: What PostgreSQL cannot keep in a text.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_TYPES = {
    "object": "keys with values",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_PATTERNS = {
    schema.KEY: "letters, digits, hyphens and underscores, a letter or digit first",
    schema.FLOW_NAME: "letters, digits, hyphens, underscores and dots, a letter or digit first",
    schema.VARIABLE_NAME: "letters, digits and underscores, a letter first",
    schema.NOT_BLANK: "a text that is not blank",
    schema.TARGET: "a variable: ($)Name, or ($)_ to discard the value; or a part: ($)Name.Items[0]",
}


def _pattern(validator: Any, pattern: str, instance: Any, within: Any) -> Iterator[ValidationError]:
    """As JSON Schema means it: "$" is the end, and not the line break before it."""
    if isinstance(instance, str) and not re.fullmatch(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _all_of(validator: Any, branches: Any, instance: Any, within: Any) -> Iterator[ValidationError]:
    """Descend into the branch of a block's type. The schema has no other `allOf`, and to ask all
    of its branches would take most of the time that a flow file takes."""
    for index, branch in enumerate(branches):
        wanted = branch["if"]["properties"]["type"]["const"]
        if isinstance(instance, dict) and instance.get("type") == wanted:
            yield from validator.descend(instance, branch, schema_path=index)


def _reference(validator: Any, ref: str, instance: Any, within: Any) -> Iterator[ValidationError]:
    """Look at the parts of a value that stand for one of a kind, however deep it is: the schema of
    values refers to itself, and would be followed through each level and every item."""
    if ref != VALUE_SCHEMA:
        yield from Draft202012Validator.VALIDATORS["$ref"](validator, ref, instance, within)
        return
    for path, form in tagged(instance):
        for error in _kinds().iter_errors(form):
            error.relative_path.extendleft(reversed(path))
            yield error


_Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern, "allOf": _all_of, "$ref": _reference}
)
#: `tagged` finds the values within values.
_KindValidator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"$ref": lambda *_: ()}
)


@cache
def _kinds() -> Any:
    return _KindValidator(value_schema()["then"])


@cache
def _validator() -> Any:
    return _Validator(schema.schema())


def check(data: Any) -> list[Found]:
    """What does not fit the schema, in the document's order; block types are written as in the
    registry afterwards, whatever case they came in."""
    _name_types(data)
    errors = _validator().iter_errors(data)
    found = [item for error in errors for item in _explain(error)]
    found += unstorable(data, ())
    return found


def _name_types(part: Any) -> None:
    """Write each block's type as the registry does."""
    blocks = part.get("blocks") if isinstance(part, dict) else None
    for block in blocks.values() if isinstance(blocks, dict) else ():
        if isinstance(block, dict):
            kind = BY_TYPE.get(str(block.get("type")).casefold())
            if kind:
                block["type"] = kind.type
            _name_types(block)


def unstorable(data: Any, path: DocumentPath) -> Iterator[Found]:
    """Texts that PostgreSQL cannot keep, and typed values that do not say for certain what they
    stand for."""
    if isinstance(data, str):
        if _UNSTORABLE.search(data):
            yield (
                path,
                'The text holds a character that cannot be stored. Write {"$text": …} with \\0 for '
                "a NUL.",
            )
    elif isinstance(data, dict):
        if len(data) == 1 and next(iter(data)) in CHECKED and (problem := unclear(data)):
            yield path, problem
        for key, item in data.items():
            yield from unstorable(key, path)
            yield from unstorable(item, (*path, key))
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from unstorable(item, (*path, index))


def _explain(error: ValidationError) -> Iterator[Found]:
    """Return in plain words what a rule of the schema found."""
    path = tuple(error.absolute_path)
    explain = _EXPLANATIONS.get(str(error.validator))
    return explain(error, path) if explain else iter([(path, error.message)])


def _unknown_keys(error: ValidationError, path: DocumentPath) -> Iterator[Found]:
    known = list(error.schema["properties"])  # type: ignore[index]
    for key in _instance(error):
        if key not in known:
            end = did_you_mean(key, known)
            listed = f" Known here: {', '.join(known)}." if end == "." else ""
            yield (*path, key), f"There is no '{key}' here{end}{listed}"


def _missing_keys(error: ValidationError, path: DocumentPath) -> Iterator[Found]:
    for key in _expected(error):
        if key not in _instance(error):
            yield path, f"'{key}' is missing."


def _wrong_type(error: ValidationError, path: DocumentPath) -> Iterator[Found]:
    wanted = _expected(error)
    kinds = [wanted] if isinstance(wanted, str) else wanted
    names = " or ".join(_TYPES[kind] for kind in kinds)
    yield path, f"Expected {names}{_found(error.instance)}."


def _not_one_of(error: ValidationError, path: DocumentPath) -> Iterator[Found]:
    wanted, value = _expected(error), error.instance
    if path[-1:] == ("type",) and len(wanted) > len(VARIABLE_TYPES):
        if choices := types_named(str(value)):
            yield path, f"Several palettes have a block '{value}'. Write {' or '.join(choices)}."
        else:
            yield path, f"There is no block type '{value}'{did_you_mean(str(value), wanted)}"
    else:
        yield path, f"Expected one of {', '.join(map(str, wanted))}{_found(value)}."


def _wrong_form(error: ValidationError, path: DocumentPath) -> Iterator[Found]:
    if "propertyNames" in error.absolute_schema_path:
        path = (*path, _instance(error))
    yield path, f"Expected {_PATTERNS[_expected(error)]}{_found(error.instance)}."


def _reserved_name(error: ValidationError, path: DocumentPath) -> Iterator[Found]:
    name = _instance(error)
    yield (
        (*path, name),
        f"{name} is a reserved word of the expression language. Choose another name, such as "
        f"{name.capitalize()}.",
    )


def _too_long(error: ValidationError, path: DocumentPath) -> Iterator[Found]:
    found = len(_instance(error))
    yield path, f"Expected at most {_expected(error)} characters, found {found}."


def _wrong_count(error: ValidationError, path: DocumentPath) -> Iterator[Found]:
    wanted, value = _expected(error), _instance(error)
    if error.validator in ("minProperties", "minItems") and wanted == 1:
        yield path, f"Expected at least one variable{_found(value)}, which is empty."
    elif error.validator == "maxItems" and wanted == schema.MOST_NOTES:
        yield path, f"Expected at most {wanted} notes, found {len(value)}."
    else:
        what = "items" if error.schema.get("items") == schema.VALUE else "numbers"  # type: ignore[union-attr]
        yield path, f"Expected {wanted} {what}, found {len(value)}."


def _out_of_range(error: ValidationError, path: DocumentPath) -> Iterator[Found]:
    limit = f"{error.validator} {_expected(error)}"
    yield path, f"Expected a number of {limit}{_found(error.instance)}."


def _instance(error: ValidationError) -> Any:
    return error.instance


def _expected(error: ValidationError) -> Any:
    return error.validator_value


#: What explains an error, by the word of JSON Schema that found it.
_EXPLANATIONS: dict[str, Callable[[ValidationError, DocumentPath], Iterator[Found]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing_keys,
    "type": _wrong_type,
    "enum": _not_one_of,
    "pattern": _wrong_form,
    "not": _reserved_name,
    "maxLength": _too_long,
    "minProperties": _wrong_count,
    "minItems": _wrong_count,
    "maxItems": _wrong_count,
    "minimum": _out_of_range,
    "maximum": _out_of_range,
}


def _found(value: Any) -> str:
    match value:
        case dict():
            return ", found keys with values"
        case list():
            return ", found a list"
        case None:
            return ", found nothing"
        case bool():
            return f", found {str(value).lower()}"
        case int() | float():
            return f", found the number {value}"
    text = str(value)
    return f", found '{text if len(text) <= LONGEST_SHOWN else f'{text[:LONGEST_SHOWN]}…'}'"
