"""The declaration of a function that expressions can call.

A function is a Python function with the decorator `function`. Its signature says what it takes:

    str Text, int Integer, float Number (also an Integer), bool Boolean, datetime Date Time,
    timedelta Duration, list List, dict Structure, Any anything

A parameter with a default may be left out, and `*values` takes any number. The first argument may
also stand in front: `Name.upper()` is `upper(Name)`.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any, get_type_hints

from cel_expr_python import cel

#: The largest text, in characters, and list, in items, that a function gives.
LARGEST_TEXT, LARGEST_LIST = 20_000_000, 1_000_000
#: The most arguments for `*values`.
MOST_VALUES = 6

_ANY = cel.Type("google.protobuf.Any")
#: The types of the language that a parameter's annotation stands for.
_KINDS: dict[Any, tuple[cel.Type, ...]] = {
    str: (cel.Type.STRING,),
    int: (cel.Type.INT,),
    float: (cel.Type.DOUBLE, cel.Type.INT),
    bool: (cel.Type.BOOL,),
    datetime: (cel.Type.TIMESTAMP,),
    timedelta: (cel.Type.DURATION,),
    list[Any]: (cel.Type.LIST,),
    dict[Any, Any]: (cel.Type.MAP,),
    Any: (_ANY,),
}
#: What people call them.
_NAMES: dict[Any, str] = {
    str: "Text", int: "Integer", float: "Number", bool: "Boolean", datetime: "Date Time",
    timedelta: "Duration", list[Any]: "List", dict[Any, Any]: "Structure", Any: "anything",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: its name, its annotation, and whether it may be left out or repeated."""

    name: str
    annotation: Any
    optional: bool = False
    repeated: bool = False

    @property
    def type(self) -> str:
        return _NAMES[self.annotation]

    def __str__(self) -> str:
        text = f"{self.name}: {self.type}"
        if self.repeated:
            return f"{text}…"
        return f"[{text}]" if self.optional else text


@dataclass(frozen=True, slots=True)
class Function:
    """A function as the compiler, the documentation and completion need it."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: str
    run: Callable[..., Any]
    description: str
    #: Expressions with the values that they have.
    examples: tuple[tuple[str, Any], ...]
    #: What its module is about: a heading of the documentation.
    subject: str

    @property
    def signature(self) -> str:
        return f"{self.name}({', '.join(map(str, self.parameters))})"

    def overloads(self, implement: Callable[..., Any]) -> Iterator[cel.Overload]:
        """Yield the overloads for each number and kind of arguments, both in front of the function
        and in its brackets."""
        for count in self._counts():
            taken = [self.parameters[min(n, len(self.parameters) - 1)] for n in range(count)]
            for kinds in product(*(_KINDS[one.annotation] for one in taken)):
                key = f"{self.name}_{'_'.join(kind.name() for kind in kinds)}"
                for is_member in (False, True) if kinds else (False,):
                    yield cel.Overload(
                        id=f"{key}_member" if is_member else key,
                        return_type=cel.Type.DYN,
                        parameters=list(kinds),
                        is_member=is_member,
                        impl=implement,
                    )

    def _counts(self) -> range:
        required = sum(not one.optional and not one.repeated for one in self.parameters)
        if self.parameters and self.parameters[-1].repeated:
            return range(max(required, 1), required + MOST_VALUES + 1)
        return range(required, len(self.parameters) + 1)


def function(*examples: tuple[str, Any]) -> Callable[[Callable[..., Any]], Function]:
    """Declare a Python function as one that expressions can call: `pad_left` as `padLeft`, and
    `sum_` as `sum`. Each example is an expression and its value; the documentation shows them, and
    a test evaluates them."""

    def declare(run: Callable[..., Any]) -> Function:
        hints = get_type_hints(run)
        subject = inspect.getdoc(inspect.getmodule(run)) or ""
        parameters = tuple(
            Parameter(
                one.name,
                hints[one.name],
                optional=one.default is not one.empty,
                repeated=one.kind is one.VAR_POSITIONAL,
            )
            for one in inspect.signature(run).parameters.values()
        )
        return Function(
            name=re.sub(r"_(\w)", lambda found: found[1].upper(), run.__name__.rstrip("_")),
            parameters=parameters,
            returns=_NAMES[hints["return"]],
            run=run,
            description=inspect.getdoc(run) or "",
            examples=examples,
            subject=subject.partition(".")[0],
        )

    return declare


def bounded_text(length: int) -> None:
    """Raises ValueError for more characters than a function gives."""
    if length > LARGEST_TEXT:
        raise ValueError(f"its text would have more than {LARGEST_TEXT:,} characters.")


def bounded_list(length: int) -> None:
    """Raises ValueError for more items than a function gives."""
    if length > LARGEST_LIST:
        raise ValueError(f"its list would have more than {LARGEST_LIST:,} items.")
