"""Limits of workers: how many executions of one person, and of one flow, may hold one at once.

An execution that finds no room stays Queued with the reason `limit`; `waiting_for` says whether
the limit is the person's or the flow's. It has no message, so its `lease_expires_at` is null, until
there is room for it. Those that wait for one limit stand in a line, in the order in which they
came. The first of them are sent a message, as many as there is room for. Nobody passes them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from executions import limits
from executions.events import ExecutionChanged
from executions.store.lifecycle import transitions
from executions.store.lifecycle.claims import RETURNING
from executions.store.state_params import STATE_PARAMS

PERSON = "person"
FLOW = "flow"
#: The column that an execution's person, or flow, stands in.
_COLUMNS = {PERSON: "initiator_id", FLOW: "flow_name"}
_PARAMS = {**STATE_PARAMS, "of_person": PERSON, "of_flow": FLOW}

#: The first number of the advisory locks says whether the second means a person or a flow.
_LOCK = {
    PERSON: "SELECT pg_advisory_xact_lock(7301, %(key)s::int)",
    FLOW: "SELECT pg_advisory_xact_lock(7302, hashtext(%(key)s))",
}


def _for_each(template: str) -> dict[str, str]:
    """Return a statement about the limit of a person, and one about that of a flow."""
    return {
        kind: template.format(
            column=column,
            # An execution that nobody started has no person.
            of_key=f"({column} = %(key)s OR (%(key)s IS NULL AND {column} IS NULL))",
            in_line="reason = %(reason_limit)s AND status = %(queued)s AND waiting_for = %(kind)s",
            returning=RETURNING,
        )
        for kind, column in _COLUMNS.items()
    }


_COUNT_HELD = _for_each("""
    SELECT count(*) FROM executions_execution WHERE lease_owner <> '' AND {of_key}
""")
_COUNT_BEFORE = _for_each("""
    SELECT count(*) FROM (
        SELECT 1 FROM executions_execution
        WHERE {in_line} AND {of_key} AND id <> %(id)s AND (updated_at, id) < (
            SELECT CASE WHEN reason = %(reason_limit)s THEN updated_at ELSE 'infinity' END, id
            FROM executions_execution WHERE id = %(id)s
        )
        LIMIT %(most)s
    ) AS before
""")
_WAKE_FIRST = _for_each("""
    UPDATE executions_execution SET lease_expires_at = now() + make_interval(secs => %(requeue)s)
    WHERE id IN (
        SELECT id FROM executions_execution
        WHERE lease_expires_at IS NULL AND {in_line} AND id IN (
            SELECT id FROM executions_execution WHERE {in_line} AND {of_key}
            ORDER BY updated_at, id LIMIT %(room)s
        )
        FOR UPDATE SKIP LOCKED
    )
    RETURNING {returning}
""")
_LINES = _for_each("""
    SELECT line.key, coalesce(held.number, 0)
    FROM (
        SELECT DISTINCT {column} AS key FROM executions_execution
        WHERE {in_line} AND lease_expires_at IS NULL
    ) AS line
    LEFT JOIN (
        SELECT {column} AS key, count(*) AS number FROM executions_execution
        WHERE lease_owner <> '' GROUP BY 1
    ) AS held ON held.key = line.key
""")
_OF_QUEUED = """
    SELECT initiator_id, flow_name,
        (SELECT worker_limit FROM flows_flow WHERE name COLLATE "C" = flow_name)
    FROM executions_execution WHERE id = %(id)s AND status = %(queued)s
"""
_WORKER_LIMIT = "SELECT worker_limit FROM flows_flow WHERE name = %(name)s"
_STAND_IN_LINE = f"""
    UPDATE executions_execution SET
        updated_at = CASE WHEN reason = %(reason_limit)s THEN updated_at ELSE now() END,
        revision = revision + CASE
            WHEN reason = %(reason_limit)s AND waiting_for = %(kind)s THEN 0 ELSE 1
        END,
        reason = %(reason_limit)s, waiting_for = %(kind)s, lease_expires_at = NULL
    WHERE id = ANY(%(ids)s) AND status = %(queued)s
    RETURNING {RETURNING}
"""
_ANYONE_QUEUED = """
    SELECT EXISTS (
        SELECT 1 FROM executions_execution
        WHERE status = %(queued)s AND id <> %(id)s
            AND (reason = '' OR lease_expires_at IS NOT NULL)
    ) OR EXISTS (
        SELECT 1 FROM executions_execution
        WHERE reason = %(reason_limit)s AND waiting_for = %(of_person)s
            AND initiator_id = %(person)s
    ) OR EXISTS (
        SELECT 1 FROM executions_execution
        WHERE reason = %(reason_limit)s AND waiting_for = %(of_flow)s
            AND flow_name = %(flow)s
    )
