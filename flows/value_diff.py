"""The differences between two values, by the path of each part."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flows import pretty_json, values
from flows.keys import labels

#: The most differences that are listed of one value.
SHOWN = 50
#: Stands for what is not there.
ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """A part that differs: "Lines[2].Price", or "" for the whole; None for what is not there."""

    path: str
    before: str | None
    after: str | None


def diff(before: Any, after: Any) -> tuple[list[Difference], bool]:
    """Return the differences, at most `SHOWN` of them, and whether there are more."""
    found: list[Difference] = []
    for difference in _differing("", before, after):
        if len(found) == SHOWN:
            return found, True
        found.append(difference)
    return found, False


def _differing(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, values.ExceptionValue) and isinstance(after, values.ExceptionValue):
        before, after = before.as_structure(), after.as_structure()
    if isinstance(before, dict) and isinstance(after, dict):
        for label, key in labels({**before, **after}):
            inner = f"{path}.{label}" if path else label
            yield from _differing(inner, before.get(key, ABSENT), after.get(key, ABSENT))
    elif isinstance(before, list) and isinstance(after, list):
        for place in range(max(len(before), len(after))):
            yield from _differing(
                f"{path}[{place}]",
                before[place] if place < len(before) else ABSENT,
                after[place] if place < len(after) else ABSENT,
            )
    elif not _same(before, after):
        yield Difference(path, _told(before), _told(after))


def _same(before: Any, after: Any) -> bool:
    """1, 1.0 and true are three values."""
    if before is ABSENT or after is ABSENT:
        return before is after
    return type(before) is type(after) and values.encode(before) == values.encode(after)


def _told(value: Any) -> str | None:
    if value is ABSENT:
        return None
    if isinstance(value, dict | list) and len(text := pretty_json.text(value)) <= 200:
        return " ".join(text.split())
    return values.summary(value, 200)
