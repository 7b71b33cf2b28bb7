"""Structures."""

from typing import Any

from flows.expressions.function import bounded_list, function
from flows.keys import key_for, value_of


@function(('{"b": 1, "a": 2}.keys()', ["b", "a"]))
def keys(structure: dict[Any, Any]) -> list[Any]:
    """Return the keys in their order."""
    return [value_of(key) for key in structure]


@function(('{"b": 1, "a": 2}.values()', [1, 2]))
def values(structure: dict[Any, Any]) -> list[Any]:
    """Return the values in the order of their keys."""
    return list(structure.values())


@function(('{"a": 1, "b": 2}.merge({"b": 3, "c": 4})', {"a": 1, "b": 3, "c": 4}))
def merge(structure: dict[Any, Any], other: dict[Any, Any]) -> dict[Any, Any]:
    """Return a structure with what the other one has added, and put in place of the same keys."""
    bounded_list(len(structure) + len(other))
    return structure | other


@function(
    ('{"a": 1, "b": 2}.without("a")', {"b": 2}),
    ('{"a": 1, "b": 2, "c": 3}.without(["a", "c"])', {"b": 2}),
)
def without(structure: dict[Any, Any], keys: Any) -> dict[Any, Any]:
    """Return a structure without a key, or without those of a list."""
    left_out = [key_for(key) for key in (keys if isinstance(keys, list) else [keys])]
    return {key: item for key, item in structure.items() if key not in left_out}


@function(
    ('coalesce(null, "", "x")', ""),
    ('coalesce({"a": null}.a, 7)', 7),
)
def coalesce(*values: Any) -> Any:
    """Return the first value that is not null."""
    return next((value for value in values if value is not None), None)
