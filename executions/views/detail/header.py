"""The top of the page of an execution: its name, why it is not moving, and the toolbar."""

from functools import cached_property
from typing import Any

from django.urls import reverse

from executions import access, appearance, share_links, why
from executions.commands import permissions, registry
from executions.commands.command import Command
from executions.commands.refusals import refusal
from executions.grid.table.links import filter_address
from executions.models import ChainStart, Execution, Schedule, Webhook
from executions.schedules import access as schedules_access
from executions.states import TERMINAL, RetryState
from executions.store.read import relatives
from executions.views.detail import why_links
from executions.views.detail.subject import Subject
from executions.webhooks import access as webhooks
from flows.formatting import short_id
from flows.graph import BlockNode

#: Executions that the end of one has started that its page names.
_CHAINED = 20


class Header:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    @cached_property
    def explained(self) -> why.Explanation:
        """Why the execution is not moving."""
        return why.explain(self._subject.execution, self._subject.visible)

    @cached_property
    def schedule(self) -> Schedule | None:
        """The schedule that has started it, if it is there and the user may see it."""
        key = self._subject.execution.schedule_id
        return schedules_access.visible(self._subject.user).filter(pk=key).first() if key else None

    @property
    def may_share(self) -> bool:
        """Whether the user may make a link to the execution for people without an account."""
        return share_links.may_share(self._subject.user, self._subject.execution)

    @property
    def links(self) -> list[why_links.Link]:
        """The links of that sentence."""
        return why_links.links(self._subject)

    @cached_property
    def commands(self) -> list[dict[str, Any]]:
        """The buttons of the toolbar, without debugging for those who may not debug."""
        shown = [one for one in registry.toolbar() if not (self.no_debugging and one.debugs)]
        return [self._button(command) for command in shown]

    @cached_property
    def menu(self) -> list[dict[str, Any]]:
        """The buttons of the toolbar's menu; none once the execution has ended."""
        if self._subject.execution.status in TERMINAL:
            return []
        return [self._button(command) for command in registry.menu()]

    def _button(self, command: Command) -> dict[str, Any]:
        """A command with why it is refused, or ""."""
        why = refusal(command, self._subject.user, self._subject.execution)
        return {"command": command, "refusal": why}

    @cached_property
    def no_debugging(self) -> str:
        """Why somebody who may control it may not debug it."""
        user, execution = self._subject.user, self._subject.execution
        if not access.may_control(user, execution.initiator_id, execution.flow_name):
            return ""
        if not access.has_debug_permission(user, execution.flow_name):
            return permissions.no_debugging(user, execution.flow_name)
        return ""

    @property
    def initiator_url(self) -> str:
        """The executions that the same person or flow started."""
        return filter_address("initiator", self._subject.execution.initiator_name)

    @property
    def initiator_icon(self) -> str:
        execution = self._subject.execution
        return appearance.initiator_icon(
            execution.trigger, is_child=execution.parent_id is not None
        )

    @property
    def worker(self) -> str:
        """The machine of the worker that holds it; "" where none does."""
        return self._subject.execution.lease_owner.partition(":")[0]

    @property
    def worker_url(self) -> str:
        """The executions that workers of this machine hold."""
        return filter_address("worker", f"{self.worker}:*")

    @cached_property
    def origins(self) -> list[Execution]:
        """What it repeats, and what that repeats, as far as the user may see them."""
        return relatives.origins(self._subject.execution, self._subject.visible)

    @cached_property
    def repeats(self) -> list[Execution]:
        """The executions that repeat it, newest first; none repeats one that has not ended."""
        if self._subject.execution.status not in TERMINAL:
            return []
        return relatives.repeats(self._subject.execution, self._subject.visible)

    @property
    def retries(self) -> list[Execution]:
        return [one for one in self.repeats if one.trigger == Execution.Trigger.RETRY]

    @property
    def runs_again(self) -> list[Execution]:
        return [one for one in self.repeats if one.trigger != Execution.Trigger.RETRY]

    @cached_property
    def webhook(self) -> Webhook | None:
        """The webhook that started it, if the user may see that."""
        found = self._subject.execution.webhook_id
        return webhooks.webhooks(self._subject.user).filter(pk=found).first() if found else None

    @cached_property
    def chained_from(self) -> list[Execution]:
        """The execution whose end started it, if the user may see that."""
        ends = ChainStart.objects.filter(started_id=self._subject.execution.pk)
        return list(self._subject.visible.filter(pk__in=ends.values("source_id")))

    @cached_property
    def chained_to(self) -> list[Execution]:
        """The executions that its end started."""
        if self._subject.execution.status not in TERMINAL:
            return []
        ends = ChainStart.objects.filter(source_id=self._subject.execution.pk)
        started = ends.exclude(started_id=None).values("started_id")
        return list(self._subject.visible.filter(pk__in=started)[:_CHAINED])

    @property
    def is_superseded(self) -> bool:
        return self._subject.execution.retry_state == RetryState.ENDED

    @property
    def block(self) -> BlockNode | None:
        """The block of the position."""
        return self._subject.graph.blocks.get(self._subject.execution.block)

    @property
    def short_id(self) -> str:
        return short_id(self._subject.execution.pk)

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
