"""Guarded transitions: every status change that is not a worker's checkpoint.

Each is one UPDATE that names the statuses that it may start from and returns what it changed.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from executions.events import ExecutionChanged
from executions.limits import RECOVERY_BATCH, REQUEUE_AFTER, WORKER_DEATHS
from executions.store.lifecycle.claims import RETURNING
from flows import values

CHANGE = "updated_at = now(), revision = revision + 1"
QUEUE = (
    "status = 'Queued', lease_owner = '', reason = '', "
    "lease_expires_at = now() + make_interval(secs => %(requeue)s), " + CHANGE
)


def update(sets: str, where: str, params: Mapping[str, Any]) -> list[ExecutionChanged]:
    """Change executions where a guard holds; it names the statuses that they may come from."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE executions_execution SET {sets} WHERE {where} RETURNING {RETURNING}",
            {"requeue": REQUEUE_AFTER, "batch": RECOVERY_BATCH, **params},
        )
        return [ExecutionChanged(*row) for row in cursor.fetchall()]


def one(sets: str, where: str, execution_id: UUID, **params: Any) -> ExecutionChanged | None:
    """Change one execution where the guard holds; None when it does not."""
    changed = update(sets, f"id = %(id)s AND {where}", {"id": execution_id, **params})
    return changed[0] if changed else None


#: Queued or waiting → Paused at once; Running on a worker → Pausing.
PAUSE = (
    "reason = CASE WHEN status = 'Queued' THEN '' ELSE reason END, "
    "status = CASE WHEN lease_owner = '' THEN 'Paused' ELSE 'Pausing' END, "
    "place = CASE WHEN lease_owner <> '' THEN place "
    "WHEN state #>> '{waits,for}' = 'exception' THEN 'exception' ELSE 'block' END, "
    "request = CASE WHEN lease_owner = '' THEN '' ELSE 'pause' END, "
    "lease_expires_at = CASE WHEN lease_owner = '' THEN NULL ELSE lease_expires_at END, " + CHANGE
)
PAUSABLE = "status IN ('Queued', 'Running')"
#: Held by a worker → Stopping; otherwise → Stopped at once.
STOP = (
    "status = CASE WHEN lease_owner = '' THEN 'Stopped' ELSE 'Stopping' END, "
    "request = CASE WHEN lease_owner = '' THEN '' ELSE 'stop' END, "
    "reason = '', place = '', due_at = NULL, awaits = NULL, "
    "ended_at = CASE WHEN lease_owner = '' THEN now() END, "
    "lease_expires_at = CASE WHEN lease_owner = '' THEN NULL ELSE lease_expires_at END, " + CHANGE
)
STOPPABLE = "status IN ('Queued', 'Running', 'Pausing', 'Paused', 'Exception')"


def pause(execution_id: UUID) -> ExecutionChanged | None:
    """Queued or Running → Paused, or Pausing while a worker holds it."""
    return one(PAUSE, PAUSABLE, execution_id)


def stop(execution_id: UUID) -> ExecutionChanged | None:
    """Live → Stopped, or Stopping while a worker holds it."""
    return one(STOP, STOPPABLE, execution_id)


