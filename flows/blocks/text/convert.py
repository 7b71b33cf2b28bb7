"""Changing the case of texts, joining, splitting, filling templates, and encoding."""

import base64
import binascii
import html
import html.entities
import re
import urllib.parse
from collections.abc import Callable
from typing import Any, ClassVar

from flows.blocks.base import Direction, Leave, Property, Visit
from flows.blocks.collections import items_of
from flows.blocks.cultures import CULTURE_INFO, FORMAT_PROVIDER, culture_info, format_provider
from flows.blocks.enumerations import ENCODING_FORMAT, SPLIT_OPTIONS
from flows.blocks.errors import HELP, exception
from flows.blocks.text.base import (
    BLANKS,
    CHANGED_TEXT,
    TEXT,
    TEXT_OUT,
    TextBlock,
)
from flows.expressions.function import LARGEST_TEXT
from flows.formats.cultures import Culture, culture
from flows.formats.numbers import InvalidFormat
from flows.formats.text import fill, text_of

# Case ----------------------------------------------------------------------------------------


def _upper(text: str, signs: Culture) -> str:
    if signs.name[:2] in ("tr", "az"):
        text = text.replace("i", "\u0130")
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in text)


def _lower(text: str, signs: Culture) -> str:
    if signs.name[:2] in ("tr", "az"):
        text = text.replace("I", "\u0131").replace("\u0130", "i")
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _title(text: str, signs: Culture) -> str:
    """Words of capitals only stay, as they may be abbreviations."""

    def word(found: re.Match[str]) -> str:
        part = found[0]
        if len(part) > 1 and part == _upper(part, signs):
            return part
        return _upper(part[0], signs) + _lower(part[1:], signs)

    return re.sub(r"[^\W\d_][\w'\u2019\u0300-\u036f]*", word, text)


def _pascal(text: str, signs: Culture) -> str:
    """The words of a title without what is between and inside of them."""
    words = _title(_lower(text, signs).replace("_", " "), signs)
    return re.sub(r"[^\w\u0300-\u036f]", "", words)


def _camel(text: str, signs: Culture) -> str:
    joined = _pascal(text, signs)
    return _lower(joined[:1], signs) + joined[1:]


class _Converts(TextBlock):
    properties: ClassVar[tuple[Property, ...]] = (CHANGED_TEXT, CULTURE_INFO)
    convert: ClassVar[Callable[[str, Culture], str]]

    def run(self, visit: Visit) -> Leave:
        text, signs = visit.inputs["Text"], culture_info(visit.inputs)
        converted = type(self).convert(text, signs) if text else text
        return Leave(outputs={"Text": converted})


class ConvertToUpperCase(_Converts):
    """Turns a text into capitals."""

    type = "Convert To Upper Case"
    convert = _upper


class ConvertToLowerCase(_Converts):
    """Turns a text into small letters."""

    type = "Convert To Lower Case"
    convert = _lower


class ConvertToTitleCase(_Converts):
    """Gives each word of a text a capital; words of capitals only stay."""

    type = "Convert To Title Case"
    convert = _title


class ConvertToPascalCase(_Converts):
    """Joins the words of a text, each with one capital, without blanks and punctuation:
    TheQuickFox."""

    type = "Convert To Pascal Case"
    convert = _pascal


class ConvertToCamelCase(_Converts):
    """Joins the words of a text, each but the first with one capital, without blanks and
    punctuation: theQuickFox."""

    type = "Convert To Camel Case"
    convert = _camel


# Joining and splitting -----------------------------------------------------------------------


class JoinText(TextBlock):
    """Joins values to one text, each as it is written in a text."""

    type = "Join Text"
    properties = (
        Property("Values", "IEnumerable<TValue>", required=True),
        Property("Separator", "String", default=","),
        TEXT_OUT,
    )
    throws = ("OutOfMemoryException",)

    def run(self, visit: Visit) -> Leave:
        separator, signs = visit.inputs["Separator"] or "", culture(None)
        texts = [text_of(value, signs) for value in items_of(visit.inputs["Values"])]
        if sum(map(len, texts)) + len(separator) * len(texts) > LARGEST_TEXT:
            told = f"The text would have more than {LARGEST_TEXT:,} characters."
            raise exception("OutOfMemoryException", told)
        return Leave(outputs={"Text": separator.join(texts)})


class SplitText(TextBlock):
    """Splits a text at each separator. Without a separator the text is one value; so is null."""

    type = "Split Text"
    properties = (
        TEXT,
        Property("Separator", "String", default=","),
        SPLIT_OPTIONS.property("Split Options", "None"),
        Property("Values", "IList<String>", Direction.OUTPUT),
    )
    throws = ("ArgumentException",)

    def run(self, visit: Visit) -> Leave:
        options = SPLIT_OPTIONS.flags("Split Options", visit.inputs["Split Options"])
        text, separator = visit.inputs["Text"], visit.inputs["Separator"]
        if text is None:
            return Leave(outputs={"Values": [None]})
        parts = text.split(separator) if separator else [text]
        if "TrimEntries" in options:
            parts = [part.strip(BLANKS) for part in parts]
        if "RemoveEmptyEntries" in options:
            parts = [part for part in parts if part]
        return Leave(outputs={"Values": parts})


# Templates -----------------------------------------------------------------------------------


class _Formats(TextBlock):
    throws: ClassVar[tuple[str, ...]] = ("CultureInfoNotFoundException", "FormatException")

    def run(self, visit: Visit) -> Leave:
        template = visit.inputs["Format Template"]
        signs = format_provider(visit.inputs)
        if template is None:
            return Leave(outputs={"Text": None})
        try:
            return Leave(outputs={"Text": fill(template, self.values(visit), signs)})
        except InvalidFormat as problem:
            raise exception("FormatException", str(problem)) from None

    def values(self, visit: Visit) -> list[Any]:
        return [visit.inputs["Value"]]


