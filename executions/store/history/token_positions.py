"""Where the tokens of an execution stood after one of its steps.

The position is the block that was visited next, unless the step threw: then the token stands on
the exception port of its block, its scopes alive, until it is on its way to a handler. The tokens
of the workspaces around stand on the blocks that open these.
"""

from itertools import pairwise

from executions.models import ExceptionRecord, Execution, Step, Token
from executions.states import Place, Status
from executions.store.history.versions import VersionHistory
from flows.blocks.base import Port
from flows.graph import BlockNode, FlowGraph
from flows.value_sources import Literal

#: Workspace, block, and the port on which the token stands, of each token, the outermost first.
TokenPositions = list[tuple[str, str, Port | None]]


def current_positions(execution: Execution, graph: FlowGraph, last: Step | None) -> TokenPositions:
    """Return where the tokens are now, after the step `last`."""
    rows = Token.objects.filter(execution_id=execution.pk).order_by("level")
    placed: TokenPositions = [(t.workspace, t.block, None) for t in rows if t.block in graph.blocks]
    if not placed:
        return placed
    workspace, block, _ = placed[-1]
    port: Port | None = None
    state = execution.state.get("was", execution.state)
    thrown = last is not None and last.block == block and last.port == Port.EXCEPTION
    over = Status(execution.status).is_terminal
    breaks = execution.place == Place.EXCEPTION_PORT or execution.status == Status.EXCEPTION
    waits = (state.get("waits") or {}).get("for") == "exception"
    if breaks or waits or (thrown and over):
        port = Port.EXCEPTION
    elif execution.place == Place.PORT:
        port = Port(last.port) if last and last.port and last.block == block else Port.BOTTOM
    return [*placed[:-1], (workspace, block, port)]


def positions_at(history: VersionHistory, step: int) -> TokenPositions:
    """Return where the tokens were after a step that is kept and not the last one."""
    graph = history.span_after(step).graph
    done = [i for i in history.interventions if i.after_step == step and i.tokens]
    if done:
        tokens = done[-1].tokens
        return [
            (workspace, block, Port(port) if port else None) for workspace, block, port in tokens
        ]
    thrown = ExceptionRecord.objects.filter(execution_id=history.execution.pk, step=step).order_by(
        "id"
    )
    block = thrown.values_list("block", flat=True).first()
    if block is not None and block in graph.blocks:
        return _at_block(graph, block, Port.EXCEPTION)
    rows = Step.objects.filter(execution_id=history.execution.pk, number__in=(step, step + 1))
    near = {row.number: row for row in rows.only("number", "block", "port", "level")}
    made, following = near.get(step), near.get(step + 1)
    if following is None or following.block not in graph.blocks:
        return _after(graph, made)
    node = graph.blocks[following.block]
    if made is not None and _jumps_out(graph, made, following, node):
        return _after(graph, made)
    return _at_block(graph, node.key)


def _at_block(graph: FlowGraph, block: str, port: Port | None = None) -> TokenPositions:
    """A token at a block, with those of the workspaces around it."""
    keys = [node.key for node in graph.scopes(graph.blocks[block].workspace)][::-1]
    outer: TokenPositions = [(workspace, inner, None) for workspace, inner in pairwise(keys)]
    return [*outer, (keys[-1], block, port)]


def _jumps_out(graph: FlowGraph, made: Step, following: Step, node: BlockNode) -> bool:
    """Whether the token was not yet where the next step is: it came to Handle Flow Exception by
    itself, or a Workspace block around it ran out of time (semantics 76)."""
    if not node.block.opens_workspace or made.block not in graph.blocks:
        return False
    if node.block.type == "Handle Flow Exception":
        return True
    if following.port != Port.EXCEPTION:
        return False
    before = graph.blocks[made.block]
    if before.key == node.key:
        return made.port == ""
    inside = any(scope.key == node.key for scope in graph.scopes(before.workspace))
    left = before.block.type == "End Workspace" and before.workspace == node.key
    return inside and not left


def _after(graph: FlowGraph, made: Step | None) -> TokenPositions:
    """Where a step led, as far as its own row says."""
    if made is None or made.block not in graph.blocks:
        return _at_block(graph, graph.top.start) if made is None else []
    node = graph.blocks[made.block]
    if node.block.opens_workspace and not made.port:
        return _at_block(graph, graph.workspaces[node.key].start)
    if node.block.type == "End Workspace" and node.workspace:
        node = graph.blocks[node.workspace]
        target = node.ports.get(Port.BOTTOM)
    elif node.block.type == "Wireless Sender":
        source = node.sources.get("Wireless Receiver Block")
        called = source.value if isinstance(source, Literal) else None
        target = graph.receivers(node.workspace).get(called) if isinstance(called, str) else None
    elif made.port == Port.EXCEPTION:
        handler = graph.workspaces[node.workspace].handler
        target = node.ports.get(Port.EXCEPTION) or handler or None
        if target is None:
            return _at_block(graph, node.key, Port.EXCEPTION)
    else:
        target = node.ports.get(Port(made.port)) if made.port else None
    return _at_block(graph, target or node.key)
