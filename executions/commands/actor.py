"""Who gives a command, and from where."""

from dataclasses import dataclass
from ipaddress import ip_address

from django.http import HttpRequest

from executions.models import AuditEntry, Execution


@dataclass(frozen=True, slots=True)
class Actor:
    """`source` is page, bulk job, command line, admin or demo; `address` the client's, where there
    is one."""

    user_id: int | None
    name: str
    source: str
    address: str | None = None

    @classmethod
    def of_request(cls, request: HttpRequest, source: str = "page") -> "Actor":
        user = request.user
        return cls(user.pk, user.get_username(), source, address_of(request))


def address_of(request: HttpRequest) -> str | None:
    """Where a request comes from, as far as that is an address: a proxy may name anything."""
    try:
        return str(ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None


def audit(
    actor: Actor, command: str, execution: Execution, *, done: bool, detail: str = ""
) -> None:
    """Leave an audit entry: who, what, when, from where, with what outcome."""
    audit_entry(actor, command, execution, done=done, detail=detail).save(force_insert=True)


def audit_entry(
    actor: Actor, command: str, execution: Execution, *, done: bool, detail: str = ""
) -> AuditEntry:
    """The audit entry of a command, to be written with others."""
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
