"""What makes two failures the same: the flow, the block, the type, and the message but for what
differs from one execution to the next. Pure.
"""

import hashlib
import re
from uuid import UUID

#: Characters of a message that count.
COUNTED = 500

#: What is replaced: ids, other hexadecimal that holds a digit, and numbers.
_VARYING = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\b(?:0x)?(?=[0-9a-f]*[0-9])[0-9a-f]{8,}\b"
    r"|[0-9]+(?:[.,:][0-9]+)*",
    re.IGNORECASE,
)


def pattern(message: str) -> str:
    """Return a message in which what varies is replaced."""
    return " ".join(_VARYING.sub("#", message).split())[:COUNTED]


def fingerprint(flow: str, block: str, kind: str, message: str) -> UUID:
    """Return an id that is the same for the same failure. `block` is a key, `kind` the type of the
    exception."""
    told = "\0".join((flow, block, kind, pattern(message)))
    return UUID(bytes=hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=16).digest())
