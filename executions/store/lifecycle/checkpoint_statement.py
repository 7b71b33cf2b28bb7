"""The statement of a checkpoint: an UPDATE of the execution's row, and what is written with it.

Each further write is a common table expression that reads from `updated`, the row that the UPDATE
returned: where the UPDATE finds its lease lost, nothing is written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from executions.engine.interpreter import Interpreter
from executions.engine.state import Progress
from executions.states import STATUS_PARAMS, WORKING, Status
from executions.store import rows
from executions.store.lifecycle.claims import RETURNING, ClaimedExecution
from executions.store.statements import fetch


def one_of(statuses: Iterable[Status]) -> str:
    """Return the comparison with one of these statuses. Each is a parameter: psycopg takes several
    times as long for a list of them."""
    return f"IN ({', '.join(f'%({status.name.lower()})s' for status in sorted(statuses))})"


#: The worker still holds the execution.
LEASE_HELD = f"lease_owner = %(owner)s AND status {one_of(WORKING)}"
#: No worker holds it; a command has locked its row.
NO_WORKER = "lease_owner = ''"


@dataclass(slots=True)
class CheckpointStatement:
    """One UPDATE of an execution's row, where `guard` holds, with the writes that go with it."""

    guard: str = LEASE_HELD
    params: dict[str, Any] = field(default_factory=dict)
    assignments: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    def assign(self, assignments: str, **params: Any) -> None:
        """Set columns of the execution's row."""
        self.assignments.append(assignments)
        self.params |= params

    def add(self, part: str, **params: Any) -> None:
        """Write something else too."""
        self.parts.append(part)
        self.params |= params

    def run(self, claimed: ClaimedExecution) -> tuple[Any, ...] | None:
        """Run it; return the columns of an event, the request and the debug plan, or None where
        the guard does not hold."""
        self.params |= {
            **STATUS_PARAMS,
            "id": claimed.id,
            "owner": claimed.owner,
        }
        update = _UPDATE.format(assignments=", ".join(self.assignments), guard=self.guard)
        return fetch(f"WITH {', '.join([update, *self.parts])} SELECT * FROM updated", self.params)


_UPDATE = f"""
    updated AS (
        UPDATE executions_execution
        SET revision = revision + 1, updated_at = now(), {{assignments}}
        WHERE id = %(id)s AND {{guard}}
        RETURNING {RETURNING}, request, debug::text, version_id
    )"""
TOKENS = """
    tokens AS (
        INSERT INTO executions_token (execution_id, level, workspace, block, state)
        SELECT %(id)s, t.level, t.workspace, t.block, t.state
        FROM updated, json_to_recordset(%(tokens)s::json)
            AS t(level smallint, workspace text, block text, state json)
        ON CONFLICT (execution_id, level) DO UPDATE
        SET workspace = excluded.workspace, block = excluded.block, state = excluded.state
    )"""
LEFT_TOKENS = """
    left_tokens AS (
        DELETE FROM executions_token USING updated
        WHERE execution_id = %(id)s AND level >= %(levels)s
    )"""
VALUES = """
    saved AS (
        INSERT INTO executions_value (execution_id, level, name, value)
        SELECT %(id)s, v.level, v.name, v.value
        FROM updated, json_to_recordset(%(saved)s::json) AS v(level smallint, name text, value json)
        ON CONFLICT (execution_id, level, name) DO UPDATE SET value = excluded.value
    )"""
VALUES_WITH_SECRETS = """
    saved AS (
        INSERT INTO executions_value (execution_id, level, name, value, secret)
        SELECT %(id)s, v.level, v.name, v.value, v.secret
        FROM updated, json_to_recordset(%(saved)s::json)
            AS v(level smallint, name text, value json, secret json)
        ON CONFLICT (execution_id, level, name) DO UPDATE
        SET value = excluded.value, secret = excluded.secret
    )"""
GONE_VALUES = """
    gone AS (
        DELETE FROM executions_value v
        USING updated, json_to_recordset(%(gone)s::json) AS g(level smallint, name text)
        WHERE v.execution_id = %(id)s AND v.level = g.level AND v.name = g.name
    )"""
