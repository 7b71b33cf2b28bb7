"""Why a command is refused: who may not give it, to what it does not apply, and what has changed
since the person looked."""

from executions import access
from executions.commands import permissions
from executions.commands.command import Command, Effect
from executions.commands.registry import COMMANDS
from executions.models import AuditEntry, Execution
from executions.states import RESUMABLE, Status
from executions.store.lifecycle.bulk_transitions import CommandState, command_state_of
from flows.formatting import clock


def refusal(command: Command, user: access.User, execution: Execution) -> str:
    """Why this person may not give the command to an execution as it was read; empty when they
    may and it applies."""
    return (
        permissions.refusal(command, user, command_state_of(execution))
        or command.refusal(Status(execution.status), unhandled=execution.unhandled)
        or permissions.secrets_refusal(command, user, execution.pk)
    )


def status_refusal(command: Command, state: CommandState, seen: Status | None = None) -> str:
    """Why the command does not apply to the execution as it stands; empty when it does.

    `seen` is the status in which the person saw it: where the command would have applied to that,
    the sentence says what has changed since.
    """
    why = command.refusal(state.status, unhandled=state.unhandled)
    if not why or seen is None or seen is state.status or seen not in command.applies_to:
        return why
    return f"It was {seen} when you pressed {command.label}; {_what_happened(seen, state)}."


def _what_happened(seen: Status, state: CommandState) -> str:
    """What has become of the execution, with who did that where a person did."""
    effect = _effect_between(seen, state.status)
    entry = (
        AuditEntry.objects.filter(
            execution_id=state.id,
            outcome=AuditEntry.Outcome.DONE,
            command__in=[one.name for one in COMMANDS.values() if one.effect is effect],
        )
        .order_by("-at", "-id")
        .first()
        if effect
        else None
    )
    if entry is None:
        return f"it is {state.status} now"
    done = f"{entry.actor} {COMMANDS[entry.command].past} it at {clock(entry.at)}"
    if state.status is Status.STOPPED and effect is Effect.ENDS:
        return done
    return f"{done} and it is {state.status} now"


def _effect_between(seen: Status, now: Status) -> Effect | None:
    """What a command must have done that led from one status to the other; None where the execution
    moved by itself, so that nobody is named for what they did before."""
    if now in (Status.STOPPED, Status.STOPPING):
        return Effect.ENDS
    if seen in RESUMABLE:
        return Effect.RESUMES
    if now in (Status.PAUSING, Status.PAUSED):
        return Effect.PAUSES
    return None
