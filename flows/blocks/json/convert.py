"""Text to objects and back, as JSON."""

from flows.blocks.base import Block, Direction, Leave, Property, Visit
from flows.blocks.enumerations import numbered
from flows.blocks.errors import exception
from flows.formats import json

_SETTINGS = Property("Settings", "JsonSerializerSettings", advanced=True)


class ConvertJsonToObject(Block):
    """Turns a JSON text into values."""

    type = "Convert Json To Object"
    palette = "Json"
    reads_texts = True
    icon = "script"
    properties = (
        Property("Json", "String", required=True, nonempty=True),
        _SETTINGS,
        Property("Object", direction=Direction.OUTPUT),
    )
    throws = ("JsonReaderException",)

    def run(self, visit: Visit) -> Leave:
        try:
            return Leave(outputs={"Object": json.read(visit.given["Json"])})
        except (ValueError, RecursionError) as error:
            raise exception("JsonReaderException", f"The text is not JSON: {error}") from None


class ConvertObjectToJson(Block):
    """Turns a value into a JSON text.

    Settings with {"Formatting": "None"} writes one line; otherwise the text is indented. Members of
    enumerations are written as numbers in structures that have all keys of their type, such as a
    ScopeDefinition: {Tenant, System, Package, Flow}.
    """

    type = "Convert Object To Json"
    palette = "Json"
    reads_texts = True
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
        try:
            text = json.write(
                numbered(visit.given["Object"]), indented=settings.get("Formatting") == "Indented"
            )
        except (TypeError, ValueError, RecursionError) as error:
            raise exception(
                "JsonSerializationException", f"The value has no JSON form: {error}"
            ) from None
        return Leave(outputs={"Json": text})
