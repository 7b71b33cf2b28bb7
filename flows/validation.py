"""What is wrong with a flow, as messages, before anything starts (semantics 91).

Pure. `flows.graph.build` says what cannot be compiled; `validate` says the rest. The properties of
a block count only where a path from Start Flow leads (semantics 53). What depends on values, such
as null or empty ones, is thrown when the block runs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from flows.blocks.base import TYPES, Port, Property, article
from flows.expressions import ExpressionError
from flows.graph import BlockNode, FlowGraph, Message, VariableNode, WorkspaceNode, document_path
from flows.sources import DISCARD, Composite, Literal, Source
from flows.values import type_name

#: The built-in variable that tells about the execution (semantics 30).
CONTEXT = "_executionContext"

#: Longest block key, the keys of the workspaces around it included.
KEY_LENGTH = 200

#: Which values a declared type of variable takes, null apart.
VARIABLE_TYPES: dict[str, tuple[str, ...]] = {
    "Text": ("Text",),
    "Integer": ("Integer",),
    "Number": ("Number", "Integer"),
    "Boolean": ("Boolean",),
    "Date Time": ("Date Time",),
    "List": ("List",),
    "Structure": ("Structure",),
}


def validate(graph: FlowGraph) -> list[Message]:
    """Every message about a flow, in the order of the document's workspaces."""
    reached = reachable(graph)
    written = _written(graph, reached)
    return [
        *structural(graph),
        *_multiplicity(graph),
        *_connections(graph),
        *_defaults(graph),
        *(
            message
            for key in graph.blocks
            if key in reached
            for message in _properties(graph, graph.blocks[key], written)
        ),
    ]


def structural(graph: FlowGraph) -> list[Message]:
    """What a flow cannot even be stored with: unknown targets and ports, names given twice."""
    return [
        *(m for workspace in graph.workspaces.values() for m in _unique_names(workspace)),
        *(m for node in graph.blocks.values() for m in _ports(graph, node)),
    ]


def reachable(graph: FlowGraph) -> frozenset[str]:
    """The blocks to which a path from Start Flow leads.

    An exception may come from anywhere, so the handler of a workspace that is entered, and of the
    flow, count as reached.
    """
    waiting = [graph.top.start, graph.top.handler, graph.flow_handler]
    reached: set[str] = set()
    while waiting:
        key = waiting.pop()
        if key in reached or key not in graph.blocks:
            continue
        reached.add(key)
        node = graph.blocks[key]
        waiting += node.ports.values()
        if node.block.opens_workspace:
            inner = graph.workspaces[key]
            waiting += (inner.start, inner.handler)
    return frozenset(reached)


def near(wanted: str, known: Iterable[str]) -> str:
    """ "; did you mean 'this'?" when a known name is close, else "."."""
    folded = {name.casefold(): name for name in known}
    close = get_close_matches(wanted.casefold(), folded, n=1)
    return f"; did you mean '{folded[close[0]]}'?" if close else "."


def _title(node: BlockNode) -> str:
    return f"Block {node.description or node.key}"


def _local(key: str) -> str:
    return key.rpartition("/")[2]


# Structure -----------------------------------------------------------------------------------


def _unique_names(workspace: WorkspaceNode) -> Iterator[Message]:
    """Semantics 17, 18: names are unique in a scope, whatever their case."""
    seen: dict[str, str] = {}
    for variable in workspace.variables:
        first = seen.setdefault(variable.name.casefold(), variable.name)
        if first is not variable.name:
            yield Message(
                f"Variable {variable.name}",
                f"There is another variable {first} in this workspace.",
                "Names are not case-sensitive; give it another name.",
                (*_workspace_path(workspace), "variables", variable.name),
            )


def _workspace_path(workspace: WorkspaceNode) -> tuple[str | int, ...]:
    return document_path(workspace.key) if workspace.key else ()


def _ports(graph: FlowGraph, node: BlockNode) -> Iterator[Message]:
    """Semantics 3 to 5: a port that the type has leads to a block of the same workspace."""
    if len(node.key) > KEY_LENGTH:
        yield Message(
            _title(node),
            f"Its key is longer than {KEY_LENGTH} characters with those around it.",
            "Give it or the workspaces around it shorter keys.",
            node.path,
        )
    for port, target in node.ports.items():
        path = (*node.path, port.value)
        if port not in node.block.ports:
            ports = " and ".join(p.value for p in node.block.ports) or "none"
            yield Message(
                _title(node),
                f"{node.block.type} has no {port.value} port.",
                f"Its ports: {ports}.",
                path,
            )
        blocks = graph.workspaces[node.workspace].blocks
        if target not in blocks:
            name = _local(target)
            locals_ = [_local(key) for key in blocks]
            yield Message(
                _title(node),
                f"There is no block '{name}' in this workspace{near(name, locals_)}",
                "A port leads to the key of a block of the same workspace.",
                path,
            )
        elif port is Port.EXCEPTION and target == node.key:
            yield Message(
                _title(node),
                "Its exception port leads to itself.",
                "Connect it to a Handle Block Exception block.",
                path,
            )


