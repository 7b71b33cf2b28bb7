"""Moving the token of a paused execution: to another block, or to another version of its flow.

Pure. Tokens that are left lose their scopes, tokens that are entered get theirs, as when the token
moves by itself (semantics 11, 16).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from executions.engine import guards, scopes
from executions.engine.interpreter import Interpreter
from executions.engine.secrets import Secrets
from executions.engine.state import Frame
from flows import values
from flows.graph import NO_SUCH_BLOCK, FlowGraph, VariableNode, WorkspaceNode
from flows.values import ExceptionValue, article


class CannotMove(Exception):
    """The token cannot stand there; the text says why."""


def move_token(
    interpreter: Interpreter, target: str, pending: ExceptionValue | None = None
) -> list[int]:
    """Put the token above a block of any workspace (semantics 89; the original only moves it
    within its workspace). `pending` is the exception on whose port it stood: a handler takes it.

    Return the levels of the tokens that have left their blocks, and with that their semaphores
    (82) and times. Raises CannotMove, having changed nothing.
    """
    graph = interpreter.graph
    node = graph.blocks.get(target)
    if node is None:
        raise CannotMove(NO_SUCH_BLOCK)
    if node.block.type == "Handle Flow Exception":
        raise CannotMove(f"Only an exception enters '{node.title}'. Choose a block inside it.")
    handles = node.block.takes_exceptions or node.block.type == "Handle Workspace Exception"
    if handles and pending is None:
        raise CannotMove(f"'{node.title}' handles an exception, and there is none.")
    chain = [workspace.key for workspace in graph.scopes(node.workspace)][::-1]
    stays = _common(interpreter.frames, chain)
    entered = [_enter(graph.workspaces[key]) for key in chain[stays:]]
    frames = [*interpreter.frames[:stays], *entered]
    left = list(range(stays - 1, len(interpreter.frames)))
    for level in left:
        guards.end(interpreter.frames[level])
    frames[stays - 1].exception = None
    for frame, opener in zip(frames, [*chain[1:], target], strict=True):
        frame.block = opener
    if handles:
        frames[-1].exception = pending
        frames[-1].thrown_at = interpreter.step_count
        frames[-1].handler_used |= not node.block.takes_exceptions
    interpreter.replace_frames(frames)
    return left


@dataclass(frozen=True, slots=True)
class ScopeVariables:
    """A workspace whose scope is left or entered, with the names of its variables."""

    workspace: str
    variables: list[str]


@dataclass(frozen=True, slots=True)
class MovePreview:
    """The scopes that moving the token leaves and enters, outermost first."""

    left: list[ScopeVariables]
    entered: list[ScopeVariables]


def preview_move(
    interpreter: Interpreter, target: str, pending: ExceptionValue | None = None
) -> MovePreview:
    """Return what `move_token` would do, by doing it: the interpreter is of no use afterwards.

    Raises CannotMove.
    """
    before = list(interpreter.frames)
    move_token(interpreter, target, pending)
    after = interpreter.frames
    stays = sum(a is b for a, b in zip(before, after, strict=False))
    return MovePreview(
        [_scope(interpreter.graph, frame) for frame in before[stays:]],
        [_scope(interpreter.graph, frame) for frame in after[stays:]],
    )


def _scope(graph: FlowGraph, frame: Frame) -> ScopeVariables:
    workspace = graph.workspaces[frame.workspace]
    initialised = set(_variables(frame))
    names = [v.name for v in workspace.variables if v.name.casefold() in initialised]
    return ScopeVariables(workspace.name, names)


def _common(frames: Iterable[Frame], chain: list[str]) -> int:
    """Return how many of the tokens stay."""
    number = 0
    for frame, key in zip(frames, chain, strict=False):
        if frame.workspace != key:
            break
        number += 1
    return number


def _enter(workspace: WorkspaceNode) -> Frame:
    frame = Frame(workspace.key, workspace.start)
    failed = scopes.initialise(frame, workspace, {})
    if failed:
        raise CannotMove(failed.message)
    return frame


# To another version ---------------------------------------------------------------------------


@dataclass(slots=True)
class VersionMove:
    """A move to another version: why it is impossible, and what would be lost."""

    impossible: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def preview_version(
    old: FlowGraph, new: FlowGraph, frames: Sequence[Frame], secrets: Secrets | None = None
) -> VersionMove:
    """Return which of an execution's tokens and variables another version has no place for."""
    found = VersionMove(
        [
            f"The variable {name} is secret in this version, and everybody could read it there."
            for name in _no_longer_secret(old, new)
        ]
    )
    for frame in frames:
        node, there = old.blocks[frame.block], new.blocks.get(frame.block)
        if there is None or there.workspace != frame.workspace:
            found.impossible.append(f"The block '{node.title}', on which a token stands, is gone.")
        elif there.block.type != node.block.type:
            found.impossible.append(
                f"The block '{node.title}', on which a token stands, is now "
                f"{article(there.block.type)}."
            )
        if frame.workspace not in new.workspaces:
            continue
        declared = _declared(new.workspaces[frame.workspace])
        before = _declared(old.workspaces[frame.workspace])
        for name in _variables(frame):
            if name in before and name not in declared:
                value = frame.variables[name]
                if secrets is not None:
                    value = secrets.redact_variable(frame.workspace, name, value)
                summary = values.summary(value)
                found.lost.append(f"The variable {before[name].name} is gone; it holds {summary}.")
        for key in frame.block_states:
            if not _same_type(old, new, key):
                found.lost.append(
                    f"The loop '{old.blocks[key].title}', which is under way, is gone."
                )
    return found