class FormatTextWithValue(_Formats):
    """Puts a value into a template: `{0}`, or `{0:C2}` in a format."""

    type = "Format Text With Value"
    properties = (
        Property("Format Template", "String", default="{0}"),
        Property("Value", "TValue"),
        FORMAT_PROVIDER,
        TEXT_OUT,
    )


class FormatTextWithValues(_Formats):
    """Puts values into a template by their numbers: `{0} of {1:N0}`."""

    type = "Format Text With Values"
    properties = (
        Property("Format Template", "String", default="{0} {1}"),
        Property("Values", "IEnumerable<TValue>", required=True, default=[0, "1"]),
        FORMAT_PROVIDER,
        TEXT_OUT,
    )

    def values(self, visit: Visit) -> list[Any]:
        return items_of(visit.inputs["Values"])


# Encoding ------------------------------------------------------------------------------------


def _bytes(text: str) -> bytes:
    """Halves of characters become the replacement character, as in .NET."""
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.encode()


def _base64(text: str) -> str:
    """Lines of 76 characters, as in mail."""
    encoded = base64.b64encode(_bytes(text)).decode("ascii")
    return "\r\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76))


def _html(text: str) -> str:
    escaped = html.escape(text, quote=False).replace('"', "&quot;").replace("'", "&#39;")
    return re.sub("[\xa0-\xff]", lambda found: f"&#{ord(found[0])};", escaped)


_ENCODE: dict[str, Callable[[str], str]] = {
    "Base64": _base64,
    "Url": lambda text: urllib.parse.quote(_bytes(text), safe=""),
    "Hex": lambda text: _bytes(text).hex().upper(),
    "Html": _html,
    "Utf8": lambda text: _bytes(text).decode("latin-1"),
    "Base64Url": lambda text: base64.urlsafe_b64encode(_bytes(text)).decode("ascii").rstrip("="),
}


def _from_hex(text: str) -> str:
    """Each digit beyond F begins anew at 0, as in the original: G is 0, H is 1."""
    if len(text) % 2 or not re.fullmatch("[0-9A-Za-z]*", text):
        raise ValueError("it is not hexadecimal.")
    digits = [int(c, 36) % 16 for c in text]
    pairs = zip(digits[::2], digits[1::2], strict=True)
    return _from_bytes(bytes(high * 16 + low for high, low in pairs))


def _from_base64(text: str, signs: bytes = b"+/") -> str:
    """Blanks between the characters do not count."""
    return _from_bytes(base64.b64decode("".join(text.split()), altchars=signs, validate=True))


def _from_base64url(text: str) -> str:
    plain = text.rstrip("=")
    if set(plain) & set("+/"):
        raise ValueError("its characters are those of Base64.")
    return _from_base64(plain + "=" * (-len(plain) % 4), b"-_")


def _from_bytes(data: bytes) -> str:
    """What is no UTF-8 becomes the replacement character, as in .NET."""
    return data.decode(errors="replace")


#: The named entities that are decoded: those of Latin-1 and of markup.
_ENTITIES = {
    name: chr(code) for name, code in html.entities.name2codepoint.items() if code < 256
} | {"apos": "'"}


def _from_html(text: str) -> str:
    """An entity ends with a semicolon. Other entities, and an ampersand that begins none, are left
    out."""
    return re.sub(r"&(?:#(?:\d+|[xX][0-9A-Fa-f]+);|([A-Za-z][A-Za-z0-9]*);)?", _character, text)


def _character(entity: re.Match[str]) -> str:
    if name := entity[1]:
        return _ENTITIES.get(name, "")
    return html.unescape(entity[0]) if entity[0] != "&" else ""


_DECODE: dict[str, Callable[[str], str]] = {
    "Base64": _from_base64,
    "Url": urllib.parse.unquote,
    "Hex": _from_hex,
    "Html": _from_html,
    "Utf8": lambda text: text.encode("latin-1").decode(),
    "Base64Url": _from_base64url,
}
#: The error codes of TextDecodingException, whose category is the format.
_CODES = {"Base64": 100, "Hex": 300, "Base64Url": 600}


class EncodeText(TextBlock):
    """Encodes a text, of which UTF-8 is taken where bytes are needed."""

    type = "Encode Text"
    properties = (
        CHANGED_TEXT,
        ENCODING_FORMAT.property("Format", "Base64", advanced=False),
    )
    throws = ("ArgumentException",)

    def run(self, visit: Visit) -> Leave:
        how, text = ENCODING_FORMAT.member("Format", visit.inputs["Format"]), visit.inputs["Text"]
        return Leave(outputs={"Text": _ENCODE[how](text) if text else text})


class DecodeText(TextBlock):
    """Decodes a text that was encoded in a format."""

    type = "Decode Text"
    properties = (
        CHANGED_TEXT,
        ENCODING_FORMAT.property("Format", "Base64", advanced=False),
    )
    throws = ("ArgumentException", "TextDecodingException")

    def run(self, visit: Visit) -> Leave:
        how, text = ENCODING_FORMAT.member("Format", visit.inputs["Format"]), visit.inputs["Text"]
        try:
            return Leave(outputs={"Text": _DECODE[how](text) if text else text})
        except (ValueError, binascii.Error):
            is_odd = how == "Hex" and len(text) % 2
            told = "an odd number of characters" if is_odd else f"characters that are not {how}"
            raise exception(
                "TextDecodingException",
                f"The text cannot be decoded: it has {told}.{HELP}",
                category=how,
                error_code=_CODES.get(how),
            ) from None
