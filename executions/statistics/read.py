"""How many executions started and ended in a span, how they ended, and how long they took.

A number is the difference of two running totals, and what the journal holds beside them. One
statement reads both, so it is exact at any moment, however much of the journal is aggregated.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.db import connection

from executions.models import StatisticsSeries
from executions.statistics.counts import (
    CLAIMED,
    KIND_PARAMS,
    NOTHING,
    STARTED,
    Counts,
    Numbers,
    Total,
)
from executions.statistics.histograms import binned
from executions.statistics.series import COUNTED
from executions.statistics.spans import Span, edges

Level = StatisticsSeries.Level

_READ = f"""
    WITH edges AS (
        SELECT edge, number::int
        FROM unnest(%(edges)s::timestamptz[]) WITH ORDINALITY AS e (edge, number)
    )
    SELECT s.id, {{series_key}}, edges.number, total.until::text,
        total.started, total.ended, total.unhandled, total.errors, total.stopped,
        total.durations, total.waits, NULL::text, NULL::int, NULL::bigint, NULL::bigint[]
    FROM executions_statisticsseries s CROSS JOIN edges CROSS JOIN LATERAL (
        SELECT * FROM executions_statisticstotal
        WHERE series_id = s.id AND until <= edges.edge
        ORDER BY until DESC LIMIT 1
    ) AS total
    WHERE s.level = %(level)s {{where_series}}
    UNION ALL
    SELECT NULL, {{event_key}}, width_bucket(at, %(edges)s::timestamptz[]), NULL,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, kind, sign::int, {COUNTED}
    FROM executions_statisticsevent e JOIN flows_flowversion v ON v.id = e.version_id
    WHERE at >= %(start)s AND at < %(end)s AND kind <> %(kind_deleted)s {{where_event}}
    GROUP BY 2, 3, kind, sign
    ORDER BY 1, 3
"""
#: The numbers alone: what many flows are ordered by, without what each took.
_NUMBERS = """
    SELECT s.flow_id, NULL AS kind,
        last.started - coalesce(earlier.started, 0), last.ended - coalesce(earlier.ended, 0),
        last.unhandled - coalesce(earlier.unhandled, 0),
        last.errors - coalesce(earlier.errors, 0), last.stopped - coalesce(earlier.stopped, 0),
        last.waits IS DISTINCT FROM earlier.waits
    FROM executions_statisticsseries s CROSS JOIN LATERAL (
        SELECT * FROM executions_statisticstotal
        WHERE series_id = s.id AND until <= %(end)s
        ORDER BY until DESC LIMIT 1
    ) AS last LEFT JOIN LATERAL (
        SELECT * FROM executions_statisticstotal
        WHERE series_id = s.id AND until <= %(start)s
        ORDER BY until DESC LIMIT 1
    ) AS earlier ON TRUE
    WHERE s.level = %(level)s AND last.until > %(start)s
        AND (%(flows)s::bigint[] IS NULL OR s.flow_id = ANY(%(flows)s::bigint[]))
    UNION ALL
    SELECT v.flow_id, kind, sum(sign), NULL, NULL, NULL, NULL, NULL
    FROM executions_statisticsevent e JOIN flows_flowversion v ON v.id = e.version_id
    WHERE at >= %(start)s AND at < %(end)s AND kind <> %(kind_deleted)s
        AND (%(flows)s::bigint[] IS NULL OR v.flow_id = ANY(%(flows)s::bigint[]))
    GROUP BY 1, 2
"""
#: The columns of a series, and of an event.
_FLOW = ("s.flow_id", "v.flow_id")
_VERSION = ("s.version_id", "e.version_id")
_TRIGGER = ("s.trigger", "e.trigger")
_FAILURE = ("s.failure", "e.failure")
_NOTHING = ("NULL", "NULL")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which executions count: those of some flows, versions (by id) and triggers. None is all."""

    flows: Collection[int] | None = None
    versions: Collection[int] | None = None
    triggers: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Bucket:
    """What happened from `start` to `end`; `counts` is None where nothing ran."""

    start: datetime
    end: datetime
    counts: Counts | None


#: All executions.
EVERYTHING = Selection()


def totals(span: Span, selection: Selection = EVERYTHING) -> Counts:
    """Return the counts of a whole span."""
    found = _by_key(_reading(selection), span)
    return found.get(None) or Counts()


