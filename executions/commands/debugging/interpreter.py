"""What every command that changes a paused execution has in common."""

import time

from executions.engine.interpreter import Interpreter
from executions.store.lifecycle.claims import Claimed
from flows import values
from flows.graph import FlowGraph


def interpreter_of(held: Claimed, graph: FlowGraph) -> Interpreter:
    """The interpreter of an execution that is held; one that had not begun begins."""
    interpreter = Interpreter(
        graph, time.time, held.frames, held.event.step_count, known=held.known
    )
    if not interpreter.frames:
        interpreter.begin(held.inputs, values.decode(held.state.get("extensions")))
    return interpreter
