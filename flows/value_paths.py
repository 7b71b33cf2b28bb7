"""Paths into values, as addresses of pages and commands name them: `order.lines.0.price`.

Pure. A path is keys of structures and places in lists, joined by dots; a dot or backslash of a key
is written after a backslash. Keys that are no texts have the labels of `flows.keys`.
"""

import re
from collections.abc import Sequence
from typing import Any

from flows.keys import key_of_label
from flows.values import ExceptionValue


def split(path: str) -> list[str]:
    """The keys of a path; none for the empty one."""
    keys, key, escaped = [], "", False
    for character in path:
        if escaped or character not in ".\\":
            key, escaped = key + character, False
        elif character == "\\":
            escaped = True
        else:
            keys.append(key)
            key = ""
    return [*keys, key] if path else []


def parse(text: str) -> str:
    """The path that somebody types: `order.lines.0`, also with keys in quotation marks, as in
    `order."unit.price"` or `order["unit.price"]`; or a whole path in them."""
    if whole := re.fullmatch(_QUOTED, text, re.DOTALL):
        return _unquoted(whole[1])
    return _KEY.sub(_key, text)


def _key(found: re.Match[str]) -> str:
    if found[1] is not None:
        return "." + join([_unquoted(found[1])])
    return join([_unquoted(found[2])])


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_KEY = re.compile(rf"\[{_QUOTED}\]|{_QUOTED}", re.DOTALL)


def join(keys: Sequence[str]) -> str:
    """The path of these keys."""
    return ".".join(key.replace("\\", "\\\\").replace(".", "\\.") for key in keys)


def parts(value: Any) -> dict[Any, Any] | list[Any] | None:
    """What a value is made of; None for one that has no parts."""
    if isinstance(value, ExceptionValue):
        return value.as_structure()
    return value if isinstance(value, dict | list) else None


def follow(value: Any, keys: Sequence[str]) -> tuple[bool, Any]:
    """Whether the path leads to something in the value, and to what."""
    for key in keys:
        inside = parts(value)
        place = None if inside is None else _place(inside, key)
        if inside is None or place is None:
            return False, None
        value = inside[place]
    return True, value


def replace(value: Any, keys: Sequence[str], new: Any) -> Any:
    """The value with something else where the path leads. Raises KeyError when it leads nowhere,
    or into something that is not made of parts that can be replaced."""
    if not keys:
        return new
    place = _place(value, keys[0]) if isinstance(value, dict | list) else None
    if place is None:
        raise KeyError(keys[0])
    changed = value.copy()
    changed[place] = replace(value[place], keys[1:], new)
    return changed


def _place(inside: dict[Any, Any] | list[Any], key: str) -> Any:
    if isinstance(inside, list):
        number = int(key) if key.isascii() and key.isdigit() and len(key) < 12 else len(inside)
        return number if number < len(inside) else None
    try:
        return key_of_label(inside, key)
    except KeyError:
        return None
