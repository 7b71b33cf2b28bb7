"""The schedules that flow files carry: taken in with an import, written with an export."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from executions import audit
from executions.audit.states import State
from executions.commands.actor import Actor
from executions.limits import MAX_SCHEDULES
from executions.models import Schedule
from executions.schedules import changes, timing
from executions.schedules.document import InvalidSchedule, apply, document_of
from flows.files import FlowFile, FlowFileError
from flows.graph import Message
from flows.models import Flow, FlowVersion


@dataclass(frozen=True, slots=True)
class Planned:
    """A schedule as a file has it, not saved, and what it said before: None for a new one."""

    schedule: Schedule
    before: State | None

    @property
    def told(self) -> str:
        """What saving it does, as a sentence."""
        return f"The schedule {self.schedule.name} is {'changed' if self.before else 'made'}."


def schedules_for_file(flow: Flow) -> dict[str, Any]:
    """Return what the file of a flow carries beside it; nothing where it has no schedules."""
    found = Schedule.objects.filter(flow=flow).select_related("version").order_by("name", "id")
    documents = {one.name: document_of(one) for one in found}
    return {"schedules": documents} if documents else {}


def plan(version: FlowVersion, file: FlowFile) -> list[Planned]:
    """Return the schedules that a file makes or changes, whose inputs fit the version that was
    imported from it; others of the flow stay as they are. Raises FlowFileError."""
    known = {
        one.name.casefold(): one
        for one in Schedule.objects.filter(flow=version.flow).select_related("version", "owner")
    }
    found = []
    for name, given in file.schedules.items():
        schedule = known.get(name.casefold())
        planned = _planned(version, file, (name, given), schedule)
        if planned is not None:
            found.append(planned)
    new = sum(one.before is None for one in found)
    if new and Schedule.objects.count() + new > MAX_SCHEDULES:
        told = Message(
            "Schedules", f"There may be {MAX_SCHEDULES:,} schedules.", "", ("schedules",)
        )
        raise FlowFileError([file.explain(told)])
    return found


def _planned(
    version: FlowVersion,
    file: FlowFile,
    item: tuple[str, dict[str, Any]],
    schedule: Schedule | None,
) -> Planned | None:
    name, given = item
    before = None if schedule is None else changes.audit_form(schedule)
    schedule = schedule or Schedule(flow=version.flow, name=name)
    known = document_of(schedule, full=True)
    try:
        apply(schedule, given, newest=version)
    except InvalidSchedule as problem:
        raise FlowFileError([file.explain(_at(name, one)) for one in problem.messages]) from None
    is_same = before is not None and document_of(schedule, full=True) == known
    return None if is_same else Planned(schedule, before)


def take_in(planned: Sequence[Planned], actor: Actor, owner: Any) -> list[str]:
    """Save planned schedules, and say so. They start on behalf of the owner; without one, new ones
    are off until somebody saves them. Call it in the transaction of the import."""
    return [_take_in(one, actor, owner) for one in planned]


def _take_in(planned: Planned, actor: Actor, owner: Any) -> str:
    schedule, is_new = planned.schedule, planned.before is None
    if owner is not None:
        schedule.owner = owner
    if is_new:
        schedule.is_on = owner is not None
    schedule.revision += 0 if is_new else 1
    timing.plan_next(schedule, timezone.now())
    schedule.save()
    command = "make-schedule" if is_new else "change-schedule"
    after = changes.audit_form(schedule)
    audit.record(actor, command, subject=schedule, before=planned.before, after=after)
    if schedule.owner is None:
        return f"The schedule {schedule.name} is off: save it on its page, or import with an owner."
    return planned.told


def _at(name: str, message: Message) -> Message:
    path = ("schedules", name, *(message.path or ()))
    return Message(message.location, message.summary, message.details, path)
