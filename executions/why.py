"""Why an execution is not moving, in one plain sentence."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from executions import workers
from executions.commands.command import Effect
from executions.commands.registry import COMMANDS
from executions.models import AuditEntry, ExceptionRecord, Execution, SemaphoreTicket
from executions.states import TERMINAL, Place, Reason, Status
from executions.store.lifecycle import secret_storage, worker_limits
from flows import formatting

#: Executions before one in the queue that are counted.
COUNTED = 1000
#: Children and holders that are named.
NAMED = 3
#: A block that takes longer is told with its time.
LONG = timedelta(seconds=1)

#: Statuses in which a worker may hold it.
_WORKING = (Status.RUNNING, Status.PAUSING, Status.STOPPING)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The sentence; with `since`, its block has been running for long, since then."""

    text: str
    since: datetime | None = None


def why(execution: Execution) -> str:
    """What it waits for, who paused it and when, or where it is and for how long."""
    explained = explain(execution)
    if explained.since is None:
        return explained.text
    lasts = formatting.duration(timezone.now() - explained.since)
    return f"{explained.text.removesuffix('.')}, which has run for {lasts}."


def explain(execution: Execution) -> Explanation:
    """As `why`, for a page on which the time ticks."""
    text = _text(execution)
    works = execution.lease_owner and execution.status in _WORKING
    if not works:
        return Explanation(text)
    since = execution.state.get("since")
    began = datetime.fromtimestamp(since, UTC) if since else execution.updated_at
    return Explanation(text, began if timezone.now() - began > LONG else None)


def _text(execution: Execution) -> str:  # noqa: C901 (a case for each status)
    match Status(execution.status):
        case Status.QUEUED:
            return _queued(execution)
        case Status.RUNNING if execution.lease_owner:
            return _held(execution)
        case Status.RUNNING:
            return _parked(execution)
        case Status.PAUSED:
            return _paused(execution)
        case Status.EXCEPTION:
            return _on_exception(execution)
        case Status.PAUSING:
            return f"Pauses as soon as {_at(execution)} is done."
        case Status.STOPPING:
            return f"Stops as soon as {_at(execution)} lets it."
        case Status.STOPPED:
            return f"Stopped{_by(execution, Effect.ENDS)} at {_at(execution)}."
        case Status.ERROR:
            return f"{_message(execution)}{execution.error_type} left the flow at {_at(execution)}."
    if execution.unhandled:
        return f"{_message(execution)}Nothing handled {execution.error_type} of {_at(execution)}."
    return f"Ended at {_at(execution)} {formatting.clock(execution.ended_at)}."


def _message(execution: Execution) -> str:
    """What is wrong, as a sentence before the others."""
    message = execution.error_message.strip()
    if not message:
        return ""
    return f"{message} " if message.endswith((".", "!", "?")) else f"{message}. "


def _at(execution: Execution) -> str:
    title = execution.block_description or execution.block_type
    return f"'{title}'" if title else "its first block"


def _queued(execution: Execution) -> str:
    if execution.reason == Reason.LIMIT and (told := _limited(execution)):
        return told
    before = (
        Execution.objects.filter(status=Status.QUEUED, updated_at__lt=execution.updated_at)
        .exclude(reason=Reason.LIMIT, lease_expires_at=None)
        .order_by()
        .values("pk")[: COUNTED + 1]
        .count()
    )
    if workers.is_online() is False and not _somebody_works():
        rest = f", and {_number(before)} wait before it" if before else ""
        return f"Waiting for a worker to run {_at(execution)}: no worker is online{rest}."
    if before:
        verb = "waits" if before == 1 else "wait"
        plural = "" if before == 1 else "s"
        return f"Waiting for a worker: {_number(before)} execution{plural} {verb} before it."
    return f"Waiting for a worker to run {_at(execution)}; it is next."


def _limited(execution: Execution) -> str:
    """Whose limit leaves it no worker; empty when that limit is gone."""
    whose = execution.waiting_for
    limit = worker_limits.limit_waited_for(execution.initiator_id, execution.flow_name, whose)
    if limit is None:
        return ""
    of_flow = whose == worker_limits.FLOW
    name = f"the flow {execution.flow_name}" if of_flow else execution.initiator_name
    before = limit.before(execution.pk, COUNTED + 1)
    rest = f"{_number(before)} wait before it" if before else "it is next"
    plural = "" if limit.most == 1 else "s"
    return (
        f"Waiting because of a limit: executions of {name} may hold {limit.most:,} worker{plural} "
        f"at a time, and hold {limit.held():,}; {rest}."
    )


