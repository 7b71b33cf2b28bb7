"""What the variables of an execution held after one of its steps.

A step keeps its `changes`, and so does an intervention. A scope begins at the step of its Workspace
block, which changes the scope's variables to what they begin with, or by an intervention that
enters it. A variable holds its last change since then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from executions.models import (
    ChangedValue,
    Execution,
    Step,
    TrimmedChange,
    TrimmedVisits,
    Value,
)
from executions.retention.trimming import trimmed_steps
from executions.store.history import scopes
from executions.store.history.versions import HistoryPoint, VersionHistory, VersionSpan
from executions.store.read import stored_values, value_parts
from flows import pretty_json, values

_LAST_CHANGES = """
    SELECT s.block, name, max(s.number)
    FROM executions_step s, json_object_keys(s.changes) AS name
    WHERE s.execution_id = %s AND s.number BETWEEN %s AND %s
    GROUP BY s.block, name
"""

#: Level of a scope and case-folded name of a variable.
Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class VariableValue:
    """What a variable holds. Of a `large` value only a summary is here, of a lost one no more is
    known."""

    form: Any
    size: int
    summary: str
    step: int | None
    large: bool = False
    is_lost: bool = False
    #: Of a large one, the key of its ChangedValue.
    stored: str = ""


@dataclass(frozen=True, slots=True)
class VariableChange:
    """A change of a variable; `change` has the form that a step keeps."""

    when: HistoryPoint
    change: Mapping[str, Any]


def current_values(history: VersionHistory, step: int) -> dict[Key, VariableValue]:
    """Return what the variables hold now."""
    latest = _latest(history, step)
    found = {}
    for value in stored_values.stored_values(history.execution.pk):
        key = (value.level, value.name)
        text = value.summary if value.large else values.summary(pretty_json.decode(value.form))
        number = latest[key].when[0] if key in latest else None
        found[key] = VariableValue(value.form, value.size, text, number, large=value.large)
    return found


def values_at(
    history: VersionHistory, step: int, workspaces: Sequence[str]
) -> dict[Key, VariableValue]:
    """Return what the variables held after a step that is kept and not the last one.

    `workspaces` are those that the tokens were in, the outermost first.
    """
    begins = scopes.scope_starts(history, step, workspaces)
    outdated = _last_forgotten(history.execution, step)
    found: dict[Key, VariableValue] = {}
    for key, latest in _latest(history, step).items():
        level = key[0]
        if level >= len(workspaces) or latest.when < begins[level] or latest.change.get("gone"):
            continue
        is_lost = outdated is not None and latest.when[0] <= outdated
        found[key] = _value(latest, step, is_lost=is_lost)
    return _recover(found, history, workspaces, begins)


def stored_form_at(
    history: VersionHistory, step: int, level: int, name: str
) -> value_parts.StoredForm | None:
    """Return where the large value is stored that a variable held after a step."""
    execution, key = history.execution, (level, name)
    latest = _latest(history, step).get(key)
    if latest is None:
        return None
    if "stored" in latest.change:
        row = (("execution_id", execution.pk), ("key", latest.change["stored"]))
        return value_parts.StoredForm(ChangedValue, "value", row)
    last = _latest(history, execution.step_count).get(key)
    is_current = last is not None and last.when == latest.when
    return current_form(execution, level, name) if is_current else None


def current_form(execution: Execution, level: int, name: str) -> value_parts.StoredForm:
    """Return where the value is stored that a variable holds now."""
    row = (("execution_id", execution.pk), ("level", level), ("name", name))
    return value_parts.StoredForm(Value, "value", row)


def _value(latest: VariableChange, step: int, *, is_lost: bool) -> VariableValue:
    change, number = latest.change, min(latest.when[0], step)
    if is_lost:
        return VariableValue(None, 0, "not kept", None, is_lost=True)
    if "value" in change:
        form = change["value"]
        return VariableValue(form, 0, values.summary(pretty_json.decode(form)), number)
    if "stored" in change:
        size, key = change["size"], change["stored"]
        return VariableValue(None, size, change["summary"], number, large=True, stored=key)
    return VariableValue(None, 0, change["summary"], number, is_lost=True)


# Changes --------------------------------------------------------------------------------------


def _latest(history: VersionHistory, step: int) -> dict[Key, VariableChange]:
    """The last change of each variable until then, whichever visit of its scope that was in."""
    until = _last_step(history, step)
    spans = [span for span in history.spans if span.first <= until]
    found = _of_kept_steps(history, spans, until)
    for span in spans:
        for row in _trimmed(history.execution, span, step):
            key = span.resolve(row.block, row.name)
            if key is not None:
                _keep_later(found, key, VariableChange((row.number, 0), row.change))
    for when, intervention in history.until(step):
        for level, changes in intervention.changes.items():
            for name, change in changes.items():
                _keep_later(found, (int(level), name), VariableChange(when, change))
    return found


def _keep_later(found: dict[Key, VariableChange], key: Key, change: VariableChange) -> None:
    if key not in found or found[key].when < change.when:
        found[key] = change


def _last_step(history: VersionHistory, step: int) -> int:
    """The last step that matters for a moment: the first one says what the execution began with,
    unless it had begun before."""
    begins = step == 0 and not any(i.after_step == 0 for i in history.interventions)
    return 1 if begins else step


def _of_kept_steps(
    history: VersionHistory, spans: Sequence[VersionSpan], until: int
) -> dict[Key, VariableChange]:
    numbers: dict[Key, int] = {}
    for span in spans:
        last = min(span.last, until)
        for block, name, number in _last_changes(history.execution, span.first, last):
            key = span.resolve(block, name)
            if key is not None and number >= numbers.get(key, 0):
                numbers[key] = number
    rows = Step.objects.filter(execution_id=history.execution.pk, number__in=set(numbers.values()))
    steps = {row.number: row for row in rows.only("number", "block", "changes")}
    found: dict[Key, VariableChange] = {}
    for key, number in numbers.items():
        step, span = steps[number], history.span_of(number)
        for name, change in step.changes.items():
            if span.resolve(step.block, name) == key:
                found[key] = VariableChange((number, 0), change)
    return found


def _last_changes(execution: Execution, first: int, last: int) -> list[tuple[str, str, int]]:
    """The last of the steps that are kept at which each block changed each variable."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_CHANGES, [execution.pk, first, last])
        found: list[tuple[str, str, int]] = cursor.fetchall()
    return found


