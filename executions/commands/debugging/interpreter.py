"""What every command that changes a paused execution has in common."""

import time

from executions.engine.interpreter import Interpreter
from executions.store.lifecycle.claims import ClaimedExecution
from flows import values
from flows.graph import FlowGraph


def interpreter_of(held: ClaimedExecution, graph: FlowGraph) -> Interpreter:
    """The interpreter of an execution that is held; one that had not begun begins."""
    interpreter = Interpreter(graph, time.time)
    interpreter.restore(held.snapshot())
    if not interpreter.frames:
        interpreter.begin(held.inputs, values.decode(held.state.get("extensions")))
    return interpreter
