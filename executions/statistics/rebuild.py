"""Compares the running totals with a count over the table of executions, and makes them anew.

The totals of a series equal what the table says less what the journal still holds; one statement
reads both, so executions may go on meanwhile. What retention has deleted cannot be counted again:
before `StatisticsSeries.complete_from`, totals stay as they are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db import connection, transaction

from executions.models import Execution, StatisticsSeries, StatisticsTotal
from executions.states import STATUS_PARAMS
from executions.statistics import thinning
from executions.statistics.aggregation import LOCK, Events, aggregate_all, store_totals, try_lock
from executions.statistics.counts import KIND_PARAMS, NOTHING, NUMBERS, Counts, Total
from executions.statistics.histograms import binned
from executions.statistics.series import COUNTED, SeriesKey, series_ids

Level = StatisticsSeries.Level

#: Rows that are written at once, and series that are made anew at once.
_ROWS = 2_000
_SERIES = 200
_COLUMNS = (*NUMBERS, "durations", "waits")
_EVENTS = """
    SELECT version_id, trigger, NULL::uuid AS failure, started_at AS at, %(kind_started)s AS kind,
        NULL::timestamptz AS since, 1 AS sign
    FROM executions_execution
    UNION ALL
    SELECT version_id, trigger, NULL, first_claimed_at, %(kind_claimed)s, started_at, 1
    FROM executions_execution WHERE first_claimed_at IS NOT NULL
    UNION ALL
    SELECT version_id, trigger,
        CASE WHEN unhandled OR status = %(error)s THEN failure END,
        ended_at, CASE WHEN unhandled THEN %(kind_unhandled)s ELSE status END,
        CASE WHEN status <> %(stopped)s THEN started_at END, 1
    FROM executions_execution WHERE ended_at IS NOT NULL
    UNION ALL
    SELECT version_id, trigger, failure, at, kind, since, -sign
    FROM executions_statisticsevent WHERE kind <> %(kind_deleted)s
"""
#: A first row for each series, then its events by kind and by the end of their minute, quarter of
#: an hour or day.
_COUNT = f"""
    WITH deleted AS (
        SELECT {{key}}, date_trunc('minute', max(e.at), 'UTC') + interval '1 minute' AS until
        FROM executions_statisticsevent e JOIN flows_flowversion v ON v.id = e.version_id
        WHERE e.kind = %(kind_deleted)s AND {{counts}}
        GROUP BY 1, 2, 3, 4
    ), series AS (
        SELECT s.*, greatest(s.complete_from, deleted.until) AS since,
            greatest(s.quarters_until, %(quarters)s::timestamptz) AS quarters,
            greatest(s.days_until, %(days)s::timestamptz) AS days
        FROM executions_statisticsseries s LEFT JOIN deleted ON {{of_deleted}}
        WHERE s.level = %(level)s
    ), complete AS (
        SELECT series.*, CASE
            WHEN since <= days THEN {thinning.WHOLE_DAY.format("since")}
            WHEN since <= quarters THEN {thinning.WHOLE_QUARTER.format("since")}
            ELSE since
        END AS whole_since FROM series
    )
    SELECT flow_id, version_id, trigger, failure, NULL::timestamptz AS until, NULL AS kind,
        NULL::int AS sign, NULL::bigint AS number, NULL::bigint[] AS durations,
        id, whole_since, quarters, days
    FROM complete
    UNION ALL
    SELECT {{key}}, CASE
            WHEN e.at < coalesce(s.days, %(days)s::timestamptz)
                THEN date_trunc('day', e.at, 'UTC') + interval '1 day'
            WHEN e.at < coalesce(s.quarters, %(quarters)s::timestamptz)
                THEN date_bin('15 minutes', e.at, 'epoch') + interval '15 minutes'
            ELSE date_trunc('minute', e.at, 'UTC') + interval '1 minute'
        END,
        e.kind, e.sign, {COUNTED},
        NULL, NULL, NULL, NULL
    FROM ({_EVENTS}) AS e JOIN flows_flowversion v ON v.id = e.version_id
    LEFT JOIN complete s ON {{of_event}}
    WHERE {{counts}} AND e.at >= coalesce(s.whole_since, '-infinity')
    GROUP BY 1, 2, 3, 4, 5, 6, 7
    ORDER BY 1, 2, 3, 4, 5 NULLS FIRST