def _no_longer_secret(old: FlowGraph, new: FlowGraph) -> list[str]:
    """Return the secret variables that are not secret in another version."""
    return [
        variable.name
        for key, node in old.workspaces.items()
        if key in new.workspaces
        for name, variable in _declared(node).items()
        if variable.is_secret
        if (there := _declared(new.workspaces[key]).get(name)) and not there.is_secret
    ]


def move_to_version(old: FlowGraph, new: FlowGraph, frames: Sequence[Frame]) -> None:
    """Fit the tokens to another version, of which `preview_version` found nothing impossible.
    Variables that are new there get their defaults. Raises CannotMove when one of these fails."""
    fresh = []
    for frame in frames:
        initial = Frame(frame.workspace, frame.block)
        failed = scopes.initialise(initial, new.workspaces[frame.workspace], {})
        if failed:
            raise CannotMove(failed.message)
        fresh.append(initial)
    for frame, initial in zip(frames, fresh, strict=True):
        declared = _declared(new.workspaces[frame.workspace])
        before = _declared(old.workspaces[frame.workspace])
        for name in _variables(frame):
            if name in before and name not in declared:
                del frame.variables[name]
                frame.changed.add(name)
        for name, value in initial.variables.items():
            if name not in before:
                frame.variables[name] = value
                frame.changed.add(name)
        for key in [key for key in frame.block_states if not _same_type(old, new, key)]:
            del frame.block_states[key]
            if frame.variables.pop(f"items:{key}", None) is not None:
                frame.changed.add(f"items:{key}")


def _declared(workspace: WorkspaceNode) -> dict[str, VariableNode]:
    return {variable.name.casefold(): variable for variable in workspace.variables}


def _variables(frame: Frame) -> list[str]:
    return [name for name in frame.variables if not name.startswith("items:")]


def retry_from(frames: Sequence[Frame]) -> None:
    """Take the semaphores and times of a failed execution off its tokens: a retry gets those of
    the blocks that it visits itself."""
    for frame in frames:
        guards.end(frame)


def _same_type(old: FlowGraph, new: FlowGraph, key: str) -> bool:
    there = new.blocks.get(key)
    return there is not None and there.block.type == old.blocks[key].block.type
