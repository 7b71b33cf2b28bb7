"""Why a command is refused: who may not give it, to what it does not apply, and what has changed
since the person looked."""

from datetime import datetime

from executions import access
from executions.models import AuditEntry, Execution
from executions.states import APPLIES, Status, refusal, words
from executions.store.many import Standing, standing_of
from flows.display import clock

#: What others may do while somebody debugs an execution.
OPEN = frozenset({"take-over", "stop", "force-stop", "retry"})

#: What a person does to move an execution on, as it is told afterwards.
_DID = {
    "continue": "continued",
    "detach": "detached",
    "force-stop": "force-stopped",
    "pause": "paused",
    "run-to": "continued",
    "step": "stepped",
    "step-out": "stepped",
    "step-over": "stepped",
    "stop": "stopped",
}
_ENDS = ("stop", "force-stop")
_HALTS = ("pause",)
_MOVES = tuple(command for command in _DID if command not in (*_ENDS, *_HALTS))


def of_person(command: str, user: access.User, standing: Standing) -> str:
    """Why this person may not; empty when they may."""
    if not access.may_control(user, standing.initiator_id):
        return "You may look at it, but not control it."
    others = standing.debugger_id is not None and standing.debugger_id != user.pk
    if others and command not in OPEN and not standing.status.is_terminal:
        return held_by(standing.debugger, standing.debugged_since)
    return ""


def held_by(name: str, since: datetime | None) -> str:
    """Why others may not while somebody debugs it."""
    return f"{name} debugs it{f' since {clock(since)}' if since else ''}; take it over first."


def objection(command: str, user: access.User, execution: Execution) -> str:
    """Why this person may not give the command to an execution as it was read; empty when they
    may and it applies."""
    why = of_person(command, user, standing_of(execution))
    return why or refusal(command, Status(execution.status))


def of_status(command: str, standing: Standing, seen: Status | None = None) -> str:
    """Why the command does not apply to it as it stands; empty when it does.

    `seen` is the status in which the person saw it: where the command would have applied to that,
    the sentence says what has changed since.
    """
    why = refusal(command, standing.status)
    if not why or seen is None or seen is standing.status or seen not in APPLIES[command]:
        return why
    return f"It was {seen} when you pressed {words(command)}; {_since(seen, standing)}."


def _since(seen: Status, standing: Standing) -> str:
    """What has become of it, with who did that where a person did."""
    entry = (
        AuditEntry.objects.filter(
            execution_id=standing.id,
            outcome=AuditEntry.Outcome.DONE,
            command__in=_commands_between(seen, standing.status),
        )
        .order_by("-at", "-id")
        .first()
    )
    if entry is None:
        return f"it is {standing.status} now"
    done = f"{entry.actor} {_DID[entry.command]} it at {clock(entry.at)}"
    if standing.status is Status.STOPPED and entry.command in _ENDS:
        return done
    return f"{done} and it is {standing.status} now"


def _commands_between(seen: Status, now: Status) -> tuple[str, ...]:
    """The commands that may have led from one status to the other; none where it moved by itself,
    so that nobody is named for what they did before."""
    if now in (Status.STOPPED, Status.STOPPING):
        return _ENDS
    if seen in (Status.PAUSED, Status.EXCEPTION):
        return _MOVES
    if now in (Status.PAUSING, Status.PAUSED):
        return _HALTS
    return ()


def read_status(text: str) -> Status | None:
    """The status that a page says it showed; None for anything else."""
    return next((status for status in Status if status == text), None)
