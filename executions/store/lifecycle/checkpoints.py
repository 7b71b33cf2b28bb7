"""Checkpoints: what changed since the last one, written in one statement.

The statement's own RETURNING brings back what was asked of the execution meanwhile, so that control
costs no query (design: the life of an execution).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from executions.engine.interpreter import Interpreter
from executions.engine.state import Progress
from executions.events import COLUMNS, ExecutionChanged
from executions.limits import LEASE_SECONDS, REQUEUE_SECONDS
from executions.states import Place, Reason, Request, Status
from executions.store import rows
from executions.store.debug import debug_plan, interventions
from executions.store.debug.interventions import Cause, Intervened
from executions.store.lifecycle import failures, secret_storage, steps
from executions.store.lifecycle.claims import RETURNING, Claimed
from executions.store.statements import fetch
from flows import values
from flows.failure_fingerprints import fingerprint
from flows.values import ExceptionValue


class LeaseLost(Exception):
    """Another worker, or recovery, has taken the execution over; nothing was written."""


@dataclass(frozen=True, slots=True)
class Written:
    """A checkpoint that landed, and what was asked of the execution meanwhile."""

    event: ExecutionChanged
    request: Request


def checkpoint(
    claimed: Claimed,
    interpreter: Interpreter,
    state: Mapping[str, Any] | None = None,
    children: int = 0,
) -> Written:
    """Write what changed, and renew the lease. `children` is the number of child executions just
    started. Raises LeaseLost."""
    assignments = ["lease_expires_at = now() + make_interval(secs => %(lease)s)"]
    if children:
        assignments.append("child_count = child_count + %(children)s")
    if claimed.deaths:
        # Each block is written down now, so that another death is known to be that of the next.
        if interpreter.step_count > claimed.event.step_count:
            claimed.deaths = 1
        state = {**(state or {}), "deaths": claimed.deaths}
    params = {"lease": LEASE_SECONDS, "state": rows.dumps(state or {}), "children": children}
    return _write(claimed, interpreter, assignments, params)


def release(
    claimed: Claimed,
    interpreter: Interpreter,
    target: Status,
    *,
    state: Mapping[str, Any] | None = None,
    reason: Reason = Reason.NONE,
    due_at: datetime | None = None,
    outputs: Mapping[str, Any] | None = None,
    error: ExceptionValue | None = None,
    children: int = 0,
    awaits: Sequence[str] | None = None,
    place: Place = Place.BLOCK,
    waiting_for: str = "",
) -> Written:
    """Write what changed, and give the lease up: to Queued, Paused or an end, or Running with the
    reason for which it is parked. Raises LeaseLost.

    A pause or stop that was asked for meanwhile wins, in the same statement, over everything but
    an end; a pause also leaves it on the exception port where it breaks. `place` is where a paused
    token stands. `children` is the number of child executions just started; the end of the last of
    those in `awaits` wakes it; `waiting_for` tells a reader of the grid (`store.waiting`).

    `error` is the exception that ends it, or on whose port it stands. Of what it ends the block is
    told that threw it first, instead of the one where the token stands. One that Ended with an
    `error` is marked as `unhandled` (semantics 44).
    """
    failed = error is not None and target.is_terminal
    at = failures.origin(claimed, interpreter, error) if error and failed else None
    secrets = interpreter.progress.secrets
    shown = None if outputs is None else values.encode(dict(outputs))
    if secrets is not None:
        waiting_for = secrets.text(waiting_for)
        error = error and secrets.exception(error)
        if outputs is not None:
            shown, claimed.secrets = secret_storage.of_outputs(secrets, outputs, claimed.secrets)
            secrets.changed = True
    status = (
        "%(target)s"
        if target.is_terminal
        else "CASE status WHEN 'Stopping' THEN 'Stopped' WHEN 'Pausing' THEN "
        "CASE %(target)s WHEN 'Exception' THEN 'Exception' ELSE 'Paused' END ELSE %(target)s END"
    )
    status = f"({status})::text"
    return _write(
        claimed,
        interpreter,
        [
            f"status = {status}",
            "request = ''",
            "lease_owner = ''",
            f"lease_expires_at = CASE WHEN {status} = 'Queued' "
            "THEN now() + make_interval(secs => %(requeue)s) END",
            f"reason = CASE WHEN {status} = 'Running' THEN %(reason)s ELSE '' END",
            f"waiting_for = CASE WHEN {status} = 'Running' THEN %(waiting_for)s ELSE '' END",
            f"due_at = CASE WHEN {status} = 'Running' THEN %(due_at)s::timestamptz END",
            f"awaits = CASE WHEN {status} = 'Running' THEN %(awaits)s::uuid[] END",
            f"place = CASE {status} WHEN 'Paused' THEN %(place)s WHEN 'Exception' THEN 'exception' "
            f"ELSE '' END",
            f"steps_wanted = CASE WHEN {status} IN ('Queued', 'Running') THEN steps_wanted END",
            f"run_until = CASE WHEN {status} IN ('Queued', 'Running') THEN run_until END",
            f"ended_at = CASE WHEN {status} IN ('Stopped', 'Ended', 'Error') THEN now() END",
            "outputs = %(outputs)s::json",
            "error_type = %(error_type)s",
            "error_message = %(error_message)s",
            "unhandled = %(unhandled)s",
            "child_count = child_count + %(children)s",
        ],
        {
            "target": target.value,
            "requeue": REQUEUE_SECONDS,
            "reason": reason.value,
            "waiting_for": values.storable(waiting_for)[:400],
            "place": place.value,
            "due_at": due_at,
            "awaits": None if awaits is None else list(awaits),
            "state": rows.dumps(state or {}),
            "outputs": None if shown is None else rows.dumps(shown),
            "error_type": values.storable(error.short_type)[:200] if error else "",
            "error_message": values.storable(error.message)[:400] if error else "",
            "unhandled": target is Status.ENDED and error is not None,
            "children": children,
        },
        at=at,
        failed=failed,
    )


def rewrite(
    held: Claimed,
    interpreter: Interpreter,
    state: Mapping[str, Any],
    cause: Cause,
    **columns: Any,
) -> ExecutionChanged:
    """Write what a command changed of one that `claims.lock_parked` has locked, and that it did.
    `columns` are further columns of its row."""
    return _write(
        held,
        interpreter,
        [f"{name} = %({name})s" for name in columns],
        {"state": rows.dumps(state), **columns},
        "lease_owner = ''",
        interventions.of(held, interpreter, state, cause, columns.get("version_id")),
    ).event


def _write(
    claimed: Claimed,
    interpreter: Interpreter,
    assignments: list[str],
    params: dict[str, Any],
    guard: str = "lease_owner = %(owner)s AND status IN ('Running', 'Pausing', 'Stopping')",
    intervened: Intervened | None = None,
    *,
    at: str | None = None,
    failed: bool = False,
) -> Written:
    """One statement; the frames and progress of the interpreter are clean after it."""
    if claimed.watch is not None and claimed.watch.changed:
        params["debug_hits"] = rows.dumps(claimed.watch.counted)
        assignments = [*assignments, "debug_hits = %(debug_hits)s::json"]
    stored = steps.stored(interpreter)
    if intervened is None and not interpreter.step_count and not claimed.written:
        # What it begins with is told by its first step, unless that comes later.
        intervened = interventions.of(claimed, interpreter, {}, Cause("start", ""))
    if intervened is not None:
        params["intervention"] = rows.dumps(intervened.row)
        stored += intervened.stored
    secrets = interpreter.progress.secrets
    if secrets is not None:
        secrets.cover(interpreter.progress)
        if secrets.changed:
            claimed.secrets = secret_storage.written(secrets, claimed.secrets)
            params["secrets"] = rows.dumps(claimed.secrets)
            assignments = [*assignments, "secrets = %(secrets)s::json"]
    if stored:
        params["stored"] = rows.dumps(stored)
        params["stored_size"] = sum(value["size"] for value in stored)
        assignments = [*assignments, "stored_size = stored_size + %(stored_size)s"]
    if interpreter.progress.thrown:
        params["failure"] = _failure(interpreter)
        params["exception_types"] = _exception_types(claimed, interpreter)
        assignments = [
            *assignments,
            "failure = %(failure)s",
            "exception_types = %(exception_types)s",
        ]
    position = _position(interpreter, at)
    params |= position
    params |= {"id": claimed.id, "owner": claimed.owner, "step_count": interpreter.step_count}
    assigned = ", ".join(
        (
            "revision = revision + 1",
            "updated_at = now()",
            "state = %(state)s::json",
            *(f"{name} = %({name})s" for name in (*position, "step_count")),
            *assignments,
        )
    )
    parts = [
        f"""held AS (
            UPDATE executions_execution SET {assigned}
            WHERE id = %(id)s AND {guard}
            RETURNING {RETURNING}, request, debug::text
        )""",
        *_token_parts(claimed, interpreter, params),
        *steps.parts(claimed.event.step_count, interpreter, params),
        *([steps.STORE] if stored else []),
        *([interventions.PART] if intervened is not None else []),
        *_progress_parts(interpreter.progress, params),
        *([_FAILED_CHILD] if failed and claimed.event.parent_id else []),
    ]
    row = fetch(f"WITH {', '.join(parts)} SELECT * FROM held", params)
    if row is None:
        raise LeaseLost
    interpreter.progress = Progress(room=interpreter.progress.room, secrets=secrets)
    if secrets is not None:
        secrets.changed = False
    claimed.written = [(frame, set(frame.variables)) for frame in interpreter.frames]
    for frame in interpreter.frames:
        frame.changed.clear()
    claimed.event = ExecutionChanged(*row[: len(COLUMNS)])
    *_, request, debug = row
    if claimed.watch is not None:
        claimed.watch.changed = False
    if debug != claimed.debug:
        plan = debug_plan.load(debug, None)
        claimed.debug, claimed.breaks_on_exception = debug, plan.break_on_exception
        claimed.watch = debug_plan.renewed(claimed.watch, plan)
    return Written(claimed.event, Request(request))


def _failure(interpreter: Interpreter) -> UUID:
    """What the newest exception has in common with the same failure elsewhere."""
    last = interpreter.progress.thrown[-1]
    thrown = last.exception
    return fingerprint(interpreter.graph.name, last.block, thrown.type, thrown.message)


def _exception_types(claimed: Claimed, interpreter: Interpreter) -> str:
    """The types of all its exceptions, each once: those known, and those of this checkpoint."""
    known = dict.fromkeys(filter(None, claimed.event.exception_types.split("\n")))
    for thrown in interpreter.progress.thrown:
        short = values.storable(thrown.exception.short_type)[:200]
        known[" ".join(short.split())] = None
    return "\n".join(known)


def _position(interpreter: Interpreter, at: str | None) -> dict[str, str]:
    """The grid's columns about where the token stands, or about the block of the key `at`."""
    key = at or interpreter.frames[-1].block
    node = interpreter.graph.blocks[key]
    return {
        "block": key,
        "block_type": node.block.type,
        "block_description": node.title,
        "workspace_name": interpreter.graph.workspaces[node.workspace].name,
    }


