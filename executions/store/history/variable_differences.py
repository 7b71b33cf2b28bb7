"""What differs in variables between two moments, of one execution or of two."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from executions.engine.program import EXTENSIONS
from executions.models import Execution
from executions.store.history.snapshots import Availability, ExecutionAt, VariableAt
from flows import pretty_json, value_diff, values
from flows.value_diff import Difference

#: Bytes of a value that is compared in detail; of a larger one only the change is shown.
MAX_COMPARED_BYTES = 500_000
_VISITED = """
    SELECT block, count(*), min(number) FROM executions_step
    WHERE execution_id = %s AND number > %s AND number <= %s
    GROUP BY block ORDER BY min(number)
"""


@dataclass(frozen=True, slots=True)
class VariableDifference:
    """A variable at two moments.

    `kind` is "added", "gone", "changed", "unknown", "same", or "secret" if both values look alike
    and hide a secret.
    """

    scope: str
    name: str
    kind: str
    before: str
    after: str
    parts: list[Difference]
    more: bool = False


def of_variables(
    before: ExecutionAt, after: ExecutionAt, *, same: bool = False
) -> list[VariableDifference]:
    """Compare the variables of two moments, the outermost scope first; with `same`, equal ones come
    last. Variables with one name in scopes of one workspace are compared with each other."""
    old, new = _named(before), _named(after)
    found = []
    for key in [*old, *(key for key in new if key not in old)]:
        _level, workspace, name = key
        described = _difference(before, after, old.get(key), new.get(key))
        if described is None and not same:
            continue
        graph = after.graph if key in new else before.graph
        node = graph.workspaces.get(workspace)
        declared = {v.name.casefold(): v.name for v in node.variables} if node else {}
        declared[EXTENSIONS] = "_executionContext.Extensions"
        scope = node.name if node else workspace
        if described is None:
            described = "same", _describe(old[key]), _describe(new[key]), [], False
        found.append(VariableDifference(scope, declared.get(name, name), *described))
    return sorted(found, key=lambda one: one.kind == "same")


def of_values(
    scope: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[VariableDifference]:
    """Compare named values: those that differ come first."""
    found = []
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name, value_diff.ABSENT), after.get(name, value_diff.ABSENT)
        parts, more = value_diff.diff(old, new)
        kind = "changed" if parts else "secret" if _hides(old) else "same"
        if old is value_diff.ABSENT:
            kind = "added"
        elif new is value_diff.ABSENT:
            kind = "gone"
        if any(not part.path for part in parts):
            parts = []
        first, second = _in_a_line(old), _in_a_line(new)
        found.append(VariableDifference(scope, name, kind, first, second, parts, more))
    return sorted(found, key=lambda one: one.kind == "same")


def _hides(value: Any) -> bool:
    """Whether a shown value hides a secret: nobody learns whether it equals another one."""
    return values.MASK in pretty_json.text(value)


def _in_a_line(value: Any) -> str:
    return "" if value is value_diff.ABSENT else values.summary(value, 200)


_Description = tuple[str, str, str, list[Difference], bool]


def _named(past: ExecutionAt) -> dict[tuple[int, str, str], VariableAt]:
    workspaces = [token.workspace for token in past.tokens]
    return {
        (level, workspaces[level], name): variable
        for (level, name), variable in sorted(past.variables.items())
        if level < len(workspaces)
    }


def _difference(
    before: ExecutionAt, after: ExecutionAt, old: VariableAt | None, new: VariableAt | None
) -> _Description | None:
    if old is None or new is None:
        return _one_sided(old, new)
    same_execution = before.execution.pk == after.execution.pk
    if same_execution and old.step == new.step and old.step is not None:
        return None
    if (
        Availability.LOST in (old.availability, new.availability)
        or max(old.size, new.size) > MAX_COMPARED_BYTES
    ):
        return "unknown", _describe(old), _describe(new), [], False
    first = pretty_json.decode(before.value(old.level, old.name)[1])
    second = pretty_json.decode(after.value(new.level, new.name)[1])
    parts, more = value_diff.diff(first, second)
    if not parts:
        hides = before.execution.secrets is not None and _hides(first)
        return ("secret", _describe(old), _describe(new), [], False) if hides else None
    whole = [part for part in parts if not part.path]
    return "changed", _describe(old), _describe(new), [] if whole else parts, more


def _one_sided(old: VariableAt | None, new: VariableAt | None) -> _Description:
    if old is None:
        assert new is not None
        return "added", "", _describe(new), [], False
    return "gone", _describe(old), "", [], False


def _describe(variable: VariableAt) -> str:
    if variable.availability is Availability.LOST:
        return f"{variable.summary} (not kept)"
    return variable.summary


def visited_between(execution: Execution, first: int, last: int) -> list[tuple[str, int, int]]:
    """Return the blocks visited after one step until another: key, count, first such step."""
    with connection.cursor() as cursor:
        cursor.execute(_VISITED, [execution.pk, first, last])
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return [(str(block), int(count), int(number)) for block, count, number in found]
