"""The values that variables hold, and their typed JSON form.

Pure. A value is None, a bool, int, float, str, bytes, datetime (one without an
offset is a Local Date Time), timedelta, a list of values, a dict with scalar keys (`flows.keys`), a
secret text, an exception, or a task. Variables own their values: `copy`
is made on assignment, so that an execution resumed from a checkpoint cannot behave differently from
one that never stopped.
"""

import base64
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flows.keys import key_for, value_of

#: How deep lists and structures may be nested: not every process could copy or encode much deeper
#: ones.
LEVELS = 100
#: The largest offset of a moment from UTC.
FARTHEST_OFFSET = timedelta(hours=14)
#: What stands for a character that cannot be written.
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_SURROGATE = re.compile("[\ud800-\udfff]")
#: The notation of numbers without digits, for people and other programs.
_ENDLESS = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}

type_names: dict[type, str] = {
    type(None): "Null",
    bool: "Boolean",
    int: "Integer",
    float: "Number",
    str: "Text",
    bytes: "Bytes",
    datetime: "Date Time",
    timedelta: "Duration",
    list: "List",
    dict: "Structure",
}


#: The name of each part of an exception in expressions and paths, and in the stored form.
EXCEPTION_KEYS = {
    "ExceptionType": "type",
    "Message": "message",
    "HelpLink": "help_link",
    "Category": "category",
    "ErrorCode": "error_code",
    "Details": "details",
    "InnerException": "inner",
}


@dataclass(frozen=True, slots=True)
class ExceptionValue:
    """An exception as a value (semantics 47).

    `type` is fully qualified, as handlers match it (semantics 35); `extra` holds the properties
    that only some types have.
    """

    type: str
    message: str = ""
    help_link: str | None = None
    category: str | None = None
    error_code: int | None = None
    details: Any = None
    inner: "ExceptionValue | None" = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def short_type(self) -> str:
        return self.type.rpartition(".")[2]

    def as_structure(self) -> dict[str, Any]:
        """What expressions see: `Exception.Message`, `Exception.ErrorCode`…"""
        parts = {key: getattr(self, name) for key, name in EXCEPTION_KEYS.items()}
        if self.inner:
            parts["InnerException"] = self.inner.as_structure()
        return {**parts, **self.extra}


@dataclass(frozen=True, slots=True)
class TaskValue:
    """An execution that a flow started and did not wait for (semantics 68).

    It never changes; what has become of the execution is asked for when an expression reads it
    (`flows.task_values`).
    """

    execution_id: str


@dataclass(frozen=True, slots=True)
class SecretText:
    """A text that only blocks read: a mask stands for it wherever people read (docs/secrets.md)."""

    text: str

    def __repr__(self) -> str:
        return f"SecretText({MASK})"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Masked:
    """Stands for the value of a secret variable wherever people read it. No variable holds one."""


type_names |= {TaskValue: "Execution Task", Masked: "Secret", SecretText: "Secret Text"}
MASKED = Masked()
#: "an Integer", "an HttpRequest", "an UnexpectedException"; but "a UserCredentials".
_SPOKEN_WITH_A_VOWEL = re.compile(r"[AEIO]|Http|Html|Xml|Sql|Ssh|Smtp|U(?!ni|rl|ri|se|tc|tf|uid)")
#: The text that is shown instead of a secret, also inside other text.
MASK = "••••••"


def type_name(value: Any) -> str:
    """Return the type's name as people read it."""
    if isinstance(value, ExceptionValue):
        return value.short_type
    if type(value) is datetime and value.tzinfo is None:
        return "Local Date Time"
    return type_names.get(type(value), type(value).__name__)


def article(name: str) -> str:
    """Return the name of a type, block or property with its article, as it is spoken."""
    return f"an {name}" if _SPOKEN_WITH_A_VOWEL.match(name) else f"a {name}"


def legible(text: str) -> str:
    """Return the text as UTF-8 can write it, with a mark for each half of a character."""
    return text if text.isascii() else _SURROGATE.sub(REPLACEMENT, text)


