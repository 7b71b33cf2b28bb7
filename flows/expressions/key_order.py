"""The order of keys.

The library's maps have a random one. Structures keep theirs: a structure that comes out of an
evaluation has the order of the literal with the same keys, of the function that made it, or of the
variable that it came from.
"""

import threading
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from flows.expressions.conversion import SCALARS, are_plain, from_cel_keys
from flows.keys import value_of

#: How many values of variables are looked at for structures with the same keys.
LOOKED_AT = 10_000

Keys = frozenset[Any]

#: Most structures have the keys of others before them, and few. For those the answer is looked up.
_REMEMBERED = 50
_are_plain = lru_cache(maxsize=1024)(are_plain)


class KeyOrder:
    """What is known about the order of keys in one evaluation."""

    __slots__ = ("_known", "_literals", "_variables")

    def __init__(
        self, literals: Iterable[tuple[Any, ...]] = (), variables: Mapping[str, Any] | None = None
    ) -> None:
        """`literals` are the keys of map literals; None stands for a key that is computed."""
        self._literals = tuple(literals)
        self._known: dict[Keys, tuple[Any, ...]] = {}
        for keys in self._literals:
            if None not in keys:
                self._known.setdefault(frozenset(keys), keys)
        self._variables = variables

    def remember(self, value: Any) -> None:
        """Take over the order of what a function has made."""
        if type(value) is dict:
            self._known.setdefault(frozenset(value), tuple(value))
            for item in value.values():
                self.remember(item)
        elif type(value) is list:
            for item in value:
                if type(item) is dict or type(item) is list:
                    self.remember(item)

    def sorted(self, value: Any) -> Any:
        """Return a value with the keys of its structures in their order."""
        if type(value) is dict:
            keys = frozenset(value)
            if not (_are_plain if len(keys) <= _REMEMBERED else are_plain)(keys):
                value = from_cel_keys(value)
                keys = frozenset(value)
            return {
                key: item if type(item := value[key]) in SCALARS else self.sorted(item)
                for key in self._keys(keys, value)
            }
        if type(value) is list:
            return [
                self.sorted(item) if type(item) is dict or type(item) is list else item
                for item in value
            ]
        return value

    def _keys(self, keys: Keys, value: dict[Any, Any]) -> Iterable[Any]:
        if len(value) < 2:
            return value
        if (order := self._known.get(keys)) is None:
            order = self._known[keys] = self._found(keys)
        return order

    def _found(self, keys: Keys) -> tuple[Any, ...]:
        if self._variables is not None:
            variables, self._variables = self._variables, None
            self._learn(variables)
            if keys in self._known:
                return self._known[keys]
        for literal in self._literals:
            fixed = [key for key in literal if key is not None]
            if len(literal) == len(keys) and keys.issuperset(fixed):
                computed = iter(sorted(keys.difference(fixed), key=_stored_order))
                return tuple(next(computed) if key is None else key for key in literal)
        return tuple(sorted(keys, key=_stored_order))

    def _learn(self, variables: Mapping[str, Any]) -> None:
        """Note the order of the structures in variables."""
        waiting, looked_at = list(variables.values()), 0
        while waiting and looked_at < LOOKED_AT:
            value = waiting.pop()
            looked_at += 1
            if type(value) is dict:
                self._known.setdefault(frozenset(value), tuple(value))
                waiting.extend(value.values())
            elif type(value) is list:
                waiting.extend(value[: LOOKED_AT - looked_at])


def _stored_order(key: Any) -> tuple[Any, ...]:
    """The order in which the database keeps keys: an arbitrary one, but always the same."""
    if type(key) is str:
        encoded = key.encode(errors="surrogatepass")
        return "", len(encoded), encoded
    value = value_of(key)
    return type(value).__name__, value


#: What an evaluation knows that needs no order: nothing.
NO_ORDER = KeyOrder()


class _Current(threading.local):
    order = NO_ORDER


_current = _Current()


def current_order() -> KeyOrder:
    """Return what the evaluation of this thread knows."""
    return _current.order


def set_current_order(order: KeyOrder) -> None:
    """Begin an evaluation in this thread."""
    _current.order = order
