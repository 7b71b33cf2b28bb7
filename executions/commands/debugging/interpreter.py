"""The interpreter of a paused execution, for the commands that change one."""

import time

from executions.engine.interpreter import Interpreter
from executions.store.lifecycle.claims import ClaimedExecution
from flows import values
from flows.graph import FlowGraph


def interpreter_of(claimed: ClaimedExecution, graph: FlowGraph) -> Interpreter:
    """The interpreter of a claimed execution. One that had not begun begins."""
    interpreter = Interpreter(graph, time.time, claimed.snapshot())
    if not interpreter.frames:
        interpreter.begin(claimed.inputs, values.decode(claimed.state.get("extensions")))
    return interpreter