def storable(text: str) -> str:
    """Return the text as a text column takes it: without NUL and without lone surrogates."""
    return legible(text).replace("\0", REPLACEMENT)


def with_offset(at: datetime) -> datetime:
    """The same moment with an offset that everyone can read: one without is in UTC, and one too
    far from UTC, or not of whole minutes, is told in UTC where that is in the calendar."""
    offset = at.utcoffset()
    if offset is None:
        return at.replace(tzinfo=UTC)
    if abs(offset) <= FARTHEST_OFFSET and not offset % timedelta(minutes=1):
        return at
    try:
        return at.astimezone(UTC)
    except OverflowError:
        return at.replace(tzinfo=UTC)


def in_utc(at: datetime) -> datetime:
    """The moment in UTC; the calendar's end where it lies beyond."""
    try:
        return with_offset(at).astimezone(UTC)
    except OverflowError:
        end = datetime.min if at.year == 1 else datetime.max
        return end.replace(tzinfo=UTC)


def number_text(number: float) -> str:
    """Return a number as other programs read it, also infinity and NaN."""
    text = repr(number)
    return _ENDLESS.get(text, text)


def summary(value: Any, limit: int = 80) -> str:
    """Return one line about a value: scalars themselves, containers by their size (semantics 93).
    What UTF-8 or a text column cannot hold is replaced."""
    if isinstance(value, str):
        shown = f'"{value}"' if len(value) <= limit else f'"{value[:limit]}…" ({len(value)})'
        return storable(shown)
    for kind, summarise in _SUMMARIES.items():
        if isinstance(value, kind):
            return storable(summarise(value))
    return storable(str(value)[:limit])


def _items(value: list[Any] | dict[Any, Any]) -> str:
    return f"{len(value)} item{'' if len(value) == 1 else 's'}"


_SUMMARIES: dict[type, Callable[[Any], str]] = {
    type(None): lambda value: "null",
    bool: lambda value: "true" if value else "false",
    bytes: lambda value: f"Bytes with {len(value)} bytes",
    list: lambda value: f"List with {_items(value)}",
    dict: lambda value: f"Structure with {_items(value)}",
    ExceptionValue: lambda value: f"Instance of {value.short_type}",
    TaskValue: lambda value: f"Execution Task {value.execution_id}",
    datetime: lambda value: value.isoformat(),
    float: number_text,
    Masked: lambda value: MASK,
    SecretText: lambda value: MASK,
}


def copy(value: Any) -> Any:
    """Return a deep copy; immutable values are returned as they are."""
    kind = type(value)
    if kind is list:
        return [copy(item) for item in value]
    if kind is dict:
        return {key: copy(item) for key, item in value.items()}
    return value


def encode(value: Any) -> Any:
    """Return the typed JSON form of a value.

    What JSON and PostgreSQL's jsonb keep exactly stands for itself; the rest is an object with one
    key that begins with "$". Raises TypeError for what is not a value.
    """
    kind = type(value)
    if value is None or kind is bool or kind is int:
        return value
    if kind is str:
        return value if is_plain_text(value) else {"$text": _escape(value)}
    if kind is float:
        text = repr(value)
        plain = math.isfinite(value) and "e" not in text and text != "-0.0"
        return value if plain else {"$number": text}
    if kind is list:
        return [encode(item) for item in value]
    if kind is dict:
        if is_object(value):
            return {key: encode(item) for key, item in value.items()}
        return {"$items": [[encode(value_of(key)), encode(item)] for key, item in value.items()]}
    if kind not in _TAGS:
        raise TypeError(f"{kind.__name__} is not a type that variables can hold")
    tag, body = _TAGS[kind]
    if kind is datetime and value.tzinfo is None:
        return {"$localdatetime": value.isoformat()}
    return {tag: body(value)}


def _exception_body(value: ExceptionValue) -> dict[str, Any]:
    return {
        "type": encode(value.type),
        "message": encode(value.message),
        "help_link": encode(value.help_link),
        "category": encode(value.category),
        "error_code": value.error_code,
        "details": encode(value.details),
        "inner": encode(value.inner),
        "extra": encode(dict(value.extra)),
    }


