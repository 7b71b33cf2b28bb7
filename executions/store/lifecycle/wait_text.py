"""What a parked execution waits for, in the short text that the grid's rows are made of.

One child: its id. Tasks: how many, a space and the id of one of them. A semaphore: its path.
A time says nothing more than `due_at`.
"""

from collections.abc import Mapping, Sequence
from typing import Any


def format_wait(waits: Mapping[str, Any], live: Sequence[str] = ()) -> str:
    """The text for a wait as `Execution.state` keeps it; `live` are the tasks under way."""
    match waits:
        case {"for": "child", "child": child}:
            return str(child)
        case {"for": "tasks"} if live:
            return f"{len(live)} {live[0]}"
        case {"for": "semaphore", "path": path}:
            return str(path)
    return ""


def parse_children(text: str) -> tuple[int, str]:
    """How many children a text speaks of, and the id of one of them."""
    first, _, second = text.partition(" ")
    return (int(first), second) if second and first.isdigit() else (1 if first else 0, first)
