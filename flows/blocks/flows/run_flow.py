"""Running another flow."""

from typing import Any

from flows.blocks.base import Block, Direction, Leave, Property, RunChild, Visit
from flows.blocks.errors import BlockException
from flows.values import ExceptionValue


class RunFlow(Block):
    """Runs a flow and waits for it; its outputs are saved as a structure (semantics 62).

    An exception that leaves the child is thrown here with its own type, and Outputs stays as it
    is (semantics 64).
    """

    type = "Run Flow"
    palette = "Flows"
    icon = "flow"
    properties = (
        Property("Flow", "FlowReference", required=True, nonempty=True),
        Property("Inputs", "InputVariables", default={}),
        Property("Outputs", "Structure", Direction.OUTPUT),
    )
    throws = (
        "FlowNotFoundException",
        "ProcessInActivityException",
        "InvalidInputVariablesException",
        "ExecutionDepthException",
        "FlowExecutionStoppedException",
    )

    def run(self, visit: Visit) -> RunChild:
        return RunChild(visit.inputs["Flow"], visit.inputs["Inputs"] or {})

    def resume(self, visit: Visit, result: Any) -> Leave:
        if isinstance(result, ExceptionValue):
            raise BlockException(result)
        return Leave(outputs={"Outputs": result})


class RunFlowAsync(Block):
    """Starts a flow and goes on at once; Execution Task tells what becomes of it (semantics 68).

    It runs to its own end, however this flow ends (semantics 71). An exception that leaves it is
    kept in the task, and thrown where the task is awaited (semantics 70).
    """

    type = "Run Flow Async"
    palette = "Flows"
    icon = "flow"
    properties = (
        Property("Flow", "FlowReference", required=True, nonempty=True),
        Property("Inputs", "InputVariables", default={}),
        Property("Execution Task", "IExecutionTask", Direction.OUTPUT),
    )
    throws = (
        "FlowNotFoundException",
        "ProcessInActivityException",
        "InvalidInputVariablesException",
        "ExecutionDepthException",
    )

    def run(self, visit: Visit) -> RunChild:
        return RunChild(visit.inputs["Flow"], visit.inputs["Inputs"] or {}, awaited=False)

    def resume(self, visit: Visit, result: Any) -> Leave:
        return Leave(outputs={"Execution Task": result})
