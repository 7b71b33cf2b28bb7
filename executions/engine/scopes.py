"""What happens to the variables of a token's scopes: defaults, saving, a loop's items.

Pure. Variables own their values: whatever is saved to one is copied.
"""

from collections.abc import Callable, Mapping
from typing import Any

from executions.engine import sizes
from executions.engine.changes import change
from executions.engine.program import EXTENSIONS, Instruction
from executions.engine.secrets import Secrets
from executions.engine.state import Frame, Progress
from flows import values
from flows.blocks.errors import exception, invalid_property
from flows.expressions import ExpressionError
from flows.graph import FlowGraph, WorkspaceNode
from flows.value_sources import Path, constant
from flows.values import ExceptionValue


def initialise(
    frame: Frame, workspace: WorkspaceNode, inputs: Mapping[str, Any]
) -> ExceptionValue | None:
    """Give the scope's variables their inputs or defaults (semantics 16, 21, 25).

    Returns InvalidDefaultValuesException when defaults fail (semantics 22).
    """
    failures: dict[str, str] = {}
    for variable in workspace.variables:
        key = variable.name.casefold()
        if variable.is_input and key in inputs:
            frame.variables[key] = values.copy(inputs[key])
        elif variable.has_default:
            try:
                default = constant(variable.default)
                if values.too_deep(default):
                    raise ExpressionError(f"it is nested deeper than {values.LEVELS} levels.")
                frame.variables[key] = values.copy(default)
            except (ExpressionError, KeyError) as error:
                failures[variable.name] = str(error)
                continue
        else:
            continue
        sizes.note(frame, key)
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
    """Add a token for a workspace; returns what `initialise` does."""
    frames.append(Frame(workspace.key, workspace.start))
    return initialise(frames[-1], workspace, {})


def begun(frames: list[Frame], graph: FlowGraph, progress: Progress) -> dict[str, Any]:
    """What the step that begins the innermost scope keeps of the values that it begins with."""
    frame = frames[-1]
    if not frame.variables:
        return {}
    if progress.secrets is not None:
        progress.secrets.learn_frames([frame])
    workspace = graph.workspaces[frame.workspace]
    block = workspace.key or workspace.start
    changes = {
        variable.name: change(frame, key, block, progress)
        for variable in workspace.variables
        if (key := variable.name.casefold()) in frame.variables
    }
    if EXTENSIONS in frame.variables:
        written = "_executionContext.Extensions"
        changes[written] = change(frame, EXTENSIONS, block, progress)
    return changes


def save(
    frames: list[Frame],
    progress: Progress,
    instruction: Instruction,
    outputs: Mapping[str, Any],
    lookup: Callable[[str], Any] | None = None,
) -> dict[str, Any]:
    """Save a visit's output properties to their variables; what a step keeps of the changes.

    `lookup` reads the variables that indexes of parts are made of. Raises BlockException for a
    part that cannot be saved, and for what is too large; `progress.saved` is then what was saved
    before that, and stays so.
    """
    if instruction.taken:
        outputs = _taken_apart(instruction, outputs)
    if progress.secrets is not None:
        _learn(progress.secrets, frames, instruction, outputs)
    changes: dict[str, Any] = {}
    try:
        _save(frames, progress, instruction, outputs, changes, lookup)
    except Exception:
        progress.saved = changes
        raise
    return changes


def _save(
    frames: list[Frame],
    progress: Progress,
    instruction: Instruction,
    outputs: Mapping[str, Any],
    changes: dict[str, Any],
    lookup: Callable[[str], Any] | None,
) -> None:
    for name, level, key, written, part in instruction.writers:
        if name not in outputs:
            continue
        frame = frames[level]
        value = outputs[name]
        if part is not None and lookup is not None:
            value = _save_part(frames, frame, key, name, part, value, lookup)
        elif frame.variables.get(key) is value and type(value) is list:
            sizes.admit_added(frames, frame, key, value)
        else:
            sizes.admit(frames, frame, key, value)
            value = values.copy(value)
            frame.variables[key] = value
        frame.changed.add(key)
        changes[written] = change(frame, key, instruction.key, progress)


def _learn(
    secrets: Secrets, frames: list[Frame], instruction: Instruction, outputs: Mapping[str, Any]
) -> None:
    """Take note of the outputs that secret variables get, before any of them is written down."""
    for name, level, key, _, _ in instruction.writers:
        if name in outputs and secrets.is_secret(frames[level].workspace, key):
            secrets.learn(outputs[name])


def _taken_apart(instruction: Instruction, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs with the parts that are taken of them, each under its label (semantics 10): all
    of them before anything is saved. Raises BlockException for a part that is not there."""
    apart = dict(outputs)
    for target in instruction.taken:
        if target.output in outputs:
            try:
                apart[target.label] = target.take(outputs[target.output])
            except ExpressionError as error:
                raise invalid_property(target.output, str(error)) from None
    return apart


def _save_part(
    frames: list[Frame],
    frame: Frame,
    key: str,
    name: str,
    part: Path,
    value: Any,
    lookup: Callable[[str], Any],
) -> Any:
    """Save to a part of a variable (semantics 24); the variable's whole value."""
    try:
        whole = frame.variables.setdefault(key, {}) if key == EXTENSIONS else frame.variables[key]
        keys = part.keys(lookup)
        sizes.admit_part(frames, frame, key, part.held(whole, keys), value)
        part.write(whole, keys, values.copy(value))
    except KeyError as missing:
        raise invalid_property(
            name, f"the variable {missing.args[0]} is not initialised."
        ) from None
    except ExpressionError as error:
        raise invalid_property(name, str(error)) from None
    return whole


def keep_items(frames: list[Frame], held: str, collection: Any) -> list[Any]:
    """Keep a loop's items beside the variables: written once, not at each checkpoint.

    Raises VariableTooLargeException."""
    frame = frames[-1]
    sizes.admit(frames, frame, held, collection)
    items = (
        [{"Key": key, "Value": values.copy(item)} for key, item in collection.items()]
        if isinstance(collection, dict)
        else values.copy(collection)
    )
    frame.variables[held] = items
    frame.changed.add(held)
    return items


def outputs(graph: FlowGraph, top: Frame) -> dict[str, Any]:
    """Output variables by name; null for one that was never set."""
    return {v.name: top.variables.get(v.name.casefold()) for v in graph.outputs}
