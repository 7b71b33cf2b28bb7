"""Where a flow begins and ends."""

from flows.blocks.base import Block, EndExecution, Port, Shape, Visit


class StartFlow(Block):
    """The one block at which an execution begins (semantics 2)."""

    type = "Start Flow"
    palette = "Flows"
    shape = Shape.START
    icon = "play"
    has_timeout = False
    has_semaphore = False
    ports = (Port.BOTTOM,)
    enterable = False
    throws = ("InvalidDefaultValuesException",)


class EndFlow(Block):
    """Ends the execution at once, at any depth (semantics 13)."""

    type = "End Flow"
    palette = "Flows"
    shape = Shape.END
    icon = "stop"
    has_timeout = False
    has_semaphore = False
    ports = ()

    def run(self, visit: Visit) -> EndExecution:
        return EndExecution()
