"""Variables and properties: what they refer to, and whether their values fit. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any

from flows.blocks.base import TYPES, Property
from flows.expressions import RESERVED_WORDS
from flows.graph import BlockNode, FlowGraph, Message, VariableNode
from flows.output_targets import Target
from flows.validation.message_text import block_label, did_you_mean, workspace_path
from flows.value_sources import DISCARD, Composite, Literal, Path, Source
from flows.values import article, type_name
from flows.variable_types import VARIABLE_TYPES

#: The built-in variable that tells about the execution (semantics 30).
CONTEXT = "_executionContext"
#: The part of it that flows may write.
EXTENSIONS = "Extensions"


def _resolve(graph: FlowGraph, workspace: str, name: str) -> tuple[str, VariableNode] | None:
    """The variable that a name means in a workspace, with the workspace that defines it
    (semantics 15, 17, 18)."""
    folded = name.casefold()
    for scope in graph.scopes(workspace):
        for variable in scope.variables:
            if variable.name.casefold() == folded:
                return scope.key, variable
    return None


def _visible(graph: FlowGraph, workspace: str) -> list[str]:
    return [v.name for scope in graph.scopes(workspace) for v in scope.variables]


def _target_workspace(node: BlockNode) -> str:
    """Where a block's outputs are saved: a flow's handler saves inside the workspace it opens."""
    return node.key if node.block.type == "Handle Flow Exception" else node.workspace


def written_by(graph: FlowGraph, reached: Iterable[str]) -> set[tuple[str, str]]:
    """The variables that reached blocks initialise: (workspace, case-folded name).

    A property that reads and writes a variable initialises none, as it reads first; nor does one
    that is saved to a part of a variable.
    """
    written = set()
    for key in reached:
        node = graph.blocks[key]
        for target in node.targets:
            found = _resolve(graph, _target_workspace(node), target.variable)
            if found and target.output not in node.sources and target.part is None:
                written.add((found[0], target.variable.casefold()))
    return written


def names(graph: FlowGraph) -> Iterator[Message]:
    """A variable is read by its name: the words of the expression language are none."""
    for workspace in graph.workspaces.values():
        for variable in workspace.variables:
            if variable.name in RESERVED_WORDS:
                yield Message(
                    f"Variable {variable.name}",
                    f"{variable.name} is a reserved word of the expression language.",
                    f"Choose another name, such as {variable.name.capitalize()}.",
                    (*workspace_path(workspace), "variables", variable.name),
                )


def defaults(graph: FlowGraph) -> Iterator[Message]:
    """Semantics 20, 21: a default reads no variables and has the variable's type. A secret has
    none: it would stand in the flow's file, and in every version of it."""
    for workspace in graph.workspaces.values():
        for variable in workspace.variables:
            path = (*workspace_path(workspace), "variables", variable.name, "default")
            if variable.is_secret and variable.default not in (Literal(None), Literal("")):
                yield Message(
                    f"Variable {variable.name}",
                    "A secret variable cannot have a default.",
                    "Whoever reads the flow would see it. Give the value at start, or read it from "
                    "a file.",
                    path,
                )
            elif variable.default.names:
                names = ", ".join(sorted(variable.default.names))
                yield Message(
                    f"Variable {variable.name}",
                    f"Its default refers to {names}.",
                    "A default may not refer to variables. Set it with a Set Variable block.",
                    path,
                )
            elif variable.type and isinstance(variable.default, Literal):
                value = variable.default.value
                if value is not None and type_name(value) not in VARIABLE_TYPES[variable.type]:
                    yield Message(
                        f"Variable {variable.name}",
                        f"Its default is {article(type_name(value))}, "
                        f"not {article(variable.type)}.",
                        "Change the default or the type.",
                        path,
                    )


