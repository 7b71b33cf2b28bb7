"""Why an execution is not moving, in one plain sentence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from executions import workers
from executions.commands.command import Effect
from executions.commands.registry import COMMANDS
from executions.models import AuditEntry, ExceptionRecord, Execution, SemaphoreTicket
from executions.states import TERMINAL, WORKING, Place, Reason, Status
from executions.store.lifecycle import secret_storage, wait_text, worker_limits
from flows import formatting

#: How many of the executions before one in the queue are counted.
COUNTED = 1000
#: How many children and holders are named.
NAMED = 3
#: The sentence names the time of a block that runs longer.
LONG = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The sentence. `since` is when its block began, if that has been running for long."""

    text: str
    since: datetime | None = None


def why(execution: Execution, visible: QuerySet[Execution]) -> str:
    """Say what it waits for, who paused it and when, or where it is and for how long. Of the other
    executions, only `visible` ones are named."""
    explanation = explain(execution, visible)
    if explanation.since is None:
        return explanation.text
    lasts = formatting.duration(timezone.now() - explanation.since)
    return f"{explanation.text.removesuffix('.')}, which has run for {lasts}."


def explain(execution: Execution, visible: QuerySet[Execution]) -> Explanation:
    """As `why`, for a page on which the time ticks."""
    text = _text(execution, visible)
    works = execution.lease_owner and execution.status in WORKING
    if not works:
        return Explanation(text)
    since = execution.state.get("since")
    began = datetime.fromtimestamp(since, UTC) if since else execution.updated_at
    return Explanation(text, began if timezone.now() - began > LONG else None)


def _text(execution: Execution, visible: QuerySet[Execution]) -> str:
    is_parked = execution.status == Status.RUNNING and not execution.lease_owner
    if is_parked and execution.reason in _FOR_OTHERS:
        return _FOR_OTHERS[Reason(execution.reason)](execution, visible)
    return _SENTENCES[Status(execution.status)](execution)


def _running(execution: Execution) -> str:
    return _on_worker(execution) if execution.lease_owner else _waiting(execution)


def _pausing(execution: Execution) -> str:
    return f"Pauses as soon as {_at(execution)} is done."


def _stopping(execution: Execution) -> str:
    return f"Stops as soon as {_at(execution)} is done."


def _stopped(execution: Execution) -> str:
    return f"Stopped{_by(execution, Effect.ENDS)} at {_at(execution)}."


def _error(execution: Execution) -> str:
    return f"{_message(execution)}{execution.error_type} left the flow at {_at(execution)}."


def _ended(execution: Execution) -> str:
    if execution.unhandled:
        return f"{_message(execution)}Nothing handled {execution.error_type} of {_at(execution)}."
    return f"Ended at {_at(execution)} {formatting.clock(execution.ended_at)}."


def _message(execution: Execution) -> str:
    """The error message as a sentence, to stand before the others."""
    message = execution.error_message.strip()
    if not message:
        return ""
    return f"{message} " if message.endswith((".", "!", "?")) else f"{message}. "


def _at(execution: Execution) -> str:
    title = execution.block_description or execution.block_type
    return f"'{title}'" if title else "its first block"


def _queued(execution: Execution) -> str:
    if execution.reason == Reason.LIMIT and (sentence := _limited(execution)):
        return sentence
    before = (
        Execution.objects.filter(status=Status.QUEUED, updated_at__lt=execution.updated_at)
        .exclude(reason=Reason.LIMIT, lease_expires_at=None)
        .order_by()
        .values("pk")[: COUNTED + 1]
        .count()
    )
    if workers.is_online() is False and not _is_any_working():
        rest = f", and {_number(before)} wait before it" if before else ""
        return f"Waiting for a worker to run {_at(execution)}: no worker is online{rest}."
    if before:
        verb = "waits" if before == 1 else "wait"
        plural = "" if before == 1 else "s"
        return f"Waiting for a worker: {_number(before)} execution{plural} {verb} before it."
    return f"Waiting for a worker to run {_at(execution)}; it is next."


