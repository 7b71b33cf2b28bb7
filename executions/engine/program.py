"""A flow graph made ready to run: for each block, its readers and writers with their scopes
resolved.

Pure. Scoping is lexical (semantics 15, 17): the level of the frame that holds a variable is known
from the workspaces alone, since the frames of a token are its workspace and the ancestors of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from executions.engine.secrets import Names, names_of
from executions.engine.state import Frame
from flows.blocks.base import SEMAPHORE, TIMEOUT, Block, Effect, Port, Property
from flows.graph import BlockNode, FlowGraph
from flows.output_targets import Target
from flows.value_sources import DISCARD, Literal, Path, Source

#: The built-in variable that tells about the execution (semantics 30).
CONTEXT = "_executioncontext"
_GUARDS = frozenset({SEMAPHORE.name, TIMEOUT.name})
#: Under which name the outermost frame holds what flows wrote to its Extensions.
EXTENSIONS = "context:extensions"


@dataclass(frozen=True, slots=True)
class Instruction:
    """A block of a flow, ready to be visited."""

    key: str
    node: BlockNode
    block: Block
    #: Input properties: name, declaration, source.
    readers: tuple[tuple[str, Property, Source], ...]
    #: Output properties, or the parts of them that are taken: label, level of the scope,
    #: case-folded variable, variable as written, and the part of it that is saved, or None for the
    #: whole.
    writers: tuple[tuple[str, int, str, str, Path | None], ...]
    saves_parts: bool
    #: The parts that are taken of outputs (semantics 10).
    taken: tuple[Target, ...]
    ports: dict[Port, str]
    has_effect: bool
    #: Semaphore and Block Timeout: declaration and source; None where there is nothing to read.
    semaphore: tuple[Property, Source] | None
    timeout: tuple[Property, Source] | None
    #: Whether either is there.
    guarded: bool
    #: Variable name as written → (level, case-folded name).
    scope: dict[str, tuple[int, str]]
    #: What a Wireless Sender may call a receiver of its workspace → the receiver's key.
    receivers: Mapping[str, str]
    #: Why it cannot be visited, where no path from Start Flow leads and validation did not look.
    problem: str


@dataclass(frozen=True, slots=True)
class Program:
    graph: FlowGraph
    instructions: dict[str, Instruction]
    #: Whether it reads the built-in variable that tells about the execution (semantics 30).
    reads_context: bool
    secrets: Names


def scope_of(graph: FlowGraph, workspace: str) -> dict[str, tuple[int, str]]:
    """Every variable that is visible in a workspace: case-folded name → (level, name)."""
    chain = list(graph.scopes(workspace))
    visible: dict[str, tuple[int, str]] = {}
    for level, node in enumerate(reversed(chain)):
        for variable in node.variables:
            name = variable.name.casefold()
            visible[name] = (level, name)
    return visible


@lru_cache(maxsize=512)
def compile_program(graph: FlowGraph) -> Program:
    """The program of a graph, compiled once for each graph object."""
    scopes = {key: scope_of(graph, key) for key in graph.workspaces}
    receivers = {key: graph.receivers(key) for key in graph.workspaces}
    return Program(
        graph,
        {
            key: _instruction(node, scopes, receivers[node.workspace])
            for key, node in graph.blocks.items()
        },
        any(
            name.casefold() == CONTEXT
            for node in graph.blocks.values()
            for source in (*node.sources.values(), *(t.part for t in node.targets if t.part))
            for name in source.names
        ),
        names_of(graph),
    )


def _instruction(
    node: BlockNode, scopes: dict[str, dict[str, tuple[int, str]]], receivers: Mapping[str, str]
) -> Instruction:
    block = node.block
    declared = {prop.name: prop for prop in block.properties}
    # The exception of a Handle Flow Exception block is saved inside the workspace that it opens.
    inside = node.key if block.opens_workspace and block.type == "Handle Flow Exception" else ""
    scope = scopes[inside or node.workspace]
    semaphore = _guard(node, declared.get(SEMAPHORE.name))
    timeout = _guard(node, declared.get(TIMEOUT.name))
    return Instruction(
        key=node.key,
        node=node,
        block=block,
        readers=tuple(
            (name, declared[name], source)
            for name, source in node.sources.items()
            if name not in _GUARDS
        ),
        writers=tuple(
            writer
            for target in node.targets
            if target.variable != DISCARD and (writer := _writer(target, scope))
        ),
        saves_parts=any(target.part is not None for target in node.targets),
        taken=tuple(target for target in node.targets if target.taken),
        ports=dict(node.ports),
        has_effect=block.effect is not Effect.NONE,
        semaphore=semaphore,
        timeout=timeout,
        guarded=semaphore is not None or timeout is not None,
        scope=scope,
        receivers=receivers,
        problem=_problem(node, scope),
    )


def _problem(node: BlockNode, scope: Mapping[str, tuple[int, str]]) -> str:
    """Variables that are not there (semantics 53), or ""."""
    known = {CONTEXT, DISCARD, *scope}
    used = {name for source in node.sources.values() for name in source.names}
    unknown = sorted(
        name
        for name in used | {target.variable for target in node.targets}
        if name.casefold() not in known
    )
    return f"There is no variable {', '.join(unknown)} here." if unknown else ""


def _guard(node: BlockNode, prop: Property | None) -> tuple[Property, Source] | None:
    """A common property that is there to be read at each visit."""
    if prop is None or prop.name not in node.sources:
        return None
    source = node.sources[prop.name]
    return None if source == Literal(None) else (prop, source)


def _writer(
    target: Target, scope: Mapping[str, tuple[int, str]]
) -> tuple[str, int, str, str, Path | None] | None:
    """Where an output is saved; None for a variable that is not there, of which validation told."""
    written, part = target.variable, target.part
    folded = written.casefold()
    if folded == CONTEXT and part is not None:
        inside = Path(part.name, part.steps[1:])
        return target.label, 0, EXTENSIONS, f"{written}.{part.steps[0]}", inside
    return (target.label, *scope[folded], written, part) if folded in scope else None


def reader(
    instruction: Instruction, frames: list[Frame], context: dict[str, Any]
) -> Callable[[str], Any]:
    """A lookup of variables as the block sees them. It raises KeyError for what holds nothing."""
    scope = instruction.scope

    def lookup(name: str) -> Any:
        folded = name.casefold()
        if folded == CONTEXT:
            return context | {"Extensions": frames[0].variables.get(EXTENSIONS, {})}
        level, key = scope[folded]
        return frames[level].variables[key]

    return lookup
