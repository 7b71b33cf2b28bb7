"""Frames: the messages that browsers are sent, as JSON."""

import json
import time
from typing import Any


def encode_frame(kind: str, **content: Any) -> str:
    """Return a frame: its type, the server's clock in milliseconds, and its content."""
    return json.dumps({"type": kind, "now": int(time.time() * 1000), **content})
