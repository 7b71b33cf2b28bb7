"""The audit trail: what was done and refused, by whom, from where, before and after.

Everything that changes something writes its entry with `record`, in the transaction of the change.
"""

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, TypedDict, Unpack

from django.db import models, transaction

from executions.audit.differences import differences
from executions.audit.states import kind_of
from executions.commands.actor import Actor
from executions.models import AuditEntry, Execution, FailureGroup
from flows.models import Flow

logger = logging.getLogger("executions.audit")


class About(TypedDict, total=False):
    """What an entry says beside who did what.

    `subject` is the row of the database that it is about; `object_kind`, `object_id` and
    `object_name` say that in words where there is none. `before` and `after` are the fields of the
    object: those that differ are kept, secret ones masked. `flow_name` is the flow that it
    concerns, whose administrators see the entry; an execution, a failure, a flow, and a subject
    that has a `flow`, say it by themselves.
    """

    execution: Execution | None
    failure: FailureGroup | None
    subject: models.Model | None
    object_kind: str
    object_id: object
    object_name: str
    flow_name: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    done: bool
    detail: str


def record(actor: Actor, command: str, **about: Unpack[About]) -> None:
    """Write an audit entry: who, what, from where, before and after, with what outcome."""
    write([entry(actor, command, **about)])


def entry(actor: Actor, command: str, **about: Unpack[About]) -> AuditEntry:
    """Return an audit entry, not saved: for `write`, which takes many at once."""
    execution, failure = about.get("execution"), about.get("failure")
    before, after = differences(about.get("before"), about.get("after"))
    done = about.get("done", True)
    if (subject := about.get("subject")) is not None:
        about["object_kind"] = kind_of(subject)
        about["object_id"] = subject.pk
        about["object_name"] = str(subject)
    return AuditEntry(
        execution=execution,
        failure=failure,
        flow_name=about.get("flow_name") or _flow_name(about),
        user_id=actor.user_id,
        actor=actor.name[:150],
        token=actor.token,
        command=command,
        source=actor.source,
        address=actor.address,
        outcome=AuditEntry.Outcome.DONE if done else AuditEntry.Outcome.REFUSED,
        detail=about.get("detail", ""),
        object_kind=about.get("object_kind", ""),
        object_id=str(about.get("object_id", ""))[:64],
        object_name=about.get("object_name", "")[:200],
        before=before,
        after=after,
    )


def _flow_name(about: About) -> str:
    """Return the name of the flow that an entry is about; empty for none."""
    if (execution := about.get("execution")) is not None:
        return execution.flow_name
    if (failure := about.get("failure")) is not None:
        return failure.flow.name
    if about.get("object_kind") == "flow":
        return about["object_name"]
    flow = getattr(about.get("subject"), "flow", None)
    return flow.name if isinstance(flow, Flow) else ""


def write(entries: Iterable[AuditEntry]) -> None:
    """Write audit entries, and log them once the transaction has committed."""
    written = AuditEntry.objects.bulk_create(entries)
    if logger.isEnabledFor(logging.INFO):
        transaction.on_commit(partial(_log, written))


def _log(entries: Iterable[AuditEntry]) -> None:
    for one in entries:
        logger.info(
            "%s %s",
            one.command,
            one.outcome,
            extra={
                "command": one.command,
                "outcome": one.outcome,
                "source": one.source,
                "user": one.user_id,
                "execution": str(one.execution_id),
                "flow": one.flow_name,
                "object": f"{one.object_kind} {one.object_id}".strip(),
            },
        )
