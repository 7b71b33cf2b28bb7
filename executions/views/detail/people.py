"""Who else is there, on an execution's page: who looks at it, and who debugs it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.utils import timezone

from executions import access, presence
from executions.limits import CONTROL_ANSWER_SECONDS
from executions.models import AuditEntry
from executions.presence import Person
from executions.states import TERMINAL
from executions.views.detail.subject import Subject

#: Seconds for which somebody who asked is told that it was kept.
TOLD = 60


@dataclass(frozen=True, slots=True)
class Debugged:
    """Who debugs it: `mine` where that is the reader."""

    name: str
    since: datetime | None
    mine: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """Who has asked for it, and when it goes over by itself."""

    name: str
    mine: bool
    until: datetime


class People:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject

    @cached_property
    def others(self) -> list[Person]:
        """Who else looks at it, each once."""
        execution = self._subject.execution
        found = presence.people([execution.pk]).get(str(execution.pk), [])
        return [person for person in found if person.id != self._subject.user.pk]

    def opened(self) -> None:
        """The reader has opened the page."""
        presence.record_load(self._subject.execution.root_id, self._subject.user.pk)

    def here(self) -> None:
        """The reader's page polls, having no connection that would say that they are there."""
        user, execution = self._subject.user, self._subject.execution
        name, key = user.get_username(), str(execution.pk)
        page = presence.OpenPage(key, str(execution.root_id), user.pk, name, "poll")
        presence.renew([page], presence.POLLED_SECONDS)

    @property
    def may_debug(self) -> bool:
        return access.may_debug(self._subject.user, self._subject.execution.initiator_id)

    @property
    def is_live(self) -> bool:
        return self._subject.execution.status not in TERMINAL

    @cached_property
    def debugged(self) -> Debugged | None:
        execution = self._subject.execution
        if execution.debugged_by_id is None or not self.is_live:
            return None
        mine = execution.debugged_by_id == self._subject.user.pk
        return Debugged(execution.debugged_by_name, execution.debugged_since, mine)

    @cached_property
    def asked(self) -> Asked | None:
        execution = self._subject.execution
        if self.debugged is None or execution.asked_by_id is None or execution.asked_at is None:
            return None
        until = execution.asked_at + timedelta(seconds=CONTROL_ANSWER_SECONDS)
        mine = execution.asked_by_id == self._subject.user.pk
        return Asked(execution.asked_by_name, mine, until)

    @cached_property
    def kept(self) -> AuditEntry | None:
        """That whoever debugs it has just kept it from the reader."""
        if self.debugged is None or self.debugged.mine or self.asked is not None:
            return None
        recent = AuditEntry.objects.filter(
            execution_id=self._subject.execution.pk,
            at__gt=timezone.now() - timedelta(seconds=TOLD),
            command="keep-control",
            outcome=AuditEntry.Outcome.DONE,
            detail=f"from {self._subject.user.get_username()}",
        )
        return recent.order_by("-id").first()
