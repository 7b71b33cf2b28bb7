"""Start an execution of a published version."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from executions.commands.actor import Actor, audit
from executions.dispatch import send
from executions.live.publish import publish
from executions.models import Execution
from executions.store.starts import NotStarted, events, insert
from flows.models import FlowVersion

__all__ = ["NotStarted", "start"]


def start(
    version: FlowVersion,
    inputs: Mapping[str, Any],
    actor: Actor,
    trigger: Execution.Trigger,
    *,
    paused: bool = False,
) -> Execution:
    """Insert it as Queued, and on commit send the message that names it.

    `inputs` maps names to values (not to their JSON form). Raises NotStarted with messages.
    """
    with transaction.atomic():
        execution = insert(
            version,
            inputs,
            initiator_id=actor.user_id,
            initiator_name=actor.name,
            trigger=trigger,
            paused=paused,
        )
        audit(
            actor,
            "start",
            execution,
            done=True,
            detail="paused at the first block" if paused else "",
        )
        send(execution.pk)
        publish(events([execution.pk]))
    return execution
