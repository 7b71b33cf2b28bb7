"""The language: CEL with numbers that mix, texts that take anything, and the functions of
`flows.expressions.functions`."""

import json
import math
import re
from collections.abc import Callable
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_encoders, ext_math, ext_optional, ext_strings

from flows.expressions.conversion import to_cel_deep, unmarked
from flows.expressions.function import Function
from flows.expressions.functions import FUNCTIONS
from flows.expressions.key_order import current_order
from flows.formats.cultures import culture
from flows.formats.text import text_of
from flows.keys import key_for
from flows.values import article, type_name

_EXTENSIONS = [
    ext_strings.ExtStrings(),
    ext_math.ExtMath(),
    ext_encoders.ExtEncoders(),
    ext_optional.ExtOptional(),
    ext_bindings.ExtBindings(),
]
#: The operators whose own declarations give way to ones that also mix types. What they do with
#: equal types is still the library's own.
_MIXED = ("_+_", "_-_", "_*_", "_/_", "_%_")
_CONFIG = json.dumps({"stdlib": {"exclude_functions": [{"name": name} for name in _MIXED]}})
_INVARIANT = culture(None)
_INT, _DOUBLE, _STRING, _BOOL = cel.Type.INT, cel.Type.DOUBLE, cel.Type.STRING, cel.Type.BOOL


# Operators -----------------------------------------------------------------------------------


def _divide(one: float, other: float) -> float:
    if other:
        return one / other
    return math.nan if not one or math.isnan(one) else math.copysign(math.inf, one)


def _remainder(one: float, other: float) -> float:
    if not other:
        raise ValueError("modulus by zero")
    return math.fmod(one, other)


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "_+_": lambda one, other: float(one) + other,
    "_-_": lambda one, other: float(one) - other,
    "_*_": lambda one, other: float(one) * other,
    "_/_": lambda one, other: _divide(float(one), float(other)),
    "_%_": lambda one, other: _remainder(float(one), float(other)),
}
#: What a text is joined to, beside texts.
_JOINED = (
    _INT, _DOUBLE, cel.Type.BOOL, cel.Type.NULL, cel.Type.TIMESTAMP, cel.Type.DURATION,
    cel.Type.LIST, cel.Type.MAP, cel.Type.BYTES, cel.Type.UINT,
)  # fmt: skip


def _joined(one: Any, other: Any) -> str:
    return text_of(_plain(one), _INVARIANT) + text_of(_plain(other), _INVARIANT)


def _is_in(item: Any, whole: Any) -> bool:
    """`item in whole`, where a structure may have keys that the language does not have. In a list
    Integers and Numbers compare, as everywhere in the language."""
    item, whole = _plain(item), _plain(whole)
    if isinstance(whole, dict):
        return not isinstance(item, list | dict) and key_for(item) in whole
    if not isinstance(whole, list):
        raise ValueError(f"`in` looks into a List or a Structure, not {article(type_name(whole))}.")
    return any(isinstance(item, bool) is isinstance(one, bool) and item == one for one in whole)


def _plain(value: Any) -> Any:
    if type(value) is str:
        return unmarked(value)
    return current_order().sorted(bytes(value) if isinstance(value, bytearray) else value)


def _operators() -> list[cel.FunctionDecl]:
    declared = []
    for name, compute in _ARITHMETIC.items():
        pairs = [(_INT, _DOUBLE), (_DOUBLE, _INT)]
        if name == "_%_":
            pairs.append((_DOUBLE, _DOUBLE))
        overloads = [_overload(name, pair, _DOUBLE, compute) for pair in pairs]
        if name == "_+_":
            texts = [pair for kind in _JOINED for pair in ((_STRING, kind), (kind, _STRING))]
            overloads += [_overload(name, pair, _STRING, _joined) for pair in texts]
        declared.append(cel.FunctionDecl(name, overloads))
    any_of = cel.Type("google.protobuf.Any")
    declared.append(cel.FunctionDecl("In", [_overload("In", (any_of, any_of), _BOOL, _is_in)]))
    return declared


def _overload(
    name: str, kinds: tuple[cel.Type, cel.Type], result: cel.Type, run: Callable[..., Any]
) -> cel.Overload:
    key = f"{name}{kinds[0].name()}{kinds[1].name()}"
    return cel.Overload(id=key, return_type=result, parameters=list(kinds), impl=run)


# Functions -----------------------------------------------------------------------------------


def internal(name: str) -> str:
    """Return what the library calls a function: as long, so that columns stay, and unlike its own
    functions, which cannot be declared again."""
    return name[0].upper() + name[1:]


#: Functions by what the library calls them.
BY_INTERNAL_NAME = {internal(name): found for name, found in FUNCTIONS.items()}
#: A call: of a function of one of the language's name spaces, or of any other one.
_CALL = re.compile(
    r"(?:\b(?P<space>math|strings|base64|cel|optional)\.)?\b(?P<name>[A-Za-z_]\w*)(?=\s*\()"
)


def with_internal_names(source: str) -> str:
    """Return a source without texts in which the functions have their internal names."""
    return _CALL.sub(_renamed, source)


def _renamed(call: re.Match[str]) -> str:
    space, name = call["space"], call["name"]
    if name not in FUNCTIONS or (space and space != "math"):
        return call[0]
    return " " * (len(call[0]) - len(name)) + internal(name)


def with_own_names(source: str) -> str:
    """Return a source with internal names in the names that people write."""
    return re.sub(
        r"\b[A-Z]\w*(?=\s*\()",
        lambda found: BY_INTERNAL_NAME[found[0]].name if found[0] in BY_INTERNAL_NAME else found[0],
        source,
    )


def _implementation(declared: Function) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        order = current_order()
        result = declared.run(*map(_plain, arguments))
        order.remember(result)
        return to_cel_deep(result)

    return call


def _functions() -> list[cel.FunctionDecl]:
    return [
        cel.FunctionDecl(name, list(declared.overloads(_implementation(declared))))
        for name, declared in BY_INTERNAL_NAME.items()
    ]


#: Runs programs. It does not check types: those of variables are not known.
RUNNING = cel.NewEnv(
    config=cel.NewEnvConfigFromYaml(_CONFIG),
    extensions=_EXTENSIONS,
    functions=_operators() + _functions(),
)


def checking(variables: dict[str, cel.Type] | None = None) -> cel.Env:
    """Return an environment that checks which names and functions there are."""
    return cel.NewEnv(variables=variables or {}, extensions=_EXTENSIONS, functions=_functions())


#: Knows no variables.
CHECKING = checking()


def type_of(kind: str) -> str:
    """Return what people call a type of the language, by its name in a message."""
    return _TYPE_NAMES.get(kind, kind)


_TYPE_NAMES = {
    "int": "Integer", "int64": "Integer", "uint64": "Integer", "uint": "Integer",
    "double": "Number", "string": "Text", "bool": "Boolean", "list": "List", "map": "Structure",
    "null_type": "null", "timestamp": "Date Time", "duration": "Duration", "bytes": "Bytes",
    "google.protobuf.Timestamp": "Date Time", "google.protobuf.Duration": "Duration",
}  # fmt: skip
