"""What a parked execution waits for, as the short text of the column `waiting_for`.

One child: its id. Tasks: how many, a space and the id of one of them. A semaphore: its path.
A person: the id of the question, a space and whom it is for. A signal: its name and key. Data
Storage: what is waited for, and what of it. A time says nothing more than `due_at`.
"""

from collections.abc import Mapping, Sequence
from typing import Any


def format_wait(waits: Mapping[str, Any], live: Sequence[str] = ()) -> str:
    """Return the text for a wait as `Execution.state` keeps it; `live` are the unfinished tasks."""
    match waits:
        case {"for": "child", "child": child}:
            return str(child)
        case {"for": "tasks"} if live:
            return f"{len(live)} {live[0]}"
        case {"for": "semaphore", "path": path}:
            return str(path)
        case {"for": "person", "question": question, "assignee": assignee}:
            return format_question(question, assignee)
        case {"for": "signal", "name": name, "key": key}:
            return f"{name}, key {key}" if key else str(name)
        case {"for": "storage", "collection": name, "key": key, "condition": condition}:
            subject = f"the collection {name}" if key is None else f"the key {key} of {name}"
            return f"{subject} to {condition}"
    return ""


def format_question(question: str, assignee: str) -> str:
    """Return the text for a wait for the answer to a question."""
    return f"{question} {assignee}"


def parse_question(text: str) -> tuple[str, str]:
    """Return the id of the question that a text is about, and whom it is for."""
    question, _, assignee = text.partition(" ")
    return question, assignee


def parse_children(text: str) -> tuple[int, str]:
    """Return how many children a text is about, and the id of one of them."""
    first, _, second = text.partition(" ")
    return (int(first), second) if second and first.isdigit() else (1 if first else 0, first)