def properties(
    graph: FlowGraph, node: BlockNode, written: set[tuple[str, str]]
) -> Iterator[Message]:
    declared = {prop.name: prop for prop in node.block.properties}
    for name, source in node.sources.items():
        path = (*node.path, "properties", name)
        yield from _reads(graph, node, source, written, path)
        yield from _literal(node, declared[name], source, path)
    for target in node.targets:
        name = target.variable
        if target.part is not None:
            yield from _part(graph, node, target, target.part, written)
        elif name != DISCARD and not _resolve(graph, _target_workspace(node), name):
            visible = _visible(graph, _target_workspace(node))
            yield Message(
                block_label(node),
                f"{target.label} is saved to {name}, which is not a variable here"
                f"{did_you_mean(name, visible)}",
                "Define it in this workspace or one around it, or write ($)_ to discard the value.",
                (*node.path, "properties", target.output, *target.taken),
            )


def _part(
    graph: FlowGraph, node: BlockNode, target: Target, part: Path, written: set[tuple[str, str]]
) -> Iterator[Message]:
    """Semantics 24, 30: what is saved to a part needs the whole; of the execution's context, the
    extensions alone can be written."""
    path = (*node.path, "properties", target.output, *target.taken)
    if part.name.casefold() == CONTEXT.casefold() and (
        part.steps[0] != EXTENSIONS or len(part.steps) < 2
    ):
        yield Message(
            block_label(node),
            f"{target.label} is saved to a part of {CONTEXT} that is read-only.",
            f"Write ($){CONTEXT}.{EXTENSIONS}.Key, with a key of your own.",
            path,
        )
    if target.output not in node.sources:
        yield from _reads(graph, node, part, written, path)


def _reads(
    graph: FlowGraph,
    node: BlockNode,
    source: Source,
    written: set[tuple[str, str]],
    path: tuple[str | int, ...],
) -> Iterator[Message]:
    """Semantics 15, 18, 23: what is read is defined in scope, and something initialises it."""
    for word in sorted(source.types):
        if found := _resolve(graph, node.workspace, word):
            name = found[1].name
            yield Message(
                block_label(node),
                f"{path[-1]} reads {word}, which is a type of the expression language, and not the "
                f"variable {name}.",
                f"Write ($){name} for the variable.",
                path,
            )
    for name in sorted(source.names):
        if name.casefold() == CONTEXT.casefold():
            continue
        if name == DISCARD:
            yield Message(
                block_label(node),
                f"{path[-1]} reads _, which discards whatever is saved to it.",
                "Read another variable.",
                path,
            )
            continue
        found = _resolve(graph, node.workspace, name)
        if found is None:
            visible = _visible(graph, node.workspace)
            yield Message(
                block_label(node),
                f"{path[-1]} reads {name}, which is not a variable here"
                f"{did_you_mean(name, visible)}",
                "Define it in this workspace or one around it.",
                path,
            )
            continue
        scope, variable = found
        given = variable.has_default or (variable.is_input and scope == "")
        if not given and (scope, name.casefold()) not in written:
            yield Message(
                block_label(node),
                f"Variable is not initialised: {variable.name}.",
                "Give it a default, make it an input, or save something to it first.",
                path,
            )


def _literal(
    node: BlockNode, prop: Property, source: Source, path: tuple[str | int, ...]
) -> Iterator[Message]:
    """Semantics 20: a literal has the type that the property declares, and so has what is literal
    of a list or structure."""
    if not isinstance(source, Literal | Composite):
        return
    sample = _literal_parts(source)
    if sample is not None and not TYPES[prop.type](sample):
        yield Message(
            block_label(node),
            f"{prop.name} is {article(type_name(sample))}, not {article(prop.type)}.",
            "Change the value, or write an expression that begins with =.",
            path,
        )


def _literal_parts(source: Literal | Composite) -> Any:
    """The value without the items that only the run knows: variables and expressions."""
    if isinstance(source, Literal):
        return source.value
    parts = source.items
    if isinstance(parts, dict):
        return {
            key: _literal_parts(part)
            for key, part in parts.items()
            if isinstance(part, Literal | Composite)
        }
    return [_literal_parts(part) for part in parts if isinstance(part, Literal | Composite)]
