"""The schedules that flow files carry: taken in with an import, written with an export."""

from typing import Any

from django.utils import timezone

from executions import audit
from executions.commands.actor import Actor
from executions.models import Schedule
from executions.schedules import changes, timing
from executions.schedules.document import InvalidSchedule, apply, document_of
from flows.files import FlowFile, FlowFileError
from flows.graph import Message
from flows.models import Flow


def carried(flow: Flow) -> dict[str, Any]:
    """Return what the file of a flow carries beside it; nothing where it has no schedules."""
    found = Schedule.objects.filter(flow=flow).select_related("version").order_by("name", "id")
    documents = {one.name: document_of(one) for one in found}
    return {"schedules": documents} if documents else {}


def take_in(flow: Flow, file: FlowFile, actor: Actor, owner: Any) -> list[str]:
    """Make and change the schedules of a file, and say so; others of the flow stay as they are.

    They start on behalf of the owner. Without one, new ones are off until somebody saves them.
    Call it in the transaction of the import. Raises FlowFileError.
    """
    return [
        told
        for name, given in file.schedules.items()
        if (told := _take_in(flow, file, (name, given), actor, owner))
    ]


def _take_in(
    flow: Flow, file: FlowFile, item: tuple[str, dict[str, Any]], actor: Actor, owner: Any
) -> str:
    name, given = item
    schedule = Schedule.objects.filter(flow=flow, name__iexact=name).first()
    before = None if schedule is None else changes.described(schedule)
    if schedule is None:
        schedule = Schedule(flow=flow, name=name, is_on=owner is not None)
    known = document_of(schedule, full=True)
    try:
        apply(schedule, given)
    except InvalidSchedule as problem:
        raise FlowFileError([file.explain(_at(name, one)) for one in problem.messages]) from None
    if schedule.pk is not None and document_of(schedule, full=True) == known:
        return ""
    if owner is not None:
        schedule.owner = owner
    is_new = schedule.pk is None
    schedule.revision += 0 if is_new else 1
    timing.plan_next(schedule, timezone.now())
    schedule.save()
    command = "make-schedule" if is_new else "change-schedule"
    after = changes.described(schedule)
    audit.record(actor, command, subject=schedule, before=before, after=after)
    if schedule.owner is None:
        return f"The schedule {name} is off: save it on its page, or import with an owner."
    return f"The schedule {name} is {'made' if is_new else 'changed'}."


def _at(name: str, message: Message) -> Message:
    path = ("schedules", name, *(message.path or ()))
    return Message(message.location, message.summary, message.details, path)
