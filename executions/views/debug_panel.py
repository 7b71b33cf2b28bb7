"""The debug panel on the page of an execution: commands that take more than a button."""

from dataclasses import dataclass

from executions.models import Execution
from flows.graph import FlowGraph


@dataclass(frozen=True, slots=True)
class DebugPanel:
    """The choices of the panel: blocks, and variables by the level of their scope."""

    execution: Execution
    graph: FlowGraph

    @property
    def blocks(self) -> list[tuple[str, str]]:
        """Key and title of every block, with its workspace."""
        return [
            (node.key, f"{node.title} ({self.graph.workspaces[node.workspace].name})")
            for node in self.graph.blocks.values()
        ]

    @property
    def variables(self) -> list[tuple[str, str]]:
        """ "level:name" and the name of every variable, with its workspace. Secret ones are left
        out, because what is typed here can be seen."""
        return [
            (
                f"{len(list(self.graph.scopes(key))) - 1}:{variable.name}",
                f"{variable.name} ({workspace.name})",
            )
            for key, workspace in self.graph.workspaces.items()
            for variable in workspace.variables
            if not variable.is_secret
        ]

    @property
    def breaks_on_exception(self) -> bool:
        return bool((self.execution.debug or {}).get("exceptions"))
