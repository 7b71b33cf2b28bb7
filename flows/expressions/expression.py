"""One expression: compiled once, evaluated for the values of its variables."""

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from flows import equality, task_values, values
from flows.expressions import language, messages, source, supply
from flows.expressions.conversion import (
    HALF,
    SCALARS,
    from_cel,
    has_marks,
    to_cel,
    to_cel_deep,
    unmarked_deep,
)
from flows.expressions.errors import ExpressionError, TaskStateNeeded
from flows.expressions.key_order import NO_ORDER, KeyOrder, current_order, set_current_order

_UNDECLARED = re.compile(r"ERROR: <input>:(\d+):(\d+): undeclared reference to '([A-Za-z_]\w*)")
#: What `at` can do and the library cannot: indexes from the end, and a character of a text.
_AT_NEEDED = re.compile(r"Index error: index=-|Invalid container type: 'string'")
#: The message with which the checker stops after too many errors.
_MORE_ERRORS = "maximum number of ERROR issues exceeded"
_ERROR_LINE = re.compile(r"^(?:\w+: )?ERROR: <input>:(\d+):(\d+): (.*)$", re.M)
#: A text, or what stands between texts.
_TEXT = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|([^"']+)""")
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


class Expression:
    """A compiled expression. `names` are the variables that it reads, as they are spelled, `types`
    the types of the language that it names as values without asking for the type of anything."""

    __slots__ = (
        "_aliases",
        "_asks_in",
        "_has_order",
        "_literals",
        "_program",
        "_text",
        "names",
        "source",
        "types",
    )

    def __init__(self, written: str) -> None:
        """Raises ExpressionError, with line and column, when `written` is not an expression."""
        self.source = written
        self._aliases: dict[str, str] = {}
        plain = _DOLLAR.sub(lambda found: found[1] or self._variable(found[2]), written)
        self.types = _types(plain)
        text = self._text = _with_internal_names(plain)
        self._literals = source.literal_keys(text)
        self._has_order = bool(self._literals) or text != plain or "+" in text
        self._program = _compiled(text)
        self._asks_in = source.asks_in(text)
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
        if not self._has_order:
            return self._evaluated(variables)
        set_current_order(KeyOrder(self._literals, variables))
        try:
            return self._evaluated(variables)
        finally:
            set_current_order(NO_ORDER)

    def _evaluated(self, variables: Mapping[str, Any]) -> Any:
        text, program = self._text, self._program
        if self._asks_in and any(map(has_marks, variables.values())):
            text = source.with_in(text)
            program = _rewritten(text)
        result = _run(program, {name: to_cel(value) for name, value in variables.items()})
        if result.type() == _ERROR:
            if values.has_secret(given := dict(variables)):
                return self._with_secrets(given)
            result, is_nested = self._again(text, program, result, variables)
            if is_nested:
                value = unmarked_deep(from_cel(result.plain_value()))
                return _ordered(value, self._literals, variables)
        value = result.plain_value()
        if type(value) in SCALARS:
            return value
        return _ordered(from_cel(value), self._literals, variables)

    def _with_secrets(self, variables: dict[str, Any]) -> Any:
        """The value for variables with secret texts in them. Its texts are secret, unless it would
        be the same with other texts of that length in their place."""
        value = self._evaluated(values.reveal(variables))
        try:
            other = self._evaluated(values.reveal(variables, values.unlike))
        except ExpressionError:
            other = None
        if equality.same(value, other):
            return value
        value = values.conceal(value)
        supply.current().keep_secret(values.secret_texts(value))
        return value

    def _again(
        self, text: str, program: cel.Expression, result: cel.Value, variables: Mapping[str, Any]
    ) -> tuple[cel.Value, bool]:
        """Evaluate again in the ways that are slower and seldom needed: with the variables
        converted deeply (then the second part is true), and with `whole[index]` as our own
        function. Raises ExpressionError when they fail too."""
        problem = str(result.plain_value())
        is_nested = "Non-CEL value type" in problem
        if is_nested and (met := task_values.task_ids(list(variables.values()))):
            raise TaskStateNeeded(met)
        data = {name: to_cel_deep(value) for name, value in variables.items()}
        if is_nested:
            result = _run(program, data)
            problem = str(result.plain_value())
        form: Callable[[str], str] = str
        if result.type() == _ERROR and (is_nested or _AT_NEEDED.search(problem)):
            other = _run(_rewritten(source.with_at(text)), data)
            if other.type() != _ERROR or not is_nested:
                result, problem, form = other, str(other.plain_value()), source.with_at
        if result.type() == _ERROR:
            told = self._explained(problem, variables)
            raise ExpressionError(
                _placed(told, text, lambda part: _fails(form(part), data) == problem)
            )
        return result, is_nested

    def _explained(self, problem: str, variables: Mapping[str, Any]) -> str:
        def read(operand: str) -> Any:
            found = compile(operand)
            return found.evaluate({name: variables[name] for name in found.names})

        return messages.explained(problem, self._text, read)


def _placed(told: str, text: str, fails: Callable[[str], bool]) -> str:
    """Return a problem with the place of the shortest part of a source that has it."""
    if "(line " in told:
        return told
    start = next((start for start, end in source.parts(text) if fails(text[start:end])), None)
    return told if start is None else f"{told.rstrip('.')} ({source.place(text, start)})."


def _fails(text: str, data: dict[str, Any]) -> str:
    """Return the problem of an evaluation; empty where there is none, or no expression."""
    try:
        result = _run(_compiled(text), data)
    except ExpressionError:
        return ""
    return str(result.plain_value()) if result.type() == _ERROR else ""


def _run(program: cel.Expression, data: dict[str, Any]) -> cel.Value:
    try:
        return program.eval(data=data)
    except RuntimeError as error:
        if "Iteration budget exceeded" in str(error):
            problem = f"it needs {ITERATIONS:,} iterations or more."
            raise ExpressionError(problem) from None
        if "construction from null" in str(error):
            raise ExpressionError(HALF) from None
        raise ExpressionError(str(error)) from None


def _compiled(text: str) -> cel.Expression:
    try:
        return language.RUNNING.compile(text, disable_check=True)
    except RuntimeError as error:
        told = messages.of_another_language(text) or _first_error(str(error))
        raise ExpressionError(told) from None
    except TypeError:
        raise ExpressionError("it contains half of a character (a lone surrogate).") from None


_rewritten = lru_cache(maxsize=1024)(_compiled)


def _ordered(value: Any, literals: list[Any], variables: Mapping[str, Any]) -> Any:
    """A value with the keys of its structures in their order."""
    if type(value) is not dict and type(value) is not list:
        return value
    order = current_order()
    return (order if order is not NO_ORDER else KeyOrder(literals, variables)).sorted(value)


def _with_internal_names(text: str) -> str:
    """The text in which functions have the names that the library knows; texts stay."""
    return _TEXT.sub(lambda found: found[1] or language.with_internal_names(found[2]), text)


@lru_cache(maxsize=4096)
def compile(written: str) -> Expression:
    """Return the expression of a source text, compiled once. Raises ExpressionError."""
    return Expression(written)


def _names(text: str) -> frozenset[str]:
    """Return the free names: what the checker does not know in an environment without variables.

    The checker stops after 20 errors. Then it is asked again with those names declared.

    Raises ExpressionError for a function that does not exist.
    """
    names: set[str] = set()
    environment, more = language.CHECKING, True
    while more:
        found, more = _undeclared(environment, text)
        more = more and not found <= names
        names |= found
        if more:
            variables = dict.fromkeys(names, cel.Type.DYN)
            environment = language.checking(variables)
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
            raise ExpressionError(
                messages.no_function(name, f"line {line}, column {int(column) - len(name)}")
            )
        names.add(name)
    for line, column, message in _ERROR_LINE.findall(report):
        if problem := messages.wrong_arguments(message, int(line), int(column)):
            raise ExpressionError(problem)
    return names, _MORE_ERRORS in report


def _types(text: str) -> frozenset[str]:
    """Types that are named as values. There is a use for one where `type(…)` asks for that of
    something: then there are none. Raises ExpressionError for a number that no double comes near.
    """
    named, asks = set(), False
    for found in _TOKEN.finditer(text):
        if number := found["number"]:
            if _is_endless(number):
                where = source.place(text, found.start())
                problem = f"{number} is too large. A Number goes up to about 1.8e308 ({where})."
                raise ExpressionError(problem)
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
    # An error of the whole text has no place, and a line beyond every text.
    return f"{message} (line {line}, column {column})" if len(line) < 9 else f"{message}."