#: The types that have a form of their own: its tag, and what is below the tag.
_TAGS: dict[type, tuple[str, Callable[[Any], Any]]] = {
    datetime: ("$datetime", lambda value: with_offset(value).isoformat()),
    timedelta: ("$duration", lambda value: [value.days, value.seconds, value.microseconds]),
    bytes: ("$bytes", lambda value: base64.b64encode(value).decode("ascii")),
    ExceptionValue: ("$exception", _exception_body),
    TaskValue: ("$task", lambda value: value.execution_id),
    Masked: ("$secret", lambda value: True),
    SecretText: ("$secret", lambda value: encode(value.text)),
}


def decode(form: Any, *, masks: bool = False, readable: bool = False) -> Any:
    """The value of a typed JSON form; of one that is there for people to read, also with `masks`.

    `readable` replaces what UTF-8 cannot write, and NUL, which pages lose. Raises ValueError for an
    unknown "$" key, and for a known one that holds something else.
    """
    return _Decoder(masks, readable).value(form)


@dataclass(frozen=True, slots=True)
class _Decoder:
    masks: bool
    readable: bool

    def value(self, form: Any) -> Any:
        kind = type(form)
        if kind is list:
            return [self.value(item) for item in form]
        if kind is not dict:
            return form
        if len(form) == 1:
            ((tag, body),) = form.items()
            if tag.startswith("$"):
                try:
                    return self._tagged(tag, body)
                except (AttributeError, KeyError, OverflowError, TypeError) as error:
                    raise ValueError(f"{tag} does not hold a value of its kind: {error}") from None
        return {key: self.value(item) for key, item in form.items()}

    def _tagged(self, tag: str, body: Any) -> Any:
        if kind := KINDS.get(tag):
            return kind.read(self, body)
        raise ValueError(f"{tag} is not a known kind of value; there are {', '.join(KINDS)}")

    def text(self, body: str) -> str:
        return storable(_unescape(body)) if self.readable else _unescape(body)

    def secret(self, body: Any) -> Any:
        if self.masks:
            return MASKED
        if not isinstance(text := self.value(body), str):
            raise ValueError('a mask stands for a secret text here; write {"$secret": "…"} anew')
        return SecretText(text)

    def items(self, body: Any) -> dict[Any, Any]:
        items: dict[Any, Any] = {}
        for form, item in body:
            key = key_for(self.value(form))
            while self.readable and key in items:
                key = f"{key}{REPLACEMENT}"  # two keys that differ by what was replaced
            items[key] = self.value(item)
        return items

    def exception(self, body: dict[str, Any]) -> ExceptionValue:
        """One without a message has an empty one. Raises ValueError for parts of another type."""
        value = ExceptionValue(
            type=self.value(body["type"]),
            message=self.value(body.get("message") or ""),
            help_link=self.value(body.get("help_link")),
            category=self.value(body.get("category")),
            error_code=body.get("error_code"),
            details=self.value(body.get("details")),
            inner=self.value(body.get("inner")),
            extra=self.value(body.get("extra", {})),
        )
        for name, kinds in _PARTS.items():
            if not isinstance(getattr(value, name), kinds):
                raise ValueError(f"the {name} of $exception has the wrong type")
        return value


