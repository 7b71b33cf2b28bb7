"""What an execution's page is about: one execution as one user sees it, at one address."""

from dataclasses import replace
from functools import cached_property
from typing import Any
from uuid import UUID

from executions import access
from executions.models import Step, Token
from executions.store import reads
from executions.store.plans import Plan, plan_of
from executions.views.address import Address
from executions.views.visits import Visits
from flows import queries
from flows.graph import FlowGraph


class Subject:
    """The rows that several sections of the page show, each read once and on demand."""

    def __init__(self, user: Any, execution_id: UUID, address: Address) -> None:
        self.user = user
        self.execution = access.get(user, execution_id)
        self.visible = access.visible(user)
        self.graph: FlowGraph = queries.compiled(self.execution.version_id)
        #: The live tokens, outermost first.
        self.tokens: list[Token] = [
            t for t in reads.tokens(execution_id) if t.block in self.graph.blocks
        ]
        known = self.graph.workspaces
        self.address = replace(
            address,
            workspace=address.workspace if address.workspace in known else None,
            open=tuple(key for key in address.open if key in known),
        )

    @property
    def scope(self) -> list[Token]:
        """The selected token and those around it, outermost first: whose variables it sees."""
        level = self.address.token
        return self.tokens if level is None else self.tokens[: level + 1]

    @property
    def selected(self) -> Token | None:
        """The token that is selected: the asked one while there is one, else the innermost."""
        return self.scope[-1] if self.tokens else None

    @property
    def workspace(self) -> str:
        """The workspace that is shown: the asked one, else the one of the selected token."""
        if self.address.workspace is not None:
            return self.address.workspace
        return self.selected.workspace if self.selected else ""

    @property
    def plan(self) -> Plan:
        """What it is debugged with."""
        return plan_of(self.execution.debug)

    @cached_property
    def counts(self) -> reads.Counts:
        """How many exceptions, log entries and audit entries there are."""
        return reads.counts(self.execution.pk)

    @cached_property
    def visits(self) -> Visits:
        return Visits(self.graph, reads.visits(self.execution))

    @cached_property
    def recent(self) -> list[Step]:
        """The newest steps, oldest first."""
        return reads.recent_steps(self.execution)