def force_stop(execution_id: UUID) -> tuple[ExecutionChanged, str] | None:
    """Live → Stopped at once, also when a worker holds it, with who held it. What that worker
    writes later finds its lease gone."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH held AS (SELECT id AS held_id, lease_owner AS holder FROM executions_execution "
            f"WHERE id = %(id)s AND ended_at IS NULL FOR UPDATE), "
            f"stopped AS (UPDATE executions_execution SET status = 'Stopped', request = '', "
            f"reason = '', place = '', due_at = NULL, lease_owner = '', lease_expires_at = NULL, "
            f"ended_at = now(), {CHANGE} FROM held WHERE id = held_id "
            f"RETURNING {RETURNING}, holder) SELECT * FROM stopped",
            {"id": execution_id},
        )
        row = cursor.fetchone()
    return None if row is None else (ExecutionChanged(*row[:-1]), row[-1])


def wake_parents(children: Mapping[UUID, UUID]) -> list[ExecutionChanged]:
    """Waiting for one of these children (child → parent) → Queued. One that is paused meanwhile
    looks when it goes on."""
    return update(
        QUEUE,
        "id = ANY(%(parents)s) AND status = 'Running' AND reason = 'children' "
        "AND lease_owner = '' AND state -> 'waits' ->> 'child' = ANY(%(children)s)",
        {"parents": list(children.values()), "children": [str(child) for child in children]},
    )


def wake_waiters(tasks: Sequence[UUID]) -> list[ExecutionChanged]:
    """Waiting for tasks of which these were the last to end → Queued."""
    with connection.cursor() as cursor:
        # Locked first: two tasks that end at once must not each take the other for alive.
        cursor.execute(
            "SELECT id FROM executions_execution WHERE awaits && %s::uuid[] "
            "ORDER BY depth DESC, id FOR UPDATE",
            [list(tasks)],
        )
        waiters = [row[0] for row in cursor.fetchall()]
    if not waiters:
        return []
    return update(
        f"{QUEUE}, due_at = NULL, awaits = NULL",
        "id = ANY(%(waiters)s) AND status = 'Running' AND lease_owner = '' AND NOT EXISTS ("
        "SELECT 1 FROM executions_execution task "
        "WHERE task.id = ANY(executions_execution.awaits) AND task.ended_at IS NULL)",
        {"waiters": waiters},
    )


def wake_granted() -> list[ExecutionChanged]:
    """Parked for a semaphore that was granted → Queued, a batch at a time.

    One that somebody changes at the moment is skipped; recovery comes by again.
    """
    return update(
        f"{QUEUE}, due_at = NULL",
        "id IN (SELECT e.id FROM executions_execution e "
        "JOIN executions_semaphoreticket t ON t.execution_id = e.id AND t.stage = 'granted' "
        "WHERE e.status = 'Running' AND e.reason = 'semaphore' AND e.lease_owner = '' "
        "LIMIT %(batch)s FOR UPDATE OF e SKIP LOCKED)",
        {},
    )


def wake_due() -> list[ExecutionChanged]:
    """Waiting for a time that has come, or for something else no longer than until now → Queued,
    a batch at a time."""
    return update(
        f"{QUEUE}, due_at = NULL",
        "id IN (SELECT id FROM executions_execution WHERE due_at <= now() "
        "AND status = 'Running' AND reason <> '' AND lease_owner = '' "
        "ORDER BY due_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)",
        {},
    )


def take_over_expired() -> list[ExecutionChanged]:
    """Held by a worker whose lease ran out → Queued, Paused or Stopped, as it was asked to."""
    return _take_over(
        "id IN (SELECT id FROM executions_execution WHERE lease_expires_at < now() "
        "AND status IN ('Running', 'Pausing', 'Stopping') LIMIT %(batch)s "
        "FOR UPDATE SKIP LOCKED)"
    )


def take_over(execution_id: UUID, task_id: str, *, late: bool) -> list[ExecutionChanged]:
    """Held by a worker's task whose process has died → as above; `late` when the alarm ended it."""
    return _take_over(
        "id = %(id)s AND status IN ('Running', 'Pausing', 'Stopping') "
        "AND right(lease_owner, length(%(task)s) + 1) = ':' || %(task)s",
        id=execution_id,
        task=task_id,
        late=late,
    )


def _take_over(where: str, *, late: bool = False, **params: Any) -> list[ExecutionChanged]:
    """Counts the deaths beside what the execution was doing, for whoever claims it next."""
    return update(
        f"state = CASE status WHEN 'Running' THEN json_build_object("
        f"'deaths', coalesce((state ->> 'deaths')::int, 0) + 1, 'was_late', %(late)s::boolean, "
        f"'was', coalesce(state -> 'was', state)) ELSE state END, "
        f"status = CASE status WHEN 'Pausing' THEN 'Paused' WHEN 'Stopping' THEN 'Stopped' "
        f"ELSE 'Queued' END, "
        f"ended_at = CASE status WHEN 'Stopping' THEN now() END, "
        f"place = CASE status WHEN 'Pausing' THEN 'block' ELSE '' END, "
        f"lease_expires_at = CASE status WHEN 'Running' "
        f"THEN now() + make_interval(secs => %(requeue)s) END, "
        f"lease_owner = '', request = '', {CHANGE}",
        where,
        {"late": late, **params},
    )


