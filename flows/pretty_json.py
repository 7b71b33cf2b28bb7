"""Formats values for people: indented JSON with its parts marked for colour.

Pure but for Django's escaping. Other types are written as text: moments in ISO form,
durations, bytes by their size, exceptions as the structure that expressions see.
"""

import json
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from flows import values
from flows.keys import labelled
from flows.values import ExceptionValue, Masked, SecretText

#: The most lines and characters; the rest is left out.
LINES, CHARACTERS = 1000, 100_000


def decode(form: Any, *, exact: bool = False) -> Any:
    """Return the value of a typed JSON form, or the form itself when it cannot be decoded.

    Characters that UTF-8 cannot encode are replaced, so that a page, a file or a frame can show
    them, except in an `exact` value, which is to be saved again.
    """
    try:
        return values.decode(form, masks=True, readable=not exact)
    except (ValueError, TypeError, KeyError):
        return form


def is_inline(value: Any) -> bool:
    """Return whether one line shows the whole value."""
    if isinstance(value, str):
        return len(value) <= 60 and "\n" not in value
    return not value if isinstance(value, list | dict) else not isinstance(value, ExceptionValue)


def plain(value: Any) -> Any:
    """Return the value with JSON's types only."""
    match value:
        case dict():
            return {values.legible(key): plain(item) for key, item in labelled(value)}
        case list():
            return [plain(item) for item in value]
        case ExceptionValue():
            return plain(value.as_structure())
        case datetime():
            return value.isoformat()
        case timedelta():
            return str(value)
        case bytes() | Masked() | SecretText():
            return values.summary(value)
        case str():
            return values.legible(value)
        case float() if not math.isfinite(value):
            return values.number_text(value)
    return value


def text(value: Any) -> str:
    """Return indented JSON in full."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False)


def lines(value: Any) -> SafeString:
    """Return indented JSON as HTML: a span for each line, with a span for each token."""
    written, size, rest = [], 0, False
    for count, line in enumerate(_lines(plain(value), "", ""), 1):
        size += len(line)
        if count > LINES or size > CHARACTERS:
            rest = True
            break
        written.append(f'<span class="json-line">{line}</span>')
    if rest:
        written.append('<span class="json-line muted">… the rest is left out</span>')
    # Every part of a line was escaped when it was made.
    return mark_safe("\n".join(written))  # noqa: S308


def _lines(value: Any, indent: str, before: str, after: str = "") -> Iterator[str]:
    match value:
        case dict() if value:
            yield f"{indent}{before}{{"
            last = len(value) - 1
            for number, (key, item) in enumerate(value.items()):
                name = f'<span class="json-key">{quoted(key[:CHARACTERS])}</span>: '
                yield from _lines(item, indent + "  ", name, "," if number < last else "")
            yield f"{indent}}}{after}"
        case list() if value:
            if len(value) <= 8 and all(isinstance(v, int | float | None) for v in value):
                inside = ", ".join(scalar(item) for item in value)
                yield f"{indent}{before}[{inside}]{after}"
                return
            yield f"{indent}{before}["
            last = len(value) - 1
            for number, item in enumerate(value):
                yield from _lines(item, indent + "  ", "", "," if number < last else "")
            yield f"{indent}]{after}"
        case _:
            yield f"{indent}{before}{scalar(value, CHARACTERS)}{after}"


def scalar(value: Any, longest: int | None = None) -> str:
    """Return a value without parts as HTML, of a text up to so many characters."""
    match value:
        case str():
            return f'<span class="json-string">{quoted(value[:longest])}</span>'
        case None | bool():
            return f'<span class="json-keyword">{json.dumps(value)}</span>'
        case int() | float():
            return f'<span class="json-number">{value}</span>'
    return escape(json.dumps(value, ensure_ascii=False))


def quoted(text: str) -> str:
    """Return a text in quotation marks as HTML."""
    return escape(json.dumps(text, ensure_ascii=False))
