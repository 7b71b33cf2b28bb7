"""Who gives a command, from where, and the audit entry that says so."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

from django.db import transaction
from django.http import HttpRequest

from executions.models import AuditEntry, Execution

logger = logging.getLogger("executions.audit")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who gives a command. `source` is page, bulk job, command line, admin, demo or time; `address`
    is the client's, if there is one."""

    user_id: int | None
    name: str
    source: str
    address: str | None = None

    @classmethod
    def of_request(cls, request: HttpRequest, source: str = "page") -> "Actor":
        user = request.user
        return cls(user.pk, user.get_username(), source, address_of(request))


def address_of(request: HttpRequest) -> str | None:
    """The address of the client; None if the proxy named something else."""
    try:
        return str(ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


def audit(
    actor: Actor, command: str, execution: Execution, *, done: bool, detail: str = ""
) -> None:
    """Write the audit entry of a command."""
    write([audit_entry(actor, command, execution, done=done, detail=detail)])


def write(entries: Iterable[AuditEntry]) -> None:
    """Write audit entries, and log them once the transaction has committed."""
    written = AuditEntry.objects.bulk_create(entries)
    if logger.isEnabledFor(logging.INFO):
        transaction.on_commit(partial(_log, written))


def _log(entries: Iterable[AuditEntry]) -> None:
    for entry in entries:
        logger.info(
            "%s %s",
            entry.command,
            entry.outcome,
            extra={
                "command": entry.command,
                "outcome": entry.outcome,
                "source": entry.source,
                "user": entry.user_id,
                "execution": str(entry.execution_id),
                "flow": entry.flow_name,
            },
        )


def audit_entry(
    actor: Actor, command: str, execution: Execution, *, done: bool, detail: str = ""
) -> AuditEntry:
    """The audit entry of a command: who, what, when, from where, with what outcome. Not saved."""
    return AuditEntry(
        execution=execution,
        flow_name=execution.flow_name,
        user_id=actor.user_id,
        actor=actor.name,
        command=command,
        source=actor.source,
        address=actor.address,
        outcome=AuditEntry.Outcome.DONE if done else AuditEntry.Outcome.REFUSED,
        detail=detail,
    )