#: Its ancestors count it a moment later (`store.failures`).
_FAILED_CHILD = """failed_child AS (
    INSERT INTO executions_uncountedfailure (execution_id) SELECT %(id)s FROM held
)"""
_SAVED = """saved AS (
    INSERT INTO executions_value (execution_id, level, name, value)
    SELECT %(id)s, v.level, v.name, v.value
    FROM held, json_to_recordset(%(saved)s::json) AS v(level smallint, name text, value json)
    ON CONFLICT (execution_id, level, name) DO UPDATE SET value = excluded.value
)"""
_SAVED_SECRETLY = """saved AS (
    INSERT INTO executions_value (execution_id, level, name, value, secret)
    SELECT %(id)s, v.level, v.name, v.value, v.secret
    FROM held, json_to_recordset(%(saved)s::json)
        AS v(level smallint, name text, value json, secret json)
    ON CONFLICT (execution_id, level, name) DO UPDATE
    SET value = excluded.value, secret = excluded.secret
)"""


def _token_parts(claimed: Claimed, interpreter: Interpreter, params: dict[str, Any]) -> list[str]:
    frames = interpreter.frames
    params["tokens"] = rows.dumps([rows.token_row(n, frame) for n, frame in enumerate(frames)])
    parts = [
        """tokens AS (
            INSERT INTO executions_token (execution_id, level, workspace, block, state)
            SELECT %(id)s, t.level, t.workspace, t.block, t.state
            FROM held, json_to_recordset(%(tokens)s::json)
                AS t(level smallint, workspace text, block text, state json)
            ON CONFLICT (execution_id, level) DO UPDATE
            SET workspace = excluded.workspace, block = excluded.block, state = excluded.state
        )"""
    ]
    if len(claimed.written) > len(frames):
        params["levels"] = len(frames)
        parts.append(
            """left_tokens AS (
                DELETE FROM executions_token USING held
                WHERE execution_id = %(id)s AND level >= %(levels)s
            )"""
        )
    secrets = interpreter.progress.secrets
    saved: list[dict[str, Any]] = []
    gone: list[dict[str, Any]] = []
    for level, frame in enumerate(frames):
        before: set[str] = set()
        names: set[str] | Mapping[str, Any] = frame.variables
        if level < len(claimed.written):
            written, before = claimed.written[level]
            if written is frame:
                names = frame.changed & frame.variables.keys()
        saved += (rows.value_row(level, frame, name, secrets) for name in names)
        if secrets is not None and secrets.changed:
            # A new secret may stand in any of the others too.
            others = frame.variables.keys() - set(names)
            found = (rows.value_row(level, frame, name, secrets) for name in others)
            saved += (row for row in found if "secret" in row)
        gone += ({"level": level, "name": name} for name in before - frame.variables.keys())
    for level, (_, before) in enumerate(claimed.written[len(frames) :], len(frames)):
        gone += ({"level": level, "name": name} for name in before)
    if saved:
        params["saved"] = rows.dumps(saved)
        parts.append(_SAVED if secrets is None else _SAVED_SECRETLY)
    if gone:
        params["gone"] = rows.dumps(gone)
        parts.append(
            """gone AS (
                DELETE FROM executions_value v
                USING held, json_to_recordset(%(gone)s::json) AS g(level smallint, name text)
                WHERE v.execution_id = %(id)s AND v.level = g.level AND v.name = g.name
            )"""
        )
    return parts


