"""XML as values, as the original reads it: `@name` is an attribute, `#text` the text beside other
content, and a list stands for an element that is there several times. Pure."""

from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict

from flows.values import LEVELS, too_deep


def read(text: str) -> dict[str, Any]:
    """Return the structure of an XML text. Its values are texts, or null for an empty element.
    Raises ValueError for what is not XML, for document type declarations, and for elements that
    are nested too deep."""
    try:
        found: dict[str, Any] = xmltodict.parse(text, disable_entities=True)
    except (ExpatError, ValueError, RecursionError) as problem:
        raise ValueError(f"The text is not XML: {problem}.") from None
    if too_deep(found):
        raise ValueError(f"The elements are nested more than {LEVELS} deep.")
    return found
