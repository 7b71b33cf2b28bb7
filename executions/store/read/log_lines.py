"""Statements that read the log entries of all executions, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from executions.access import EVERY_EXECUTION, ExecutionSet
from executions.models.expressions import LOG_LEXEMES

#: Bytes of details, as stored, up to which they are read whole; of more there is the beginning.
DETAILS_BYTES = 4_000
BEGINNING = 400

_LINES = f"""
    SELECT id, at, execution_id, flow_name, step, block, severity, event_type,
        CASE WHEN pg_column_size(details) <= {DETAILS_BYTES} THEN details END,
        CASE WHEN pg_column_size(details) > {DETAILS_BYTES}
            THEN left(details::text, {BEGINNING}) ELSE '' END
    FROM executions_logentry
    WHERE {{conditions}}
    ORDER BY at {{order}}, id {{order}}
    LIMIT %s
"""
_SINCE = """
    SELECT id, flow_name, initiator_id, severity
    FROM executions_logentry
    WHERE id > %(floor)s
    ORDER BY id DESC
    LIMIT %(limit)s
"""
_LAST_ID = "SELECT coalesce(max(id), 0) FROM executions_logentry"


@dataclass(frozen=True, slots=True)
class Key:
    """The place of a line in the order: when it was written, then its id."""

    at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Line:
    """A log entry with what leads from it to its execution, step and flow. Long details have only
    their `beginning`."""

    id: int
    at: datetime
    execution_id: UUID
    flow_name: str
    step: int
    block: str
    severity: str
    event_type: str
    details: Any
    beginning: str

    @property
    def key(self) -> Key:
        return Key(self.at, self.id)


@dataclass(frozen=True, slots=True)
class Conditions:
    """Which lines are asked for; None leaves a condition out. `words` is a tsquery."""

    seen: ExecutionSet = EVERY_EXECUTION
    flow_name: str | None = None
    severities: Sequence[str] | None = None
    words: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def sql(self) -> tuple[list[str], list[Any]]:
        """Return them as SQL, with their parameters."""
        conditions: list[str] = []
        params: list[Any] = []
        for condition, value in (
            ("flow_name = %s", self.flow_name),
            (f"{LOG_LEXEMES} @@ %s::tsquery", self.words),
            ("at >= %s", self.since),
            ("at < %s", self.until),
        ):
            if value is not None:
                conditions.append(condition)
                params.append(value)
        if not self.seen.is_all:
            of_seen, given = self._seen()
            conditions.append(of_seen)
            params += given
        if self.severities is not None:
            # A list that is written out fits the partial index of severe lines.
            marks = ", ".join(["%s"] * len(self.severities))
            conditions.append(f"severity IN ({marks})")
            params += self.severities
        return conditions, params

    def _seen(self) -> tuple[str, list[Any]]:
        """The condition for the executions that somebody sees."""
        seen = self.seen
        own: str = "initiator_id = %s"
        given: list[Any] = [seen.initiator_id]
        if seen.own_flows is not None:
            own, given = f"({own} AND flow_name = ANY(%s))", [*given, sorted(seen.own_flows)]
        if not seen.flows:
            return own, given
        flows = sorted(seen.flows)
        # One value, so that the index in the order of time is followed.
        of_flows = "flow_name = ANY(%s)" if len(flows) > 1 else "flow_name = %s"
        of_flows_given: list[Any] = [flows if len(flows) > 1 else flows[0]]
        if seen.initiator_id is None:
            return of_flows, of_flows_given
        return f"({of_flows} OR {own})", [*of_flows_given, *given]

    def parts(self, most: int) -> list["Conditions"]:
        """Return conditions that each have an index in the order of time, and that lines meet one
        or several of; at most so many, else these."""
        if self.flow_name is None:
            return [replace(self, seen=part) for part in self.seen.parts(most)]
        is_whole = self.seen.whose(self.flow_name) is None
        seen = EVERY_EXECUTION if is_whole else replace(self.seen, flows=frozenset())
        return [replace(self, seen=seen)]


def statement(
    asked: Conditions, limit: int, *, before: Key | None = None, after: Key | None = None
) -> tuple[str, list[Any]]:
    """Return the statement for so many lines: the newest, or those just before or after one.

    Those after one come in their own order, the oldest first.
    """
    conditions, params = asked.sql()
    for key, sign in ((before, "<"), (after, ">")):
        if key is not None:
            conditions.append(f"(at, id) {sign} (%s, %s)")
            params += [key.at, key.id]
    sql = _LINES.format(
        conditions=" AND ".join(conditions) or "TRUE", order="ASC" if after else "DESC"
    )
    return sql, [*params, limit]


def lines(rows: Sequence[Sequence[Any]]) -> list[Line]:
    """Return the lines of what the statement gives."""
    return [Line(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class NewLine:
    """What decides whom a new line concerns."""

    id: int
    flow_name: str
    initiator_id: int | None
    severity: str


def new_lines(cursor: Any, floor: int, limit: int) -> list[NewLine]:
    """Return the newest lines whose id is beyond `floor`."""
    cursor.execute(_SINCE, {"floor": floor, "limit": limit})
    return [NewLine(*row) for row in cursor.fetchall()]


def last_id(cursor: Any) -> int:
    """Return the id of the newest line; 0 when there is none."""
    cursor.execute(_LAST_ID)
    return int(cursor.fetchone()[0])