def _progress_parts(progress: Progress, params: dict[str, Any]) -> list[str]:
    parts = []
    if progress.thrown:
        handled = progress.handled
        params["thrown"] = rows.dumps([rows.thrown_row(t, handled) for t in progress.thrown])
        parts.append(
            """thrown AS (
                INSERT INTO executions_exceptionrecord
                    (execution_id, step, at, block, type, message, data, handled_by, traceback)
                SELECT %(id)s, e.step, to_timestamp(e.at), e.block, e.type, e.message, e.data,
                    e.handled_by, e.traceback
                FROM held, json_to_recordset(%(thrown)s::json)
                    AS e(step bigint, at double precision, block text, type text, message text,
                         data json, handled_by text, traceback text)
            )"""
        )
    if progress.handled:
        params["handled"] = rows.dumps(
            [{"step": step, "by": block} for step, block in progress.handled.items()]
        )
        parts.append(
            """handled AS (
                UPDATE executions_exceptionrecord e SET handled_by = h.by
                FROM held, json_to_recordset(%(handled)s::json) AS h(step bigint, by text)
                WHERE e.execution_id = %(id)s AND e.step = h.step AND e.handled_by = ''
            )"""
        )
    if progress.logged:
        params["logged"] = rows.dumps([rows.log_row(line) for line in progress.logged])
        parts.append(
            """logged AS (
                INSERT INTO executions_logentry
                    (execution_id, step, at, block, severity, event_type, details,
                     event_started_at, event_ended_at)
                SELECT %(id)s, l.step, to_timestamp(l.at), l.block, l.severity, l.event_type,
                    l.details, l.event_started_at, l.event_ended_at
                FROM held, json_to_recordset(%(logged)s::json)
                    AS l(step bigint, at double precision, block text, severity text,
                         event_type text, details json, event_started_at timestamptz,
                         event_ended_at timestamptz)
            )"""
        )
    return parts