def _connections(graph: FlowGraph) -> Iterator[Message]:
    """Semantics 32: red ports lead to Handle Block Exception blocks, and nothing else does."""
    for node in graph.blocks.values():
        for port, target in node.ports.items():
            other = graph.blocks.get(target)
            if other is None or (target == node.key and port is Port.EXCEPTION):
                continue
            path = (*node.path, port.value)
            if not other.block.enterable:
                yield Message(
                    _title(node),
                    f"No connection can lead to {other.block.type}.",
                    "It is entered by itself; connect the port to another block.",
                    path,
                )
            elif port is Port.EXCEPTION and not other.block.takes_exceptions:
                yield Message(
                    _title(node),
                    f"An exception port cannot lead to {other.block.type}.",
                    "Connect it to a Handle Block Exception block.",
                    path,
                )
            elif port is not Port.EXCEPTION and other.block.takes_exceptions:
                yield Message(
                    _title(node),
                    f"{other.block.type} takes exceptions only.",
                    f"Connect the {port.value} port to another block.",
                    path,
                )


def _multiplicity(graph: FlowGraph) -> Iterator[Message]:
    """Semantics 2, 41: which blocks a workspace must, may and can't have."""
    for workspace in graph.workspaces.values():
        top = workspace.parent is None
        start, other = ("Start Flow", "Start Workspace")[:: 1 if top else -1]
        yield from _count(graph, workspace, start, least=1)
        yield from _count(graph, workspace, other, most=0)
        yield from _count(graph, workspace, "Handle Workspace Exception", most=0 if top else 1)
        yield from _count(graph, workspace, "Handle Flow Exception", most=1 if top else 0)


def _count(
    graph: FlowGraph, workspace: WorkspaceNode, kind: str, *, least: int = 0, most: int = 1
) -> Iterator[Message]:
    blocks = [graph.blocks[key] for key in workspace.blocks if graph.blocks[key].block.type == kind]
    where = "the top-level workspace" if workspace.parent is None else "a nested workspace"
    if len(blocks) < least:
        yield Message(
            f"Workspace {workspace.name}",
            f"There is no {kind}.",
            f"Add the one {kind} block at which the workspace begins.",
            (*_workspace_path(workspace), "blocks"),
        )
    for node in blocks[most:]:
        limit = f"only one {kind}" if most else f"no {kind}"
        yield Message(
            _title(node),
            f"There can be {limit} in {where}.",
            "Remove the block.",
            node.path,
        )


# Variables and properties --------------------------------------------------------------------


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


def _written(graph: FlowGraph, reached: Iterable[str]) -> set[tuple[str, str]]:
    """The variables that reached blocks initialise: (workspace, case-folded name).

    A property that reads and writes a variable initialises none, as it reads first.
    """
    written = set()
    for key in reached:
        node = graph.blocks[key]
        for name, target in node.targets.items():
            found = _resolve(graph, _target_workspace(node), target)
            if found and name not in node.sources:
                written.add((found[0], target.casefold()))
    return written


def _defaults(graph: FlowGraph) -> Iterator[Message]:
    """Semantics 20, 21: a default reads no variables and has the variable's type."""
    for workspace in graph.workspaces.values():
        for variable in workspace.variables:
            path = (*_workspace_path(workspace), "variables", variable.name, "default")
            if variable.default.names:
                names = ", ".join(sorted(variable.default.names))
                yield Message(
                    f"Variable {variable.name}",
                    f"Its default refers to {names}.",
                    "A default may not refer to variables; set it with a Set Variable block.",
                    path,
                )
            elif variable.type and isinstance(variable.default, Literal):
                value = variable.default.value
                if value is not None and type_name(value) not in VARIABLE_TYPES[variable.type]:
                    yield Message(
                        f"Variable {variable.name}",
                        f"Its default is {article(type_name(value))}, not {article(variable.type)}.",
                        "Change the default or the type.",
                        path,
                    )