def _without_offset(at: datetime) -> datetime:
    """Raises ValueError for a date time with an offset."""
    if at.tzinfo is not None:
        raise ValueError("$localdatetime takes a date time without an offset")
    return at


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value with a tag of its own: the JSON Schema of what is below the tag, and what
    reads that."""

    schema: Mapping[str, Any]
    read: Callable[[_Decoder, Any], Any]


#: The place of `value_schema` in a document of schemas.
VALUE_SCHEMA = "#/$defs/value"
_ANY_VALUE = {"$ref": VALUE_SCHEMA}
_TEXT = {"type": ["string", "object"]}
_TEXT_OR_NULL = {"type": ["string", "object", "null"]}
_EXCEPTION_SCHEMA = {
    "description": "An exception. Its type is fully qualified.",
    "type": "object",
    "required": ["type"],
    "additionalProperties": False,
    "properties": {
        "type": _TEXT,
        "message": _TEXT_OR_NULL,
        "help_link": _TEXT_OR_NULL,
        "category": _TEXT_OR_NULL,
        "error_code": {"type": ["integer", "null"]},
        "details": _ANY_VALUE,
        "inner": _ANY_VALUE,
        "extra": {"description": "The properties that only its type has.", "type": "object"},
    },
}
#: The kinds by their tags.
KINDS: dict[str, Kind] = {
    "$text": Kind(
        {"description": "A text, with escapes such as \\x00.", "type": "string"},
        lambda decoder, body: decoder.text(body),
    ),
    "$number": Kind(
        {"description": "A Number, such as 1e+20 or NaN.", "type": ["string", "number"]},
        lambda decoder, body: float(body),
    ),
    "$datetime": Kind(
        {"description": "A Date Time.", "type": "string", "format": "date-time"},
        lambda decoder, body: with_offset(datetime.fromisoformat(body)),
    ),
    "$localdatetime": Kind(
        {"description": "A Local Date Time: one without an offset.", "type": "string"},
        lambda decoder, body: _without_offset(datetime.fromisoformat(body)),
    ),
    "$duration": Kind(
        {
            "description": "A Duration: days, seconds and microseconds.",
            "type": "array",
            "items": {"type": "number"},
            "maxItems": 3,
        },
        lambda decoder, body: timedelta(*body),
    ),
    "$bytes": Kind(
        {"description": "Bytes.", "type": "string", "contentEncoding": "base64"},
        lambda decoder, body: base64.b64decode(body),
    ),
    "$items": Kind(
        {
            "description": "A dictionary whose keys are not all texts: pairs of key and item.",
            "type": "array",
            "items": {"type": "array", "items": _ANY_VALUE, "minItems": 2, "maxItems": 2},
        },
        lambda decoder, body: decoder.items(body),
    ),
    "$exception": Kind(_EXCEPTION_SCHEMA, lambda decoder, body: decoder.exception(body)),
    "$task": Kind(
        {
            "description": "An Execution Task: the id of its execution.",
            "type": "string",
            "format": "uuid",
        },
        lambda decoder, body: TaskValue(str(UUID(body))),
    ),
    "$secret": Kind(
        {
            "description": "A Secret Text; true is its mask, which is only read.",
            "type": ["string", "object", "boolean"],
        },
        lambda decoder, body: decoder.secret(body),
    ),
}


def value_schema() -> dict[str, Any]:
    """Return the JSON Schema of typed JSON. It refers to itself as VALUE_SCHEMA."""
    return {
        "description": "A value as typed JSON. An object whose one key begins with $ stands for a "
        "value of that kind.",
        "if": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "propertyNames": {"pattern": r"^\$[\s\S]*$"},
        },
        "then": {
            "properties": {tag: kind.schema for tag, kind in KINDS.items()},
            "additionalProperties": False,
        },
        "else": {"items": _ANY_VALUE, "additionalProperties": _ANY_VALUE},
    }


def tagged(form: Any) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Yield the objects in typed JSON that stand for values of a kind, each with its path."""
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), form)]
    while waiting:
        path, part = waiting.pop()
        if type(part) is dict:
            if len(part) == 1 and next(iter(part)).startswith("$"):
                yield path, part
            waiting.extend(((*path, key), item) for key, item in part.items())
        elif type(part) is list:
            waiting.extend(((*path, index), item) for index, item in enumerate(part))


# Secret texts ------------------------------------------------------------------------------------


def secret_texts(value: Any) -> Iterator[str]:
    """Yield the secret texts in a value."""
    kind = type(value)
    if kind is SecretText:
        yield value.text
    elif kind is list or kind is dict:
        for item in value.values() if kind is dict else value:
            yield from secret_texts(item)
    elif kind is ExceptionValue:
        yield from secret_texts([value.details, value.inner, dict(value.extra)])


