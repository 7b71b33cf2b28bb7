"""Lists."""

from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any

from flows.equality import key_of
from flows.expressions.function import bounded_list, function
from flows.keys import key_for
from flows.values import article, summary, type_name


@function(("[1, 2.5].sum()", 3.5), ("[].sum()", 0))
def sum_(items: list[Any]) -> Any:
    """Return the sum of numbers or durations; 0 for an empty list."""
    total: Any = 0
    for item in items:
        if type(item) in (int, float) or hasattr(item, "total_seconds"):
            total = item if total == 0 and type(item) not in (int, float) else total + item
        else:
            raise ValueError(f"it adds numbers and durations, not {article(type_name(item))}.")
    return total


@function(("[3, 1, 2].min()", 1), ("min(2, 1.5)", 1.5))
def min_(*values: Any) -> Any:
    """Return the least item of a list, or the least of several values."""
    return _sorted(_items(values))[0]


@function(("[3, 1, 2].max()", 3), ('max("a", "b")', "b"))
def max_(*values: Any) -> Any:
    """Return the greatest item of a list, or the greatest of several values."""
    return _sorted(_items(values))[-1]


def _items(values: tuple[Any, ...]) -> list[Any]:
    found = values[0] if len(values) == 1 and isinstance(values[0], list) else list(values)
    if not found:
        raise ValueError("the list is empty.")
    return found


@function(("[1, 2, 6].average()", 3.0))
def average(items: list[Any]) -> float:
    """Return the mean of numbers, as a Number."""
    if not items:
        raise ValueError("the list is empty.")
    return float(sum_.run(items) / len(items))


@function(("[3, 1, 2].sort()", [1, 2, 3]), ('["b", "a"].sort("descending")', ["b", "a"]))
def sort(items: list[Any], direction: str = "ascending") -> list[Any]:
    """Return the items in order: numbers, texts, date times or durations."""
    return _directed(_sorted(items), direction)


@function(
    (
        '[{"Name": "b", "Age": 5}, {"Name": "a", "Age": 7}].sortBy("Name")',
        [{"Name": "a", "Age": 7}, {"Name": "b", "Age": 5}],
    )
)
def sort_by(items: list[Any], path: str, direction: str = "ascending") -> list[Any]:
    """Return structures in the order of one of their values, named by a path: `Customer.Name`."""
    keys = path.split(".")
    return _directed(_sorted(items, lambda item: _at(item, keys)), direction)


def _directed(items: list[Any], direction: str) -> list[Any]:
    if direction not in ("ascending", "descending"):
        raise ValueError("the direction is ascending or descending.")
    return items if direction == "ascending" else items[::-1]


def _at(item: Any, keys: list[str]) -> Any:
    for key in keys:
        if type(item) is not dict or key not in item:
            raise ValueError(f"an item has no {'.'.join(keys)}.")
        item = item[key]
    return item


def _sorted(items: list[Any], key: Callable[[Any], Any] | None = None) -> list[Any]:
    """Stable. Raises ValueError for values that have no order among each other."""
    values = items if key is None else [key(item) for item in items]
    if len(set(map(type, values))) > 1 or (len(values) > 1 and not _rank(values[0])):
        _require_order(values)
    if key is None:
        return sorted(items)
    return [items[place] for place in sorted(range(len(items)), key=values.__getitem__)]


def _require_order(values: list[Any]) -> None:
    for other, one in pairwise(values):
        if _rank(one) != _rank(other) or not _rank(one):
            both = f"{article(type_name(one))} and {article(type_name(other))}"
            raise ValueError(f"{both} have no order.")


def _rank(value: Any) -> str:
    if type(value) in (int, float):
        return "number"
    if type(value) in (str, bool):
        return type(value).__name__
    return "date" if isinstance(value, datetime) else "span" if hasattr(value, "days") else ""


@function(("[1, 2, 1, 2.0].distinct()", [1, 2, 2.0]))
def distinct(items: list[Any]) -> list[Any]:
    """Return the items without those that stood before; 1 and 1.0 are two."""
    found: list[Any] = []
    seen: set[Any] = set()
    for item in items:
        key = key_of(item)
        if key not in seen:
            seen.add(key)
            found.append(item)
    return found