def _properties(
    graph: FlowGraph, node: BlockNode, written: set[tuple[str, str]]
) -> Iterator[Message]:
    declared = {prop.name: prop for prop in node.block.properties}
    for name, source in node.sources.items():
        path = (*node.path, "properties", name)
        yield from _reads(graph, node, source, written, path)
        yield from _literal(node, declared[name], source, path)
    for name, target in node.targets.items():
        if target != DISCARD and not _resolve(graph, _target_workspace(node), target):
            visible = _visible(graph, _target_workspace(node))
            yield Message(
                _title(node),
                f"{name} is saved to {target}, which is no variable here{near(target, visible)}",
                "Define it in this workspace or one around it, or write ($)_ to discard the value.",
                (*node.path, "properties", name),
            )


def _reads(
    graph: FlowGraph,
    node: BlockNode,
    source: Source,
    written: set[tuple[str, str]],
    path: tuple[str | int, ...],
) -> Iterator[Message]:
    """Semantics 15, 18, 23: what is read is defined in scope, and something initialises it."""
    for name in sorted(source.names):
        if name.casefold() == CONTEXT.casefold():
            continue
        if name == DISCARD:
            yield Message(
                _title(node),
                f"{path[-1]} reads _, which discards what is saved to it.",
                "Read a variable.",
                path,
            )
            continue
        found = _resolve(graph, node.workspace, name)
        if found is None:
            visible = _visible(graph, node.workspace)
            yield Message(
                _title(node),
                f"{path[-1]} reads {name}, which is no variable here{near(name, visible)}",
                "Define it in this workspace or one around it.",
                path,
            )
            continue
        scope, variable = found
        given = variable.has_default or (variable.is_input and scope == "")
        if not given and (scope, name.casefold()) not in written:
            yield Message(
                _title(node),
                f"Variable is not initialised: {variable.name}.",
                "Give it a default, make it an input, or save something to it first.",
                path,
            )


def _literal(
    node: BlockNode, prop: Property, source: Source, path: tuple[str | int, ...]
) -> Iterator[Message]:
    """Semantics 20: a literal has the type that the property declares."""
    match source:
        case Literal(value):
            sample: Any = value
        case Composite(items):
            sample = items
        case _:
            return
    if sample is not None and not TYPES[prop.type](sample):
        yield Message(
            _title(node),
            f"{prop.name} is {article(type_name(sample))}, not {article(prop.type)}.",
            "Change the value, or write an expression that begins with =.",
            path,
        )


# Inputs --------------------------------------------------------------------------------------


def check_inputs(graph: FlowGraph, given: Mapping[str, Any]) -> list[Message]:
    """What is wrong with the inputs of a start: name → value (semantics 25, 63).

    Inputs without a default must be given, nothing else may be, and a value that is not null has
    the variable's declared type, else the type of its default.
    """
    inputs = {variable.name.casefold(): variable for variable in graph.inputs}
    messages: list[Message] = []
    seen: set[str] = set()
    for name, value in given.items():
        variable = inputs.get(name.casefold())
        if variable is None:
            names = ", ".join(v.name for v in graph.inputs) or "none"
            summary = f"The flow has no such input{near(name, (v.name for v in graph.inputs))}"
            details = f"Its inputs: {names}."
        elif name.casefold() in seen:
            summary, details = "The input is given twice.", "Names are not case-sensitive."
        elif expected := _refused(variable, value):
            summary = f"The value is {article(type_name(value))}, not {article(expected)}."
            details = f"Give {article(expected)}, or null."
        else:
            summary = ""
        seen.add(name.casefold())
        if summary:
            shown = variable.name if variable else name
            messages.append(Message(f"Input {shown}", summary, details, ("variables", shown)))
    for variable in graph.inputs:
        if not variable.has_default and variable.name.casefold() not in seen:
            messages.append(
                Message(
                    f"Input {variable.name}",
                    "The input is missing.",
                    "Give it a value; it has no default.",
                    ("variables", variable.name),
                )
            )
    return messages


def _refused(variable: VariableNode, value: Any) -> str:
    """The type that the value should have had, or "" when it fits."""
    if value is None:
        return ""
    expected = variable.type
    if not expected and variable.has_default:
        default = _evaluated(variable.default.read)
        expected = "" if default is None else type_name(default)
    accepted = VARIABLE_TYPES.get(expected, (expected,))
    return expected if expected and type_name(value) not in accepted else ""


def _evaluated(read: Callable[[Callable[[str], Any]], Any]) -> Any:
    """A default's value, or None when it fails: that is thrown at start (semantics 22)."""
    try:
        return read(_no_variables)
    except (ExpressionError, KeyError):
        return None


def _no_variables(name: str) -> Any:
    raise KeyError(name)
