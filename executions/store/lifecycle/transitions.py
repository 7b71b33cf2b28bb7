"""Guarded transitions: every status change that is not a worker's checkpoint.

Each is one UPDATE that names the statuses that it may start from and returns what it changed.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from executions.events import ExecutionChanged
from executions.limits import MAX_WORKER_DEATHS, RECOVERY_BATCH, REQUEUE_SECONDS
from executions.store.lifecycle.claims import RETURNING
from executions.store.state_params import STATE_PARAMS
from flows import values

#: What every change of a row sets.
CHANGE = "updated_at = now(), revision = revision + 1"
#: What an execution is set to that waits for a worker; its message counts as lost after a while.
QUEUE = f"""
    status = %(queued)s, lease_owner = '', reason = '',
    lease_expires_at = now() + make_interval(secs => %(requeue)s), {CHANGE}
"""

#: Queued or waiting → Paused at once; Running on a worker → Pausing.
PAUSE = f"""
    UPDATE executions_execution SET
        reason = CASE WHEN status = %(queued)s THEN '' ELSE reason END,
        status = CASE WHEN lease_owner = '' THEN %(paused)s ELSE %(pausing)s END,
        place = CASE
            WHEN lease_owner <> '' THEN place
            WHEN state #>> '{{waits,for}}' = 'exception' THEN %(place_exception_port)s
            ELSE %(place_block)s
        END,
        request = CASE WHEN lease_owner = '' THEN '' ELSE %(request_pause)s END,
        lease_expires_at = CASE WHEN lease_owner = '' THEN NULL ELSE lease_expires_at END,
        {CHANGE}
    WHERE id = ANY(%(ids)s) AND status = ANY(%(pausable)s)
    RETURNING {RETURNING}
"""
#: Held by a worker → Stopping; otherwise → Stopped at once.
SET_STOPPED = f"""
    status = CASE WHEN lease_owner = '' THEN %(stopped)s ELSE %(stopping)s END,
    request = CASE WHEN lease_owner = '' THEN '' ELSE %(request_stop)s END,
    reason = '', place = '', due_at = NULL, awaits = NULL,
    ended_at = CASE WHEN lease_owner = '' THEN now() END,
    lease_expires_at = CASE WHEN lease_owner = '' THEN NULL ELSE lease_expires_at END,
    {CHANGE}
"""
_STOP = f"""
    UPDATE executions_execution SET {SET_STOPPED}
    WHERE id = ANY(%(ids)s) AND status = ANY(%(stoppable)s)
    RETURNING {RETURNING}
"""
_FORCE_STOP = f"""
    WITH held AS (
        SELECT id AS held_id, lease_owner AS holder FROM executions_execution
        WHERE id = %(id)s AND ended_at IS NULL
        FOR UPDATE
    ), stopped AS (
        UPDATE executions_execution SET
            status = %(stopped)s, request = '', reason = '', place = '', due_at = NULL,
            lease_owner = '', lease_expires_at = NULL, ended_at = now(), {CHANGE}
        FROM held WHERE id = held_id
        RETURNING {RETURNING}, holder
    )
    SELECT * FROM stopped
"""
_WAKE_PARENTS = f"""
    UPDATE executions_execution SET {QUEUE}
    WHERE id = ANY(%(parents)s) AND status = %(running)s AND reason = %(reason_children)s
        AND lease_owner = '' AND state -> 'waits' ->> 'child' = ANY(%(children)s)
    RETURNING {RETURNING}
"""
_LOCK_WAITERS = """
    SELECT id FROM executions_execution WHERE awaits && %s::uuid[]
    ORDER BY depth DESC, id DESC
    FOR UPDATE
"""
_WAKE_WAITERS = f"""
    UPDATE executions_execution SET {QUEUE}, due_at = NULL, awaits = NULL
    WHERE id = ANY(%(waiters)s) AND status = %(running)s AND lease_owner = ''
        AND NOT EXISTS (
            SELECT 1 FROM executions_execution task
            WHERE task.id = ANY(executions_execution.awaits) AND task.ended_at IS NULL
        )
    RETURNING {RETURNING}
