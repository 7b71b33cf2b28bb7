"""Expressions in CEL, the Common Expression Language: compile once, evaluate, which names it reads.

Pure. Expressions have no side effects and cannot reach Python. `($)Name` is accepted for a
variable, as in the original's documents.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_encoders, ext_math, ext_strings
from google.protobuf import duration_pb2, timestamp_pb2

from flows import tasks
from flows.values import ExceptionValue, TaskValue

_ENV = cel.NewEnv(
    extensions=[ext_strings.ExtStrings(), ext_math.ExtMath(), ext_encoders.ExtEncoders()]
)
_UNDECLARED = re.compile(r"ERROR: <input>:(\d+):(\d+): undeclared reference to '([A-Za-z_]\w*)")
_ERROR_LINE = re.compile(r"^(?:\w+: )?ERROR: <input>:(\d+):(\d+): (.*)$", re.M)
_DOLLAR = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\(\$\)([A-Za-z_]\w*)""")
_ERROR = cel.Type.ERROR
#: How many items the macros of one evaluation (map, filter, all…) may go through; CEL's own bound.
ITERATIONS = 10_000
_SCALARS = frozenset({type(None), bool, int, float, str})


class ExpressionError(Exception):
    """An expression that does not compile, or that failed when it was evaluated."""


class TasksRead(ExpressionError):
    """An expression reads what has become of tasks, which nothing in memory knows (`ids`)."""

    def __init__(self, ids: tuple[str, ...]) -> None:
        super().__init__("what has become of a task is not known here.")
        self.ids = ids


class Expression:
    """A compiled expression. `names` are the variables that it reads, as they are spelled."""

    __slots__ = ("_program", "names", "source")

    def __init__(self, source: str) -> None:
        """Raises ExpressionError, with line and column, when `source` is not an expression."""
        self.source = source
        text = _DOLLAR.sub(lambda found: found[1] or found[2], source)
        try:
            self._program = _ENV.compile(text, disable_check=True)
        except RuntimeError as error:
            raise ExpressionError(_first_error(str(error))) from None
        self.names = _names(text)

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """The value for the given variables. Raises ExpressionError, and TasksRead for tasks that
        `tasks.shown` has not replaced by what has become of them."""
        result = self._run({name: _to_cel(value) for name, value in variables.items()})
        if result.type() == _ERROR and "Non-CEL value type" in str(result.plain_value()):
            if met := tasks.found(list(variables.values())):
                raise TasksRead(met)
            result = self._run({name: _to_cel_deep(value) for name, value in variables.items()})
        if result.type() == _ERROR:
            raise ExpressionError(str(result.plain_value()).partition(": ")[2])
        return _from_cel(result.plain_value())

    def _run(self, data: dict[str, Any]) -> cel.Value:
        try:
            return self._program.eval(data=data)
        except RuntimeError as error:
            if "Iteration budget exceeded" in str(error):
                problem = f"it takes {ITERATIONS:,} iterations or more."
                raise ExpressionError(problem) from None
            raise ExpressionError(str(error)) from None


@lru_cache(maxsize=4096)
def compile(source: str) -> Expression:
    """The expression of a source text, compiled once. Raises ExpressionError."""
    return Expression(source)


def _names(text: str) -> frozenset[str]:
    """The free names: what the checker does not know in an environment without variables.

    Raises ExpressionError for a function that does not exist: the checker places the error of an
    unknown function on the bracket that follows its name.
    """
    try:
        _ENV.compile(text)
    except RuntimeError as error:
        lines = text.split("\n")
        names = set()
        for line, column, name in _UNDECLARED.findall(str(error)):
            if lines[int(line) - 1][: int(column)].endswith(f"{name}("):
                raise ExpressionError(f"There is no function {name} for these arguments.") from None
            names.add(name)
        return frozenset(names)
    return frozenset()


def _first_error(text: str) -> str:
    found = _ERROR_LINE.search(text)
    if not found:
        return text
    line, column, message = found.groups()
    return f"{message} (line {line}, column {column})"


def _to_cel(value: Any) -> Any:
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
    stamp.FromDatetime(value)
    return stamp


def _duration(value: timedelta) -> Any:
    duration = duration_pb2.Duration()
    duration.FromTimedelta(value)
    return duration


def _task(value: TaskValue) -> Any:
    raise TasksRead((value.execution_id,))


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
