"""Why a command is refused: who may not give it, to what it does not apply, and what has changed
since the person looked."""

from datetime import datetime
from uuid import UUID

from executions import access
from executions.commands import secrets
from executions.models import AuditEntry, Execution
from executions.states import APPLIES, Status, refusal, words
from executions.store.lifecycle.bulk_transitions import Standing, standing_of
from flows.formatting import clock

#: What only who may debug does; the rest is control, or gives up debugging.
DEBUGS = frozenset(
    {
        "attach",
        "break-on-exception",
        "breakpoint",
        "move-version",
        "run-to",
        "set-next",
        "set-variable",
        "step",
        "step-out",
        "step-over",
        "take-over",
    }
)
#: What makes an execution do other than its flow says: it could be led to tell its secrets.
DIVERTS = frozenset({"move-version", "set-next", "set-variable"})

NO_CONTROL = "You may look at it, but not control it."
NO_DEBUGGER = "Ask an administrator for the permission to debug executions."
NO_SECRETS_PERMISSION = (
    "Ask an administrator for the permission to debug executions with secrets of others."
)
NO_SECRETS = (
    f"It holds secrets that you did not give, or may come to hold some. {NO_SECRETS_PERMISSION}"
)

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
        return NO_CONTROL
    if command in DEBUGS and not access.is_debugger(user):
        return f"You may control it, but not debug it. {NO_DEBUGGER}"
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
    why = why or refusal(command, Status(execution.status), unhandled=execution.unhandled)
    return why or of_secrets(command, user, execution.pk)


def of_secrets(command: str, user: access.User, execution_id: UUID) -> str:
    """Why this person may not make the execution do other than its flow says; empty when they may,
    or the command doesn't."""
    if command not in DIVERTS or access.debugs_secrets(user):
        return ""
    return NO_SECRETS if secrets.are_of_others(execution_id, user) else ""


def of_status(command: str, standing: Standing, seen: Status | None = None) -> str:
    """Why the command does not apply to it as it stands; empty when it does.

    `seen` is the status in which the person saw it: where the command would have applied to that,
    the sentence says what has changed since.
    """
    why = refusal(command, standing.status, unhandled=standing.unhandled)
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
