"""XML to structures and back: `@name` is an attribute, `#text` the text beside other content, and
a list stands for an element that is there several times."""

from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict

from flows.blocks.base import Block, Direction, Leave, Property, Visit
from flows.blocks.errors import exception
from flows.formats.cultures import culture
from flows.formats.text import text_of
from flows.values import LEVELS, too_deep


class ConvertXmlToStructure(Block):
    """Turns XML into a structure. Values are texts, or null for an empty element; document type
    declarations are refused."""

    type = "Convert Xml To Structure"
    palette = "Xml"
    icon = "script"
    properties = (
        Property("Xml", "String", required=True, nonempty=True),
        Property("Structure", "Structure", Direction.OUTPUT),
    )
    throws = ("XmlSerializationException",)

    def run(self, visit: Visit) -> Leave:
        try:
            found = xmltodict.parse(visit.given["Xml"], disable_entities=True)
        except (ExpatError, ValueError, RecursionError) as problem:
            raise _failed(f"The text is not XML: {problem}.") from None
        if too_deep(found):
            raise _failed(f"The elements are nested more than {LEVELS} deep.")
        return Leave(outputs={"Structure": found})


class ConvertStructureToXml(Block):
    """Turns a structure with one key, the name of the outermost element, into XML."""

    type = "Convert Structure To Xml"
    palette = "Xml"
    icon = "script"
    properties = (
        Property("Structure", "Structure", required=True, nonempty=True),
        Property("Xml", "String", Direction.OUTPUT),
    )
    throws = ("XmlSerializationException",)

    def run(self, visit: Visit) -> Leave:
        structure = visit.given["Structure"]
        if len(structure) != 1:
            raise _failed("The structure must have one key, the name of the outermost element.")
        try:
            written = xmltodict.unparse(_texts(structure), full_document=False)
        except (ValueError, TypeError, RecursionError) as problem:
            raise _failed(f"The structure cannot be written as XML: {problem}.") from None
        return Leave(outputs={"Xml": written})


def _texts(value: Any) -> Any:
    """The structure with texts for its values. Raises ValueError for a name that no element has."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str) or not key.strip("@#"):
                raise ValueError(f"an element cannot be called {key!r}")
        return {key: _texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else text_of(value, culture(None))


def _failed(problem: str) -> Exception:
    return exception("XmlSerializationException", problem)
