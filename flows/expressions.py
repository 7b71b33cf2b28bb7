"""Expressions in CEL, the Common Expression Language: compile once, evaluate, which names it reads.

Pure. Expressions have no side effects and cannot reach Python. `($)Name` is accepted for a
variable, as in the original's documents.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_encoders, ext_math, ext_strings
from google.protobuf import duration_pb2, timestamp_pb2

from flows import task_values
from flows.values import ExceptionValue, TaskValue

_EXTENSIONS = [ext_strings.ExtStrings(), ext_math.ExtMath(), ext_encoders.ExtEncoders()]
_ENV = cel.NewEnv(extensions=_EXTENSIONS)
_UNDECLARED = re.compile(r"ERROR: <input>:(\d+):(\d+): undeclared reference to '([A-Za-z_]\w*)")
#: The message with which the checker stops after too many errors.
_MORE_ERRORS = "maximum number of ERROR issues exceeded"
_ERROR_LINE = re.compile(r"^(?:\w+: )?ERROR: <input>:(\d+):(\d+): (.*)$", re.M)
_DOLLAR = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\(\$\)([A-Za-z_]\w*)""")
#: The tokens of a source that matter: texts, which stay as they are, names, and numbers.
_TOKEN = re.compile(
    r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
    r"|(?P<name>(?<![\w.])[A-Za-z_]\w*)|(?P<number>(?<![\w.])\.?[0-9][\w.]*(?:(?<=[eE])[+-]?[0-9]+)?)"
)
_ERROR = cel.Type.ERROR
#: The type names of the language, which are values in an expression.
TYPE_NAMES = frozenset(
    "bool bytes double dyn int list map null_type string type uint".split()  # noqa: SIM905
)
#: Names that a variable cannot have: types, literals, and reserved words of the language.
RESERVED_WORDS = TYPE_NAMES | frozenset(
    "true false null in as break const continue else for function if import let loop package "  # noqa: SIM905
    "namespace return var void while".split()
)
#: The prefix for a variable `($)Name` whose name is a reserved word of the language.
_ALIAS = "_variable_"
#: How many items the macros of one evaluation (map, filter, all…) may go through; CEL's own bound.
ITERATIONS = 10_000
_SCALARS = frozenset({type(None), bool, int, float, str})


class ExpressionError(Exception):
    """An expression that does not compile, or that failed when it was evaluated."""


class TaskStateNeeded(ExpressionError):
    """An expression reads the state of tasks (`ids`), which is not in memory."""

    def __init__(self, ids: tuple[str, ...]) -> None:
        super().__init__("the state of a task is not known here.")
        self.ids = ids


class Expression:
    """A compiled expression. `names` are the variables that it reads, as they are spelled, `types`
    the types of the language that it names as values without asking for the type of anything."""

    __slots__ = ("_aliases", "_program", "names", "source", "types")

    def __init__(self, source: str) -> None:
        """Raises ExpressionError, with line and column, when `source` is not an expression."""
        self.source = source
        self._aliases: dict[str, str] = {}
        text = _DOLLAR.sub(lambda found: found[1] or self._variable(found[2]), source)
        self.types = _types(text)
        try:
            self._program = _ENV.compile(text, disable_check=True)
        except RuntimeError as error:
            raise ExpressionError(_first_error(str(error))) from None
        except TypeError:
            raise ExpressionError("it contains half of a character (a lone surrogate).") from None
        names = _names(text)
        self.names = names.difference(self._aliases.values()).union(self._aliases)

    def _variable(self, name: str) -> str:
        """What a variable is called to the language."""
        if name not in RESERVED_WORDS:
            return name
        return self._aliases.setdefault(name, _ALIAS + name)

    def __reduce__(self) -> tuple[Any, ...]:
        return compile, (self.source,)

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """Return the value for the given variables. Raises ExpressionError, and TaskStateNeeded for
        tasks that `task_values.expand` has not replaced with their states."""
        if self._aliases:
            variables = {self._aliases.get(name, name): it for name, it in variables.items()}
        result = self._run({name: _to_cel(value) for name, value in variables.items()})
        if result.type() == _ERROR and "Non-CEL value type" in str(result.plain_value()):
            if met := task_values.task_ids(list(variables.values())):
                raise TaskStateNeeded(met)
            result = self._run({name: _to_cel_deep(value) for name, value in variables.items()})
        if result.type() == _ERROR:
            raise ExpressionError(str(result.plain_value()).partition(": ")[2])
        return _from_cel(result.plain_value())

    def _run(self, data: dict[str, Any]) -> cel.Value:
        try:
            return self._program.eval(data=data)
        except RuntimeError as error:
            if "Iteration budget exceeded" in str(error):
                problem = f"it needs {ITERATIONS:,} iterations or more."
                raise ExpressionError(problem) from None
            if "construction from null" in str(error):
                raise ExpressionError(_HALF) from None
            raise ExpressionError(str(error)) from None