"""
_WAKE_GRANTED = f"""
    UPDATE executions_execution SET {QUEUE}, due_at = NULL
    WHERE id IN (
        SELECT e.id FROM executions_execution e
        JOIN executions_semaphoreticket t ON t.execution_id = e.id AND t.stage = %(stage_granted)s
        WHERE e.status = %(running)s AND e.reason = %(reason_semaphore)s AND e.lease_owner = ''
        LIMIT %(batch)s
        FOR UPDATE OF e SKIP LOCKED
    )
    RETURNING {RETURNING}
"""
_WAKE_ANSWERED = f"""
    UPDATE executions_execution SET {QUEUE}, due_at = NULL
    WHERE id = %(id)s AND status = %(running)s AND reason = %(reason_person)s
        AND lease_owner = ''
    RETURNING {RETURNING}
"""
_ASSIGN_QUESTION = f"""
    UPDATE executions_execution SET waiting_for = %(text)s, {CHANGE}
    WHERE id = %(id)s AND reason = %(reason_person)s AND lease_owner = ''
    RETURNING {RETURNING}
"""
_WAKE_READY = f"""
    UPDATE executions_execution SET {QUEUE}, due_at = NULL
    WHERE id IN (
        SELECT e.id FROM executions_execution e
        JOIN executions_waiter w ON w.execution_id = e.id AND w.ready_at IS NOT NULL
        WHERE e.status = %(running)s AND e.reason IN (%(reason_storage)s, %(reason_signal)s)
            AND e.lease_owner = ''
        LIMIT %(batch)s
        FOR UPDATE OF e SKIP LOCKED
    )
    RETURNING {RETURNING}
"""
_WAKE_DUE = f"""
    UPDATE executions_execution SET {QUEUE}, due_at = NULL
    WHERE id IN (
        SELECT id FROM executions_execution
        WHERE due_at <= now() AND status = %(running)s AND reason <> '' AND lease_owner = ''
        ORDER BY due_at LIMIT %(batch)s
        FOR UPDATE SKIP LOCKED
    )
    RETURNING {RETURNING}
"""
#: Counts the deaths of workers beside what the execution was doing, for whoever claims it next.
_SET_RECLAIMED = f"""
    state = CASE status
        WHEN %(running)s THEN json_build_object(
            'deaths', coalesce((state ->> 'deaths')::int, 0) + 1,
            'was_late', %(killed_by_alarm)s::boolean,
            'was', coalesce(state -> 'was', state)
        )
        ELSE state
    END,
    status = CASE status
        WHEN %(pausing)s THEN %(paused)s
        WHEN %(stopping)s THEN %(stopped)s
        ELSE %(queued)s
    END,
    ended_at = CASE status WHEN %(stopping)s THEN now() END,
    place = CASE status WHEN %(pausing)s THEN %(place_block)s ELSE '' END,
    lease_expires_at = CASE status
        WHEN %(running)s THEN now() + make_interval(secs => %(requeue)s)
    END,
    lease_owner = '', request = '', {CHANGE}
"""
_RECLAIM_EXPIRED = f"""
    UPDATE executions_execution SET {_SET_RECLAIMED}
    WHERE id IN (
        SELECT id FROM executions_execution
        WHERE lease_expires_at < now() AND status = ANY(%(working)s)
        LIMIT %(batch)s
        FOR UPDATE SKIP LOCKED
    )
    RETURNING {RETURNING}
"""
_RECLAIM = f"""
    UPDATE executions_execution SET {_SET_RECLAIMED}
    WHERE id = %(id)s AND status = ANY(%(working)s)
        AND right(lease_owner, length(%(task)s) + 1) = ':' || %(task)s
    RETURNING {RETURNING}
