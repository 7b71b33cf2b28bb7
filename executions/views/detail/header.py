"""The top of an execution's page: what it is, why it is not moving, and the toolbar."""

from functools import cached_property
from typing import Any

from django.urls import reverse

from executions import access
from executions.commands.refusals import DEBUGS, NO_DEBUGGER, objection
from executions.states import APPLIES, TERMINAL, words
from executions.store.read import why
from executions.views.detail import reasons
from executions.views.detail.subject import Subject
from flows.graph import BlockNode

#: The commands of the toolbar: icon, key.
COMMANDS = {
    "continue": ("play", "c"),
    "pause": ("pause", "p"),
    "step": ("step", "s"),
    "step-over": ("skip", "o"),
    "step-out": ("up", "u"),
    "stop": ("stop", "S"),
    "retry": ("retry", ""),
}
#: What is asked for less often, in the toolbar's menu: icon, what it does.
FURTHER = {
    "force-stop": ("stop", "End the task of its worker, for a block that does not return"),
    "attach": (
        "bug",
        "Debug it, and the children that it waits for, with the breakpoints that you keep",
    ),
    "detach": ("x", "Debug it no longer: it runs on without breakpoints"),
    "move-version": (
        "up",
        "Move it to the newest version of its flow, with its tokens and variables",
    ),
}


class Header:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    @cached_property
    def explained(self) -> why.Explained:
        """Why it is not moving."""
        return why.explain(self._subject.execution)

    @property
    def links(self) -> list[reasons.Link]:
        """Where that sentence leads."""
        return reasons.links(self._subject)

    @cached_property
    def commands(self) -> list[dict[str, Any]]:
        """The toolbar: each command with why it does not apply, or "". Who may not debug it has
        none that do."""
        execution = self._subject.execution
        user = self._subject.user
        return [
            {
                "name": name,
                "words": words(name),
                "icon": icon,
                "key": key,
                "refusal": objection(name, user, execution),
            }
            for name, (icon, key) in COMMANDS.items()
            if name in APPLIES and (not self.no_debugging or name not in DEBUGS)
        ]

    @cached_property
    def no_debugging(self) -> str:
        """Why somebody who may control it may not debug it."""
        user, initiator = self._subject.user, self._subject.execution.initiator_id
        if access.may_control(user, initiator) and not access.is_debugger(user):
            return f"You may control it, but not debug it. {NO_DEBUGGER}"
        return ""

    @cached_property
    def further(self) -> list[dict[str, Any]]:
        """The toolbar's menu, likewise; nothing once it is over."""
        execution = self._subject.execution
        if execution.status in TERMINAL:
            return []
        return [
            {
                "name": name,
                "words": words(name),
                "icon": icon,
                "does": does,
                "refusal": objection(name, self._subject.user, execution),
            }
            for name, (icon, does) in FURTHER.items()
        ]

    @property
    def block(self) -> BlockNode | None:
        """The block of the position."""
        return self._subject.graph.blocks.get(self._subject.execution.block)

    @property
    def short_id(self) -> str:
        key = str(self._subject.execution.pk)
        return f"{key[:8]}…{key[-4:]}"

    @property
    def flow_url(self) -> str:
        """The flow as it was in the version that ran."""
        execution = self._subject.execution
        return f"{reverse('flow', args=[execution.flow_name])}?version={execution.version_number}"

    @property
    def children_url(self) -> str:
        return self._subject.address.url(tab="children")

    @property
    def exceptions_url(self) -> str:
        return self._subject.address.url(panel="exceptions")
