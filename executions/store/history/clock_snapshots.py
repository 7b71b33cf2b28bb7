"""The executions below one, as they were at a moment of time."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from executions.models import Execution, Step
from executions.states import Status
from flows import queries

#: How many are shown.
SHOWN = 40


@dataclass(frozen=True, slots=True)
class DescendantAt:
    """An execution at a moment, with the title of the block of its last step before it.

    Its status is known only if it had ended by then, or if the moment is now.
    """

    execution: Execution
    status: Status | None
    step: int
    block: str
    #: Milliseconds since the epoch, for a link to the same moment; None for now.
    time: int | None


@dataclass(frozen=True, slots=True)
class Descendants:
    rows: list[DescendantAt]
    more: bool


def descendants_at(
    execution: Execution, visible: QuerySet[Execution], moment: datetime | None
) -> Descendants:
    """Return the descendants of an execution that had started by a moment; None is now."""
    rows = visible.filter(root_id=execution.root_id, depth__gt=execution.depth)
    if moment is not None:
        rows = rows.filter(started_at__lte=moment)
    known = {execution.pk}
    found: list[Execution] = []
    columns = ("id", "parent_id", "depth", "flow_name", "version_id", "status", "step_count")
    for row in rows.only(*columns, "started_at", "ended_at", "block").order_by("depth", "pk"):
        # A parent comes before its children, so that one look finds all that are below.
        if row.parent_id in known:
            known.add(row.pk)
            found.append(row)
            if len(found) > SHOWN:
                break
    return Descendants([_then(row, moment) for row in found[:SHOWN]], len(found) > SHOWN)


def _then(execution: Execution, moment: datetime | None) -> DescendantAt:
    graph = queries.compiled(execution.version_id)
    is_over = moment is None or (execution.ended_at is not None and execution.ended_at <= moment)
    steps = Step.objects.filter(execution_id=execution.pk)
    if moment is not None:
        steps = steps.filter(at__lte=moment)
    last = steps.order_by("-number").values_list("number", "block").first()
    step, key = last or (0, graph.top.start)
    node = graph.blocks.get(key)
    time = None if moment is None else int(moment.timestamp() * 1000)
    status = Status(execution.status) if is_over else None
    return DescendantAt(execution, status, step, node.title if node else key, time)
