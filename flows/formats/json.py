"""Values as JSON, as the original's serializer writes them.

Pure. Keys stay in their order. Date times have seven digits of a second, durations are
`[-][d.]hh:mm:ss`, bytes are Base64, and numbers that JSON lacks are texts.
"""

import base64
import json
import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from flows import parsing
from flows.formats.cultures import culture
from flows.formats.dates import ISO, duration_text, format_date
from flows.formats.numbers import format_number
from flows.keys import labelled, value_of
from flows.values import ExceptionValue, number_text

_HALF = re.compile("[\ud800-\udfff]")


def read(text: str) -> Any:
    """Return the value of a JSON text. Raises ValueError for what is not JSON, and for a number
    that no Number or Integer holds."""
    return json.loads(text, parse_float=_number, parse_int=parsing.integer)


def _number(text: str) -> float:
    found = float(text)
    return found if math.isfinite(found) else parsing.real(text)


@dataclass(frozen=True, slots=True)
class Layout:
    """How JSON is written: indented, without the nulls of structures, date times in a format, and
    what is escaped in texts beside what must be."""

    indented: bool = False
    without_nulls: bool = False
    date_format: str = ""
    only_ascii: bool = False
    for_html: bool = False


LINE, INDENTED = Layout(), Layout(indented=True)


def write(value: Any, layout: Layout = LINE) -> str:
    """Return a value as JSON, in one line without blanks unless the layout says otherwise. Halves
    of characters are escaped. Raises TypeError for a value without a JSON form, InvalidFormat, and
    RecursionError."""
    if layout.without_nulls:
        value = _without_nulls(value)
    try:
        text = _dumped(value, layout)
    except (TypeError, ValueError):
        text = _dumped(_finite(value), layout)
    if layout.for_html:
        text = _HTML.sub(_escaped, text)
    return _HALF.sub(_escaped, text)


#: A backslash with what it escapes, or a sign of HTML, which JSON has in texts only.
_HTML = re.compile(r"""\\(?!")[\s\S]|\\"|[<>&']""")


def _escaped(found: re.Match[str]) -> str:
    text = found[0]
    return text if text[0] == "\\" and text[1] != '"' else f"\\u{ord(text[-1]):04x}"


def _without_nulls(value: Any) -> Any:
    """A copy in which structures have no nulls; lists keep theirs."""
    if type(value) is list:
        return [_without_nulls(item) for item in value]
    if type(value) is dict:
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value


def _dumped(value: Any, layout: Layout) -> str:
    form: dict[str, Any] = {"indent": 2} if layout.indented else {"separators": (",", ":")}
    plain = partial(_plain, date_format=layout.date_format)
    return json.dumps(value, ensure_ascii=layout.only_ascii, allow_nan=False, default=plain, **form)


def _finite(value: Any) -> Any:
    """A copy in which keys, and numbers that JSON lacks, are texts."""
    match value:
        case float() if not math.isfinite(value):
            return number_text(value)
        case list():
            return [_finite(item) for item in value]
        case dict():
            return {key: _finite(item) for key, item in labelled(value, _key)}
        case ExceptionValue():
            return _finite(_exception(value))
    return value


def _key(key: Any) -> str:
    """A key that is no text, as the original's ToString writes it: `True`, `1` for 1.0."""
    match value_of(key):
        case bool() as value:
            return str(value)
        case float() | int() as value:
            return format_number(value, "", culture(None))
        case datetime() | timedelta() | bytes() as value:
            return str(_plain(value))
        case value:
            return str(value)


def _plain(value: Any, *, date_format: str = "") -> Any:
    """What JSON has no form for."""
    match value:
        case datetime():
            iso = ISO if value.tzinfo else ISO.removesuffix("zzz")
            return format_date(value, date_format or iso, culture(None))
        case timedelta():
            return duration_text(value)
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case ExceptionValue():
            return _exception(value)
    raise TypeError(f"{type(value).__name__} is not serializable")


def _exception(value: ExceptionValue) -> dict[str, Any]:
    """An exception under the keys that the original documents; absent parts are left out."""
    parts = {
        "Exception Type": value.short_type,
        "Message": value.message,
        "Category": value.category,
        "ErrorCode": value.error_code,
        "InnerException": value.inner,
        "HelpLink": value.help_link,
        "Details": value.details,
    }
    return {key: part for key, part in parts.items() if part is not None} | dict(value.extra)
