"""Where a property's value comes from: a literal, a variable, an expression, or a mix of them.

Pure. In a flow file a string that begins with "=" is an expression and "($)Name" a variable; a
backslash in front makes either a literal ("\\\\=" is the text "="). Lists and structures may hold
expressions and variables at any depth.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flows import expressions, values

_VARIABLE = re.compile(r"^\(\$\)([A-Za-z_][A-Za-z0-9_]*)$")

#: Reads a variable by the name that a flow uses; raises KeyError when it holds nothing.
Lookup = Callable[[str], Any]

#: The built-in variable that discards what is saved to it (semantics 10).
DISCARD = "_"


@dataclass(frozen=True, slots=True)
class Literal:
    value: Any

    @property
    def names(self) -> frozenset[str]:
        return frozenset()

    def read(self, lookup: Lookup) -> Any:
        return values.copy(self.value)


@dataclass(frozen=True, slots=True)
class Variable:
    name: str

    @property
    def names(self) -> frozenset[str]:
        return frozenset((self.name,))

    def read(self, lookup: Lookup) -> Any:
        """The variable's own value, not a copy: whoever saves it elsewhere copies."""
        return lookup(self.name)


@dataclass(frozen=True, slots=True)
class Expression:
    compiled: expressions.Expression

    @property
    def names(self) -> frozenset[str]:
        return self.compiled.names

    def read(self, lookup: Lookup) -> Any:
        return self.compiled.evaluate({name: lookup(name) for name in self.compiled.names})


@dataclass(frozen=True, slots=True)
class Composite:
    """A list or dict whose items are sources."""

    items: "list[Source] | dict[str, Source]"

    @property
    def names(self) -> frozenset[str]:
        parts = self.items.values() if isinstance(self.items, dict) else self.items
        return frozenset().union(*(part.names for part in parts))

    def read(self, lookup: Lookup) -> Any:
        if isinstance(self.items, dict):
            return {key: values.copy(part.read(lookup)) for key, part in self.items.items()}
        return [values.copy(part.read(lookup)) for part in self.items]


Source = Literal | Variable | Expression | Composite


def parse(raw: Any) -> Source:
    """The source that a flow file's notation stands for.

    Raises ExpressionError for an expression that does not compile, ValueError for a literal that
    is not a value.
    """
    if isinstance(raw, str):
        return _parse_text(raw)
    if isinstance(raw, list):
        parts = [parse(item) for item in raw]
        if all(isinstance(part, Literal) for part in parts):
            return Literal([part.value for part in parts if isinstance(part, Literal)])
        return Composite(parts)
    if isinstance(raw, dict):
        if len(raw) == 1 and next(iter(raw)).startswith("$"):
            return Literal(_typed(raw))
        named = {key: parse(item) for key, item in raw.items()}
        if all(isinstance(part, Literal) for part in named.values()):
            return Literal(
                {k: part.value for k, part in named.items() if isinstance(part, Literal)}
            )
        return Composite(named)
    values.encode(raw)
    return Literal(raw)


def _typed(raw: dict[str, Any]) -> Any:
    try:
        return values.decode(raw)
    except (AttributeError, KeyError, OverflowError, TypeError) as error:
        raise ValueError(f"{next(iter(raw))} does not hold what it stands for: {error}") from None


def _parse_text(raw: str) -> Source:
    if raw.startswith("="):
        return _expression(raw[1:])
    if found := _VARIABLE.match(raw):
        return Variable(found[1])
    if raw.startswith("\\") and raw[1:2] in ("=", "(", "\\"):
        return Literal(raw[1:])
    return Literal(raw)


def _expression(text: str) -> Source:
    compiled = expressions.compile(text.strip())
    name = compiled.source.removeprefix("($)")
    # A bare name is the commonest expression by far, and needs no evaluation.
    return Variable(name) if compiled.names == {name} else Expression(compiled)