def _limited(execution: Execution) -> str:
    """Whose limit keeps it from a worker; empty when that limit is gone."""
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


def _is_any_working() -> bool:
    """Whether a worker holds a lease: one with a single process reports nothing while it works."""
    return Execution.objects.filter(
        lease_expires_at__gt=timezone.now(), status__in=[Status.RUNNING, Status.PAUSING]
    ).exists()


def _on_worker(execution: Execution) -> str:
    expires = execution.lease_expires_at
    if expires is not None and expires < timezone.now():
        heard = formatting.clock(execution.updated_at)
        return f"Its worker was last heard of {heard}, at {_at(execution)}; another one takes over."
    return f"In {execution.workspace_name} at {_at(execution)}."


def _waiting(execution: Execution) -> str:
    match execution.reason:
        case Reason.TIME:
            return f"Waiting at {_at(execution)} until {formatting.clock(execution.due_at)}."
        case Reason.PERSON:
            _, assignee = wait_text.parse_question(execution.waiting_for)
            due = f", until {formatting.clock(execution.due_at)}" if execution.due_at else ""
            return f"Waits for {assignee} to answer {_at(execution)}{due}."
        case Reason.SIGNAL:
            return f"Waiting at {_at(execution)} for the signal {_awaited(execution)}."
        case Reason.NONE:
            return f"Waiting at {_at(execution)}."
    return f"Waiting at {_at(execution)} for {_awaited(execution)}."


def _awaited(execution: Execution) -> str:
    """What it waits for, and until when at the latest."""
    limit = f", until {formatting.clock(execution.due_at)} at most" if execution.due_at else ""
    return f"{execution.waiting_for}{limit}"


def _for_children(execution: Execution, visible: QuerySet[Execution]) -> str:
    waits = execution.state.get("waits") or {}
    ids = [key for key in waits.get("tasks") or [waits.get("child")] if key]
    live = Execution.objects.filter(pk__in=ids).exclude(status__in=TERMINAL)
    count = live.order_by().values("pk")[: COUNTED + 1].count()
    if not count:
        return f"Waiting at {_at(execution)} for a child execution that has just ended."
    seen = visible.filter(pk__in=live.values("pk")).order_by("started_at")
    named = [
        f"{flow} ({status})" for flow, status in seen.values_list("flow_name", "status")[:NAMED]
    ]
    plural = "" if count == 1 else "s"
    text = f"Waiting for {_number(count)} child execution{plural} at {_at(execution)}"
    return f"{text}: {_list(named, count)}." if named else f"{text}."


def _list(named: Sequence[str], count: int) -> str:
    """The names, and a sign that there are more."""
    return ", ".join([*named, "…"] if count > len(named) else named)


def _for_semaphore(execution: Execution, visible: QuerySet[Execution]) -> str:
    ticket = SemaphoreTicket.objects.filter(execution=execution, stage="waiting").last()
    if ticket is None:
        return f"Waiting at {_at(execution)} for a semaphore that it is about to get."
    holders = SemaphoreTicket.objects.filter(semaphore=ticket.semaphore_id).exclude(stage="waiting")
    seen = holders.filter(execution__in=visible).order_by("id")
    rows = seen.values_list("execution__flow_name", "execution_id")[:NAMED]
    named = [f"{flow} {key}" for flow, key in rows]
    text = _list(named, holders.count()) if named else "executions that you may not see"
    name = secret_storage.redact(execution.secrets, ticket.semaphore_id)
    return f"Waiting at {_at(execution)} for the semaphore {name}, held by {text}."


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


#: Waits for other executions.
_FOR_OTHERS = {Reason.CHILDREN: _for_children, Reason.SEMAPHORE: _for_semaphore}
_SENTENCES = {
    Status.QUEUED: _queued,
    Status.RUNNING: _running,
    Status.PAUSING: _pausing,
    Status.PAUSED: _paused,
    Status.EXCEPTION: _on_exception,
    Status.STOPPING: _stopping,
    Status.STOPPED: _stopped,
    Status.ENDED: _ended,
    Status.ERROR: _error,
}
