"""The page of schedules in parts, for the first view and for the updates of the hub."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from executions import appearance
from executions.access import ExecutionSet, User
from executions.access import seen as executions_seen
from executions.models import Execution, Schedule, SchedulePause, ScheduleRun
from executions.schedules import access, reading, week
from executions.schedules.query import ScheduleQuery
from executions.states import Status
from flows.access import seen_flow_ids
from flows.formatting import duration
from flows.rights import FlowIds

PAGE = 100
#: Times of a schedule that a row shows.
LAST = 10
#: The icon, the tone and the word of a time that started nothing.
NOT_STARTED = {
    ScheduleRun.Outcome.WAITING: ("hour", "queued", "waiting"),
    ScheduleRun.Outcome.SKIPPED: ("skipped", "paused", "skipped"),
    ScheduleRun.Outcome.MISSED: ("skipped", "paused", "missed"),
    ScheduleRun.Outcome.FAILED: ("warn", "error", "failed to start"),
}
#: Of an execution that was deleted since, or that the user may not see.
_UNKNOWN = ("dot", "stopped", "started")


@dataclass(frozen=True, slots=True)
class Dot:
    """What became of a time, as an icon with words."""

    run: ScheduleRun
    icon: str
    tone: str
    word: str
    #: Whether the user may see its execution.
    is_linked: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A schedule as its row shows it."""

    schedule: Schedule
    words: str
    upcoming: str
    dots: Sequence[Dot]
    late: str
    may_change: bool
    is_selected: bool
    url: str

    @property
    def dots_text(self) -> str:
        """The dots in words."""
        counts: dict[str, int] = {}
        for dot in self.dots:
            counts[dot.word] = counts.get(dot.word, 0) + 1
        told = ", ".join(f"{number} {word}" for word, number in counts.items())
        return f"Last {len(self.dots)}: {told}" if told else "Nothing has started yet"


@dataclass(frozen=True)
class SchedulesPage:
    """The list of schedules of some flows, as the address asks for it."""

    seen: FlowIds
    changeable: FlowIds
    executions: ExecutionSet
    query: ScheduleQuery
    selected: int | None
    zone: str

    @classmethod
    def of(cls, user: User, address: Any, selected: int, zone: str) -> "SchedulesPage":
        """Return what a user sees of the list that an address asks for."""
        query = ScheduleQuery.parse(address)
        return cls(
            seen_flow_ids(user),
            access.changeable(user),
            executions_seen(user),
            query,
            selected or None,
            zone,
        )

    @property
    def templates(self) -> Mapping[str, str]:
        return {name: f"schedules/{name}.html" for name in ("state", "week", "rows", "totals")}

    def context(self) -> dict[str, Any]:
        now, zone = timezone.now(), ZoneInfo(self.zone)
        visible = Schedule.objects.select_related("flow", "version", "owner")
        if self.seen is not None:
            visible = visible.filter(flow__in=self.seen)
        found = self.query.narrow(visible)
        order = found.order_by(F("next_at").asc(nulls_last=True), "name", "id")
        page = Paginator(order, PAGE).get_page(self.query.page)
        rows = self._rows(list(page), zone, now)
        days = week.strip(order[: week.PLANNED], self.selected, self.query.week, zone)
        selected = visible.filter(pk=self.selected).first() if self.selected else None
        total = visible.count()
        return {
            "query": self.query,
            "page": page,
            "rows": rows,
            "days": days,
            "selected": selected,
            "total": total,
            "found": page.paginator.count,
            "on": visible.filter(is_on=True).count(),
            "pause": SchedulePause.objects.filter(is_paused=True).first(),
            "previous": self.query.address(page=page.number - 1),
            "next": self.query.address(page=page.number + 1),
            "may_resume": self.changeable is None,
            "may_make": self.changeable is None or bool(self.changeable),
            "before": self.query.address(week=self.query.week - 1),
            "today": self.query.address(week=0),
            "after": self.query.address(week=self.query.week + 1),
            "zone_name": self.zone,
        }

    def _rows(self, schedules: Sequence[Schedule], zone: ZoneInfo, now: datetime) -> list[Row]:
        dots = last_dots([one.pk for one in schedules], self.executions)
        return [
            Row(
                one,
                reading.words(one),
                reading.times_text(reading.upcoming(one), zone, now),
                dots.get(one.pk, ()),
                late_text(one),
                self.changeable is None or one.flow_id in self.changeable,
                one.pk == self.selected,
                one.get_absolute_url() + self.query.address(),
            )
            for one in schedules
        ]


def late_text(schedule: Schedule) -> str:
    """Return what a schedule does when it is late."""
    if schedule.misfire == Schedule.Misfire.SKIP:
        return "Skip"
    return f"Once, within {duration(timedelta(seconds=schedule.grace_seconds))}"


def last_dots(ids: Sequence[int], seen: ExecutionSet) -> dict[int, list[Dot]]:
    """Return what became of the last times of schedules, the oldest first, with the statuses of
    those executions that somebody sees."""
    number = Window(
        RowNumber(),
        partition_by=F("schedule"),
        order_by=[F("scheduled_at").desc(), F("id").desc()],
    )
    ranked = ScheduleRun.objects.filter(schedule__in=ids).annotate(number=number)
    runs = list(ranked.filter(number__lte=LAST).order_by("scheduled_at", "id"))
    started = [run.execution_id for run in runs if run.execution_id]
    executions = Execution.objects.filter(seen.condition(), pk__in=started)
    known = {
        pk: (Status(status), unhandled)
        for pk, status, unhandled in executions.values_list("pk", "status", "unhandled")
    }
    found: dict[int, list[Dot]] = {}
    for run in runs:
        found.setdefault(run.schedule_id, []).append(_dot(run, known))
    return found


def _dot(run: ScheduleRun, known: Mapping[Any, tuple[Status, bool]]) -> Dot:
    outcome = ScheduleRun.Outcome(run.outcome)
    if outcome in NOT_STARTED:
        return Dot(run, *NOT_STARTED[outcome])
    if run.execution_id not in known:
        return Dot(run, *_UNKNOWN)
    status, unhandled = known[run.execution_id]
    return Dot(
        run,
        appearance.icon_name(status, unhandled=unhandled),
        appearance.css_class(status, unhandled=unhandled),
        appearance.label(status, unhandled=unhandled).lower(),
        is_linked=True,
    )
