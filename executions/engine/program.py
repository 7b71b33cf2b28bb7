"""A flow graph compiled to instructions: the inputs and outputs of each block, with their
variables resolved.

Pure. Scoping is lexical (semantics 15, 17): the level of the frame that holds a variable is known
from the workspaces alone, since a token has one frame for its workspace and one for each ancestor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from executions.engine.secrets import Names, names_of
from flows.blocks.base import SEMAPHORE, TIMEOUT, Block, Effect, Port, Property
from flows.graph import BlockNode, FlowGraph
from flows.output_targets import Target
from flows.value_sources import DISCARD, Literal, Path, Source

#: The built-in variable that describes the execution (semantics 30).
CONTEXT = "_executioncontext"
_GUARDS = frozenset({SEMAPHORE.name, TIMEOUT.name})
#: The name under which the outermost frame holds what a flow wrote to its Extensions.
EXTENSIONS = "context:extensions"


class Writer(NamedTuple):
    """Where an output property, or a part of it, is saved."""

    #: The output's name, or the label of the part that is taken of it.
    output: str
    #: The level of the variable's scope, and its case-folded name.
    level: int
    key: str
    #: The variable as the flow writes it.
    written: str
    #: The part of the variable that is saved; None for the whole.
    part: Path | None


@dataclass(frozen=True, slots=True)
class Instruction:
    """A compiled block."""

    key: str
    node: BlockNode
    block: Block
    #: Input properties: name, declaration, source.
    readers: tuple[tuple[str, Property, Source], ...]
    writers: tuple[Writer, ...]
    saves_parts: bool
    #: The parts that are taken of outputs (semantics 10).
    taken: tuple[Target, ...]
    ports: dict[Port, str]
    has_effect: bool
    #: Semaphore and Block Timeout: declaration and source; None for a block without one.
    semaphore: tuple[Property, Source] | None
    timeout: tuple[Property, Source] | None
    #: Whether it has either.
    guarded: bool
    #: Variable name as written → (level, case-folded name).
    scope: dict[str, tuple[int, str]]
    #: The names of the Wireless Receivers of its workspace → their keys.
    receivers: Mapping[str, str]
    #: Why it cannot be visited. Validation skips blocks that no path from Start Flow reaches.
    problem: str


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled flow."""

    graph: FlowGraph
    instructions: dict[str, Instruction]
    #: Whether it reads the built-in variable that describes the execution (semantics 30).
    reads_context: bool
    secrets: Names


def scope_of(graph: FlowGraph, workspace: str) -> dict[str, tuple[int, str]]:
    """Return the variables that a workspace sees: case-folded name → (level, name)."""
    chain = list(graph.scopes(workspace))
    visible: dict[str, tuple[int, str]] = {}
    for level, node in enumerate(reversed(chain)):
        for variable in node.variables:
            name = variable.name.casefold()
            visible[name] = (level, name)
    return visible


@lru_cache(maxsize=512)
def compile_program(graph: FlowGraph) -> Program:
    """Compile a graph, once for each graph object."""
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
    """Return which variables do not exist (semantics 53), or ""."""
    known = {CONTEXT, DISCARD, *scope}
    used = {name for source in node.sources.values() for name in source.names}
    unknown = sorted(
        name
        for name in used | {target.variable for target in node.targets}
        if name.casefold() not in known
    )
    return f"There is no variable {', '.join(unknown)} here." if unknown else ""


def _guard(node: BlockNode, prop: Property | None) -> tuple[Property, Source] | None:
    """Return a common property that is read at each visit; None for one that is empty."""
    if prop is None or prop.name not in node.sources:
        return None
    source = node.sources[prop.name]
    return None if source == Literal(None) else (prop, source)


def _writer(target: Target, scope: Mapping[str, tuple[int, str]]) -> Writer | None:
    """Return where an output is saved; None for a variable that does not exist, which validation
    reports."""
    written, part = target.variable, target.part
    folded = written.casefold()
    if folded == CONTEXT and part is not None:
        inside = Path(part.name, part.steps[1:])
        return Writer(target.label, 0, EXTENSIONS, f"{written}.{part.steps[0]}", inside)
    if folded not in scope:
        return None
    level, key = scope[folded]
    return Writer(target.label, level, key, written, part)
