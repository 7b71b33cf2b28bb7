"""Interventions: what commands change between two steps, written together with the change.

`executions.store.history` reads them later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from executions.engine.changes import ChangeRecorder
from executions.engine.interpreter import Interpreter
from executions.engine.state import Frame
from executions.limits import MAX_STORED_BYTES
from executions.store.lifecycle.claims import ClaimedExecution
from flows import values
from flows.blocks.base import Port

#: As the last step that refers to a value: those of interventions stay as long as the execution.
ALWAYS = 2**62

INTERVENTION = """
    intervened AS (
        INSERT INTO executions_intervention
            (execution_id, after_step, at, kind, actor, version_id, tokens, stays, changes)
        SELECT %(id)s, i.after_step, now(), i.kind, i.actor, i.version_id, i.tokens, i.stays,
            i.changes
        FROM updated, json_to_record(%(intervention)s::json)
            AS i(after_step bigint, kind text, actor text, version_id bigint, tokens json,
                 stays smallint, changes json)
    )"""


@dataclass(frozen=True, slots=True)
class Cause:
    """The command that changes an execution, and the user who gave it."""

    kind: str
    actor: str


@dataclass(frozen=True, slots=True)
class InterventionRows:
    """The rows of an intervention.

    `row` is what INTERVENTION takes. `stored` are the large values to which it refers, as
    `executions.store.lifecycle.steps.STORED_VALUES` takes them.
    """

    row: dict[str, Any]
    stored: list[dict[str, Any]]


def intervention_rows(
    held: ClaimedExecution,
    interpreter: Interpreter,
    state: Mapping[str, Any],
    cause: Cause,
    version_id: int | None = None,
) -> InterventionRows:
    """Return the rows for what a command has changed in the frames of an execution that it locked.

    `state` is what the execution waits for afterwards. `version_id` is the version to which it
    moves, if it does.
    """
    frames = interpreter.frames
    stays = _stays(held, frames)
    recorder = ChangeRecorder(interpreter.secrets, MAX_STORED_BYTES - held.stored_bytes)
    changes = {
        level: changed
        for level, frame in enumerate(frames)
        if (changed := _changes(frame, level, recorder, whole=level >= stays))
    }
    sizes = {
        kept["stored"]: kept["size"]
        for changed in changes.values()
        for kept in changed.values()
        if "stored" in kept
    }
    step = interpreter.step_count
    waits = state.get("waits") or {}
    tokens = [[frame.workspace, frame.block, ""] for frame in frames]
    if waits.get("for") == "exception":
        tokens[-1][2] = Port.EXCEPTION
    return InterventionRows(
        {
            "after_step": step,
            "kind": cause.kind,
            "actor": values.storable(cause.actor)[:150],
            "version_id": None if version_id in (None, held.version_id) else held.version_id,
            "tokens": tokens,
            "stays": stays,
            "changes": changes,
        },
        [
            {"key": key, "value": text, "size": sizes[key], "first_step": step, "last_step": ALWAYS}
            for key, text in recorder.stored.items()
        ],
    )


def _stays(held: ClaimedExecution, frames: Sequence[Frame]) -> int:
    """How many of the outermost scopes existed before."""
    number = 0
    for (before, _), frame in zip(held.written, frames, strict=False):
        if before is not frame:
            break
        number += 1
    return number


def _changes(frame: Frame, level: int, recorder: ChangeRecorder, *, whole: bool) -> dict[str, Any]:
    names = frame.variables if whole else frame.changed
    return {
        name: recorder.record(frame, name, f"{level}:{name}")
        if name in frame.variables
        else {"gone": True}
        for name in sorted(names)
        if not name.startswith("items:")
    }
