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

from executions.access import SEEN, ExecutionSet
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

_LIVE = f"""
    SELECT flow_name, status, count(*) FROM (
        SELECT flow_name, status FROM executions_execution
        WHERE status = ANY(%(live)s) AND {SEEN}
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
    WHERE e.initiator_id = %(seen_initiator)s
        AND (%(seen_own)s::text[] IS NULL OR e.flow_name = ANY(%(seen_own)s::text[]))
        AND e.started_at >= %(since)s AND e.started_at < %(end)s
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


def live_counts(seen: ExecutionSet) -> LiveCounts:
    """Count the live executions that somebody sees."""
    found: dict[str, Counter[Status]] = defaultdict(Counter)
    with connection.cursor() as cursor:
        cursor.execute(_LIVE, {**STATE_PARAMS, **seen.params, "cap": LIVE_CAP})
        for flow, status, number in cursor.fetchall():
            found[flow][Status(status)] = number
    total = sum(sum(counts.values()) for counts in found.values())
    return LiveCounts(found, total > LIVE_CAP)


def last_executions(flows: Collection[str], seen: ExecutionSet) -> dict[str, LastExecution]:
    """Return the last execution of each of these flows, of those that somebody sees."""
    found: dict[str, LastExecution] = {}
    by_initiator: dict[int | None, list[str]] = defaultdict(list)
    for flow in flows:
        by_initiator[seen.whose(flow)].append(flow)
    with connection.cursor() as cursor:
        for initiator_id, names in by_initiator.items():
            params = {"flows": names, "initiator": initiator_id, "newest": OWN_NEWEST}
            cursor.execute(_LAST if initiator_id is None else _OWN_LAST, params)
            found |= {flow: LastExecution(*columns) for flow, *columns in cursor.fetchall()}
    return found


def own_series(seen: ExecutionSet, cuts: Sequence[datetime]) -> dict[int, list[Bucket]]:
    """Return what `statistics.read.series_by_flow` does, of what the
    initiator of the set has started."""
    found: dict[int, list[Counts]] = defaultdict(lambda: [Counts() for _ in pairwise(cuts)])
    params: dict[str, Any] = {
        **seen.params,
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
