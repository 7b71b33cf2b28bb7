"""Text to objects and back, as JSON."""

from flows.blocks.base import Block, Direction, Leave, Property, Visit
from flows.blocks.enumerations import (
    JSON_ESCAPES,
    JSON_FORMATTING,
    JSON_NULLS,
    Enumeration,
    numbered,
)
from flows.blocks.errors import exception
from flows.blocks.records import Record
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
            return Leave(outputs={"Object": json.read(visit.inputs["Json"])})
        except (ValueError, RecursionError) as error:
            raise exception("JsonReaderException", f"The text is not JSON: {error}") from None


class ConvertObjectToJson(Block):
    """Turns a value into a JSON text.

    Settings may have Formatting (None, which is one line, or Indented), NullValueHandling (Include,
    or Ignore, which leaves out the nulls of structures), DateFormatString (a format such as
    yyyy-MM-dd) and StringEscapeHandling (Default, EscapeNonAscii, EscapeHtml); others are passed
    over. Without Settings it is one line.

    Members of enumerations are written as numbers: anywhere by their qualified names
    (`ScopeOption.Current`), and by their bare names in structures that have all keys of their type,
    such as a ScopeDefinition: {Tenant, System, Package, Flow}.
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
    throws = ("ArgumentException", "JsonSerializationException")

    def run(self, visit: Visit) -> Leave:
        layout = _layout(Record("Settings", visit.inputs["Settings"] or {}))
        try:
            text = json.write(numbered(visit.inputs["Object"]), layout)
        except (TypeError, ValueError, RecursionError) as error:
            raise exception(
                "JsonSerializationException", f"The value has no JSON form: {error}"
            ) from None
        return Leave(outputs={"Json": text})


def _layout(settings: Record) -> json.Layout:
    """Return what Settings say. Raises ArgumentException and InvalidPropertyValueException as a
    BlockException."""

    def member(name: str, kind: Enumeration) -> str:
        found = settings.members.get(name)
        return kind.member(settings.path(name), next(iter(kind)) if found is None else found)

    escapes = member("StringEscapeHandling", JSON_ESCAPES)
    return json.Layout(
        indented=member("Formatting", JSON_FORMATTING) == "Indented",
        without_nulls=member("NullValueHandling", JSON_NULLS) == "Ignore",
        date_format=settings.text("DateFormatString"),
        only_ascii=escapes == "EscapeNonAscii",
        for_html=escapes == "EscapeHtml",
    )
