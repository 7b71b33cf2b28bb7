"""The panel at the bottom of the page of an execution: its tabs and the list of the open one."""

from dataclasses import replace
from functools import cached_property
from typing import Any

from executions.store.read import records, step_lists
from executions.views.address import TABS
from executions.views.detail import rows
from executions.views.detail.diagram import Diagram
from executions.views.detail.subject import Subject


class Lists:
    def __init__(self, subject: Subject, diagram: Diagram) -> None:
        self._subject = subject
        self._diagram = diagram

    @cached_property
    def tabs(self) -> list[dict[str, Any]]:
        """The tabs with their numbers."""
        execution, counts = self._subject.execution, self._subject.counts
        numbers = {
            "steps": execution.step_count,
            "children": execution.child_count,
            "logs": counts.logs,
            "audit": counts.audit,
        }
        return [
            {
                "name": name,
                "count": _limited(numbers.get(name, 0), name in ("logs", "audit")),
                "url": self._subject.address.url(tab=name),
                "shown": name == self._subject.address.tab,
            }
            for name in TABS
        ]

    @cached_property
    def steps(self) -> dict[str, Any]:
        """The page of steps that is asked for."""
        subject = self._subject
        return rows.steps(subject.execution, subject.graph, subject.address, self._wanted)

    @property
    def _wanted(self) -> step_lists.StepFilter:
        subject = self._subject
        wanted = step_lists.StepFilter(subject.address.block, subject.address.thrown)
        token = subject.selected
        if not subject.address.own or token is None:
            return wanted
        life = subject.past.token_lifetime(token.level)
        return replace(wanted, level=life.level, after=life.after, before=life.before)

    @property
    def token(self) -> str:
        """The workspace of the selected token, whose steps alone may be listed; "" for none."""
        subject = self._subject
        if subject.selected is None:
            return ""
        return subject.graph.workspaces[subject.selected.workspace].name

    @cached_property
    def children(self) -> dict[str, Any]:
        """The page of child executions."""
        subject = self._subject
        return rows.children(subject.execution, subject.visible, subject.address)

    @cached_property
    def logs(self) -> dict[str, Any]:
        """The page of log entries."""
        subject = self._subject
        return rows.logs(subject.execution, subject.graph, subject.address)

    @cached_property
    def audit(self) -> dict[str, Any]:
        """The page of audit entries."""
        return rows.audit(self._subject.execution, self._subject.address)

    @cached_property
    def blocks(self) -> list[dict[str, Any]]:
        """The blocks of the workspace that is shown, in words."""
        subject = self._subject
        here = {token.block for token in subject.tokens}
        return rows.blocks(
            subject.graph,
            subject.workspace,
            subject.visits,
            here,
            self._diagram.links,
            subject.plan,
        )


def _limited(number: int, counted: bool) -> str:
    if not number:
        return ""
    return f"{records.COUNT_CAP - 1}+" if counted and number >= records.COUNT_CAP else f"{number:,}"