def _trimmed(execution: Execution, span: VersionSpan, step: int) -> list[TrimmedChange]:
    """The last changes of a span by trimmed steps, where all of these came before."""
    trimmed = trimmed_steps(execution.step_count)
    if not trimmed or step < trimmed.stop:
        return []
    rows = TrimmedChange.objects.filter(
        execution_id=execution.pk, number__gte=span.first, number__lte=span.last
    )
    return list(rows)


# What is not kept -----------------------------------------------------------------------------


def _last_forgotten(execution: Execution, step: int) -> int | None:
    """The last trimmed step when what the trimmed ones changed is not kept, because they were
    trimmed before such changes were kept. None otherwise."""
    trimmed = trimmed_steps(execution.step_count)
    if not trimmed or step < trimmed.stop:
        return None
    old = TrimmedVisits.objects.filter(execution_id=execution.pk, last__isnull=True).exists()
    return trimmed[-1] if old else None


def _recover(
    found: dict[Key, VariableValue],
    history: VersionHistory,
    workspaces: Sequence[str],
    begins: list[HistoryPoint],
) -> dict[Key, VariableValue]:
    """Fill in values that are not kept, but that the variables still hold."""
    lost = [key for key, value in found.items() if value.is_lost and value.step is not None]
    if not lost:
        return found
    execution = history.execution
    tokens = list(execution.tokens.order_by("level").values_list("workspace", flat=True))
    last = scopes.scope_starts(history, execution.step_count, tokens)
    same = 0
    while same < min(len(tokens), len(workspaces)) and (
        tokens[same] == workspaces[same] and last[same] == begins[same]
    ):
        same += 1
    latest = _latest(history, execution.step_count)
    current = {(v.level, v.name): v for v in stored_values.stored_values(execution.pk)}
    for key in lost:
        value, now = found[key], current.get(key)
        if key[0] < same and now is not None and latest[key].when[0] == value.step:
            found[key] = VariableValue(
                now.form, now.size, value.summary, value.step, large=now.large
            )
    return found
