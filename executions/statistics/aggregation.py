"""Adds the journal to the running totals, a batch in each transaction.

One process at a time does that: it alone writes totals and deletes from the journal, so nothing
waits for it and nothing is counted twice. A process that dies has changed nothing.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.dispatch import Signal

from executions.limits import STATISTICS_BATCH, STATISTICS_SECONDS
from executions.statistics.counts import DELETED, NOTHING, NUMBERS, Counts, Total
from executions.statistics.histograms import binned
from executions.statistics.series import COUNTED, SeriesKey, keys_of, series_ids

#: The number of the advisory lock of whoever writes totals.
LOCK = 0x0057_A715
_LOCK = "SELECT pg_try_advisory_xact_lock(%(lock)s)"
_TAKE = f"""
    WITH taken AS (
        DELETE FROM executions_statisticsevent
        WHERE ctid = ANY (ARRAY(SELECT ctid FROM executions_statisticsevent LIMIT %(batch)s))
        RETURNING *
    )
    SELECT v.flow_id, e.version_id, e.trigger, e.failure,
        date_trunc('minute', e.at, 'UTC') + interval '1 minute', e.kind, e.sign::int,
        v.number, max(e.at), {COUNTED}
    FROM taken e LEFT JOIN flows_flowversion v ON v.id = e.version_id
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""
#: The totals of each series from a moment on, and the last one before.
_TAIL = """
    SELECT total.series_id, total.until,
        ARRAY[total.started, total.ended, total.unhandled, total.errors, total.stopped],
        total.durations, total.waits
    FROM unnest(%(ids)s::bigint[], %(since)s::timestamptz[]) AS s (id, since)
    CROSS JOIN LATERAL (
        SELECT * FROM executions_statisticstotal
        WHERE series_id = s.id AND until >= coalesce(
            (
                SELECT max(until) FROM executions_statisticstotal
                WHERE series_id = s.id AND until < s.since
            ),
            s.since
        )
    ) AS total
    ORDER BY 1, 2
"""
_STORE = """
    INSERT INTO executions_statisticstotal (
        series_id, until, started, ended, unhandled, errors, stopped, durations, waits
    )
    SELECT * FROM unnest(
        %(ids)s::bigint[], %(untils)s::timestamptz[], %(started)s::bigint[], %(ended)s::bigint[],
        %(unhandled)s::bigint[], %(errors)s::bigint[], %(stopped)s::bigint[],
        %(durations)s::bytea[], %(waits)s::bytea[]
    )
    ON CONFLICT (series_id, until) DO UPDATE SET
        started = excluded.started, ended = excluded.ended, unhandled = excluded.unhandled,
        errors = excluded.errors, stopped = excluded.stopped,
        durations = excluded.durations, waits = excluded.waits
"""
_COMPLETE_FROM = """
    UPDATE executions_statisticsseries SET complete_from = greatest(complete_from, deleted.until)
    FROM unnest(%(ids)s::bigint[], %(untils)s::timestamptz[]) AS deleted (id, until)
    WHERE executions_statisticsseries.id = deleted.id
"""


#: Sent with `counted`, a list of CountedFailures, in the transaction that counts them.
failures_counted = Signal()


@dataclass(frozen=True, slots=True)
class CountedFailures:
    """Failures of one group in one version: how many, and when the last of them ended."""

    group_id: UUID
    version: int
    number: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Events:
    """Events of one kind in one minute of a series."""

    kind: str
    number: int
    bins: Mapping[int, int]
    sign: int


def aggregate(seconds: float = STATISTICS_SECONDS) -> int:
    """Add what the journal holds to the totals, for so many seconds at most.

    Returns how many events that were; none when another process does it.
    """
    began = time.monotonic()
    added = 0
    while time.monotonic() - began < seconds:
        number = _fold_batch()
        added += number
        if number < STATISTICS_BATCH:
            break
    return added


