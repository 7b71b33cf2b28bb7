"""Which series an execution counts in."""

from collections.abc import Collection, Iterator
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from executions.models import StatisticsSeries

Level = StatisticsSeries.Level

#: Of each kind of events: how many, and how long they took.
COUNTED = """
    count(*), array_agg((extract(epoch FROM e.at - e.since) * 1000000)::bigint)
        FILTER (WHERE e.since IS NOT NULL)"""
_FIND = """
    SELECT id, level, flow_id, version_id, trigger, failure FROM executions_statisticsseries
    WHERE level = %(all)s
        OR (level = %(flow)s AND flow_id = ANY(%(flows)s))
        OR (level = %(version)s AND version_id = ANY(%(versions)s))
        OR (level = %(failure)s AND failure = ANY(%(failures)s))
"""
_CREATE = """
    INSERT INTO executions_statisticsseries (level, flow_id, version_id, trigger, failure)
    SELECT * FROM unnest(
        %(levels)s::text[], %(flows)s::bigint[], %(versions)s::bigint[], %(triggers)s::text[],
        %(failures)s::uuid[]
    )
    RETURNING id, level, flow_id, version_id, trigger, failure
"""


class SeriesKey(NamedTuple):
    """What tells a series from the others of its level."""

    level: str
    flow_id: int | None = None
    version_id: int | None = None
    trigger: str = ""
    failure: UUID | None = None


def keys_of(
    flow_id: int, version_id: int, trigger: str, failure: UUID | None
) -> Iterator[SeriesKey]:
    """Yield the series in which an execution counts."""
    yield SeriesKey(Level.ALL.value)
    yield SeriesKey(Level.FLOW.value, flow_id)
    yield SeriesKey(Level.VERSION.value, flow_id, version_id, trigger)
    if failure is not None:
        yield SeriesKey(Level.FAILURE.value, failure=failure)


def series_ids(keys: Collection[SeriesKey]) -> dict[SeriesKey, int]:
    """Return the ids of series; those that are not there yet are created.

    Only whoever holds the lock of `executions.statistics.aggregation` may ask.
    """
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _FIND,
            {
                **{level.value: level.value for level in Level},
                "flows": list({key.flow_id for key in keys}),
                "versions": list({key.version_id for key in keys}),
                "failures": list({key.failure for key in keys}),
            },
        )
        found = {SeriesKey(*key): number for number, *key in cursor.fetchall()}
        missing = [key for key in keys if key not in found]
        if missing:
            columns = ("levels", "flows", "versions", "triggers", "failures")
            values = map(list, zip(*missing, strict=True))
            cursor.execute(_CREATE, dict(zip(columns, values, strict=True)))
            found |= {SeriesKey(*key): number for number, *key in cursor.fetchall()}
    return {key: found[key] for key in keys}
