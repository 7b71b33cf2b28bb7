"""The current variables of many executions, by path.

A path is a variable's name, in any case, then keys of structures and places in lists, as
`flows.value_paths` writes them: `Order.lines.0.price`.
Where scopes hold the same name it is the innermost that counts, as for an expression there.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection

from executions.store.read.stored_values import INLINE_VALUE
from flows import pretty_json, value_paths

_VALUES = """
    SELECT DISTINCT ON (execution_id, name) execution_id::text, name, size,
        CASE WHEN size <= %(inline)s THEN value::text END
    FROM (
        SELECT execution_id, level, name, value, coalesce(pg_column_size(value), 0) AS size
        FROM executions_value
        WHERE execution_id = ANY(%(ids)s::uuid[]) AND name = ANY(%(names)s)
    ) AS sized
    ORDER BY execution_id, name, level DESC
"""


class LargeValue:
    """Stands for a value that is too large to read for a list."""

    def __init__(self, size: int) -> None:
        self.size = size


def values_of(ids: Iterable[Any], asked: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the values to which paths lead, in one query: id → path → value.

    A path that leads nowhere has no entry. Texts are unchanged: what shows them makes them
    `legible`.
    """
    wanted, asked = [str(one) for one in ids], list(asked)
    names = {name for path in asked for name in _names(path)}
    if not wanted or not names:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_VALUES, {"inline": INLINE_VALUE, "ids": wanted, "names": sorted(names)})
        held: dict[str, dict[str, Any]] = {}
        for execution_id, name, size, text in cursor.fetchall():
            is_large = text is None and size > 0  # a null variable is stored as NULL
            value = (
                LargeValue(size)
                if is_large
                else pretty_json.decode(json.loads(text or "null"), exact=True)
            )
            held.setdefault(execution_id, {})[name] = value
    return {one: found for one, names_held in held.items() if (found := _found(names_held, asked))}


def _names(path: str) -> list[str]:
    """The stored names with which a path may begin, longest first: names may contain dots."""
    keys = value_paths.split(path)
    return [".".join(keys[:count]).casefold() for count in range(len(keys), 0, -1)]


def _found(held: Mapping[str, Any], asked: Iterable[str]) -> dict[str, Any]:
    found = {}
    for path in asked:
        keys = value_paths.split(path)
        name = next((one for one in _names(path) if one in held), None)
        if name is None:
            continue
        below = keys[len(name.split(".")) :] if "." in name else keys[1:]
        is_large = isinstance(held[name], LargeValue)
        is_there, value = (True, held[name]) if is_large else value_paths.follow(held[name], below)
        if is_there:
            found[path] = value
    return found