def _number(count: int) -> str:
    return f"more than {COUNTED:,}" if count > COUNTED else f"{count:,}"


def _somebody_works() -> bool:
    """A worker with one process says nothing while it works; its lease does."""
    return Execution.objects.filter(
        lease_expires_at__gt=timezone.now(), status__in=[Status.RUNNING, Status.PAUSING]
    ).exists()


def _held(execution: Execution) -> str:
    expires = execution.lease_expires_at
    if expires is not None and expires < timezone.now():
        heard = formatting.clock(execution.updated_at)
        return f"Its worker was last heard of {heard}, at {_at(execution)}; another takes it over."
    return f"In {execution.workspace_name} at {_at(execution)}."


def _parked(execution: Execution) -> str:
    match execution.reason:
        case Reason.TIME:
            return f"Waiting at {_at(execution)} until {formatting.clock(execution.due_at)}."
        case Reason.CHILDREN:
            return _for_children(execution)
        case Reason.SEMAPHORE:
            return _for_semaphore(execution)
    return f"Waiting at {_at(execution)}."


def _for_children(execution: Execution) -> str:
    waits = execution.state.get("waits") or {}
    ids = waits.get("tasks") or [waits.get("child")]
    rows = (
        Execution.objects.filter(pk__in=[key for key in ids if key])
        .exclude(status__in=TERMINAL)
        .order_by("started_at")
        .values_list("flow_name", "status")[: COUNTED + 1]
    )
    live = list(rows)
    if not live:
        return f"Waiting at {_at(execution)} for a child execution that has just ended."
    named = ", ".join(f"{flow} ({status})" for flow, status in live[:NAMED])
    more = ", …" if len(live) > NAMED else ""
    plural = "" if len(live) == 1 else "s"
    count = f"{_number(len(live))} child execution{plural}"
    return f"Waiting for {count} at {_at(execution)}: {named}{more}."


def _for_semaphore(execution: Execution) -> str:
    ticket = SemaphoreTicket.objects.filter(execution=execution, stage="waiting").last()
    if ticket is None:
        return f"Waiting at {_at(execution)} for a semaphore that it is about to get."
    holders = SemaphoreTicket.objects.filter(semaphore=ticket.semaphore_id).exclude(stage="waiting")
    named = list(holders.order_by("id").values_list("execution__flow_name", "execution_id"))
    told = ", ".join(f"{flow} {key}" for flow, key in named[:NAMED])
    more = ", …" if len(named) > NAMED else ""
    name = secret_storage.redact(execution.secrets, ticket.semaphore_id)
    semaphore = f"the semaphore {name}, held by {told}{more}"
    return f"Waiting at {_at(execution)} for {semaphore}."


def _paused(execution: Execution) -> str:
    where = f"{_at(execution)} in {execution.workspace_name}"
    if execution.place == Place.BREAKPOINT:
        problem = execution.state.get("condition")
        why_here = f" Its condition could not be evaluated: {problem}" if problem else ""
        return f"Paused at the breakpoint above {where}.{why_here}"
    if execution.place == Place.EXCEPTION_PORT:
        return f"Paused on the exception port of {where}."
    port = execution.place == Place.PORT
    stands = f"on the output port of {where}" if port else f"before {where}"
    notes = {"start": " by"}
    notes |= {one.name: one.pause_note for one in COMMANDS.values() if one.pause_note}
    last = _last(execution, notes)
    if last is None:
        return f"Paused {stands}."
    return f"Paused {stands}{notes[last.command]} {last.actor} {formatting.clock(last.at)}."


def _on_exception(execution: Execution) -> str:
    record = (
        ExceptionRecord.objects.filter(execution=execution, step=execution.step_count)
        .only("type", "message")
        .last()
    )
    where = f"Paused on the exception port of {_at(execution)}, because break on exception is on"
    if record is None:
        return f"{where}."
    kind = record.type.rpartition(".")[2]
    message = record.message[:200].strip().removesuffix(".")
    return f"{message} ({kind}). {where}." if message else f"{kind}. {where}."


def _by(execution: Execution, effect: Effect) -> str:
    last = _last(execution, [one.name for one in COMMANDS.values() if one.effect is effect])
    return f" by {last.actor} {formatting.clock(last.at)}" if last else ""


def _last(execution: Execution, commands: Iterable[str]) -> AuditEntry | None:
    return (
        AuditEntry.objects.filter(
            execution=execution, outcome=AuditEntry.Outcome.DONE, command__in=list(commands)
        )
        .order_by("-id")
        .first()
    )