"""
_GIVE_BACK = f"""
    WITH held AS (
        SELECT id AS held_id, died.times, CASE
            WHEN status = %(pausing)s THEN %(paused)s
            WHEN status = %(stopping)s THEN %(stopped)s
            WHEN %(failed_turn)s::json IS NOT NULL AND died.times >= %(most)s THEN %(error)s
            ELSE %(queued)s
        END AS following
        FROM executions_execution,
            LATERAL (SELECT coalesce((state ->> 'deaths')::int, 0) + 1 AS times) AS died
        WHERE id = %(id)s AND lease_owner = %(owner)s AND status = ANY(%(working)s)
        FOR UPDATE OF executions_execution
    )
    UPDATE executions_execution SET
        status = following,
        state = CASE
            WHEN status <> %(running)s OR %(failed_turn)s::json IS NULL THEN state
            WHEN following = %(error)s THEN json_build_object('error', %(thrown)s::json)
            ELSE json_build_object(
                'deaths', times, 'broke', %(failed_turn)s::json,
                'was', coalesce(state -> 'was', state)
            )
        END,
        ended_at = CASE WHEN following IN (%(stopped)s, %(error)s) THEN now() END,
        error_type = CASE following WHEN %(error)s THEN %(type)s ELSE error_type END,
        error_message = CASE following WHEN %(error)s THEN %(message)s ELSE error_message END,
        failure = CASE following WHEN %(error)s THEN %(failure)s ELSE failure END,
        exception_types = CASE
            WHEN following <> %(error)s
                OR %(type)s = ANY(string_to_array(exception_types, E'\\n')) THEN exception_types
            ELSE ltrim(exception_types || E'\\n' || %(type)s, E'\\n')
        END,
        place = CASE following WHEN %(paused)s THEN %(place_block)s ELSE '' END,
        lease_expires_at = CASE following
            WHEN %(queued)s THEN now() + make_interval(secs => %(requeue)s)
        END,
        last_worker = split_part(lease_owner, ':', 1),
        lease_owner = '', request = '', reason = '', {CHANGE}
    FROM held WHERE id = held_id
    RETURNING {RETURNING}
"""
_POSTPONE_LOST_MESSAGES = f"""
    UPDATE executions_execution
    SET lease_expires_at = now() + make_interval(secs => %(postponed)s)
    WHERE id IN (
        SELECT id FROM executions_execution
        WHERE lease_expires_at < now() AND status = %(queued)s
        ORDER BY lease_expires_at LIMIT %(batch)s
        FOR UPDATE SKIP LOCKED
    )
    RETURNING {RETURNING}
"""
_LOCK_FAMILY = """
    WITH RECURSIVE family AS (
        SELECT id FROM executions_execution WHERE id = %(id)s
        UNION ALL
        SELECT child.id FROM executions_execution child
        JOIN family ON child.parent_id = family.id
        WHERE child.ended_at IS NULL AND (%(tasks)s OR child.trigger <> %(trigger_task)s)
    )
    SELECT id FROM executions_execution WHERE id IN (SELECT id FROM family)
    ORDER BY depth DESC, id DESC
    FOR UPDATE
"""


def update(statement: str, **params: Any) -> list[ExecutionChanged]:
    """Run an UPDATE that returns the columns of an event, and return what it changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {**STATE_PARAMS, "requeue": REQUEUE_SECONDS, "batch": RECOVERY_BATCH, **params},
        )
        return [ExecutionChanged(*row) for row in cursor.fetchall()]


def update_one(statement: str, execution_id: UUID, **params: Any) -> ExecutionChanged | None:
    """Run an UPDATE on one execution, as one of its `ids`; None when its guard does not hold."""
    changed = update(statement, ids=[execution_id], **params)
    return changed[0] if changed else None


def pause(execution_id: UUID) -> ExecutionChanged | None:
    """Queued or Running → Paused, or Pausing while a worker holds it."""
    return update_one(PAUSE, execution_id)


def stop(execution_id: UUID) -> ExecutionChanged | None:
    """Live → Stopped, or Stopping while a worker holds it."""
    return update_one(_STOP, execution_id)


