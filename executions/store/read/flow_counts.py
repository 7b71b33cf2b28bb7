"""What the list of flows says of executions: which are live, the last one of each flow, and the
counts of people who see only what they have started."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.db import connection

from executions.states import Status
from executions.statistics.counts import STARTED, UNHANDLED, Counts
from executions.statistics.histograms import binned
from executions.statistics.read import Bucket
from executions.store.state_params import STATE_PARAMS

#: Live executions that are counted; beyond that, the page says that there are more.
LIVE_CAP = 200_000
#: Executions that somebody has started of which the newest of each flow is found.
OWN_NEWEST = 5_000
#: An execution that somebody has started counts when it ends within so many days.
OWN_DAYS = 31

#: Executions of everybody, or of one initiator.
_MINE = "(%(initiator)s::int IS NULL OR initiator_id = %(initiator)s)"
_LIVE = f"""
    SELECT flow_name, status, count(*) FROM (
        SELECT flow_name, status FROM executions_execution
        WHERE status = ANY(%(live)s) AND {_MINE}
        LIMIT %(cap)s + 1
    ) AS counted
    GROUP BY flow_name, status
"""
_LAST = """
    SELECT last.* FROM unnest(%(flows)s::text[]) AS f (name) CROSS JOIN LATERAL (
        SELECT flow_name, id, status, place, unhandled, started_at FROM executions_execution
        WHERE flow_name = f.name ORDER BY started_at DESC, id DESC LIMIT 1
    ) AS last
"""
_OWN_LAST = """
    SELECT DISTINCT ON (flow_name) flow_name, id, status, place, unhandled, started_at FROM (
        SELECT flow_name, id, status, place, unhandled, started_at FROM executions_execution
        WHERE initiator_id = %(initiator)s ORDER BY started_at DESC, id DESC LIMIT %(newest)s
    ) AS newest
    WHERE flow_name = ANY(%(flows)s) ORDER BY flow_name, started_at DESC, id DESC
"""
_OWN = """
    SELECT v.flow_id, e.started_at, e.ended_at, e.status, e.unhandled
    FROM executions_execution e JOIN flows_flowversion v ON v.id = e.version_id
    WHERE e.initiator_id = %(initiator)s AND e.started_at >= %(since)s AND e.started_at < %(end)s
        AND (e.started_at >= %(start)s OR e.ended_at >= %(start)s)
"""


@dataclass(frozen=True, slots=True)
class LastExecution:
    """The execution of a flow that started last."""

    id: UUID
    status: str
    place: str
    unhandled: bool
    started_at: datetime


@dataclass(frozen=True, slots=True)
class LiveCounts:
    """Live executions by flow name and status, and whether there are more than were counted."""

    by_flow: Mapping[str, Mapping[Status, int]]
    capped: bool


def live_counts(initiator_id: int | None) -> LiveCounts:
    """Count the live executions of one initiator, or all for None."""
    found: dict[str, Counter[Status]] = defaultdict(Counter)
    with connection.cursor() as cursor:
        cursor.execute(_LIVE, {**STATE_PARAMS, "initiator": initiator_id, "cap": LIVE_CAP})
        for flow, status, number in cursor.fetchall():
            found[flow][Status(status)] = number
    total = sum(sum(counts.values()) for counts in found.values())
    return LiveCounts(found, total > LIVE_CAP)


def last_executions(flows: Collection[str], initiator_id: int | None) -> dict[str, LastExecution]:
    """Return the last execution of each of these flows, of one initiator or, for None, of all."""
    params: dict[str, Any] = {"flows": list(flows), "initiator": initiator_id, "newest": OWN_NEWEST}
    with connection.cursor() as cursor:
        cursor.execute(_LAST if initiator_id is None else _OWN_LAST, params)
        return {flow: LastExecution(*columns) for flow, *columns in cursor.fetchall()}


def own_series(initiator_id: int, cuts: Sequence[datetime]) -> dict[int, list[Bucket]]:
    """Return what `statistics.read.series_by_flow` does, of one initiator's executions alone."""
    found: dict[int, list[Counts]] = defaultdict(lambda: [Counts() for _ in pairwise(cuts)])
    params: dict[str, Any] = {
        "initiator": initiator_id,
        "since": cuts[0] - timedelta(days=OWN_DAYS),
        "start": cuts[0],
        "end": cuts[-1],
    }
    with connection.cursor() as cursor:
        cursor.execute(_OWN, params)
        for flow, started, ended, status, unhandled in cursor.fetchall():
            _add(found[flow], cuts, started, STARTED, None)
            if ended is not None:
                length = None if status == Status.STOPPED else ended - started
                _add(found[flow], cuts, ended, UNHANDLED if unhandled else status, length)
    return {
        flow: [
            Bucket(start, end, None if counts.is_empty else counts)
            for (start, end), counts in zip(pairwise(cuts), buckets, strict=True)
        ]
        for flow, buckets in found.items()
    }


def _add(
    buckets: Sequence[Counts],
    cuts: Sequence[datetime],
    at: datetime,
    kind: str,
    length: timedelta | None,
) -> None:
    for counts, (start, end) in zip(buckets, pairwise(cuts), strict=True):
        if start <= at < end:
            taken: list[Any] = [] if length is None else [length // timedelta(microseconds=1)]
            counts.add_events(kind, 1, binned(taken), 1)