@lru_cache(maxsize=4096)
def compile(source: str) -> Expression:
    """The expression of a source text, compiled once. Raises ExpressionError."""
    return Expression(source)


def _names(text: str) -> frozenset[str]:
    """Return the free names: what the checker does not know in an environment without variables.

    The checker stops after 20 errors. Then it is asked again with those names declared.

    Raises ExpressionError for a function that does not exist.
    """
    names: set[str] = set()
    environment, more = _ENV, True
    while more:
        found, more = _undeclared(environment, text)
        more = more and not found <= names
        names |= found
        if more:
            variables = dict.fromkeys(names, cel.Type.DYN)
            environment = cel.NewEnv(variables=variables, extensions=_EXTENSIONS)
    return frozenset(names)


def _undeclared(environment: cel.Env, text: str) -> tuple[set[str], bool]:
    """Return names that the environment does not know, and whether there may be more of them.

    Raises ExpressionError for a function that does not exist: the checker places the error of an
    unknown function on the bracket that follows its name.
    """
    try:
        environment.compile(text)
    except RuntimeError as error:
        report = str(error)
    else:
        return set(), False
    lines = text.split("\n")
    names = set()
    for line, column, name in _UNDECLARED.findall(report):
        if lines[int(line) - 1][: int(column)].endswith(f"{name}("):
            raise ExpressionError(f"There is no function {name} for these arguments.")
        names.add(name)
    return names, _MORE_ERRORS in report


def _types(text: str) -> frozenset[str]:
    """Types that are named as values. There is a use for one where `type(…)` asks for that of
    something: then there are none. Raises ExpressionError for a number that no double comes near.
    """
    named, asks = set(), False
    for found in _TOKEN.finditer(text):
        if number := found["number"]:
            if _is_endless(number):
                raise ExpressionError(f"{number} is too large. A Number goes up to about 1.8e308.")
        elif found["name"] in TYPE_NAMES:
            calls = text[found.end() :].lstrip().startswith("(")
            asks = asks or (calls and found["name"] == "type")
            if not calls:
                named.add(found["name"])
    return frozenset() if asks else frozenset(named)


def _is_endless(number: str) -> bool:
    try:
        return math.isinf(float(number))
    except ValueError:
        return False  # an integer in hexadecimal, or nothing that the language knows


def _first_error(text: str) -> str:
    found = _ERROR_LINE.search(text)
    if not found:
        return text
    line, column, message = found.groups()
    if word := re.fullmatch(r"reserved identifier: (\w+)", message):
        message += f"; a variable of that name is written ($){word[1]}"
    return f"{message} (line {line}, column {column})"


_HALF = (
    "it reads a text with half of a character (a lone surrogate), which expressions cannot hold."
)


def _to_cel(value: Any) -> Any:
    if type(value) is str:
        if "\0" in value:
            # The library would end the text there.
            raise ExpressionError("it reads a text with a NUL, which expressions cannot hold.")
        return value
    if isinstance(value, datetime | timedelta | ExceptionValue | TaskValue):
        return _to_cel_deep(value)
    return value


def _to_cel_deep(value: Any) -> Any:
    if type(value) in _SCALARS:
        return value
    convert: Callable[[Any], Any] | None = _CONVERT.get(type(value))
    return convert(value) if convert else value


def _timestamp(value: datetime) -> Any:
    stamp = timestamp_pb2.Timestamp()
    try:
        stamp.FromDatetime(value)
    except (OverflowError, ValueError):
        problem = "in UTC it is before the year 1 or after the year 9999."
        raise ExpressionError(f"it cannot read {value.isoformat()}: {problem}") from None
    return stamp


def _duration(value: timedelta) -> Any:
    duration = duration_pb2.Duration()
    duration.FromTimedelta(value)
    return duration


def _task(value: TaskValue) -> Any:
    raise TaskStateNeeded((value.execution_id,))


_CONVERT: dict[type, Callable[[Any], Any]] = {
    list: lambda value: [_to_cel_deep(item) for item in value],
    dict: lambda value: {key: _to_cel_deep(item) for key, item in value.items()},
    datetime: _timestamp,
    timedelta: _duration,
    ExceptionValue: lambda value: _to_cel_deep(value.as_structure()),
    TaskValue: _task,
}


def _from_cel(value: Any) -> Any:
    kind = type(value)
    if kind in _SCALARS or kind is datetime or kind is timedelta:
        return value
    if kind is list:
        return [_from_cel(item) for item in value]
    if kind is dict:
        # CEL's maps have a random order; this is the one in which the database keeps them.
        return {key: _from_cel(value[key]) for key in sorted(value, key=_stored_order)}
    if kind is bytearray or kind is bytes:
        return bytes(value)
    raise ExpressionError(f"The expression gives a {kind.__name__}, which variables cannot hold.")


def _stored_order(key: Any) -> tuple[Any, ...]:
    if type(key) is str:
        encoded = key.encode(errors="surrogatepass")
        return "", len(encoded), encoded
    return type(key).__name__, key
