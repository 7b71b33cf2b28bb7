"""Sources of a property's value: a literal, a variable, an expression, or a mix of them.

Pure. In a flow file a string that begins with "=" is an expression, "($)Name" a variable and
"($)Name.Items[0]" a part of one; a backslash in front makes either a literal ("\\\\=" is the text
"="). Lists and structures may hold expressions and variables at any depth.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flows import expressions, values
from flows.expressions import ExpressionError, TaskStateNeeded
from flows.keys import key_for
from flows.values import ExceptionValue, TaskValue, article, type_name

_VARIABLE = re.compile(r"\(\$\)([A-Za-z_][A-Za-z0-9_]*)")
_KEY = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)")
#: The content of brackets: texts, whose brackets are ignored, and the rest.
_INDEX = re.compile(r"""\[((?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^]["'])+)\]""")

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

    @property
    def types(self) -> frozenset[str]:
        return frozenset()

    def read(self, lookup: Lookup) -> Any:
        return values.copy(self.value)


@dataclass(frozen=True, slots=True)
class Variable:
    name: str

    @property
    def names(self) -> frozenset[str]:
        return frozenset((self.name,))

    @property
    def types(self) -> frozenset[str]:
        return frozenset()

    def read(self, lookup: Lookup) -> Any:
        """Return the variable's own value, not a copy: whoever saves it elsewhere copies it."""
        return lookup(self.name)


@dataclass(frozen=True, slots=True)
class Expression:
    compiled: expressions.Expression

    @property
    def names(self) -> frozenset[str]:
        return self.compiled.names

    @property
    def types(self) -> frozenset[str]:
        """The types of the language that it names as values (`flows.expressions`)."""
        return self.compiled.types

    def read(self, lookup: Lookup) -> Any:
        return self.compiled.evaluate({name: lookup(name) for name in self.compiled.names})


@dataclass(frozen=True, slots=True)
class Path:
    """A part of a variable, to be read or written: `($)Order.Items[0]`, `($)Order[Key].Count`.

    `steps` are keys of structures, and expressions that give keys or indexes of lists.
    """

    name: str
    steps: tuple[str | expressions.Expression, ...]

    @property
    def names(self) -> frozenset[str]:
        inside = (step.names for step in self.steps if not isinstance(step, str))
        return frozenset((self.name,)).union(*inside)

    @property
    def types(self) -> frozenset[str]:
        return frozenset().union(*(s.types for s in self.steps if not isinstance(s, str)))

    def keys(self, lookup: Lookup) -> list[Any]:
        """Return the steps as keys and indexes. Raises KeyError and ExpressionError."""
        return [
            step
            if isinstance(step, str)
            else step.evaluate({name: lookup(name) for name in step.names})
            for step in self.steps
        ]

    def read(self, lookup: Lookup) -> Any:
        """The part itself, not a copy: whoever saves it elsewhere copies."""
        value = lookup(self.name)
        for key in self.keys(lookup):
            value = item_of(value, key)
        return value

    def held(self, whole: Any, keys: list[Any]) -> Any:
        """Return what is there, or None where there is nothing yet."""
        try:
            for key in keys:
                whole = item_of(whole, key)
        except ExpressionError:
            return None
        return whole

    def write(self, whole: Any, keys: list[Any], value: Any) -> None:
        """Put a value, which is the variable's own from now on, into the variable's value.

        A key that a structure does not have is added; a list takes the indexes that it has.
        Raises ExpressionError where there is no such part, or nothing can be put.
        """
        for key in keys[:-1]:
            whole = item_of(whole, key)
        last = keys[-1]
        if type(whole) is dict and not isinstance(last, list | dict):
            whole[key_for(last)] = value
        elif type(whole) is list:
            item_of(whole, last)
            whole[last] = value
        else:
            raise ExpressionError(
                f"{values.summary(last)} of {article(type_name(whole))} cannot be set."
            )


def item_of(whole: Any, key: Any) -> Any:
    """Return an item of a structure or list, or a part of an exception. Raises ExpressionError."""
    if isinstance(whole, TaskValue):
        raise TaskStateNeeded((whole.execution_id,))
    if isinstance(whole, ExceptionValue):
        whole = whole.as_structure()
    if type(whole) is list and type(key) is int and 0 <= key < len(whole):
        return whole[key]
    if type(whole) is dict and not isinstance(key, list | dict) and key_for(key) in whole:
        return whole[key_for(key)]
    raise ExpressionError(f"{article(type_name(whole))} has no {values.summary(key)} here.")


@dataclass(frozen=True, slots=True)
class Composite:
    """A list or dict whose items are sources."""

    items: "list[Source] | dict[str, Source]"

    @property
    def names(self) -> frozenset[str]:
        parts = self.items.values() if isinstance(self.items, dict) else self.items
        return frozenset().union(*(part.names for part in parts))

    @property
    def types(self) -> frozenset[str]:
        parts = self.items.values() if isinstance(self.items, dict) else self.items
        return frozenset().union(*(part.types for part in parts))

    def read(self, lookup: Lookup) -> Any:
        if isinstance(self.items, dict):
            return {key: values.copy(part.read(lookup)) for key, part in self.items.items()}
        return [values.copy(part.read(lookup)) for part in self.items]


@dataclass(frozen=True, slots=True)
class WithVariables:
    """A source with the values of its variables, by name in lower case: a constant."""

    source: "Source"
    variables: Mapping[str, Any]

    @property
    def names(self) -> frozenset[str]:
        return frozenset()

    @property
    def types(self) -> frozenset[str]:
        return self.source.types

    def read(self, lookup: Lookup) -> Any:
        return values.copy(self.source.read(self._value))

    def _value(self, name: str) -> Any:
        if name.casefold() not in self.variables:
            raise KeyError(name)
        return self.variables[name.casefold()]


Source = Literal | Variable | Expression | Path | Composite | WithVariables


#: Evaluates constants within bounds (`flows.sandbox`); None for this process.
_evaluator: Callable[[Source, int], Any] | None = None
#: The largest constant that the evaluator gives, in bytes.
MAX_BYTES = 20_000_000


def set_constant_evaluator(evaluator: Callable[[Source, int], Any] | None) -> None:
    """Let `evaluate_constant` ask that evaluator. With None it evaluates in this process, which
    must be bounded as a whole, as a worker's is."""
    global _evaluator
    _evaluator = evaluator


def evaluate_constant(source: Source, largest: int = MAX_BYTES) -> Any:
    """Return the value of a source that may not read variables, such as a default (semantics 21).
    Raises ExpressionError, and KeyError for the variable that it reads."""
    if _evaluator is None or isinstance(source, Literal):
        return evaluate_constant_here(source)
    return _evaluator(source, largest)


def evaluate_constant_here(source: Source) -> Any:
    """Return the value of a constant source, evaluated in this process."""
    return source.read(_no_variables)


def _no_variables(name: str) -> Any:
    raise KeyError(name)


def parse(raw: Any) -> Source:
    """Return the source that a flow file's notation stands for.

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
            return Literal(_public(values.decode(raw)))
        named = {key: parse(item) for key, item in raw.items()}
        if all(isinstance(part, Literal) for part in named.values()):
            return Literal(
                {k: part.value for k, part in named.items() if isinstance(part, Literal)}
            )
        return Composite(named)
    values.encode(raw)
    return Literal(raw)


def _public(value: Any) -> Any:
    """A value that everybody may read. Raises ValueError for one with a secret text."""
    if values.has_secret(value):
        raise ValueError("a secret text cannot stand in a flow: give it at the start")
    return value


def _parse_text(raw: str) -> Source:
    if raw.startswith("="):
        return _expression(raw[1:])
    if found := _VARIABLE.match(raw):
        steps = _steps(raw, found.end())
        if steps is not None:
            return Path(found[1], steps) if steps else Variable(found[1])
    if raw.startswith("\\") and raw[1:2] in ("=", "(", "\\"):
        return Literal(raw[1:])
    return Literal(raw)


def _steps(raw: str, at: int) -> tuple[str | expressions.Expression, ...] | None:
    """What follows a variable, when it is nothing but keys and indexes. Raises ExpressionError for
    an index that does not compile."""
    steps: list[str | expressions.Expression] = []
    while at < len(raw):
        if found := _KEY.match(raw, at):
            steps.append(found[1])
        elif found := _INDEX.match(raw, at):
            steps.append(expressions.compile(found[1].strip()))
        else:
            return None
        at = found.end()
    return tuple(steps)


def _expression(text: str) -> Source:
    compiled = expressions.compile(text.strip())
    name = compiled.source.removeprefix("($)")
    # A bare name is the commonest expression by far, and needs no evaluation.
    return Variable(name) if compiled.names == {name} else Expression(compiled)
