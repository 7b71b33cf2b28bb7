"""Blocks and connections: which a workspace must, may and can't have. Pure."""

from collections.abc import Iterator
from importlib.util import find_spec

from flows.blocks.base import Port
from flows.graph import BlockNode, FlowGraph, Message, WorkspaceNode
from flows.validation.message_text import block_label, did_you_mean, workspace_path
from flows.value_sources import Literal

#: Longest block key, the keys of the workspaces around it included.
KEY_LENGTH = 200
#: The property by which a Wireless Sender names its receiver.
RECEIVER = "Wireless Receiver Block"


def unique_names(workspace: WorkspaceNode) -> Iterator[Message]:
    """Semantics 17, 18: names are unique in a scope, whatever their case."""
    seen: dict[str, str] = {}
    for variable in workspace.variables:
        first = seen.setdefault(variable.name.casefold(), variable.name)
        if first is not variable.name:
            yield Message(
                f"Variable {variable.name}",
                f"There is another variable {first} in this workspace.",
                "Names are not case-sensitive. Choose another name.",
                (*workspace_path(workspace), "variables", variable.name),
            )


def ports(graph: FlowGraph, node: BlockNode) -> Iterator[Message]:
    """Semantics 3 to 5: a port that the type has leads to a block of the same workspace."""
    if len(node.key) > KEY_LENGTH:
        yield Message(
            block_label(node),
            f"Its key is longer than {KEY_LENGTH} characters, with the keys around it.",
            "Shorten its key, or the keys of the workspaces around it.",
            node.path,
        )
    for port, target in node.ports.items():
        path = (*node.path, port.value)
        if port not in node.block.ports:
            known = " and ".join(p.value for p in node.block.ports) or "none"
            yield Message(
                block_label(node),
                f"{node.block.type} has no {port.value} port.",
                f"Its ports: {known}.",
                path,
            )
        blocks = graph.workspaces[node.workspace].blocks
        if target not in blocks:
            name = _local(target)
            locals_ = [_local(key) for key in blocks]
            yield Message(
                block_label(node),
                f"There is no block '{name}' in this workspace{did_you_mean(name, locals_)}",
                "Write the key of a block in the same workspace.",
                path,
            )
        elif port is Port.EXCEPTION and target == node.key:
            yield Message(
                block_label(node),
                "Its exception port leads to itself.",
                "Connect it to a Handle Block Exception block.",
                path,
            )


def notes(workspace: WorkspaceNode) -> Iterator[Message]:
    """A note is about a block of its own workspace."""
    for number, note in enumerate(workspace.notes):
        if note.block and note.block not in workspace.blocks:
            name = _local(note.block)
            yield Message(
                f"Workspace {workspace.name}",
                f"There is no block '{name}' in this workspace"
                f"{did_you_mean(name, map(_local, workspace.blocks))}",
                "Write the key of a block in the same workspace, or leave it out.",
                (*workspace_path(workspace), "notes", number, "block"),
            )


def connections(graph: FlowGraph) -> Iterator[Message]:
    """Semantics 32: red ports lead to Handle Block Exception blocks, and nothing else does."""
    for node in graph.blocks.values():
        for port, target in node.ports.items():
            other = graph.blocks.get(target)
            if other is None or (target == node.key and port is Port.EXCEPTION):
                continue
            path = (*node.path, port.value)
            if not other.block.enterable:
                yield Message(
                    block_label(node),
                    f"No connection can lead to {other.block.type}.",
                    "A token enters it without a connection. Connect the port to another block.",
                    path,
                )
            elif port is Port.EXCEPTION and not other.block.takes_exceptions:
                yield Message(
                    block_label(node),
                    f"An exception port cannot lead to {other.block.type}.",
                    "Connect it to a Handle Block Exception block.",
                    path,
                )
            elif port is not Port.EXCEPTION and other.block.takes_exceptions:
                yield Message(
                    block_label(node),
                    f"{other.block.type} takes exceptions only.",
                    f"Connect the {port.value} port to another block.",
                    path,
                )


def extras(graph: FlowGraph) -> Iterator[Message]:
    """A block whose extra is not installed cannot run."""
    for node in graph.blocks.values():
        if node.block.needs and find_spec(node.block.needs[0]) is None:
            extra = node.block.needs[1]
            yield Message(
                block_label(node),
                f"{node.block.type} needs the extra `{extra}`, which is not installed.",
                f"Install it: pip install 'cortexweb[{extra}]', on web servers and workers.",
                (*node.path, "type"),
            )


def receivers(graph: FlowGraph, node: BlockNode) -> list[str]:
    """The receivers to which a Wireless Sender may lead: the one that it names; any of its
    workspace when only its expression knows (semantics 9)."""
    source = node.sources.get(RECEIVER)
    if source is None:
        return []
    known = graph.receivers(node.workspace)
    if isinstance(source, Literal):
        return [key for name, key in known.items() if name == source.value]
    return list(known.values())


def wireless(graph: FlowGraph) -> Iterator[Message]:
    """Semantics 9: a sender's receiver is one. That there is none is thrown when the block runs,
    as in the original."""
    named = [
        (node.workspace, source.value)
        for node in graph.blocks.values()
        if isinstance(source := node.sources.get(RECEIVER), Literal)
    ]
    for workspace in graph.workspaces.values():
        nodes = [graph.blocks[key] for key in workspace.blocks]
        seen: set[str] = set()
        for node in nodes:
            name = node.description
            if node.block.type != "Wireless Receiver" or not name:
                continue
            if name in seen and (workspace.key, name) in named:
                yield Message(
                    block_label(node),
                    f"There is another Wireless Receiver called '{name}' in this workspace.",
                    "Give it another description, or name its key in the Wireless Sender.",
                    (*node.path, "description"),
                )
            seen.add(name)


def multiplicity(graph: FlowGraph) -> Iterator[Message]:
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
            (*workspace_path(workspace), "blocks"),
        )
    for node in blocks[most:]:
        limit = f"only one {kind}" if most else f"no {kind}"
        yield Message(
            block_label(node),
            f"There can be {limit} in {where}.",
            "Remove the block.",
            node.path,
        )


def _local(key: str) -> str:
    return key.rpartition("/")[2]
