"""The audit entries of changes to rules and channels."""

from executions.commands import actor as actors
from executions.commands.actor import Actor
from executions.models import AuditEntry


def write(actor: Actor, command: str, detail: str, *, done: bool = True) -> None:
    """Write who has changed what."""
    outcome = AuditEntry.Outcome.DONE if done else AuditEntry.Outcome.REFUSED
    actors.write(
        [
            AuditEntry(
                user_id=actor.user_id,
                actor=actor.name,
                command=command,
                source=actor.source,
                address=actor.address,
                outcome=outcome,
                detail=detail,
            )
        ]
    )