def series(
    span: Span, step: str | int, zone: tzinfo, selection: Selection = EVERYTHING
) -> list[Bucket]:
    """Return the buckets of a span: `step` is "minute", "hour", "day" or a number of minutes."""
    cuts = edges(span, step, zone)
    return _buckets(cuts, _read(_reading(selection), cuts).get(None, {}))


def by_flow(span: Span, selection: Selection = EVERYTHING) -> dict[int, Counts]:
    """Return the counts of a span by the flow's id, of the flows in which something ran."""
    return _by_key(_reading(selection, Level.FLOW, _FLOW), span)


def numbers_by_flow(span: Span, flows: Collection[int] | None = None) -> dict[int, Numbers]:
    """Return what `by_flow` does without the histograms, of all flows or of some."""
    params = {
        **KIND_PARAMS,
        "level": Level.FLOW.value,
        "start": span.start,
        "end": span.end,
        "flows": None if flows is None else list(flows),
    }
    found: dict[int, Numbers] = defaultdict(Numbers)
    ran: set[int] = set()
    with connection.cursor() as cursor:
        cursor.execute(_NUMBERS, params)
        for flow, kind, number, *rest, has_waited in cursor.fetchall():
            if kind is None:
                found[flow] = Numbers(number, *rest)
            elif kind == STARTED:
                found[flow].started += number
            elif kind != CLAIMED:
                found[flow].add_ends(kind, int(number))
            if has_waited or kind == CLAIMED:
                ran.add(flow)
    return {flow: one for flow, one in found.items() if flow in ran or not one.is_empty}


def series_by_flow(
    span: Span, step: str | int, zone: tzinfo, selection: Selection = EVERYTHING
) -> dict[int, list[Bucket]]:
    """Return the buckets of a span by the flow's id, of the flows in which something ran."""
    return _series_by_key(_reading(selection, Level.FLOW, _FLOW), edges(span, step, zone))


def by_version(span: Span, selection: Selection = EVERYTHING) -> dict[int, Counts]:
    """Return the counts of a span by the version's id, of the versions in which something ran."""
    return _by_key(_reading(selection, Level.VERSION, _VERSION), span)


def series_by_version(
    span: Span, step: str | int, zone: tzinfo, selection: Selection = EVERYTHING
) -> dict[int, list[Bucket]]:
    """Return the buckets of a span by the version's id, of the versions in which something ran."""
    return _series_by_key(_reading(selection, Level.VERSION, _VERSION), edges(span, step, zone))


def by_trigger(span: Span, selection: Selection = EVERYTHING) -> dict[str, Counts]:
    """Return the counts of a span by trigger, of the triggers by which something ran."""
    return _by_key(_reading(selection, Level.VERSION, _TRIGGER), span)


def all_time_by_flow_and_trigger() -> dict[tuple[int, str], Counts]:
    """Return all that was ever counted, by the flow's id and trigger: numbers that only grow."""
    key = ("s.flow_id || ' ' || s.trigger", "v.flow_id || ' ' || e.trigger")
    reading = _reading(EVERYTHING, Level.VERSION, key)
    found = _by_key(reading, Span(datetime.fromtimestamp(0, UTC), datetime.now(UTC)))
    split = ((key.split(" ", 1), counts) for key, counts in found.items())
    return {(int(flow_id), trigger): counts for (flow_id, trigger), counts in split}


def summed(buckets: Iterable[Bucket]) -> Counts:
    """Return the counts of all buckets together."""
    total = Counts()
    for bucket in buckets:
        if bucket.counts is not None:
            total.add(bucket.counts)
    return total


def failure_series(group_id: UUID, span: Span, step: str | int, zone: tzinfo) -> list[Bucket]:
    """Return the buckets of a failure (`Execution.failure`): its executions, when they ended."""
    cuts = edges(span, step, zone)
    return _buckets(cuts, _read(_failures([group_id]), cuts).get(group_id, {}))


def series_by_failure(
    group_ids: Collection[UUID], span: Span, step: str | int, zone: tzinfo
) -> dict[UUID, list[Bucket]]:
    """Return the buckets of several failures, of those that happened in the span."""
    return _series_by_key(_failures(group_ids), edges(span, step, zone))