EXCEPTIONS = """
    thrown AS (
        INSERT INTO executions_exceptionrecord
            (execution_id, step, at, block, type, message, data, handled_by, traceback)
        SELECT %(id)s, e.step, to_timestamp(e.at), e.block, e.type, e.message, e.data,
            e.handled_by, e.traceback
        FROM updated, json_to_recordset(%(thrown)s::json)
            AS e(step bigint, at double precision, block text, type text, message text,
                 data json, handled_by text, traceback text)
    )"""
HANDLED_EXCEPTIONS = """
    handled AS (
        UPDATE executions_exceptionrecord e SET handled_by = h.by
        FROM updated, json_to_recordset(%(handled)s::json) AS h(step bigint, by text)
        WHERE e.execution_id = %(id)s AND e.step = h.step AND e.handled_by = ''
    )"""
LOG_ENTRIES = """
    logged AS (
        INSERT INTO executions_logentry
            (execution_id, step, at, block, severity, event_type, details,
             event_started_at, event_ended_at, flow_name, initiator_id)
        SELECT %(id)s, l.step, to_timestamp(l.at), l.block, l.severity, l.event_type,
            l.details, l.event_started_at, l.event_ended_at, updated.flow_name,
            updated.initiator_id
        FROM updated, json_to_recordset(%(logged)s::json)
            AS l(step bigint, at double precision, block text, severity text,
                 event_type text, details json, event_started_at timestamptz,
                 event_ended_at timestamptz)
    )"""
#: Its ancestors count it a moment later (`store.lifecycle.failures`).
FAILED_CHILD = """
    failed_child AS (
        INSERT INTO executions_uncountedfailure (execution_id) SELECT %(id)s FROM updated
    )"""


def add_tokens(
    statement: CheckpointStatement, claimed: ClaimedExecution, interpreter: Interpreter
) -> None:
    """Write the tokens, and delete the rows of those that are no more."""
    frames = interpreter.frames
    has_secrets = interpreter.secrets is not None
    found = [rows.token_row(n, frame, has_secrets=has_secrets) for n, frame in enumerate(frames)]
    tokens = rows.dumps(found)
    statement.add(TOKENS, tokens=tokens)
    if len(claimed.written) > len(frames):
        statement.add(LEFT_TOKENS, levels=len(frames))


def add_variables(
    statement: CheckpointStatement,
    claimed: ClaimedExecution,
    interpreter: Interpreter,
    progress: Progress,
) -> None:
    """Write the variables that changed, and delete the rows of those that are no more."""
    secrets = interpreter.secrets
    saved: list[dict[str, Any]] = []
    gone: list[dict[str, Any]] = []
    for level, frame in enumerate(interpreter.frames):
        before: set[str] = set()
        names: set[str] | Mapping[str, Any] = frame.variables
        if level < len(claimed.written):
            written, before = claimed.written[level]
            if written is frame:
                names = progress.changed[level] & frame.variables.keys()
        saved += (rows.value_row(level, frame, name, secrets) for name in names)
        if progress.secrets_changed:
            # A new secret may stand in any of the others too.
            others = frame.variables.keys() - set(names)
            found = (rows.value_row(level, frame, name, secrets) for name in others)
            saved += (row for row in found if "secret" in row)
        gone += ({"level": level, "name": name} for name in before - frame.variables.keys())
    levels = len(interpreter.frames)
    for level, (_, before) in enumerate(claimed.written[levels:], levels):
        gone += ({"level": level, "name": name} for name in before)
    if saved:
        part = VALUES if secrets is None else VALUES_WITH_SECRETS
        statement.add(part, saved=rows.dumps(saved))
    if gone:
        statement.add(GONE_VALUES, gone=rows.dumps(gone))


def add_records(statement: CheckpointStatement, progress: Progress) -> None:
    """Write the exceptions, which of them were handled, and the log entries."""
    handled = dict(progress.handled)
    if progress.thrown:
        thrown = rows.dumps([rows.thrown_row(one, handled) for one in progress.thrown])
        statement.add(EXCEPTIONS, thrown=thrown)
    if handled:
        earlier = [{"step": step, "by": block} for step, block in handled.items()]
        statement.add(HANDLED_EXCEPTIONS, handled=rows.dumps(earlier))
    if progress.logged:
        logged = rows.dumps([rows.log_row(line) for line in progress.logged])
        statement.add(LOG_ENTRIES, logged=logged)