def aggregate_all() -> None:
    """Add all that the journal holds to the totals."""
    while _fold_batch() == STATISTICS_BATCH:
        pass


def try_lock(cursor: Any) -> bool:
    """Take the lock of whoever writes totals, until the transaction ends; False when somebody else
    has it."""
    cursor.execute(_LOCK, {"lock": LOCK})
    return bool(cursor.fetchone()[0])


def _fold_batch() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        if not try_lock(cursor):
            return 0
        cursor.execute(_TAKE, {"batch": STATISTICS_BATCH})
        taken = cursor.fetchall()
        changes, deleted = _changes(taken)
        ids = series_ids(changes.keys() | deleted.keys())
        if changes:
            _add(cursor, {ids[key]: by_minute for key, by_minute in changes.items()})
        if deleted:
            cursor.execute(
                _COMPLETE_FROM,
                {"ids": [ids[key] for key in deleted], "untils": list(deleted.values())},
            )
        failures_counted.send(sender=CountedFailures, counted=_failures(taken))
    return sum(row[-2] for row in taken)


def _failures(taken: Sequence[Sequence[Any]]) -> list[CountedFailures]:
    return [
        CountedFailures(failure, version, number, last_at)
        for _, _, _, failure, _, kind, sign, version, last_at, number, _ in taken
        if failure is not None and kind != DELETED and version is not None and sign > 0
    ]


def _changes(
    taken: Sequence[Sequence[Any]],
) -> tuple[dict[SeriesKey, dict[datetime, list[Events]]], dict[SeriesKey, datetime]]:
    """Return the events by series and minute, and until when executions of a series were deleted.
    What belongs to a flow that was deleted is left out."""
    changes: dict[SeriesKey, dict[datetime, list[Events]]] = defaultdict(lambda: defaultdict(list))
    deleted: dict[SeriesKey, datetime] = {}
    for flow_id, version_id, trigger, failure, until, kind, sign, *_, number, microseconds in taken:
        if flow_id is None:
            continue
        events = Events(kind, number, binned(microseconds or ()), sign)
        for key in keys_of(flow_id, version_id, trigger, failure):
            if kind == DELETED:
                deleted[key] = max(until, deleted.get(key, until))
            else:
                changes[key][until].append(events)
    return changes, deleted


def _add(cursor: Any, changes: Mapping[int, Mapping[datetime, Sequence[Events]]]) -> None:
    """Add events to the totals of their minutes, and to all later ones."""
    since = [min(by_minute) for by_minute in changes.values()]
    cursor.execute(_TAIL, {"ids": list(changes), "since": since})
    tails: dict[int, dict[datetime, Total]] = defaultdict(dict)
    for series_id, until, *total in cursor.fetchall():
        tails[series_id][until] = Total(*total)
    store_totals(
        [
            (series_id, until, total)
            for series_id, by_minute in changes.items()
            for until, total in totals_after(tails[series_id], by_minute)
        ]
    )


def store_totals(totals: Sequence[tuple[int, datetime, Total]]) -> None:
    """Write totals: the series, until when, and what it has counted."""
    rows = [(series_id, until, *total.numbers, *total[1:]) for series_id, until, total in totals]
    columns = ("ids", "untils", *NUMBERS, "durations", "waits")
    with connection.cursor() as cursor:
        cursor.execute(_STORE, dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)))


def totals_after(
    tail: Mapping[datetime, Total], changes: Mapping[datetime, Sequence[Events]]
) -> Iterator[tuple[datetime, Total]]:
    """Yield the totals that events change: those of their own minutes, and all later ones."""
    first = min(changes)
    before = NOTHING
    added = Counts()
    for until in sorted(tail.keys() | changes.keys()):
        before = tail.get(until, before)
        if until < first:
            continue
        for events in changes.get(until, ()):
            added.add_events(events.kind, events.number, events.bins, events.sign)
        yield until, before.plus(added)
