"""Encodings of text, by the original's names and by everybody's: the one place that knows them."""

import codecs
from dataclasses import dataclass
from typing import Any

from flows.blocks.base import Property
from flows.blocks.errors import invalid_property
from flows.values import legible, summary


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding, and the byte order mark with which it begins a file."""

    codec: str
    mark: bytes = b""


#: The members of the original's Encoding.
NAMED: dict[str, Encoding] = {
    "ASCII": Encoding("ascii"),
    "BigEndianUnicode": Encoding("utf-16-be", codecs.BOM_UTF16_BE),
    "Default": Encoding("utf-8"),
    "Latin1": Encoding("latin-1"),
    "Unicode": Encoding("utf-16-le", codecs.BOM_UTF16_LE),
    "UTF32": Encoding("utf-32-le", codecs.BOM_UTF32_LE),
    "UTF7": Encoding("utf-7"),
    "UTF8": Encoding("utf-8", codecs.BOM_UTF8),
}
#: Code pages that Python knows by another name than `cp…`.
_PAGES = {
    1200: "utf-16-le",
    1201: "utf-16-be",
    12000: "utf-32-le",
    12001: "utf-32-be",
    20127: "ascii",
    65000: "utf-7",
    65001: "utf-8",
} | {28590 + part: f"iso8859-{part}" for part in range(1, 17)}
#: Python's own notations, which are no encodings of files.
_NOTATIONS = {"idna", "punycode", "raw_unicode_escape", "undefined", "unicode_escape"}
#: What a file may begin with; the marks of UTF-32 come first, as one of UTF-16 begins them.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

ENCODING = Property(
    "Encoding",
    "Encoding",
    advanced=True,
    choices=tuple(NAMED),
    description=(
        "or a name such as utf-8 or windows-1252, or a code page; null reads by the byte order "
        "mark, else UTF-8, and writes UTF-8 without one"
    ),
)


def encoding_of(value: Any, prop: str = "Encoding") -> Encoding:
    """Return the encoding that a property gives; null is UTF-8 without a mark. Raises
    InvalidPropertyValueException as a BlockException."""
    if value is None:
        return NAMED["Default"]
    found = _numbered(value) if type(value) is int else _named(value)
    if found is None:
        told = f"{summary(value)} is not an encoding; those of the original are {', '.join(NAMED)}."
        raise invalid_property(prop, told)
    return found


def _named(text: str) -> Encoding | None:
    plain = text.removeprefix("Encoding.")
    return NAMED.get(plain) or _known(plain)


def _numbered(page: int) -> Encoding | None:
    return _known(_PAGES.get(page, f"cp{page}"))


def _known(name: str) -> Encoding | None:
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError, UnicodeError):
        return None
    if not found._is_text_encoding or found.name.replace("-", "_") in _NOTATIONS:
        return None
    return Encoding(found.name)


def decode(data: bytes, encoding: Encoding) -> str:
    """Return the text of a file. A byte order mark is left out, and counts more than the encoding
    that is given, as in the original. Raises ValueError with a sentence."""
    mark, codec = next((m for m in _MARKS if data.startswith(m[0])), (b"", encoding.codec))
    try:
        return data[len(mark) :].decode(codec)
    except UnicodeDecodeError as problem:
        place = problem.start + len(mark)
        raise ValueError(
            f"Byte {data[place]:#04x} at {place:,} is no text in {codec}; give its Encoding."
        ) from None


def encode(text: str, encoding: Encoding) -> bytes:
    """Return a text as bytes, without a mark. A lone surrogate is written as the replacement
    character, as by the original. Raises ValueError with a sentence."""
    try:
        return legible(text).encode(encoding.codec)
    except UnicodeEncodeError as problem:
        sign = problem.object[problem.start]
        raise ValueError(f"{sign!r} cannot be written in {encoding.codec}.") from None