@function(("[1, 2, 3].reverse()", [3, 2, 1]), ('"abc".reverse()', "cba"))
def reverse(whole: Any) -> Any:
    """Return the items of a list, or the characters of a text, from the last to the first."""
    return _sequence(whole)[::-1]


@function(("[1, 2, 3, 4].slice(1, 3)", [2, 3]), ("[1, 2, 3].slice(-2)", [2, 3]))
def slice_(whole: Any, start: int, end: int = 2**62) -> Any:
    """Return the items from one index to before another; negative ones count from the end."""
    return _sequence(whole)[start:end]


@function(("[5, 6].first()", 5), ("[].first() == null", True))
def first(items: list[Any]) -> Any:
    """Return the first item; null for an empty list."""
    return items[0] if items else None


@function(("[5, 6].last()", 6))
def last(items: list[Any]) -> Any:
    """Return the last item; null for an empty list."""
    return items[-1] if items else None


@function(("[5, 6, 7].at(-1)", 7), ("[5, 6, 7][-1]", 7), ('"abc"[0]', "a"))
def at(whole: Any, index: Any) -> Any:
    """Return an item of a list or text; negative indexes count from the end. Of a structure, return
    what has a key: 1, 1.0, true and "1" are four keys."""
    if isinstance(whole, dict):
        if isinstance(index, list | dict) or key_for(index) not in whole:
            raise ValueError(f"there is no {summary(index)} in it.")
        return whole[key_for(index)]
    found = _sequence(whole)
    if type(index) is not int or not -len(found) <= index < len(found):
        raise ValueError(f"there is no item {index}: it has {len(found)}.")
    return found[index]


def _sequence(whole: Any) -> Any:
    if not isinstance(whole, list | str):
        raise ValueError(f"it takes a List or a Text, not {article(type_name(whole))}.")
    return whole


@function(("[[1, 2], [3]].flatten()", [1, 2, 3]))
def flatten(items: list[Any]) -> list[Any]:
    """Return one list of the items of the lists in it."""
    found: list[Any] = []
    for item in items:
        found += item if isinstance(item, list) else [item]
        bounded_list(len(found))
    return found


@function(("range(3)", [0, 1, 2]), ("range(1, 10, 4)", [1, 5, 9]))
def range_(start: int, end: int = -(2**62), step: int = 1) -> list[Any]:
    """Return integers from `start` to before `end`; with one argument, from 0 to before it."""
    if step == 0:
        raise ValueError("the step must not be 0.")
    numbers = range(start) if end == -(2**62) else range(start, end, step)
    bounded_list(len(numbers))
    return list(numbers)


@function(('["a", "b"].indexOf("b")', 1), ('"abc".indexOf("c")', 2), ("[1].indexOf(5)", -1))
def index_of(whole: Any, item: Any) -> int:
    """Return where an item or a text stands first; -1 where it does not."""
    if isinstance(whole, str):
        if not isinstance(item, str):
            raise ValueError("a Text contains texts only.")
        return whole.find(item)
    key = key_of(item)
    return next((n for n, one in enumerate(_sequence(whole)) if key_of(one) == key), -1)


@function(
    (
        '[{"K": "x", "N": 1}, {"K": "y", "N": 2}, {"K": "x", "N": 3}].groupBy("K")',
        {"x": [{"K": "x", "N": 1}, {"K": "x", "N": 3}], "y": [{"K": "y", "N": 2}]},
    )
)
def group_by(items: list[Any], path: str) -> dict[Any, Any]:
    """Return the structures by one of their values, which a path names."""
    groups: dict[Any, list[Any]] = {}
    keys = path.split(".")
    for item in items:
        key = _at(item, keys)
        if key is None or isinstance(key, list | dict):
            raise ValueError(f"it groups by a text, a number or the like, not {summary(key)}.")
        groups.setdefault(key_for(key), []).append(item)
    return groups


@function(('zip(["a", "b"], [1, 2])', [["a", 1], ["b", 2]]))
def zip_(one: list[Any], other: list[Any]) -> list[Any]:
    """Return pairs of the items of two lists, as many as the shorter one has."""
    return [list(pair) for pair in zip(one, other, strict=False)]
