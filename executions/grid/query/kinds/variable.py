"""What a variable holds at the last checkpoint, compared with a literal: `var.order.total>=100`.

A path leads into structures, lists and exceptions: `_Holds` follows it in SQL, and `_part` in
decoded values.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, ClassVar

from django.db.models import BooleanField, F, Func, Q

from executions.events import ExecutionChanged
from executions.grid.query.comparisons import Comparison, Statement
from executions.grid.query.kinds.kind import COLONS, AllOf, EventContext, Predicate, QueryContext
from executions.grid.query.kinds.suggestions import LIMIT, newest
from executions.grid.query.lexer import EMPTY, in_quotes, plain, quoted
from executions.models import Value
from flows import value_paths
from flows.keys import value_of
from flows.values import EXCEPTION_KEYS, ExceptionValue, encode, is_object

#: What the key of a variable's field begins with.
PREFIX = "var."
#: Executions in which names of variables are looked for.
RECENT = 100
_MISSING = object()


@dataclass(frozen=True)
class Variable(AllOf):
    """What stands at a path (`flows.value_paths`) of the innermost variable of a name."""

    name = "variable"
    hint = '42, >3, abc, or "42" for a text.'
    examples: ClassVar[Sequence[str]] = ("42", ">3", "!=abc", '"42"', "true", "2026-11-01", EMPTY)
    is_ordered = True
    optional = True
    max_length = 2000

    path: str

    @property
    def variable(self) -> str:
        """The name of the variable, as it is stored."""
        return value_paths.split(self.path)[0].casefold()

    # Reading and writing

    def typed_values(self, operator: str, raw: str) -> tuple[str, ...]:
        """Keep quotation marks: "42" is a text, 42 a number too."""
        if operator in COLONS:
            own = re.match(r"!=|>=|<=|[<>=]|", raw)
            assert own is not None
            operator, raw = own[0], raw[own.end() :]
        text = plain(raw)
        return (operator + (in_quotes(text) if '"' in raw else text),)

    def operator_problem(self, key: str, operator: str, negated: bool) -> str:
        if operator == "!=":
            return ""
        if operator == "!":
            return f"{key} has no operator !. Write {key}=value or {key}!=value."
        return super().operator_problem(key, operator, negated)

    def missing(self, key: str, example: str) -> str:
        return f"Write a value, as in {key}=42, or {key}={EMPTY} for an empty text."

    def parse(self, text: str, zone: tzinfo) -> str:
        return str(Comparison.parse(text, zone))

    def write(self, key: str, values: Sequence[str], sign: str = "") -> str:
        name = PREFIX + (in_quotes(self.path) if _ENDS_NAME.search(self.path) else self.path)
        return " ".join(f"{sign}{name}{_typed(value)}" for value in values)

    def labels(self, values: Sequence[str]) -> str:
        joined = ", ".join(values)
        return joined if joined.startswith((">", "<", "!")) else f"= {joined}"

    # Meaning

    def value_sql(self, value: str, context: QueryContext) -> Q:
        return Q(_Holds(self.path, Comparison.parse(value)))

    def value_matches(self, value: str) -> Predicate:
        comparison = Comparison.parse(value)
        name, *keys = value_paths.split(self.path)
        name = name.casefold()

        def holds(event: ExecutionChanged, context: EventContext) -> bool:
            value = context.variables.get(name, _MISSING)
            for key in keys:
                value = _part(value, key)
            return value is not _MISSING and comparison.holds(value)

        return holds

    def has_index(self, values: Sequence[str]) -> bool:
        return False


def variable_names(user: Any, typed: str) -> list[str]:
    """Return the names of variables that the newest executions hold."""
    ids = list(newest(user).values_list("pk", flat=True)[:RECENT])
    names = Value.objects.filter(execution_id__in=ids).values_list("name", flat=True).distinct()
    return sorted(name for name in names if typed.casefold() in name)[:LIMIT]


_ENDS_NAME = re.compile(r'[\s,":=<>!]')


def _typed(value: str) -> str:
    """Return how a value is typed behind the name."""
    sign = re.match(r">=|<=|!=|[<>]|", value)
    assert sign is not None
    literal = value[sign.end() :]
    # One in quotation marks is a text for certain, and stays in them.
    return (sign[0] or "=") + (literal if literal.startswith('"') else quoted(literal))


# A path into a stored value ---------------------------------------------------------------------


class _Holds(Func):
    """Whether the innermost variable of a name holds something, at the last checkpoint."""

    output_field = BooleanField()

    def __init__(self, path: str, comparison: Comparison) -> None:
        self.path, self.comparison = path, comparison
        super().__init__(F("pk"))

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **extra: Any) -> Any:
        execution, parameters = compiler.compile(self.source_expressions[0])
        name, *keys = value_paths.split(self.path)
        found, path = _found_sql(keys)
        condition, literals = self.comparison.sql()
        sql = _HOLDS.format(found=found, execution=execution, condition=condition)
        return sql, [*path, *parameters, name.casefold(), *literals]


_HOLDS = """
EXISTS (
    SELECT 1 FROM executions_value AS held CROSS JOIN LATERAL ({found}) AS found (value)
    WHERE held.execution_id = {execution} AND held.name = %s AND held.level = (
        SELECT max(deepest.level) FROM executions_value AS deepest
        WHERE deepest.execution_id = held.execution_id AND deepest.name = held.name
    ) AND {condition}
)"""
#: A null variable is stored as NULL.
_WHOLE = "SELECT coalesce(held.value, 'null'::json)"
#: Most paths lead through structures and lists alone. OFFSET keeps PostgreSQL from following the
#: path once for each comparison.
_PART = """
SELECT coalesce(held.value #> %s::text[], CASE
    WHEN held.value::text ~ '"\\$(exception|items)"' THEN ({walk})
END) OFFSET 0"""
#: What stands at one key: of an exception, of a structure whose keys are no texts, of another one.
_STEP = """
LATERAL (
    SELECT CASE
        WHEN {before}.value -> '$exception' IS NOT NULL THEN coalesce(
            {before}.value -> '$exception' -> 'extra' -> %s::text,
            {before}.value -> '$exception' -> %s::text
        )
        WHEN {before}.value -> '$items' IS NOT NULL THEN (
            SELECT item -> 1 FROM json_array_elements({before}.value -> '$items') AS item
            WHERE json_typeof(item -> 0) IN ('string', 'number') AND item ->> 0 = %s
            LIMIT 1
        )
        ELSE {before}.value #> %s::text[]
    END OFFSET 0
) AS {after} (value)"""


def _found_sql(keys: Sequence[str]) -> Statement:
    """Return the statement of what stands at the keys of `held.value`."""
    if not keys:
        return _WHOLE, []
    steps = "".join(
        ", " + _STEP.format(before=f"step_{number}", after=f"step_{number + 1}")
        for number in range(len(keys))
    )
    walk = f"SELECT step_{len(keys)}.value FROM (SELECT held.value) AS step_0 (value){steps}"
    # What begins with $ is a part of how a value is stored, and none of a plain one.
    plain = [None if key.startswith("$") else [key] for key in keys]
    parameters: list[Any] = [list(keys) if all(plain) else None]
    for key, path in zip(keys, plain, strict=True):
        parameters += [key, EXCEPTION_KEYS.get(key), key, path]
    return _PART.format(walk=walk), parameters


#: A place in a list, as the database reads it: from the end where it is negative.
_PLACE = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]{1,9}")


def _part(value: Any, key: str) -> Any:
    """Return what the database finds at a key of a stored value."""
    if isinstance(value, list) and _PLACE.fullmatch(key):
        place = int(key)
        return value[place] if -len(value) <= place < len(value) else _MISSING
    if isinstance(value, ExceptionValue):
        if key in value.extra and is_object(dict(value.extra)):
            return value.extra[key]
        return getattr(value, EXCEPTION_KEYS[key]) if key in EXCEPTION_KEYS else _MISSING
    if not isinstance(value, dict):
        return _MISSING
    if is_object(value):
        return value.get(key, _MISSING)
    return next((item for one, item in value.items() if _written(one) == key), _MISSING)


def _written(key: Any) -> str | None:
    """Return the key of a structure as a path names it; None for one that no path names."""
    form = encode(value_of(key))
    if isinstance(form, str):
        return form
    return repr(form) if isinstance(form, int | float) and not isinstance(form, bool) else None