def give_back(
    execution_id: UUID, owner: str, broke: Mapping[str, Any] | None, failure: UUID | None = None
) -> list[ExecutionChanged]:
    """Held by a worker whose turn failed → as after its death, and with `broke`, what went wrong,
    counted beside what it was doing. One that has failed `WORKER_DEATHS` times in a row → Error,
    with that as its last exception; `failure` is that one's fingerprint."""
    if broke is None:
        kept, failed = "state", "false"
    else:
        count = "coalesce((state ->> 'deaths')::int, 0) + 1"
        failed = f"{count} >= %(most)s"
        kept = (
            f"CASE WHEN {failed} THEN json_build_object('error', %(thrown)s::json) "
            f"ELSE json_build_object('deaths', {count}, 'broke', %(broke)s::json, "
            f"'was', coalesce(state -> 'was', state)) END"
        )
    status = (
        f"CASE status WHEN 'Pausing' THEN 'Paused' WHEN 'Stopping' THEN 'Stopped' "
        f"ELSE CASE WHEN {failed} THEN 'Error' ELSE 'Queued' END END"
    )
    thrown = None if broke is None else values.decode(broke["exception"])
    return update(
        f"state = CASE status WHEN 'Running' THEN {kept} ELSE state END, status = {status}, "
        f"ended_at = CASE WHEN {status} IN ('Stopped', 'Error') THEN now() END, "
        f"error_type = CASE {status} WHEN 'Error' THEN %(type)s ELSE error_type END, "
        f"error_message = CASE {status} WHEN 'Error' THEN %(message)s ELSE error_message END, "
        f"failure = CASE {status} WHEN 'Error' THEN %(failure)s ELSE failure END, "
        f"exception_types = CASE WHEN {status} <> 'Error' "
        r"OR %(type)s = ANY(string_to_array(exception_types, E'\n')) THEN exception_types "
        r"ELSE ltrim(exception_types || E'\n' || %(type)s, E'\n') END, "
        f"place = CASE {status} WHEN 'Paused' THEN 'block' ELSE '' END, "
        f"lease_expires_at = CASE {status} WHEN 'Queued' "
        f"THEN now() + make_interval(secs => %(requeue)s) END, "
        f"lease_owner = '', request = '', reason = '', {CHANGE}",
        "id = %(id)s AND lease_owner = %(owner)s AND status IN ('Running', 'Pausing', 'Stopping')",
        {
            "id": execution_id,
            "owner": owner,
            "most": WORKER_DEATHS,
            "failure": failure,
            "broke": json.dumps(broke),
            "thrown": None if broke is None else json.dumps(broke["exception"]),
            "type": thrown.short_type if thrown else "",
            "message": thrown.message[:400] if thrown else "",
        },
    )


def lost_messages() -> list[ExecutionChanged]:
    """Queued executions whose message counts as lost; each is named once a while."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE executions_execution "
            "SET lease_expires_at = now() + make_interval(secs => %(again)s) "
            "WHERE id IN (SELECT id FROM executions_execution WHERE lease_expires_at < now() "
            "AND status = 'Queued' ORDER BY lease_expires_at LIMIT %(batch)s "
            f"FOR UPDATE SKIP LOCKED) RETURNING {RETURNING}",
            {"batch": RECOVERY_BATCH, "again": 6 * REQUEUE_AFTER},
        )
        return [ExecutionChanged(*row) for row in cursor.fetchall()]


def anyone_queued(besides: ExecutionChanged) -> bool:
    """Whether another execution waits for a worker, or for the one that this execution holds; not
    one that waits because of a limit of others."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM executions_execution "
            "WHERE status = 'Queued' AND id <> %(id)s "
            "AND (reason = '' OR lease_expires_at IS NOT NULL)) "
            "OR EXISTS (SELECT 1 FROM executions_execution WHERE reason = 'limit' "
            "AND waiting_for = 'person' AND initiator_id = %(person)s) "
            "OR EXISTS (SELECT 1 FROM executions_execution WHERE reason = 'limit' "
            "AND waiting_for = 'flow' AND flow_name = %(flow)s)",
            {"id": besides.id, "person": besides.initiator_id, "flow": besides.flow_name},
        )
        return bool(cursor.fetchone()[0])


def lock_family(execution_id: UUID, *, tasks: bool = False) -> list[UUID]:
    """Lock an execution and its live descendants, and return their ids, the deepest first.

    Unless `tasks` says so, tasks are no part of it: they go on, however the flow ends that started
    them (semantics 71).

    A child that ends locks itself and then its parent; taking the locks in the same order keeps
    the two from waiting for each other.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE family AS ("
            "SELECT id FROM executions_execution WHERE id = %s UNION ALL "
            "SELECT child.id FROM executions_execution child "
            "JOIN family ON child.parent_id = family.id "
            "WHERE child.ended_at IS NULL AND (%s OR child.trigger <> 'task')) "
            "SELECT id FROM executions_execution WHERE id IN (SELECT id FROM family) "
            "ORDER BY depth DESC, id FOR UPDATE",
            [execution_id, tasks],
        )
        return [row[0] for row in cursor.fetchall()]
