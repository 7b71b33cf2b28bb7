"""What a parked execution waits for, as the short text of the column `waiting_for`: those of its
forms that are read again (`executions.wait_states` writes the others).

One child: its id. Tasks: how many, a space and the id of one of them. A semaphore: its path.
A person: the id of the question, a space and whom it is for. A signal: its name and key. Data
Storage: what is waited for, and what of it. A time says nothing more than `due_at`.
"""

from collections.abc import Sequence


def format_tasks(live: Sequence[str]) -> str:
    """Return the text for a wait for the ends of these tasks."""
    return f"{len(live)} {live[0]}"


def parse_children(text: str) -> tuple[int, str]:
    """Return how many children a text is about, and the id of one of them."""
    first, _, second = text.partition(" ")
    return (int(first), second) if second and first.isdigit() else (1 if first else 0, first)


def format_question(question: str, assignee: str) -> str:
    """Return the text for a wait for the answer to a question."""
    return f"{question} {assignee}"


def parse_question(text: str) -> tuple[str, str]:
    """Return the id of the question that a text is about, and whom it is for."""
    question, _, assignee = text.partition(" ")
    return question, assignee
