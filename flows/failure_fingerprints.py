"""What makes two failures the same: the flow, the block that threw, the type of the exception, and
its message without the parts that vary from one execution to the next. Pure.
"""

import hashlib
import re
from collections.abc import Iterator
from uuid import UUID

#: Characters of a message that are read, and of its template.
READ = 2_000
LONGEST = 500

#: Single quotation marks, of which an apostrophe within a word is none.
_SINGLE = r"(?<!\w){open}[^{close}\n]*(?:{close}\w[^{close}\n]*)*{close}(?!\w)"
#: What varies, by its kind: where several match, the first one counts.
_VARYING = {
    "address": "|".join(
        (
            r"[a-z][a-z0-9+.-]{1,15}://[^\s\"'<>]+",
            r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
            # IPv4, with a port or a mask; IPv6; a host with a port.
            r"\b\d{1,3}(?:\.\d{1,3}){3}(?:[:/]\d+)?\b",
            r"(?<![\w:])(?=[0-9a-f:]*(?:::|[a-f]))(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])",
            r"\b(?:localhost|[a-z0-9-]+(?:\.[a-z0-9-]+)+):\d{2,5}\b",
        )
    ),
    "text": "|".join(
        (
            r"\"[^\"\n]*\"|“[^”\n]*”|«[^»\n]*»|`[^`\n]*`",
            _SINGLE.format(open="'", close="'"),
            _SINGLE.format(open="\u2018", close="\u2019"),
        )
    ),
    "time": (
        r"\b\d{4}-\d{2}-\d{2}"
        r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
    ),
    "id": "|".join(
        (
            r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            r"\b(?:0x)?(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b",
            r"\b0x[0-9a-f]+\b",
        )
    ),
    # A word with a digit, such as A-70415.
    "word": r"(?<![\w{-])(?=[a-z_-]*\d)[a-z][\w-]*",
    "number": r"\d+(?:[.,:]\d+)*",
}
_PATTERN = re.compile(
    "|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _VARYING.items()), re.IGNORECASE
)
#: What stands in a template for each kind.
_NAMES = {kind: "text" if kind == "word" else kind for kind in _VARYING}
_PLACES = re.compile("{(" + "|".join(dict.fromkeys(_NAMES.values())) + ")}")


def template(message: str) -> str:
    """Return a message with the name of its kind, in braces, in the place of each part that varies:
    "Order {text} has {number} lines"."""
    whole = _PATTERN.sub(lambda match: f"{{{_NAMES[match.lastgroup or '']}}}", message[:READ])
    return " ".join(whole.split())[:LONGEST]


def parts(template: str) -> Iterator[tuple[str, bool]]:
    """Yield the parts of a template: each text, and whether it names the kind of what varies."""
    for number, text in enumerate(_PLACES.split(template)):
        if text:
            yield text, bool(number % 2)


def fingerprint(flow: str, block: str, kind: str, template: str) -> UUID:
    """Return an id that is the same for the same failure. `block` is a key, `kind` the type of the
    exception."""
    told = "\0".join((flow, block, kind, template))
    return UUID(bytes=hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=16).digest())
