"""Handling exceptions: of a block, of a workspace, of the flow (semantics 31 to 46)."""

from flows.blocks.base import Block, Direction, EnterWorkspace, Leave, Port, Property, Shape, Visit

_EXCEPTION = Property("Exception", direction=Direction.OUTPUT)


class HandleBlockException(Block):
    """Takes every exception that reaches it through a red port, and ends the chain."""

    type = "Handle Block Exception"
    palette = "Exceptions"
    shape = Shape.HANDLER
    icon = "bug"
    ports = (Port.BOTTOM,)
    takes_exceptions = True
    properties = (_EXCEPTION,)

    def run(self, visit: Visit) -> Leave:
        return Leave(outputs={"Exception": visit.exception})


class HandleWorkspaceException(Block):
    """Takes the first exception that nothing else handled in a visit of its workspace
    (semantics 38, 39)."""

    type = "Handle Workspace Exception"
    palette = "Exceptions"
    shape = Shape.HANDLER
    icon = "bug"
    ports = (Port.BOTTOM,)
    enterable = False
    properties = (_EXCEPTION,)

    def run(self, visit: Visit) -> Leave:
        return Leave(outputs={"Exception": visit.exception})


class HandleFlowException(Block):
    """Opens its own workspace for an exception that nothing else handled; that workspace ends the
    flow (semantics 42, 43)."""

    type = "Handle Flow Exception"
    palette = "Exceptions"
    shape = Shape.HANDLER
    icon = "bug"
    has_semaphore = False
    ports = ()
    enterable = False
    opens_workspace = True
    properties = (_EXCEPTION,)

    def run(self, visit: Visit) -> EnterWorkspace:
        return EnterWorkspace()
