"""What the page of schedules is asked for by its address."""

from dataclasses import dataclass, fields
from typing import Any, Self
from urllib.parse import urlencode

from django.db.models import Q, QuerySet

from executions.models import Schedule

#: The states by which schedules are filtered.
STATES = {"on": "On", "off": "Off", "failing": "Failing"}
_LONGEST = 120
#: Weeks before and after the present one that are shown.
_WEEKS = 52


@dataclass(frozen=True)
class ScheduleQuery:
    """Filters, the page and the week."""

    q: str = ""
    state: str = ""
    owner: str = ""
    flow: str = ""
    page: str = ""
    week: int = 0

    @classmethod
    def parse(cls, asked: Any) -> Self:
        """Return what an address asks for; what makes no sense is left out."""
        given = {
            one.name: asked.get(one.name, "").strip().replace("\0", "")[:_LONGEST]
            for one in fields(cls)
        }
        week = given.pop("week")
        number = int(week) if week.lstrip("-").isdigit() and week.isascii() else 0
        if given["state"] not in STATES:
            given["state"] = ""
        return cls(**given, week=max(-_WEEKS, min(number, _WEEKS)))

    @property
    def is_narrowed(self) -> bool:
        return bool(self.q or self.state or self.owner or self.flow)

    def address(self, **changes: Any) -> str:
        """Return the parameters of an address, with some changed: "?…"."""
        values = {one.name: getattr(self, one.name) for one in fields(self)} | changes
        return "?" + urlencode({name: value for name, value in values.items() if value})

    def narrow(self, schedules: QuerySet[Schedule]) -> QuerySet[Schedule]:
        """Return those of some schedules that are asked for."""
        if self.q:
            texts = ("name", "description", "flow__name", "cron")
            schedules = schedules.filter(
                Q(*((f"{name}__icontains", self.q) for name in texts), _connector=Q.OR)
            )
        if self.flow:
            schedules = schedules.filter(flow__name=self.flow)
        if self.owner:
            schedules = schedules.filter(owner__username=self.owner)
        if self.state == "failing":
            return schedules.exclude(problem="")
        return schedules.filter(is_on=self.state == "on") if self.state else schedules