"""


_EMPTY = """
    DELETE FROM executions_statisticstotal total
    USING unnest(%(ids)s::bigint[], %(since)s::timestamptz[]) AS s (id, since)
    WHERE total.series_id = s.id AND total.until > coalesce(s.since, '-infinity')
"""
_THINNED = """
    UPDATE executions_statisticsseries series
    SET quarters_until = s.quarters, days_until = s.days
    FROM unnest(%(ids)s::bigint[], %(quarters)s::timestamptz[], %(days)s::timestamptz[])
        AS s (id, quarters, days)
    WHERE series.id = s.id
"""


@dataclass(frozen=True, slots=True)
class _Grouping:
    """The columns of a level's series, and how these are found for what is counted."""

    key: str
    of_deleted: str
    of_event: str
    counts: str = "TRUE"

    @property
    def statement(self) -> str:
        return _COUNT.format(
            key=self.key, of_deleted=self.of_deleted, of_event=self.of_event, counts=self.counts
        )


_GROUPINGS = {
    Level.ALL: _Grouping(
        "NULL::bigint AS flow_id, NULL::bigint AS version_id, '' AS trigger, NULL::uuid AS failure",
        "TRUE",
        "TRUE",
    ),
    Level.FLOW: _Grouping(
        "v.flow_id, NULL::bigint AS version_id, '' AS trigger, NULL::uuid AS failure",
        "deleted.flow_id = s.flow_id",
        "s.flow_id = v.flow_id",
    ),
    Level.VERSION: _Grouping(
        "v.flow_id, e.version_id, e.trigger, NULL::uuid AS failure",
        "deleted.version_id = s.version_id AND deleted.trigger = s.trigger",
        "s.version_id = e.version_id AND s.trigger = e.trigger",
    ),
    Level.FAILURE: _Grouping(
        "NULL::bigint AS flow_id, NULL::bigint AS version_id, '' AS trigger, e.failure",
        "deleted.failure = s.failure",
        "s.failure = e.failure",
        "e.failure IS NOT NULL",
    ),
}


@dataclass(slots=True)
class _Counted:
    """What the table says of a series: from `since` on, the events by the end of their time."""

    key: SeriesKey
    id: int | None
    since: datetime | None
    #: Until when its times are quarters of an hour, and days.
    quarters: datetime | None
    days: datetime | None
    events: dict[datetime, list[Events]]

    def totals(self, base: Total) -> Iterator[tuple[datetime, Total]]:
        """Yield the totals that the series should have after those that stay."""
        running = Counts()
        running.add_total(base)
        for until, events in self.events.items():
            for one in events:
                running.add_events(one.kind, one.number, one.bins, one.sign)
            yield until, running.total


@dataclass(frozen=True, slots=True)
class Difference:
    """A total that is not what the table of executions says."""

    series: SeriesKey
    until: datetime
    stored: Total
    counted: Total


def check() -> Iterator[Difference]:
    """Yield where the totals differ from a count over the table."""
    with transaction.atomic():
        _lock()
        aggregate_all()
        for counted in _counted(None, None):
            yield from _differences(counted)


def rebuild() -> int:
    """Make the totals anew from the table of executions, where it still holds what they count.

    Returns how many series there are.
    """
    number = 0
    some: list[_Counted] = []
    with transaction.atomic():
        _lock()
        aggregate_all()
        for counted in _counted(thinning.quarters_until(), thinning.days_until()):
            some.append(counted)
            number += 1
            if len(some) == _SERIES:
                _replace(some)
                some = []
        if some:
            _replace(some)
    return number


