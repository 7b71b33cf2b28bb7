"""Checkpoints: what changed since the last one, written in one statement.

The statement's own RETURNING brings back what was asked of the execution meanwhile, so that control
costs no query (design: the life of an execution).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from executions import encryption
from executions.engine.interpreter import Interpreter
from executions.engine.secrets import Secrets
from executions.engine.state import Progress
from executions.events import COLUMNS, ExecutionChanged
from executions.limits import LEASE_SECONDS, REQUEUE_SECONDS
from executions.states import (
    TERMINAL,
    WORKING,
    Place,
    Reason,
    Request,
    Status,
    status_after_release,
)
from executions.store import debug_plan, rows
from executions.store.lifecycle import failures, interventions, secret_storage, steps
from executions.store.lifecycle.checkpoint_statement import (
    FAILED_CHILD,
    NO_WORKER,
    CheckpointStatement,
    add_records,
    add_tokens,
    add_variables,
    one_of,
)
from executions.store.lifecycle.claims import ClaimedExecution
from executions.store.lifecycle.failures import Failure
from executions.store.lifecycle.interventions import Cause, InterventionRows
from flows import values
from flows.values import ExceptionValue


class LeaseLost(Exception):
    """Another worker, or recovery, has taken the execution over; nothing was written."""


@dataclass(frozen=True, slots=True)
class CheckpointResult:
    """A checkpoint that was written, and what was asked of the execution meanwhile."""

    event: ExecutionChanged
    request: Request


@dataclass(frozen=True, slots=True)
class Release:
    """How a worker leaves an execution: Queued, Paused, on an exception port or at an end, or
    Running with the reason for which it is parked.

    `children` is the number of child executions just started; the end of the last of those in
    `awaits` wakes it; `waiting_for` tells a reader of the grid (`store.lifecycle.wait_text`).
    `error` is the exception that ends it, or on whose port it stands. One that Ended with an
    `error` is marked as `unhandled` (semantics 44). `place` is where a paused token stands.
    """

    target: Status
    state: Mapping[str, Any] | None = None
    reason: Reason = Reason.NONE
    due_at: datetime | None = None
    outputs: Mapping[str, Any] | None = None
    error: ExceptionValue | None = None
    children: int = 0
    awaits: Sequence[str] | None = None
    place: Place = Place.BLOCK
    waiting_for: str = ""


_RENEW_LEASE = "lease_expires_at = now() + make_interval(secs => %(lease)s)"
_STATE = "state = %(state)s::json"
_COUNT_CHILDREN = "child_count = child_count + %(children)s"
#: The status in which `states.status_after_release` leaves it.
_STATUS_AFTER = "(%(statuses_after)s::json ->> status)"
_RESULT = f"""
    request = '',
    lease_owner = '',
    last_worker = split_part(%(owner)s, ':', 1),
    outputs = %(outputs)s::json,
    error_type = %(error_type)s,
    error_message = %(error_message)s,
    unhandled = %(unhandled)s,
    {_COUNT_CHILDREN}"""
_RELEASE = f"""
    {_RESULT},
    status = {_STATUS_AFTER},
    lease_expires_at = CASE WHEN {_STATUS_AFTER} = %(queued)s
        THEN now() + make_interval(secs => %(requeue)s) END,
    reason = CASE WHEN {_STATUS_AFTER} = %(running)s THEN %(reason)s ELSE '' END,
    waiting_for = CASE WHEN {_STATUS_AFTER} = %(running)s THEN %(waiting_for)s ELSE '' END,
    due_at = CASE WHEN {_STATUS_AFTER} = %(running)s THEN %(due_at)s::timestamptz END,
    awaits = CASE WHEN {_STATUS_AFTER} = %(running)s THEN %(awaits)s::uuid[] END,
    place = CASE {_STATUS_AFTER} WHEN %(paused)s THEN %(place)s
        WHEN %(exception)s THEN %(exception_port)s ELSE '' END,
    steps_wanted = CASE WHEN {_STATUS_AFTER} IN (%(queued)s, %(running)s) THEN steps_wanted END,
    run_until = CASE WHEN {_STATUS_AFTER} IN (%(queued)s, %(running)s) THEN run_until END,
    ended_at = CASE WHEN {_STATUS_AFTER} {one_of(TERMINAL)} THEN now() END"""
#: An end wins over whatever was asked for meanwhile: every execution lands there.
_END = f"""
    {_RESULT},
    status = %(target)s,
    lease_expires_at = NULL,
    reason = '',
    waiting_for = '',
    due_at = NULL,
    awaits = NULL,
    place = '',
    steps_wanted = NULL,
    run_until = NULL,
    ended_at = now()"""
#: For each target, the status in which a release leaves an execution, by the one that it has.
_STATUSES_AFTER = {
    target: rows.dumps(
        {status.value: status_after_release(status, target).value for status in sorted(WORKING)}
    )
    for target in Status
}


def checkpoint(
    claimed: ClaimedExecution,
    interpreter: Interpreter,
    state: Mapping[str, Any] | None = None,
    children: int = 0,
) -> CheckpointResult:
    """Write what changed, and renew the lease. `children` is the number of child executions just
    started. Raises LeaseLost."""
    if claimed.deaths:
        # Each block is written down now, so that another death is known to be that of the next.
        if interpreter.step_count > claimed.event.step_count:
            claimed.deaths = 1
        state = {**(state or {}), "deaths": claimed.deaths}
    statement = CheckpointStatement()
    statement.assign(_STATE, state=rows.dumps(state or {}))
    statement.assign(_RENEW_LEASE, lease=LEASE_SECONDS)
    if children:
        statement.assign(_COUNT_CHILDREN, children=children)
    return _write(claimed, interpreter, statement)


def release(
    claimed: ClaimedExecution, interpreter: Interpreter, release: Release
) -> CheckpointResult:
    """Write what changed, and give the lease up. Raises LeaseLost.

    A pause or stop that was asked for meanwhile wins, in the same statement, over everything but
    an end; a pause also leaves it on the exception port where it breaks. The columns about the
    block of what failed name the one that threw first, instead of where the token stands.
    """
    target, error = release.target, release.error
    failed = error is not None and target.is_terminal
    origin = failures.origin(claimed, interpreter, error) if error and failed else None
    state = release.state or {}
    outputs = None if release.outputs is None else values.encode(dict(release.outputs))
    if (secrets := interpreter.secrets) is not None:
        if "error" in state:
            state = {**state, "error": encryption.seal(state["error"])}
        error = error and secrets.redact_exception(error)
        if release.outputs is not None:
            outputs, claimed.secrets = secret_storage.redact_outputs(
                secrets, release.outputs, claimed.secrets
            )
            interpreter.redact_again()
    statement = CheckpointStatement()
    statement.assign(_STATE, state=rows.dumps(state))
    statement.assign(
        _END if target.is_terminal else _RELEASE,
        outputs=None if outputs is None else rows.dumps(outputs),
        error_type=values.storable(error.short_type)[:200] if error else "",
        error_message=values.storable(error.message)[:400] if error else "",
        unhandled=target is Status.ENDED and error is not None,
        children=release.children,
        **({"target": target.value} if target.is_terminal else _release_params(release, secrets)),
    )
    if error is None or not failed:
        return _write(claimed, interpreter, statement)
    if claimed.event.parent_id:
        statement.add(FAILED_CHILD)
    failure = Failure.of(interpreter.graph.name, origin or interpreter.frames[-1].block, error)
    return _write(claimed, interpreter, statement, failure=failure)


def _release_params(release: Release, secrets: Secrets | None) -> dict[str, Any]:
    """Return the parameters of a release that depends on what was asked for meanwhile."""
    waiting_for = release.waiting_for
    if secrets is not None:
        waiting_for = secrets.redact_text(waiting_for)
    return {
        "statuses_after": _STATUSES_AFTER[release.target],
        "requeue": REQUEUE_SECONDS,
        "reason": release.reason.value,
        "waiting_for": values.storable(waiting_for)[:400],
        "place": release.place.value,
        "exception_port": Place.EXCEPTION_PORT.value,
        "due_at": release.due_at,
        "awaits": None if release.awaits is None else list(release.awaits),
    }


def rewrite(
    claimed: ClaimedExecution,
    interpreter: Interpreter,
    state: Mapping[str, Any],
    cause: Cause,
    **columns: Any,
) -> ExecutionChanged:
    """Write what a command changed of an execution that `claims.lock_without_worker` has locked,
    and that it did. `columns` are further columns of its row."""
    statement = CheckpointStatement(NO_WORKER)
    statement.assign(_STATE, state=rows.dumps(state))
    for name, value in columns.items():
        statement.assign(f"{name} = %({name})s", **{name: value})
    version_id = columns.get("version_id")
    intervention = interventions.intervention_rows(claimed, interpreter, state, cause, version_id)
    return _write(claimed, interpreter, statement, intervention).event


def _write(
    claimed: ClaimedExecution,
    interpreter: Interpreter,
    statement: CheckpointStatement,
    intervention: InterventionRows | None = None,
    failure: Failure | None = None,
) -> CheckpointResult:
    """Add what changed to the statement, and run it. Of a `failure`, the columns of the grid name
    the block that threw, instead of the one on which the token stands."""
    if intervention is None and not interpreter.step_count and not claimed.written:
        # Its first step records what it begins with, unless that comes later.
        intervention = interventions.intervention_rows(claimed, interpreter, {}, Cause("start", ""))
    progress = interpreter.take_progress()
    _assign_position(statement, interpreter, None if failure is None else failure.block)
    _assign_debugging(statement, claimed)
    _assign_secrets(statement, claimed, interpreter, progress)
    _assign_exceptions(statement, claimed, progress)
    _assign_failure(statement, claimed, failure, _newest(interpreter, progress))
    add_tokens(statement, claimed, interpreter)
    add_variables(statement, claimed, interpreter, progress)
    steps.add(statement, claimed.event.step_count, interpreter, progress)
    _add_stored_values(statement, interpreter, progress, intervention)
    add_records(statement, progress)
    row = statement.run(claimed)
    if row is None:
        raise LeaseLost
    return _apply(claimed, interpreter, row)


def _apply(
    claimed: ClaimedExecution, interpreter: Interpreter, row: Sequence[Any]
) -> CheckpointResult:
    """Take note of what is written down now, and of what others changed meanwhile."""
    claimed.written = [(frame, set(frame.variables)) for frame in interpreter.frames]
    claimed.event = ExecutionChanged(*row[: len(COLUMNS)])
    *_, request, debug, _ = row
    if claimed.stepper is not None:
        claimed.stepper.changed = False
    if debug != claimed.debug:
        plan = debug_plan.load(debug, None)
        claimed.debug, claimed.breaks_on_exception = debug, plan.break_on_exception
        claimed.stepper = debug_plan.renewed_stepper(claimed.stepper, plan)
    return CheckpointResult(claimed.event, Request(request))


# What the statement says of the execution's row -------------------------------------------------


_POSITION = """
    step_count = %(step_count)s,
    block = %(block)s,
    block_type = %(block_type)s,
    block_description = %(block_description)s,
    workspace_name = %(workspace_name)s"""


def _assign_position(
    statement: CheckpointStatement, interpreter: Interpreter, at: str | None
) -> None:
    """Set where the token stands, or the block of the key `at`, as the grid shows it."""
    key = at or interpreter.frames[-1].block
    node = interpreter.graph.blocks[key]
    statement.assign(
        _POSITION,
        step_count=interpreter.step_count,
        block=key,
        block_type=node.block.type,
        block_description=node.title,
        workspace_name=interpreter.graph.workspaces[node.workspace].name,
    )


def _assign_debugging(statement: CheckpointStatement, claimed: ClaimedExecution) -> None:
    """Set how often each breakpoint was hit."""
    if claimed.stepper is not None and claimed.stepper.changed:
        hits = rows.dumps(claimed.stepper.counted)
        statement.assign("debug_hits = %(debug_hits)s::json", debug_hits=hits)


def _assign_secrets(
    statement: CheckpointStatement,
    claimed: ClaimedExecution,
    interpreter: Interpreter,
    progress: Progress,
) -> None:
    """Set the texts that are secret by now."""
    if interpreter.secrets is not None and progress.secrets_changed:
        claimed.secrets = secret_storage.with_texts(interpreter.secrets, claimed.secrets)
        stored = rows.dumps(secret_storage.sealed(claimed.secrets))
        statement.assign("secrets = %(secrets)s::json", secrets=stored)


def _assign_exceptions(
    statement: CheckpointStatement, claimed: ClaimedExecution, progress: Progress
) -> None:
    """Set the types of all exceptions."""
    if progress.thrown:
        types = _exception_types(claimed, progress)
        statement.assign("exception_types = %(exception_types)s", exception_types=types)


def _newest(interpreter: Interpreter, progress: Progress) -> Failure | None:
    """Return what the newest exception has in common with the same failure elsewhere."""
    if not progress.thrown:
        return None
    last = progress.thrown[-1]
    return Failure.of(interpreter.graph.name, last.block, last.exception)


def _assign_failure(
    statement: CheckpointStatement,
    claimed: ClaimedExecution,
    failure: Failure | None,
    newest: Failure | None,
) -> None:
    """Set the fingerprint of the failure, or else of the newest exception; write the group of a
    failure, if this is its first."""
    if known := failure or newest:
        statement.assign("failure = %(failure)s", failure=known.fingerprint)
    if failure is not None:
        statement.add(failures.GROUP, **failure.group_params)


def _exception_types(claimed: ClaimedExecution, progress: Progress) -> str:
    """Return the types of all its exceptions, each once, one a line."""
    types = dict.fromkeys(filter(None, claimed.event.exception_types.split("\n")))
    for thrown in progress.thrown:
        short = values.storable(thrown.exception.short_type)[:200]
        types[" ".join(short.split())] = None
    return "\n".join(types)


def _add_stored_values(
    statement: CheckpointStatement,
    interpreter: Interpreter,
    progress: Progress,
    intervention: InterventionRows | None,
) -> None:
    """Write the large values that steps and an intervention refer to, and the intervention."""
    stored = steps.stored_values(interpreter.step_count, progress)
    if intervention is not None:
        stored += intervention.stored
        statement.add(interventions.INTERVENTION, intervention=rows.dumps(intervention.row))
    if stored:
        size = sum(value["size"] for value in stored)
        statement.assign("stored_size = stored_size + %(stored_size)s", stored_size=size)
        statement.add(steps.STORED_VALUES, stored=rows.dumps(stored))
