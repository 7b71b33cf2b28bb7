"""XML as values, and back, as the original converts it. Pure.

`@name` is an attribute, `#text` the text beside other content, and a list stands for an element
that is there several times. What a name may not hold is written as its number: `a!` as `a_x0021_`.
"""

import re
from datetime import datetime
from typing import Any
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape, quoteattr

import xmltodict

from flows.formats.cultures import culture
from flows.formats.text import text_of
from flows.values import LEVELS, too_deep

#: The element around several outermost ones.
ROOT = "Cortex_DataTypes_Dictionaries_Structure"
_START = r"A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u3001-\ud7ff"
#: What a name may not hold or begin with, and what would be read as the number of a character.
_ODD = re.compile(rf"_(?=x[0-9A-Fa-f]{{4}}_)|^[^{_START}]|[^{_START}0-9.:\u00b7-]")
_NUMBERED = re.compile("_x([0-9A-Fa-f]{4})_")
#: Characters that no XML holds.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
#: The keys of a declaration and of a document type, with what they may hold.
_DECLARATION = {"@version": r"1\.\d", "@encoding": r"[A-Za-z][\w.-]*", "@standalone": "yes|no"}
_TYPE = ("@name", "@public", "@system", "@internalSubset")


class EmptyName(ValueError):
    """An element or an attribute without a name."""


def read(text: str) -> dict[str, Any]:
    """Return the structure of an XML text. Its values are texts, or null for an empty element.
    Raises ValueError for what is not XML, for document type declarations, and for elements that
    are nested too deep."""
    try:
        found: dict[str, Any] = xmltodict.parse(
            text, disable_entities=True, postprocessor=lambda _, key, value: (_decoded(key), value)
        )
    except (ExpatError, ValueError, RecursionError) as problem:
        raise ValueError(f"The text is not XML: {problem}.") from None
    if too_deep(found):
        raise ValueError(f"The elements are nested more than {LEVELS} deep.")
    return found


def write(structure: dict[str, Any]) -> str:
    """Return a structure as XML, in one line. Several outermost elements are put into one, ROOT.
    Raises ValueError for what has no XML form."""
    elements = {key: value for key, value in structure.items() if key not in ("?xml", "!DOCTYPE")}
    before = "".join(
        write_part(structure[key])
        for key, write_part in (("?xml", _declaration), ("!DOCTYPE", _document_type))
        if key in structure
    )
    if len(elements) != 1:
        return before + _element(ROOT, elements)
    ((key, value),) = elements.items()
    if isinstance(value, list) and len(value) != 1:
        raise ValueError(f"{key!r} would be several outermost elements.")
    if not isinstance(key, str) or key == "#text" or key.startswith("@"):
        raise ValueError(f"{key!r} is no outermost element.")
    return before + _element(key, value)


def _element(key: str, value: Any) -> str:
    name = _name(key)
    if isinstance(value, list):
        return "".join(_element(key, item) for item in value)
    if not isinstance(value, dict):
        return f"<{name}>{escape(_text(value))}</{name}>"
    attributes = "".join(
        f" {_name(part[1:])}={quoteattr(_text(item))}"
        for part, item in value.items()
        if _is_attribute(part)
    )
    content = "".join(
        escape(_text(item)) if part == "#text" else _element(part, item)
        for part, item in value.items()
        if not _is_attribute(part)
    )
    return f"<{name}{attributes}>{content}</{name}>"


def _is_attribute(key: Any) -> bool:
    return isinstance(key, str) and key.startswith("@")


def _name(key: Any) -> str:
    if not key:
        raise EmptyName("A key is empty.")
    if not isinstance(key, str):
        raise ValueError(f"{key!r} is no name.")
    return _ODD.sub(lambda found: f"_x{ord(found[0]):04X}_", key)


def _decoded(key: str) -> str:
    return _NUMBERED.sub(lambda found: chr(int(found[1], 16)), key)


def _text(value: Any) -> str:
    """The text of a scalar."""
    match value:
        case dict() | list():
            raise ValueError("An attribute or a text cannot hold a structure or a list.")
        case bool():
            return "true" if value else "false"
        case datetime():
            return value.isoformat()
    text = text_of(value, culture(None))
    if found := _ILLEGAL.search(text):
        raise ValueError(f"XML cannot hold the character {found[0]!r}.")
    return text


def _declaration(value: Any) -> str:
    parts = _parts("?xml", value, tuple(_DECLARATION))
    if type(parts.get("@version")) in (int, float):
        parts["@version"] = f"{parts['@version']:.1f}"
    for key, item in ({"@version": "1.0"} | parts).items():
        if not isinstance(item, str) or not re.fullmatch(_DECLARATION[key], item):
            raise ValueError(f"{key} of ?xml cannot be {item!r}.")
    told = (f'{key[1:]}="{parts.get(key, "1.0")}"' for key in _DECLARATION if key in parts)
    return f"<?xml {' '.join(told)}?>"


def _document_type(value: Any) -> str:
    parts = _parts("!DOCTYPE", value, _TYPE)
    for key, item in parts.items():
        if not isinstance(item, str):
            raise ValueError(f"{key} of !DOCTYPE cannot be {item!r}.")
    if "@name" not in parts:
        raise ValueError("!DOCTYPE needs its @name.")
    told = [_name(parts["@name"])]
    if "@public" in parts:
        told += ["PUBLIC", quoteattr(parts["@public"]), quoteattr(parts.get("@system", ""))]
    elif "@system" in parts:
        told += ["SYSTEM", quoteattr(parts["@system"])]
    if "@internalSubset" in parts:
        told.append(f"[{parts['@internalSubset']}]")
    return f"<!DOCTYPE {' '.join(told)}>"


def _parts(key: str, value: Any, known: tuple[str, ...]) -> dict[str, Any]:
    """The attributes of a declaration, of those that are known."""
    if not isinstance(value, dict) or not value.keys() <= set(known):
        raise ValueError(f"{key} can hold {', '.join(known)} only.")
    return dict(value)
