"""Text to objects and back, as JSON."""

import base64
import json
from datetime import datetime, timedelta
from typing import Any

from flows.blocks.base import Block, Direction, Leave, Property, Visit
from flows.blocks.errors import exception
from flows.values import ExceptionValue

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
            return Leave(outputs={"Object": json.loads(visit.given["Json"])})
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
            text = json.dumps(
                visit.given["Object"], indent=indent, ensure_ascii=False, default=_plain
            )
        except (TypeError, ValueError, RecursionError) as error:
            raise exception(
                "JsonSerializationException", f"The value has no JSON form: {error}"
            ) from None
        return Leave(outputs={"Json": text})


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
