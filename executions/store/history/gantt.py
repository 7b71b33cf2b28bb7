"""A Gantt chart of an execution: visits of blocks, and children, as bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import QuerySet

from executions.models import Execution

#: Blocks and children that are shown.
BLOCKS, CHILDREN = 40, 20
#: Bars in all: visits of a block that are close together become one.
BARS = 1200
_EXTENT = """
    SELECT count(DISTINCT block), min(at), max(at + duration * interval '1 microsecond')
    FROM executions_step WHERE execution_id = %s
"""
_BARS = """
    WITH merged AS (
        SELECT s.block,
            floor(extract(epoch FROM s.at - %(begins)s) / %(whole)s * %(places)s) AS place,
            min(s.number) AS number, min(s.at) AS begins,
            max(s.at + s.duration * interval '1 microsecond') AS ends,
            count(*) AS visits, bool_or(s.exception <> '') AS thrown
        FROM executions_step s WHERE s.execution_id = %(id)s
        GROUP BY s.block, place
    ), chosen AS (
        SELECT block, min(number) AS first FROM merged
        GROUP BY block ORDER BY first LIMIT %(blocks)s
    )
    SELECT m.block, m.number, m.begins, m.ends, m.visits, m.thrown
    FROM merged m JOIN chosen c USING (block)
    ORDER BY c.first, m.number
"""


@dataclass(frozen=True, slots=True)
class GanttBar:
    """Visits of one block that are close together; the first is at `step`."""

    step: int
    begins: datetime
    ends: datetime
    visits: int
    thrown: bool


@dataclass(frozen=True, slots=True)
class GanttLine:
    """A block with its bars, in the order of time."""

    block: str
    bars: list[GanttBar]


@dataclass(frozen=True, slots=True)
class Gantt:
    begins: datetime
    ends: datetime
    lines: list[GanttLine]
    #: Blocks that are left out.
    more: int
    children: Sequence[Execution]
    more_children: bool
    #: Whether a bar may stand for several visits.
    is_merged: bool


def gantt(execution: Execution, visible: QuerySet[Execution], now: datetime) -> Gantt:
    """Return the chart of the steps that are kept."""
    with connection.cursor() as cursor:
        cursor.execute(_EXTENT, [execution.pk])
        blocks, first, last = cursor.fetchone()
        begins: datetime = min(execution.started_at, first or execution.started_at)
        ends: datetime = max(execution.ended_at or now, last or begins)
        whole = max((ends - begins).total_seconds(), 0.001)
        places = max(20, BARS // max(1, min(blocks, BLOCKS)))
        cursor.execute(
            _BARS,
            {
                "begins": begins,
                "whole": whole,
                "places": places,
                "id": execution.pk,
                "blocks": BLOCKS,
            },
        )
        rows = cursor.fetchall()
    lines: dict[str, list[GanttBar]] = {}
    for block, *bar in rows:
        lines.setdefault(block, []).append(GanttBar(*bar))
    children = list(
        visible.filter(parent_id=execution.pk)
        .order_by("started_at", "id")
        .defer("inputs", "outputs", "state", "secrets")[: CHILDREN + 1]
    )
    return Gantt(
        begins=begins,
        ends=ends,
        lines=[GanttLine(block, bars) for block, bars in lines.items()],
        more=max(0, blocks - BLOCKS),
        children=children[:CHILDREN],
        more_children=len(children) > CHILDREN,
        is_merged=any(bar.visits > 1 for bars in lines.values() for bar in bars),
    )
