"""A nested workspace: the block that opens it, its start and its ends."""

from flows.blocks.base import Block, EnterWorkspace, LeaveWorkspace, Port, Shape, Visit


class Workspace(Block):
    """Moves the token into its workspace, with a new scope of variables (semantics 11)."""

    type = "Workspace"
    palette = "Workspaces"
    shape = Shape.WORKSPACE
    icon = "down"
    opens_workspace = True
    throws = ("InvalidDefaultValuesException",)

    def run(self, visit: Visit) -> EnterWorkspace:
        return EnterWorkspace()


class StartWorkspace(Block):
    """The one block at which a visit of a workspace begins."""

    type = "Start Workspace"
    palette = "Workspaces"
    shape = Shape.START
    icon = "play"
    has_timeout = False
    ports = (Port.BOTTOM,)
    enterable = False


class EndWorkspace(Block):
    """Leaves the workspace by its block's bottom port (semantics 12, 14)."""

    type = "End Workspace"
    palette = "Workspaces"
    shape = Shape.END
    icon = "stop"
    has_timeout = False
    has_semaphore = False
    ports = ()

    def run(self, visit: Visit) -> LeaveWorkspace:
        return LeaveWorkspace()
