"""Limits of workers: how many executions of one person, and of one flow, may hold one at once.

Who finds no room stays Queued with the reason `limit`, and `waiting_for` says of which of the two.
It has no message, so its `lease_expires_at` is null, until there is room for it: those that wait
for the same limit stand in a line, in the order in which they came, and as many of its first ones
as there is room for are sent a message. Nobody passes them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from executions import limits
from executions.events import ExecutionChanged
from executions.store.lifecycle import transitions

PERSON = "person"
FLOW = "flow"
#: The first numbers of the advisory locks of people and flows; the second tells which.
_PERSONS = 7301
_FLOWS = 7302
_COLUMNS = {PERSON: "initiator_id", FLOW: "flow_name"}
_LINE = "reason = 'limit' AND status = 'Queued' AND waiting_for = %(whose)s"


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` executions of a person (their id) or of a flow (its name); 0 for any."""

    whose: str
    key: int | str | None
    most: int

    @property
    def _is(self) -> str:
        column = _COLUMNS[self.whose]
        return f"{column} IS NULL" if self.key is None else f"{column} = %(key)s"

    def _params(self) -> dict[str, Any]:
        return {"whose": self.whose, "key": self.key, "most": self.most}

    def lock(self) -> None:
        """Until the transaction ends, nobody else looks whether this limit has room."""
        with connection.cursor() as cursor:
            if self.whose == PERSON:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, %s::int)", [_PERSONS, self.key])
            else:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_FLOWS, self.key])

    def held(self) -> int:
        """How many hold a worker."""
        return _count(
            f"SELECT count(*) FROM executions_execution WHERE lease_owner <> '' AND {self._is}",
            self._params(),
        )

    def before(self, execution_id: UUID, most: int) -> int:
        """How many wait for it before this execution, counted up to `most`; all that wait when this
        one does not."""
        return _count(
            f"SELECT count(*) FROM (SELECT 1 FROM executions_execution WHERE {_LINE} AND {self._is}"
            " AND id <> %(id)s AND (updated_at, id) < (SELECT "
            "CASE WHEN reason = 'limit' THEN updated_at ELSE 'infinity' END, id "
            "FROM executions_execution WHERE id = %(id)s) LIMIT %(most)s) AS line",
            {**self._params(), "id": execution_id, "most": most},
        )

    def has_room(self, execution_id: UUID) -> bool:
        """Whether this execution may have a worker, when it is its turn."""
        return self.held() + self.before(execution_id, self.most) < self.most

    def wake(self) -> list[ExecutionChanged]:
        """The first ones in line for which there is room and which have no message: they have one
        from now on."""
        room = limits.RECOVERY_BATCH if not self.most or self.key is None else self.most
        busy = 0 if not self.most or self.key is None else self.held()
        if busy >= room:
            return []
        return transitions.update(
            "lease_expires_at = now() + make_interval(secs => %(requeue)s)",
            "id IN (SELECT id FROM executions_execution WHERE lease_expires_at IS NULL "
            f"AND {_LINE} AND id IN (SELECT id FROM executions_execution WHERE {_LINE} "
            f"AND {self._is} ORDER BY updated_at, id LIMIT %(room)s) FOR UPDATE SKIP LOCKED)",
            {**self._params(), "room": room - busy},
        )


def of(initiator_id: int | None, flow_name: str, of_flow: int | None) -> list[Limit]:
    """The limits for an execution; `of_flow` is the flow's own."""
    per_flow = limits.WORKERS_PER_FLOW if of_flow is None else of_flow
    person = Limit(PERSON, initiator_id, limits.WORKERS_PER_PERSON if initiator_id else 0)
    return [limit for limit in (person, Limit(FLOW, flow_name, per_flow)) if limit.most]


def of_queued(execution_id: UUID) -> list[Limit] | None:
    """The limits for an execution that is Queued; None when it is not."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT initiator_id, flow_name, (SELECT worker_limit FROM flows_flow "
            'WHERE name COLLATE "C" = flow_name) FROM executions_execution '
            "WHERE id = %s AND status = 'Queued'",
            [execution_id],
        )
        row = cursor.fetchone()
    return None if row is None else of(*row)


def of_changed(event: ExecutionChanged) -> list[Limit]:
    """The limits for an execution that has changed."""
    return of(event.initiator_id, event.flow_name, _of_flow(event.flow_name))


def that_holds(initiator_id: int | None, flow_name: str, whose: str) -> Limit | None:
    """The limit of a person (`PERSON`) or of a flow that an execution waits for; None when there is
    none any more."""
    found = of(initiator_id, flow_name, _of_flow(flow_name))
    return next((limit for limit in found if limit.whose == whose), None)


def wait(execution_id: UUID, limit: Limit) -> ExecutionChanged | None:
    """Queued → Queued, in the line of a limit and without a message; one that stood in one already
    keeps its place."""
    new = "reason = 'limit' AND waiting_for = %(whose)s"
    return transitions.one(
        "updated_at = CASE WHEN reason = 'limit' THEN updated_at ELSE now() END, "
        f"revision = revision + CASE WHEN {new} THEN 0 ELSE 1 END, "
        "reason = 'limit', waiting_for = %(whose)s, lease_expires_at = NULL",
        "status = 'Queued'",
        execution_id,
        whose=limit.whose,
    )


def with_room() -> list[Limit]:
    """Limits for which executions wait without a message, though there is room."""
    return _with_room(PERSON, lambda _: limits.WORKERS_PER_PERSON) + _with_room(FLOW, _of_flow_now)


def _with_room(whose: str, most_of: Callable[[Any], int]) -> list[Limit]:
    column = _COLUMNS[whose]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT line.key, coalesce(held.number, 0) FROM (SELECT DISTINCT {column} AS key "
            f"FROM executions_execution WHERE {_LINE} AND lease_expires_at IS NULL) AS line "
            f"LEFT JOIN (SELECT {column} AS key, count(*) AS number FROM executions_execution "
            "WHERE lease_owner <> '' GROUP BY 1) AS held ON held.key = line.key",
            {"whose": whose},
        )
        rows = cursor.fetchall()
    found = [(Limit(whose, key, most_of(key)), held) for key, held in rows]
    return [limit for limit, held in found if not limit.most or held < limit.most]


def _of_flow(name: str) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT worker_limit FROM flows_flow WHERE name = %s", [name])
        row = cursor.fetchone()
    return row[0] if row else None


def _of_flow_now(name: str) -> int:
    own = _of_flow(name)
    return limits.WORKERS_PER_FLOW if own is None else own


def _count(sql: str, params: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.fetchone()[0])
