"""One execution as one user sees it at one address: what all panels of its page share."""

from dataclasses import replace
from functools import cached_property
from typing import Any
from uuid import UUID

from executions import access
from executions.models import Execution, Step
from executions.store import history
from executions.store.debug_plan import DebugPlan, plan_of
from executions.store.history import ExecutionAt, TokenAt
from executions.store.read import records, step_lists
from executions.views.address import Address
from executions.views.visits import Visits
from flows import queries
from flows.graph import FlowGraph


class Subject:
    """The rows that several sections of the page show, each read once and on demand."""

    def __init__(self, user: Any, execution_id: UUID, address: Address) -> None:
        self.user = user
        self.execution = self._find(user, execution_id)
        self.visible = access.visible(user)
        live_graph = queries.compiled(self.execution.version_id)
        step = address.step
        if step is None and address.time is not None:
            step = history.step_at(self.execution, address.time)
        address = replace(address, step=step, time=None)
        #: The moment that is shown; it is live unless the address names one.
        self.past: ExecutionAt = history.at(self.execution, live_graph, step)
        self.now: ExecutionAt = (
            self.past if step is None else history.at(self.execution, live_graph, None)
        )
        self.graph: FlowGraph = self.past.graph
        #: The tokens then, outermost first.
        self.tokens: list[TokenAt] = self.past.tokens
        known = self.graph.workspaces
        self.address = replace(
            address,
            workspace=address.workspace if address.workspace in known else None,
            open=tuple(key for key in address.open if key in known),
        )

    def _find(self, user: Any, execution_id: UUID) -> Execution:
        """Return the execution, if the user may see it. Raises Http404."""
        return access.get_or_404(user, execution_id)

    @property
    def scope(self) -> list[TokenAt]:
        """The selected token and those around it, outermost first: whose variables it sees."""
        level = self.address.token
        return self.tokens if level is None else self.tokens[: level + 1]

    @property
    def selected(self) -> TokenAt | None:
        """The token that is selected: the asked one while there is one, else the innermost."""
        return self.scope[-1] if self.tokens else None

    @property
    def workspace(self) -> str:
        """The workspace that is shown: the asked one, else the one of the selected token."""
        if self.address.workspace is not None:
            return self.address.workspace
        return self.selected.workspace if self.selected else ""

    @property
    def plan(self) -> DebugPlan:
        """The debug plan of the execution."""
        return plan_of(self.execution.debug)

    @cached_property
    def counts(self) -> records.TabCounts:
        """How many exceptions, log entries and audit entries there are."""
        return records.tab_counts(self.execution.pk)

    @cached_property
    def visits(self) -> Visits:
        return Visits(self.graph, self.past.visits)

    @cached_property
    def recent(self) -> list[Step]:
        """The newest steps then, oldest first."""
        return step_lists.recent_steps(self.execution, self.past.step)

    @property
    def just_changed(self) -> frozenset[tuple[int, str]]:
        """The variables that the step changed which is shown, by level and case-folded name."""
        return self.past.just_changed

    @property
    def is_live(self) -> bool:
        """Whether now is shown, rather than a moment of the past."""
        return self.address.step is None
