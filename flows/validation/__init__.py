"""Validates a flow before anything starts (semantics 91): every problem is a message.

Pure. `flows.graph.build` says what cannot be compiled; `validate` says the rest. The properties of
a block count only where a path from Start Flow leads (semantics 53). What depends on values, such
as null or empty ones, is thrown when the block runs.
"""

from flows.graph import FlowGraph, Message
from flows.validation import blocks, variables
from flows.validation.inputs import check_inputs

__all__ = ["check_inputs", "reachable", "structural", "validate"]


def validate(graph: FlowGraph) -> list[Message]:
    """Return every message about a flow."""
    reached = reachable(graph)
    written = variables.written_by(graph, reached)
    return [
        *structural(graph),
        *blocks.multiplicity(graph),
        *blocks.connections(graph),
        *blocks.extras(graph),
        *blocks.wireless(graph),
        *variables.names(graph),
        *variables.defaults(graph),
        *(
            message
            for key, node in graph.blocks.items()
            if key in reached
            for message in variables.properties(graph, node, written)
        ),
    ]


def structural(graph: FlowGraph) -> list[Message]:
    """Return the messages with which a flow cannot even be stored: unknown targets and ports, names
    given twice, notes about unknown blocks."""
    return [
        *(m for workspace in graph.workspaces.values() for m in blocks.unique_names(workspace)),
        *(m for node in graph.blocks.values() for m in blocks.ports(graph, node)),
        *(m for workspace in graph.workspaces.values() for m in blocks.notes(workspace)),
    ]


def reachable(graph: FlowGraph) -> frozenset[str]:
    """Return the blocks to which a path from Start Flow leads.

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
        waiting += blocks.receivers(graph, node)
        if node.block.opens_workspace:
            inner = graph.workspaces[key]
            waiting += (inner.start, inner.handler)
    return frozenset(reached)