def has_secret(value: Any) -> bool:
    """Whether there is a secret text in a value."""
    return next(secret_texts(value), None) is not None


def _with_texts(value: Any, change: Callable[[Any], Any]) -> Any:
    """A copy of a value in which `change` has replaced its texts."""
    match value:
        case list():
            return [_with_texts(item, change) for item in value]
        case dict():
            return {key: _with_texts(item, change) for key, item in value.items()}
        case str() | SecretText():
            return change(value)
    return value


def reveal(value: Any, change: Callable[[str], str] = str) -> Any:
    """Return a copy in which secret texts are plain ones, or what `change` makes of them."""
    return _with_texts(value, lambda text: change(text.text) if type(text) is SecretText else text)


def unlike(text: str) -> str:
    """Return a text of the same length that has no character in common with this one."""
    return next(letter for letter in map(chr, range(97, 0x10000)) if letter not in text) * len(text)


def conceal(value: Any) -> Any:
    """Return a copy in which every text is secret."""
    return _with_texts(value, lambda text: SecretText(text) if type(text) is str else text)


#: The types that the parts of an exception have; details are any value.
_PARTS: dict[str, tuple[type, ...]] = {
    "type": (str,),
    "message": (str,),
    "help_link": (str, type(None)),
    "category": (str, type(None)),
    "error_code": (int, type(None)),
    "inner": (ExceptionValue, type(None)),
    "extra": (dict,),
}


def encode_small(value: Any, budget: int) -> Any:
    """The typed JSON form of a value of at most about `budget` characters, else None.

    Gives up after looking at `budget` characters' worth, whatever the size of the value.
    """
    return encode(value) if cost(value, budget) <= budget else None


def cost(value: Any, budget: int, levels: int = LEVELS) -> int:
    """Return about how many characters the JSON form has; anything above `budget` when it is more,
    or when lists and structures are nested deeper than `levels`. The rest is not looked at."""
    kind = type(value)
    if kind is str or kind is bytes:
        return len(value) + 2
    if kind is list or kind is dict:
        if not levels:
            return budget + 1
        spent = 2 + 2 * len(value)
        items = value.items() if kind is dict else value
        for item in items:
            if spent > budget:
                break
            if kind is dict:
                spent += cost(item[0], budget) + cost(item[1], budget - spent, levels - 1)
            else:
                spent += cost(item, budget - spent, levels - 1)
        return spent
    if kind is SecretText:
        return len(value.text) + 14
    if kind is int:
        return 8 + int(value).bit_length() // 3
    if kind is ExceptionValue:
        return _exception_cost(value, budget, levels)
    return 48 if kind is TaskValue else 8


def _exception_cost(value: ExceptionValue, budget: int, levels: int) -> int:
    if not levels:
        return budget + 1
    inside = cost(value.details, budget, levels - 1) + cost(value.inner, budget, levels - 1)
    return 80 + len(value.message) + inside


def too_deep(value: Any, levels: int = LEVELS) -> bool:
    """Whether lists and structures are nested deeper than `levels`."""
    if isinstance(value, list):
        return not levels or any(too_deep(item, levels - 1) for item in value)
    if isinstance(value, dict):
        return not levels or any(too_deep(item, levels - 1) for item in value.values())
    return False


def is_object(value: dict[Any, Any]) -> bool:
    """Whether the form of a structure is an object with the same keys."""
    return all(type(key) is str and not key.startswith("$") and is_plain_text(key) for key in value)


def is_plain_text(text: str) -> bool:
    """Whether jsonb can hold it: no NUL, no lone surrogates."""
    return "\0" not in text and (text.isascii() or not _SURROGATE.search(text))


def _escape(text: str) -> str:
    return text.encode("unicode_escape", "surrogatepass").decode("ascii")


def _unescape(text: str) -> str:
    return text.encode("ascii").decode("unicode_escape")
