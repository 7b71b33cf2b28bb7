"""Conversions."""

import base64
import hashlib
import urllib.parse
from datetime import datetime
from typing import Any

from flows import values
from flows.expressions import supply
from flows.expressions.function import LARGEST_TEXT, bounded_text, function
from flows.expressions.functions.dates import zone_of
from flows.formats import json as json_format
from flows.formats.cultures import culture as culture_of
from flows.formats.text import fill, formatted, text_of

#: The digests that `hash` makes.
DIGESTS = ("sha256", "sha512", "sha1", "md5")


@function(("text(1.5)", "1.5"), ("text(true)", "True"), ('text([1, "a"])', '[1,"a"]'))
def text(value: Any) -> str:
    """Return a value as the text that it is in another text."""
    return text_of(value, culture_of(None))


@function(
    ('format(1234.5, "N2", "de-DE")', "1.234,50"),
    ('(0.256).format("0.0%")', "25.6%"),
    ('"{0} of {1:N2}".format([1, 2.5])', "1 of 2.50"),
    ('timestamp("2026-03-09T06:25:00Z").format("dd/MM/yyyy HH:mm")', "09/03/2026 06:25"),
    ('timestamp("2026-03-09T06:25:00Z").format("HH:mm", "", "Asia/Tokyo")', "15:25"),
)
def format_(value: Any, pattern: Any, culture: str = "", zone: str = "") -> str:
    """Return a number or a date time in a format of .NET, of a culture, and in a time zone; or a
    text with its places, such as {0}, filled with the values of a list."""
    if isinstance(value, str) and isinstance(pattern, list):
        return fill(value, pattern, culture_of(culture))
    if not isinstance(pattern, str):
        raise ValueError("the format is a Text, or for a Text the list of its values.")
    if zone and isinstance(value, datetime):
        value = value.astimezone(zone_of(zone))
    return formatted(value, pattern, culture_of(culture))


@function(('json({"b": 1, "a": [true]})', '{"b":1,"a":[true]}'))
def json(value: Any, indented: bool = False) -> str:
    """Return a value as JSON, in one line or indented."""
    result = json_format.write(value, json_format.INDENTED if indented else json_format.LINE)
    bounded_text(len(result))
    return result


@function(('parseJson("[1, {}]")', [1, {}]))
def parse_json(text: str) -> Any:
    """Return the value of a JSON text."""
    try:
        value = json_format.read(text)
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"the text is not JSON: {problem}.") from None
    if values.too_deep(value):
        raise ValueError(f"its lists and structures are nested more than {values.LEVELS} deep.")
    return value


@function(("uuid().size()", 36))
def uuid() -> str:
    """Return a new id. It is the same when a step runs again after a crash, so it is no secret."""
    return supply.current().expression_uuid()


@function(('hash("a", "md5")', "0cc175b9c0f1b6a831c399e269772661"), ('hash("a").size()', 64))
def hash_(text: str, algorithm: str = "sha256") -> str:
    """Return the digest of a text as hexadecimal digits: sha256, sha512, sha1 or md5."""
    if algorithm not in DIGESTS:
        raise ValueError(f"{algorithm} is not one of {', '.join(DIGESTS)}.")
    return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()


@function(('base64Encode("hé")', "aMOp"))
def base64_encode(text: str) -> str:
    """Return the Base64 of a text in UTF-8."""
    bounded_text(len(text) * 2)
    return base64.b64encode(text.encode()).decode("ascii")


@function(('base64Decode("aMOp")', "hé"))
def base64_decode(text: str) -> str:
    """Return the text of a Base64 of UTF-8."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        raise ValueError("it is not the Base64 of a text.") from None


@function(('urlEncode("a b&c")', "a%20b%26c"))
def url_encode(text: str) -> str:
    """Return a text as a part of an address."""
    bounded_text(len(text) * 3)
    return urllib.parse.quote(text, safe="")


@function(('urlDecode("a%20b%26c")', "a b&c"))
def url_decode(text: str) -> str:
    """Return the text of a part of an address."""
    bounded_text(min(len(text), LARGEST_TEXT))
    return urllib.parse.unquote(text)
