"""XML to structures and back, as flows.formats.xml describes."""

from typing import Any

import xmltodict

from flows.blocks.base import Block, Direction, Leave, Property, Visit
from flows.blocks.errors import exception
from flows.formats import xml
from flows.formats.cultures import culture
from flows.formats.text import text_of


class ConvertXmlToStructure(Block):
    """Turns XML into a structure. Values are texts, or null for an empty element; document type
    declarations are refused."""

    type = "Convert Xml To Structure"
    palette = "Xml"
    reads_texts = True
    icon = "script"
    properties = (
        Property("Xml", "String", required=True, nonempty=True),
        Property("Structure", "Structure", Direction.OUTPUT),
    )
    throws = ("XmlSerializationException",)

    def run(self, visit: Visit) -> Leave:
        try:
            return Leave(outputs={"Structure": xml.read(visit.given["Xml"])})
        except ValueError as problem:
            raise _failed(str(problem)) from None


class ConvertStructureToXml(Block):
    """Turns a structure with one key, the name of the outermost element, into XML."""

    type = "Convert Structure To Xml"
    palette = "Xml"
    reads_texts = True
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
