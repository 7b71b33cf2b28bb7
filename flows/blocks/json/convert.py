"""Text to objects and back, as JSON."""

import base64
import json
import math
import re
from datetime import datetime, timedelta
from typing import Any

from flows import parsing
from flows.blocks.base import Block, Direction, Leave, Property, Visit
from flows.blocks.errors import exception
from flows.values import ExceptionValue, number_text

_SETTINGS = Property("Settings", "JsonSerializerSettings", advanced=True)


class ConvertJsonToObject(Block):
    """Turns a JSON text into values."""

    type = "Convert Json To Object"
    palette = "Json"
    icon = "script"
    properties = (
        Property("Json", "String", required=True, nonempty=True),
        _SETTINGS,
        Property("Object", direction=Direction.OUTPUT),
    )
    throws = ("JsonReaderException",)

    def run(self, visit: Visit) -> Leave:
        try:
            return Leave(outputs={"Object": _read(visit.given["Json"])})
        except (ValueError, RecursionError) as error:
            raise exception("JsonReaderException", f"The text is not JSON: {error}") from None


class ConvertObjectToJson(Block):
    """Turns a value into a JSON text.

    Settings with {"Formatting": "None"} writes one line; otherwise the text is indented.
    """

    type = "Convert Object To Json"
    palette = "Json"
    icon = "script"
    properties = (
        Property("Object"),
        Property(
            "Settings", "JsonSerializerSettings", advanced=True, default={"Formatting": "Indented"}
        ),
        Property("Json", "String", Direction.OUTPUT),
    )
    throws = ("JsonSerializationException",)

    def run(self, visit: Visit) -> Leave:
        settings = visit.given["Settings"] or {}
        indent = 2 if settings.get("Formatting") == "Indented" else None
        try:
            text = _written(visit.given["Object"], indent)
        except (TypeError, ValueError, RecursionError) as error:
            raise exception(
                "JsonSerializationException", f"The value has no JSON form: {error}"
            ) from None
        return Leave(outputs={"Json": text})


def _read(text: str) -> Any:
    """Raises ValueError for what is not JSON, and for a number that no Number or Integer holds."""
    return json.loads(text, parse_float=_number, parse_int=parsing.integer)


def _number(text: str) -> float:
    found = float(text)
    return found if math.isfinite(found) else parsing.real(text)


def _written(value: Any, indent: int | None) -> str:
    """JSON that other programs read too: infinite numbers and NaN in quotes, as the original's
    serializer writes them, and halves of characters escaped."""
    try:
        text = _dumped(value, indent)
    except ValueError:
        text = _dumped(_finite(value), indent)
    return _HALF.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _dumped(value: Any, indent: int | None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False, default=_plain)


def _finite(value: Any) -> Any:
    """A copy in which numbers that JSON lacks are texts."""
    match value:
        case float() if not math.isfinite(value):
            return number_text(value)
        case list():
            return [_finite(item) for item in value]
        case dict():
            return {_finite(key): _finite(item) for key, item in value.items()}
        case ExceptionValue():
            return _finite(value.as_structure())
    return value


_HALF = re.compile("[\ud800-\udfff]")


def _plain(value: Any) -> Any:
    """What JSON has no form for, as the original's serializer writes it."""
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case ExceptionValue():
            return value.as_structure()
    raise TypeError(f"{type(value).__name__} is not serializable")