def build() -> None:
    """Count what there was before the first total, unless somebody else writes totals."""
    if StatisticsSeries.objects.exists() or not Execution.objects.exists():
        return
    with transaction.atomic(), connection.cursor() as cursor:
        if try_lock(cursor):
            rebuild()


def _lock() -> None:
    """Keep others from writing totals until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": LOCK})


def _counted(quarters: datetime | None, days: datetime | None) -> Iterator[_Counted]:
    """Yield what the table says of each series: by minutes, unless the series has longer times or
    these are given."""
    for level, grouping in _GROUPINGS.items():
        with connection.chunked_cursor() as cursor:
            cursor.execute(
                grouping.statement,
                {
                    **STATUS_PARAMS,
                    **KIND_PARAMS,
                    "level": level.value,
                    "quarters": quarters,
                    "days": days,
                },
            )
            for columns, rows in groupby(cursor, lambda row: row[:4]):
                yield _series(SeriesKey(level.value, *columns), rows, quarters, days)


def _series(
    key: SeriesKey,
    rows: Iterator[Sequence[Any]],
    quarters: datetime | None,
    days: datetime | None,
) -> _Counted:
    counted = _Counted(key, None, None, quarters, days, {})
    for *_, until, kind, sign, number, durations, series_id, since, q, d in rows:
        if kind is None:
            counted.id, counted.since, counted.quarters, counted.days = series_id, since, q, d
            continue
        events = Events(kind, number, binned(durations or ()), sign)
        counted.events.setdefault(until, []).append(events)
    return counted


def _base(counted: _Counted) -> Total:
    """Return the total before what is counted."""
    if counted.id is not None and counted.since is not None:
        totals = StatisticsTotal.objects.filter(series=counted.id, until__lte=counted.since)
        for row in totals.order_by("-until").values_list(*_COLUMNS)[:1]:
            return _total(row)
    return NOTHING


def _stored(counted: _Counted) -> dict[datetime, Total]:
    """Return the totals after the base, in order."""
    totals = StatisticsTotal.objects.filter(series=counted.id).order_by("until")
    if counted.since is not None:
        totals = totals.filter(until__gt=counted.since)
    return {until: _total(row) for until, *row in totals.values_list("until", *_COLUMNS)}


def _total(row: Sequence[Any]) -> Total:
    *numbers, durations, waits = row
    return Total(numbers, bytes(durations), bytes(waits))


def _differences(counted: _Counted) -> Iterator[Difference]:
    """Yield where the totals of a series differ. Both are compared at each moment that one has."""
    before = here = _base(counted)
    expected = dict(counted.totals(before))
    stored = _stored(counted) if counted.id is not None else {}
    for until in sorted(expected.keys() | stored.keys()):
        before, here = expected.get(until, before), stored.get(until, here)
        if before != here and not _is_within(until, counted):
            yield Difference(counted.key, until, here, before)


def _is_within(until: datetime, counted: _Counted) -> bool:
    """Whether a moment lies within a quarter of an hour, or a day, of the series. What was counted
    late may have a total there, before it is thinned."""
    since_midnight = timedelta(hours=until.hour, minutes=until.minute)
    if counted.days is not None and until <= counted.days:
        return bool(since_midnight)
    if counted.quarters is not None and until <= counted.quarters:
        return bool(since_midnight % timedelta(minutes=15))
    return False


def _replace(some: Sequence[_Counted]) -> None:
    """Write the totals of some series anew."""
    ids = series_ids([counted.key for counted in some])
    written: list[tuple[int, datetime, Total]] = []
    with connection.cursor() as cursor:
        series: dict[str, Any] = {
            "ids": list(ids.values()),
            "since": [counted.since for counted in some],
            "quarters": [counted.quarters for counted in some],
            "days": [counted.days for counted in some],
        }
        cursor.execute(_EMPTY, series)
        cursor.execute(_THINNED, series)
    for counted in some:
        totals = counted.totals(_base(counted))
        written += ((ids[counted.key], until, total) for until, total in totals)
        if len(written) >= _ROWS:
            store_totals(written)
            written = []
    if written:
        store_totals(written)