def force_stop(execution_id: UUID) -> tuple[ExecutionChanged, str] | None:
    """Live → Stopped at once, also when a worker holds it; return who held it as well.

    What that worker writes later finds its lease gone.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FORCE_STOP, {**STATE_PARAMS, "id": execution_id})
        row = cursor.fetchone()
    return None if row is None else (ExecutionChanged(*row[:-1]), row[-1])


def wake_parents(children: Mapping[UUID, UUID]) -> list[ExecutionChanged]:
    """Waiting for one of these children (child → parent) → Queued.

    A parent that is paused meanwhile looks when it goes on.
    """
    return update(
        _WAKE_PARENTS,
        parents=list(children.values()),
        children=[str(child) for child in children],
    )


def wake_waiters(tasks: Sequence[UUID]) -> list[ExecutionChanged]:
    """Waiting for tasks of which these were the last to end → Queued."""
    with connection.cursor() as cursor:
        # Locked first: two tasks that end at once must not each take the other for alive.
        cursor.execute(_LOCK_WAITERS, [list(tasks)])
        waiters = [row[0] for row in cursor.fetchall()]
    return update(_WAKE_WAITERS, waiters=waiters) if waiters else []


def wake_granted() -> list[ExecutionChanged]:
    """Parked for a semaphore that was granted → Queued, a batch at a time.

    One that somebody changes at the moment is skipped; recovery comes by again.
    """
    return update(_WAKE_GRANTED)


def wake_answered(execution_id: UUID) -> list[ExecutionChanged]:
    """Waiting for a person who has answered → Queued. One that is paused looks when it goes on."""
    return update(_WAKE_ANSWERED, id=execution_id)


def assign_question(execution_id: UUID, text: str) -> list[ExecutionChanged]:
    """Say for whom an execution waits, as `wait_text` says it. Its status stays."""
    return update(_ASSIGN_QUESTION, id=execution_id, text=text[:400])


def wake_ready() -> list[ExecutionChanged]:
    """Parked for a signal or for Data Storage, which has come → Queued, a batch at a time.

    One that somebody changes at the moment is skipped; recovery comes by again.
    """
    return update(_WAKE_READY)


def wake_due() -> list[ExecutionChanged]:
    """Waiting for a time that has come, or whose timeout has → Queued, a batch at a time."""
    return update(_WAKE_DUE)


def reclaim_expired() -> list[ExecutionChanged]:
    """Held by a worker whose lease ran out → Queued, Paused or Stopped, as it was asked to."""
    return update(_RECLAIM_EXPIRED, killed_by_alarm=False)


def reclaim(execution_id: UUID, task_id: str, *, killed_by_alarm: bool) -> list[ExecutionChanged]:
    """Held by a worker whose process has died → Queued, Paused or Stopped.

    `killed_by_alarm` says whether a block had taken too long.
    """
    return update(_RECLAIM, id=execution_id, task=task_id, killed_by_alarm=killed_by_alarm)


def give_back(
    execution_id: UUID,
    owner: str,
    failed_turn: Mapping[str, Any] | None,
    failure: UUID | None = None,
) -> list[ExecutionChanged]:
    """Held by a worker whose turn failed → as after the worker's death.

    `failed_turn` is what went wrong; it is kept beside what the execution was doing, and counted
    as a death. After `MAX_WORKER_DEATHS` of them in a row → Error, with that as its last exception,
    of which `failure` is the fingerprint. Without `failed_turn` nothing is counted.
    """
    thrown = None if failed_turn is None else values.decode(failed_turn["exception"])
    return update(
        _GIVE_BACK,
        id=execution_id,
        owner=owner,
        most=MAX_WORKER_DEATHS,
        failure=failure,
        failed_turn=None if failed_turn is None else json.dumps(failed_turn),
        thrown=None if failed_turn is None else json.dumps(failed_turn["exception"]),
        type=thrown.short_type if thrown else "",
        message=thrown.message[:400] if thrown else "",
    )


def postpone_lost_messages() -> list[ExecutionChanged]:
    """Return Queued executions whose message counts as lost, so that another one is sent.

    Each counts as lost again after six times `REQUEUE_SECONDS`.
    """
    return update(_POSTPONE_LOST_MESSAGES, postponed=6 * REQUEUE_SECONDS)


def lock_family(execution_id: UUID, *, tasks: bool = False) -> list[UUID]:
    """Lock an execution and its live descendants, and return their ids, the deepest first.

    Unless `tasks` says so, tasks are no part of it: they go on, however the flow ends that started
    them (semantics 71).

    A child that ends locks itself and then its parent; taking the locks in the same order keeps
    the two from waiting for each other.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_FAMILY, {**STATE_PARAMS, "id": execution_id, "tasks": tasks})
        return [row[0] for row in cursor.fetchall()]