def by_failure(span: Span, group_ids: Collection[UUID] | None = None) -> dict[UUID, Counts]:
    """Return the counts of a span by failure, of those that happened."""
    return _by_key(_failures(group_ids), span)


# The statement -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reading:
    """Which series are read, and which events of the journal, by which key."""

    level: Level
    key: tuple[str, str] = _NOTHING
    conditions: list[tuple[str, str]] = field(default_factory=list)
    params: dict[str, Any] = field(default_factory=dict)

    def only(self, columns: tuple[str, str], values: Collection[Any] | None) -> None:
        """Leave out other values of a column."""
        if values is None:
            return
        name = f"in_{len(self.params)}"
        self.params[name] = list(values)
        of_series, of_event = columns
        self.conditions.append((f"{of_series} = ANY(%({name})s)", f"{of_event} = ANY(%({name})s)"))

    def statement(self) -> str:
        of_series, of_event = (
            "".join(f" AND {pair[side]}" for pair in self.conditions) for side in (0, 1)
        )
        return _READ.format(
            series_key=self.key[0],
            event_key=self.key[1],
            where_series=of_series,
            where_event=of_event,
        )


def _reading(
    selection: Selection, level: Level = Level.ALL, key: tuple[str, str] = _NOTHING
) -> _Reading:
    """Return the coarsest series that tell the selection apart."""
    if selection.versions is not None or selection.triggers is not None:
        level = Level.VERSION
    elif selection.flows is not None and level == Level.ALL:
        level = Level.FLOW
    reading = _Reading(level, key)
    reading.only(_FLOW, selection.flows)
    reading.only(_VERSION, selection.versions)
    reading.only(_TRIGGER, selection.triggers)
    return reading


def _failures(group_ids: Collection[UUID] | None) -> _Reading:
    reading = _Reading(Level.FAILURE, _FAILURE)
    reading.only(_FAILURE, group_ids)
    reading.conditions.append(("TRUE", "e.failure IS NOT NULL"))
    return reading


def _by_key(reading: _Reading, span: Span) -> dict[Any, Counts]:
    found = _read(reading, [span.start, span.end])
    return {key: counts[0] for key, counts in found.items()}


def _series_by_key(reading: _Reading, cuts: Sequence[datetime]) -> dict[Any, list[Bucket]]:
    return {key: _buckets(cuts, counts) for key, counts in _read(reading, cuts).items()}


def _buckets(cuts: Sequence[datetime], counts: Mapping[int, Counts]) -> list[Bucket]:
    return [Bucket(start, end, counts.get(n)) for n, (start, end) in enumerate(pairwise(cuts))]


def _read(reading: _Reading, cuts: Sequence[datetime]) -> dict[Any, dict[int, Counts]]:
    """Return the counts between each two cuts in which anything ran, by key and place."""
    params = {
        **reading.params,
        "level": reading.level.value,
        "edges": list(cuts),
        "start": cuts[0],
        "end": cuts[-1],
        **KIND_PARAMS,
    }
    with connection.cursor() as cursor:
        cursor.execute(reading.statement(), params)
        found = _counted(cursor.fetchall())
    ran = {
        key: {place: counts for place, counts in places.items() if not counts.is_empty}
        for key, places in found.items()
    }
    return {key: places for key, places in ran.items() if places}


def _counted(rows: Iterable[Sequence[Any]]) -> Mapping[Any, Mapping[int, Counts]]:
    """Return the counts that the rows of `_READ` say, by key and place."""
    found: dict[Any, dict[int, Counts]] = defaultdict(lambda: defaultdict(Counts))
    last: tuple[Any, Any, Total] = (None, None, NOTHING)
    for row in rows:
        series_id, key, number, until = row[:4]
        if series_id is None:
            kind, sign, count, microseconds = row[11:]
            bins = binned(microseconds or ())
            found[key][number - 1].add_events(kind, count, bins, sign)
            continue
        # The totals of one series stand in order, one for each cut from its first on.
        total = Total(row[4:9], row[9], row[10])
        if number > 1 and last[:2] != (series_id, until):
            counts = found[key][number - 2]
            counts.add_total(total)
            if last[0] == series_id:
                counts.add_total(last[2], sign=-1)
        last = (series_id, until, total)
    return found
