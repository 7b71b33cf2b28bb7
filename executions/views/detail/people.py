"""Who else is on the page of an execution, and who debugs it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.utils import timezone

from executions import access, presence
from executions.limits import DEBUG_TRANSFER_ANSWER_SECONDS
from executions.models import AuditEntry
from executions.presence import Person
from executions.states import TERMINAL
from executions.views.detail.subject import Subject

#: Seconds for which the page says that a request to take over was declined.
DECLINED_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Debugger:
    """Who debugs the execution. `mine` says that it is the reader."""

    name: str
    since: datetime | None
    mine: bool


@dataclass(frozen=True, slots=True)
class TakeOverRequest:
    """Who has asked to take over, and when that happens without an answer."""

    name: str
    mine: bool
    until: datetime


class People:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    @cached_property
    def others(self) -> list[Person]:
        """The other people on the page, each once."""
        execution = self._subject.execution
        found = presence.people([execution.pk]).get(str(execution.pk), [])
        return [person for person in found if person.id != self._subject.user.pk]

    def mark_opened(self) -> None:
        """Record that the reader has opened the page."""
        presence.record_load(self._subject.execution.root_id, self._subject.user.pk)

    def mark_present(self) -> None:
        """Record that the reader is present: their page polls, having no live connection."""
        user, execution = self._subject.user, self._subject.execution
        name, key = user.get_username(), str(execution.pk)
        page = presence.OpenPage(key, str(execution.root_id), user.pk, name, "poll")
        presence.renew([page], presence.POLLED_SECONDS)

    @property
    def may_debug(self) -> bool:
        execution = self._subject.execution
        return access.may_debug(self._subject.user, execution.initiator_id, execution.flow_name)

    @property
    def is_live(self) -> bool:
        return self._subject.execution.status not in TERMINAL

    @cached_property
    def debugger(self) -> Debugger | None:
        execution = self._subject.execution
        if execution.debugged_by_id is None or not self.is_live:
            return None
        mine = execution.debugged_by_id == self._subject.user.pk
        return Debugger(execution.debugged_by_name, execution.debugged_since, mine)

    @cached_property
    def take_over_request(self) -> TakeOverRequest | None:
        execution = self._subject.execution
        if self.debugger is None or execution.asked_by_id is None or execution.asked_at is None:
            return None
        until = execution.asked_at + timedelta(seconds=DEBUG_TRANSFER_ANSWER_SECONDS)
        mine = execution.asked_by_id == self._subject.user.pk
        return TakeOverRequest(execution.asked_by_name, mine, until)

    @cached_property
    def declined(self) -> AuditEntry | None:
        """The audit entry that says that the reader's request to take over was just declined."""
        if self.debugger is None or self.debugger.mine or self.take_over_request is not None:
            return None
        recent = AuditEntry.objects.filter(
            execution_id=self._subject.execution.pk,
            at__gt=timezone.now() - timedelta(seconds=DECLINED_SECONDS),
            command="keep-control",
            outcome=AuditEntry.Outcome.DONE,
            detail=f"from {self._subject.user.get_username()}",
        )
        return recent.order_by("-id").first()
