"""How many executions were under way, as it was sampled once a minute: what no event tells.

One row for all executions, and one for each flow of which something is under way. After two days
only the most of each quarter of an hour is kept, and that for two months: a bounded table.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from executions.limits import SAMPLE_MINUTES_DAYS, SAMPLE_QUARTERS_DAYS
from executions.states import LIVE, Reason, Status

#: The id of a flow that stands for all.
ALL = 0
#: Statuses in which a person has to decide, beside what waits for the answer to a question.
NEEDS_PERSON = (Status.PAUSED, Status.EXCEPTION)

_IS_TAKEN = """
    SELECT EXISTS (
        SELECT 1 FROM executions_livesample
        WHERE flow_id = %(all)s AND at = date_trunc('minute', now())
    )
"""
_TAKE = """
    WITH live AS (
        SELECT version.flow_id,
            count(*) FILTER (WHERE status = %(running)s) AS running,
            count(*) FILTER (WHERE status = %(queued)s) AS queued,
            count(*) FILTER (
                WHERE status = ANY(%(needs_person)s)
                    OR (status = %(running)s AND reason = %(reason_person)s)
            ) AS needs_person
        FROM executions_execution
        JOIN flows_flowversion version ON version.id = version_id
        WHERE status = ANY(%(live)s)
        GROUP BY version.flow_id
    )
    INSERT INTO executions_livesample (flow_id, at, running, queued, needs_person)
    SELECT coalesce(flow_id, %(all)s), date_trunc('minute', now()),
        coalesce(sum(running), 0), coalesce(sum(queued), 0), coalesce(sum(needs_person), 0)
    FROM live GROUP BY GROUPING SETS ((flow_id), ())
    ON CONFLICT DO NOTHING
"""
_THIN = """
    WITH old AS (
        DELETE FROM executions_livesample
        WHERE at < date_trunc('hour', now()) - make_interval(days => %(minutes)s)
            AND NOT is_quarter
        RETURNING *
    )
    SELECT flow_id, date_bin('15 minutes', at, 'epoch'),
        max(running), max(queued), max(needs_person)
    FROM old GROUP BY 1, 2
"""
_INSERT = """
    INSERT INTO executions_livesample (flow_id, at, running, queued, needs_person, is_quarter)
    SELECT *, true FROM unnest(
        %(flows)s::bigint[], %(ats)s::timestamptz[], %(running)s::int[], %(queued)s::int[],
        %(needs_person)s::int[]
    )
    ON CONFLICT DO NOTHING
"""
_FORGET = """
    DELETE FROM executions_livesample WHERE at < now() - make_interval(days => %(quarters)s)
"""
_READ = """
    WITH found AS (
        SELECT *, flow_id = ANY(%(flows)s::bigint[]) AS is_asked FROM executions_livesample
        WHERE flow_id = ANY(%(flows)s::bigint[] || %(all)s::bigint)
            AND at >= %(start)s AND at < %(end)s
    ), moments AS (
        SELECT at, coalesce(sum(running) FILTER (WHERE is_asked), 0) AS running,
            coalesce(sum(queued) FILTER (WHERE is_asked), 0) AS queued,
            coalesce(sum(needs_person) FILTER (WHERE is_asked), 0) AS needs_person
        FROM found GROUP BY at
    )
    SELECT width_bucket(at, %(edges)s::timestamptz[]), max(running)::int, max(queued)::int,
        max(needs_person)::int, (array_agg(at ORDER BY running DESC, at))[1]
    FROM moments GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """The most that was under way at once, of each kind. `most_running_at` is when most ran."""

    running: int
    queued: int
    needs_person: int
    most_running_at: datetime


def take() -> None:
    """Take the sample of this minute, unless it is there already."""
    params: dict[str, Any] = {
        "all": ALL,
        "running": Status.RUNNING.value,
        "queued": Status.QUEUED.value,
        "needs_person": [status.value for status in NEEDS_PERSON],
        "reason_person": Reason.PERSON.value,
        "live": [status.value for status in LIVE],
    }
    with connection.cursor() as cursor:
        cursor.execute(_IS_TAKEN, params)
        if not cursor.fetchone()[0]:
            cursor.execute(_TAKE, params)


def thin() -> None:
    """Keep the most of each quarter of an hour of what is old, and nothing of what is very old."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_THIN, {"minutes": SAMPLE_MINUTES_DAYS})
        if rows := cursor.fetchall():
            names = ("flows", "ats", "running", "queued", "needs_person")
            columns: list[Any] = [list(column) for column in zip(*rows, strict=True)]
            cursor.execute(_INSERT, dict(zip(names, columns, strict=True)))
        cursor.execute(_FORGET, {"quarters": SAMPLE_QUARTERS_DAYS})


def read(cuts: Sequence[datetime], flows: Collection[int] | None = None) -> list[Sample | None]:
    """Return the samples between each two cuts, of all executions or of those of some flows; None
    where none was taken."""
    params: dict[str, Any] = {
        "all": ALL,
        "flows": [ALL] if flows is None else list(flows),
        "start": cuts[0],
        "end": cuts[-1],
        "edges": list(cuts),
    }
    found: list[Sample | None] = [None] * (len(cuts) - 1)
    with connection.cursor() as cursor:
        cursor.execute(_READ, params)
        for number, *sample in cursor.fetchall():
            found[number - 1] = Sample(*sample)
    return found
