"""The page of one execution, composed of its panels."""

from functools import cached_property
from typing import Any
from uuid import UUID

from django.urls import reverse

from executions import watches
from executions.commands.refusals import refusal
from executions.commands.registry import COMMANDS
from executions.states import Status
from executions.store.read import relatives
from executions.views.address import PANELS, Address
from executions.views.debug_panel import DebugPanel
from executions.views.detail.diagram import Diagram
from executions.views.detail.exceptions import Exceptions
from executions.views.detail.gantt_and_diff import GanttAndDifferences
from executions.views.detail.header import Header
from executions.views.detail.lists import Lists
from executions.views.detail.people import People
from executions.views.detail.subject import Subject
from executions.views.detail.time import TimeSlider
from executions.views.detail.variables import Variables


class ExecutionPage:
    """One execution as one user sees it, at one address of its page. Reads on demand."""

    def __init__(self, user: Any, execution_id: UUID, address: Address) -> None:
        self.subject = Subject(user, execution_id, address)
        self.execution = self.subject.execution
        self.header = Header(self.subject)
        self.diagram = Diagram(self.subject)
        self.variables = Variables(self.subject)
        self.exceptions = Exceptions(self.subject)
        self.people = People(self.subject)
        self.time = TimeSlider(self.subject)
        self.gantt = GanttAndDifferences(self.subject)
        self.lists = Lists(self.subject, self.diagram)

    def context(self) -> dict[str, Any]:
        """Everything that the templates of the page take."""
        execution = self.execution
        related = relatives.parent_and_root(execution, self.subject.visible)
        return {
            "section": "executions",
            "page": self,
            "execution": execution,
            "address": self.subject.address,
            "status": Status(execution.status),
            "parent": related.get(execution.parent_id) if execution.parent_id else None,
            "root": related.get(execution.root_id),
        }

    @cached_property
    def debugging(self) -> DebugPanel:
        """The panel of what is debugged with."""
        return DebugPanel(self.execution, self.subject.graph)

    @cached_property
    def watched(self) -> bool:
        """Whether the user is told when it ends."""
        return watches.is_watched(self.subject.user.pk, self.execution.pk)

    @property
    def no_break(self) -> str:
        """Why break on exception cannot be switched."""
        return refusal(COMMANDS["break-on-exception"], self.subject.user, self.execution)

    @property
    def key(self) -> str:
        return str(self.execution.pk)

    @property
    def panel_urls(self) -> dict[str, str]:
        return {panel: self.subject.address.url(panel=panel) for panel in PANELS}

    @property
    def live_url(self) -> str:
        return reverse("execution-live", args=[self.execution.pk])
