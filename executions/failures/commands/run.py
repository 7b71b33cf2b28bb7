"""Giving commands to failure groups: check who may, what has changed and whether it applies;
execute; audit."""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from executions import audit
from executions.access import User
from executions.commands.actor import Actor
from executions.commands.request import CommandRefused
from executions.failures import access, events
from executions.failures.commands.command import Done, FailureCommand, FailureRequest
from executions.failures.commands.registry import COMMANDS
from executions.models import FailureActivity, FailureGroup
from flows import administrators
from flows.formatting import clock


def not_allowed(group: FailureGroup) -> str:
    """Say that a person may not handle a failure, and whom to ask."""
    told = "You may see this failure, but not handle it."
    return f"{told} {administrators.ask(group.flow)}"


#: Changes that a refusal names.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a command: done, or refused with a sentence that says why."""

    group: FailureGroup
    done: bool
    detail: str = ""


def run(  # noqa: PLR0913 (what a form says)
    name: str,
    group: FailureGroup,
    user: User,
    actor: Actor,
    fields: dict[str, str] | None = None,
    seen: int | None = None,
) -> Result:
    """Give a command to a group that the user may see. `seen` is the revision that the page showed.
    Raises KeyError for an unknown command."""
    command = COMMANDS[name]
    with transaction.atomic():
        locked = (
            FailureGroup.objects.select_for_update(of=("self",))
            .select_related("flow", "owner")
            .get(pk=group.pk)
        )
        request = FailureRequest(
            group=locked,
            user=user,
            actor=actor,
            now=timezone.now(),
            fields=fields or {},
            seen=seen,
        )
        try:
            if why := _refusal(command, request):
                raise CommandRefused(why)
            done = command.execute(request)
        except CommandRefused as refused:
            _audit(command, request, str(refused), done=False)
            return Result(locked, done=False, detail=str(refused))
        _write(command, request, done)
    return Result(locked, done=True, detail=done.text)


def _refusal(command: FailureCommand, request: FailureRequest) -> str:
    if not command.is_change:
        return ""
    if not access.may_handle(request.user, request.group):
        return not_allowed(request.group)
    group = request.group
    if request.seen is not None and request.seen < group.revision:
        return _what_changed(group, request.seen)
    return command.refusal(group)


def _what_changed(group: FailureGroup, seen: int) -> str:
    """Say what has been done since a revision."""
    changes = FailureActivity.objects.filter(group=group, revision__gt=seen).order_by("-id")
    told = [
        f"{one.actor} {one.text[:1].lower()}{one.text[1:]}" if one.actor else one.text
        for one in reversed(changes[:_NAMED])
    ]
    when = f" at {clock(changes[0].at)}" if told else ""
    what = "; ".join(text.rstrip(".") for text in told) or "it is another state now"
    return f"It has changed since you looked{when}: {what}. Look again, then decide."


def _write(command: FailureCommand, request: FailureRequest, done: Done) -> None:
    """Save the group, and write down and tell what was done."""
    group = request.group
    if command.is_change:
        group.revision += 1
        group.save()
    if done.text:
        _audit(command, request, done.text)
        events.record(
            events.FailureEvent(
                group=group,
                kind=command.name,
                at=request.now,
                user_id=request.actor.user_id,
                actor=request.actor.name,
                text=done.text,
                mentions=done.mentions,
                version=done.version,
                is_change=command.is_change,
            )
        )
    else:
        events.notify_pages([group], is_change=False)


def _audit(
    command: FailureCommand, request: FailureRequest, detail: str, *, done: bool = True
) -> None:
    audit.record(request.actor, command.name, failure=request.group, done=done, detail=detail)