"""


@dataclass(frozen=True, slots=True)
class WorkerLimit:
    """At most `most` executions of a person or of a flow (`kind`) hold a worker; 0 for any number.

    `key` is the person's id or the flow's name; None stands for executions that nobody started.
    """

    kind: str
    key: int | str | None
    most: int

    def lock(self) -> None:
        """Until the transaction ends, nobody else looks whether this limit has room."""
        with connection.cursor() as cursor:
            cursor.execute(_LOCK[self.kind], {"key": self.key})

    def held(self) -> int:
        """Return how many hold a worker."""
        return _count(_COUNT_HELD[self.kind], key=self.key)

    def before(self, execution_id: UUID, most: int) -> int:
        """Return how many wait for it before this execution, counted up to `most`; all that wait
        when this one does not."""
        params = {"kind": self.kind, "key": self.key, "id": execution_id, "most": most}
        return _count(_COUNT_BEFORE[self.kind], **params)

    def has_room(self, execution_id: UUID) -> bool:
        """Whether this execution may have a worker, when it is its turn."""
        return self.held() + self.before(execution_id, self.most) < self.most

    def wake(self) -> list[ExecutionChanged]:
        """Give a message to the first ones in line for which there is room and that have none;
        return them."""
        room = limits.RECOVERY_BATCH if not self.most or self.key is None else self.most
        busy = 0 if not self.most or self.key is None else self.held()
        if busy >= room:
            return []
        statement = _WAKE_FIRST[self.kind]
        return transitions.update(statement, kind=self.kind, key=self.key, room=room - busy)


def limits_of(initiator_id: int | None, flow_name: str, of_flow: int | None) -> list[WorkerLimit]:
    """Return the limits for an execution; `of_flow` is the flow's own."""
    per_flow = limits.WORKERS_PER_FLOW if of_flow is None else of_flow
    person = WorkerLimit(PERSON, initiator_id, limits.WORKERS_PER_PERSON if initiator_id else 0)
    return [limit for limit in (person, WorkerLimit(FLOW, flow_name, per_flow)) if limit.most]


def limits_of_queued(execution_id: UUID) -> list[WorkerLimit] | None:
    """Return the limits for an execution that is Queued; None when it is not."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_QUEUED, {**_PARAMS, "id": execution_id})
        row = cursor.fetchone()
    return None if row is None else limits_of(*row)


def limits_of_event(event: ExecutionChanged) -> list[WorkerLimit]:
    """Return the limits for an execution that has changed."""
    return limits_of(event.initiator_id, event.flow_name, _of_flow(event.flow_name))


def limit_waited_for(initiator_id: int | None, flow_name: str, kind: str) -> WorkerLimit | None:
    """Return the limit of a person (`PERSON`) or of a flow that an execution waits for; None when
    there is none any more."""
    found = limits_of(initiator_id, flow_name, _of_flow(flow_name))
    return next((limit for limit in found if limit.kind == kind), None)


def stand_in_line(execution_id: UUID, limit: WorkerLimit) -> ExecutionChanged | None:
    """Queued → Queued, in the line of a limit and without a message; one that stood in one already
    keeps its place."""
    return transitions.update_one(_STAND_IN_LINE, execution_id, kind=limit.kind)


def limits_with_room() -> list[WorkerLimit]:
    """Return limits for which executions wait without a message, though there is room."""
    return _with_room(PERSON, lambda _: limits.WORKERS_PER_PERSON) + _with_room(FLOW, _of_flow_now)


def _with_room(kind: str, most_of: Callable[[Any], int]) -> list[WorkerLimit]:
    with connection.cursor() as cursor:
        cursor.execute(_LINES[kind], {**_PARAMS, "kind": kind})
        rows = cursor.fetchall()
    found = [(WorkerLimit(kind, key, most_of(key)), held) for key, held in rows]
    return [limit for limit, held in found if not limit.most or held < limit.most]


def anyone_waits(besides: ExecutionChanged) -> bool:
    """Whether another execution waits for a worker, or for the one that this execution holds; not
    one that waits because of a limit of others."""
    params = {"id": besides.id, "person": besides.initiator_id, "flow": besides.flow_name}
    with connection.cursor() as cursor:
        cursor.execute(_ANYONE_QUEUED, {**_PARAMS, **params})
        return bool(cursor.fetchone()[0])


def _of_flow(name: str) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(_WORKER_LIMIT, {"name": name})
        row = cursor.fetchone()
    return row[0] if row else None


def _of_flow_now(name: str) -> int:
    own = _of_flow(name)
    return limits.WORKERS_PER_FLOW if own is None else own


def _count(statement: str, **params: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**_PARAMS, **params})
        return int(cursor.fetchone()[0])
