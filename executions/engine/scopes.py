"""The variables of a token's scopes: defaults, saving outputs, the items of a loop.

Pure. Variables own their values: whatever is saved to one is copied.
"""

from collections.abc import Callable, Mapping
from typing import Any

from executions.engine import sizes
from executions.engine.changes import ChangeRecorder
from executions.engine.environment import Environment
from executions.engine.program import EXTENSIONS, Instruction, Writer
from executions.engine.secrets import Secrets
from executions.engine.state import Frame
from flows import values
from flows.blocks.collections import copies
from flows.blocks.errors import exception, invalid_property
from flows.expressions import ExpressionError
from flows.graph import FlowGraph, WorkspaceNode
from flows.value_sources import Path, evaluate_constant
from flows.values import ExceptionValue


def initialise(
    frame: Frame, workspace: WorkspaceNode, inputs: Mapping[str, Any]
) -> ExceptionValue | None:
    """Give the scope's variables their inputs or defaults (semantics 16, 21, 25).

    Return InvalidDefaultValuesException when defaults fail (semantics 22).
    """
    failures: dict[str, str] = {}
    for variable in workspace.variables:
        key = variable.name.casefold()
        if variable.is_input and key in inputs:
            frame.variables[key] = values.copy(inputs[key])
        elif variable.has_default:
            try:
                default = evaluate_constant(variable.default)
                if values.too_deep(default):
                    raise ExpressionError(f"it is nested deeper than {values.LEVELS} levels.")
                frame.variables[key] = values.copy(default)
            except (ExpressionError, KeyError) as error:
                failures[variable.name] = str(error)
                continue
        else:
            continue
        sizes.measure_initial(frame, key)
        frame.changed.add(key)
    if not failures:
        return None
    listed = "; ".join(f"{name}: {problem}" for name, problem in failures.items())
    return exception(
        "InvalidDefaultValuesException",
        f"Default values could not be evaluated: {listed}",
        extra={"Variables": failures},
    ).value


def enter(frames: list[Frame], workspace: WorkspaceNode) -> ExceptionValue | None:
    """Add a token for a workspace; return what `initialise` does."""
    frames.append(Frame(workspace.key, workspace.start))
    return initialise(frames[-1], workspace, {})


def initial_changes(frame: Frame, graph: FlowGraph, recorder: ChangeRecorder) -> dict[str, Any]:
    """Record the values with which a scope begins, for the step that begins it."""
    if not frame.variables:
        return {}
    if recorder.secrets is not None:
        recorder.secrets.add_frames([frame])
    workspace = graph.workspaces[frame.workspace]
    block = workspace.key or workspace.start
    changes = {
        variable.name: recorder.record(frame, key, block)
        for variable in workspace.variables
        if (key := variable.name.casefold()) in frame.variables
    }
    if EXTENSIONS in frame.variables:
        written = "_executionContext.Extensions"
        changes[written] = recorder.record(frame, EXTENSIONS, block)
    return changes


def save(
    instruction: Instruction,
    outputs: Mapping[str, Any],
    environment: Environment,
    recorder: ChangeRecorder,
) -> dict[str, Any]:
    """Save a visit's output properties to their variables; return what its step records of that.

    Raises BlockException for a part that cannot be saved, and for a value that is too large; what
    was saved before stays saved, and is in `recorder.unfinished`.
    """
    frames = environment.frames
    if instruction.taken:
        outputs = _with_taken_parts(instruction, outputs)
    if recorder.secrets is not None:
        _learn(recorder.secrets, frames, instruction, outputs)
    lookup = environment.lookup(instruction) if instruction.saves_parts else None
    changes: dict[str, Any] = {}
    try:
        for writer in instruction.writers:
            name, level, key, written, part = writer
            if name not in outputs:
                continue
            frame = frames[level]
            value = outputs[name]
            if part is not None and lookup is not None:
                _save_part(frames, writer, part, value, lookup)
            elif frame.variables.get(key) is value and type(value) is list:
                sizes.measure_added(frames, frame, key, value)
            else:
                sizes.measure_saved(frames, frame, key, value)
                frame.variables[key] = values.copy(value)
            frame.changed.add(key)
            changes[written] = recorder.record(frame, key, instruction.key)
    except Exception:
        recorder.unfinished = changes
        raise
    return changes


def _learn(
    secrets: Secrets, frames: list[Frame], instruction: Instruction, outputs: Mapping[str, Any]
) -> None:
    """Learn the outputs that secret variables get, before any of them is written down."""
    for writer in instruction.writers:
        if writer.output in outputs and secrets.is_secret(
            frames[writer.level].workspace, writer.key
        ):
            secrets.add_value(outputs[writer.output])


def _with_taken_parts(instruction: Instruction, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs with the parts that are taken of them, each under its label (semantics
    10): all of them before anything is saved. Raises BlockException for a missing part."""
    parts = dict(outputs)
    for target in instruction.taken:
        if target.output in outputs:
            try:
                parts[target.label] = target.take(outputs[target.output])
            except ExpressionError as error:
                raise invalid_property(target.output, str(error)) from None
    return parts


def _save_part(
    frames: list[Frame], writer: Writer, part: Path, value: Any, lookup: Callable[[str], Any]
) -> None:
    """Save to a part of a variable (semantics 24); `lookup` reads the variables in its indexes."""
    frame, key = frames[writer.level], writer.key
    try:
        if key == EXTENSIONS and values.has_secret(value):
            # Every execution below is given them, and anybody who sees one may read them.
            raise invalid_property(writer.output, "Extensions cannot hold a secret text.")
        whole = frame.variables.setdefault(key, {}) if key == EXTENSIONS else frame.variables[key]
        keys = part.keys(lookup)
        sizes.measure_part(frames, frame, key, part.held(whole, keys), value)
        part.write(whole, keys, values.copy(value))
    except KeyError as missing:
        raise invalid_property(
            writer.output, f"the variable {missing.args[0]} is not initialised."
        ) from None
    except ExpressionError as error:
        raise invalid_property(writer.output, str(error)) from None


def keep_items(frames: list[Frame], key: str, collection: Any) -> Any:
    """Keep a loop's items beside the variables, so that they are written once and not at each
    checkpoint. Raises VariableTooLargeException."""
    frame = frames[-1]
    sizes.measure_saved(frames, frame, key, collection)
    items: Any = collection if isinstance(collection, str) else copies(collection)
    frame.variables[key] = items
    frame.changed.add(key)
    return items


def outputs(graph: FlowGraph, top: Frame) -> dict[str, Any]:
    """Return the output variables by name; null for one that was never set."""
    return {v.name: top.variables.get(v.name.casefold()) for v in graph.outputs}
