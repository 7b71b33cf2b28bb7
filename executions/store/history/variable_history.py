"""What the variables of an execution held after one of its steps.

Every change is an event: a step's `changes`, or those of an intervention. A scope begins at its
Workspace block's step, which changes its variables to what they begin with, or by an intervention
that enters it; what a variable holds is its last change since then.
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
from executions.store.history.versions import Course, Era, When
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
class Held:
    """What a variable holds. `large` ones are only told of; of a lost one nothing more is known."""

    form: Any
    size: int
    summary: str
    step: int | None
    large: bool = False
    is_lost: bool = False
    #: Of a large one, the key of its ChangedValue.
    stored: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    when: When
    #: As a step keeps it.
    change: Mapping[str, Any]


def live(execution: Execution, course: Course, step: int) -> dict[Key, Held]:
    """What they hold now."""
    latest = _latest(execution, course, step)
    found = {}
    for value in stored_values.stored_values(execution.pk):
        key = (value.level, value.name)
        text = value.summary if value.large else values.summary(pretty_json.decoded(value.form))
        number = latest[key].when[0] if key in latest else None
        found[key] = Held(value.form, value.size, text, number, large=value.large)
    return found


def at(
    execution: Execution, course: Course, step: int, workspaces: Sequence[str]
) -> dict[Key, Held]:
    """What they held after a step that is kept and not the last one; `workspaces` are those that
    the tokens were in, the outermost first."""
    latest = _latest(execution, course, step)
    begins = scopes.begun(execution, course, step, workspaces)
    outdated = _unknown(execution, step)
    found: dict[Key, Held] = {}
    for key, event in latest.items():
        level = key[0]
        if level >= len(workspaces) or event.when < begins[level] or event.change.get("gone"):
            continue
        is_lost = outdated is not None and event.when[0] <= outdated
        found[key] = _held(event, step, is_lost=is_lost)
    return _recovered(execution, course, step, workspaces, begins, found)


def stored(
    execution: Execution, course: Course, step: int, level: int, name: str
) -> value_parts.Stored | None:
    """Where a large value is stored of a variable that is known to hold one then."""
    event = _latest(execution, course, step).get((level, name))
    if event is None:
        return None
    if "stored" in event.change:
        row = (("execution_id", execution.pk), ("key", event.change["stored"]))
        return value_parts.Stored(ChangedValue, "value", row)
    last = _latest(execution, course, execution.step_count).get((level, name))
    return held(execution, level, name) if last is not None and last.when == event.when else None


def held(execution: Execution, level: int, name: str) -> value_parts.Stored:
    """Where what a variable holds now is stored."""
    row = (("execution_id", execution.pk), ("level", level), ("name", name))
    return value_parts.Stored(Value, "value", row)


def _until(course: Course, step: int) -> int:
    """The last step that tells of a moment: the first one tells what the execution began with,
    unless it had begun before."""
    begins = step == 0 and not any(i.after_step == 0 for i in course.interventions)
    return 1 if begins else step


def _held(event: Event, step: int, *, is_lost: bool) -> Held:
    change, number = event.change, min(event.when[0], step)
    if is_lost:
        return Held(None, 0, "not kept", None, is_lost=True)
    if "value" in change:
        form = change["value"]
        return Held(form, 0, values.summary(pretty_json.decoded(form)), number)
    if "stored" in change:
        size, key = change["size"], change["stored"]
        return Held(None, size, change["summary"], number, large=True, stored=key)
    return Held(None, 0, change["summary"], number, is_lost=True)


# Events ---------------------------------------------------------------------------------------


def _latest(execution: Execution, course: Course, step: int) -> dict[Key, Event]:
    """The last change of each variable until then, whichever visit of its scope that was in."""
    numbers: dict[Key, int] = {}
    trimmed: dict[Key, Event] = {}
    until = _until(course, step)
    for era in course.eras:
        if era.first > until:
            break
        last = min(era.last, until)
        for block, name, number in _changed(execution, era.first, last):
            key = era.resolve(block, name)
            if key is not None and number >= numbers.get(key, 0):
                numbers[key] = number
        for row in _trimmed(execution, era, step):
            key = era.resolve(row.block, row.name)
            if key is not None and (key not in trimmed or trimmed[key].when < (row.number, 0)):
                trimmed[key] = Event((row.number, 0), row.change)
    found = _of_steps(execution, course, numbers)
    for key, event in trimmed.items():
        if key not in found or found[key].when < event.when:
            found[key] = event
    for when, intervention in course.until(step):
        for level, changes in intervention.changes.items():
            for name, change in changes.items():
                event = Event(when, change)
                if (int(level), name) not in found or found[int(level), name].when < event.when:
                    found[int(level), name] = event
    return found


def _changed(execution: Execution, first: int, last: int) -> list[tuple[str, str, int]]:
    """The last of the steps that are kept at which each block changed each variable."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_CHANGES, [execution.pk, first, last])
        found: list[tuple[str, str, int]] = cursor.fetchall()
    return found


def _trimmed(execution: Execution, era: Era, step: int) -> list[TrimmedChange]:
    """The last changes of an era by steps that were dropped, where all of these came before."""
    lacking = trimmed_steps(execution.step_count)
    if not lacking or step < lacking.stop:
        return []
    rows = TrimmedChange.objects.filter(
        execution_id=execution.pk, number__gte=era.first, number__lte=era.last
    )
    return list(rows)


def _of_steps(execution: Execution, course: Course, numbers: Mapping[Key, int]) -> dict[Key, Event]:
    rows = Step.objects.filter(execution_id=execution.pk, number__in=set(numbers.values()))
    steps = {row.number: row for row in rows.only("number", "block", "changes")}
    found: dict[Key, Event] = {}
    for key, number in numbers.items():
        step, era = steps[number], course.era_of(number)
        for name, change in step.changes.items():
            if era.resolve(step.block, name) == key:
                found[key] = Event((number, 0), change)
    return found


# What is not kept -----------------------------------------------------------------------------


def _unknown(execution: Execution, step: int) -> int | None:
    """The last dropped step when what the dropped ones changed is not kept: they were dropped
    before such changes were. None otherwise."""
    lacking = trimmed_steps(execution.step_count)
    if not lacking or step < lacking.stop:
        return None
    old = TrimmedVisits.objects.filter(execution_id=execution.pk, last__isnull=True).exists()
    return lacking[-1] if old else None


def _recovered(
    execution: Execution,
    course: Course,
    step: int,
    workspaces: Sequence[str],
    begins: list[When],
    found: dict[Key, Held],
) -> dict[Key, Held]:
    """With the values that are not kept, but that the variables still hold."""
    lost = [key for key, held in found.items() if held.is_lost and held.step is not None]
    if not lost:
        return found
    tokens = list(execution.tokens.order_by("level").values_list("workspace", flat=True))
    same = 0
    last = scopes.begun(execution, course, execution.step_count, tokens)
    while same < min(len(tokens), len(workspaces)) and (
        tokens[same] == workspaces[same] and last[same] == begins[same]
    ):
        same += 1
    latest = _latest(execution, course, execution.step_count)
    now = {(v.level, v.name): v for v in stored_values.stored_values(execution.pk)}
    for key in lost:
        held, value = found[key], now.get(key)
        if key[0] < same and value is not None and latest[key].when[0] == held.step:
            found[key] = Held(value.form, value.size, held.summary, held.step, large=value.large)
    return found
