"""Two executions of one flow beside each other: where their ways part, and what came of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db import connection

from executions.models import Execution

_STEPS = """
    SELECT number, block, port FROM executions_step WHERE execution_id = %s ORDER BY number
"""

#: Number of a step → its block and the port by which it left.
Way = Mapping[int, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Parting:
    """The first step at which two ways differ, in each of them; None where one has no such step."""

    first: int | None
    second: int | None


@dataclass(frozen=True, slots=True)
class Ways:
    first: Way
    second: Way
    parting: Parting | None
    #: Steps of the first one, before that, that are not kept of both: they may have parted there.
    lacking: range


def ways(first: Execution, second: Execution) -> Ways:
    """The ways of two executions. A retry goes on where its origin failed: it is held against
    that one from there."""
    one, two = _way(first), _way(second)
    ahead = 0
    if second.origin_id == first.pk and two:
        begins = two[min(two)][0]
        same = [number for number, (block, _) in one.items() if block == begins]
        ahead = max(same, default=1) - 1
    return Ways(one, two, *_parting(one, two, first, second, ahead))


def _way(execution: Execution) -> dict[int, tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(_STEPS, [execution.pk])
        return {int(number): (str(b), str(port)) for number, b, port in cursor.fetchall()}


def _parting(
    one: Way, two: Way, first: Execution, second: Execution, ahead: int
) -> tuple[Parting | None, range]:
    """`ahead` is by how many steps the first one had begun before."""
    last, lacking = 0, range(0)
    for number in _numbers(one, two, ahead):
        if number > last + 1:
            lacking = range(last + ahead + 1, number + ahead)
        if one[number + ahead] != two[number]:
            return Parting(number + ahead, number), lacking
        last = number
    ends = int(first.step_count) - ahead, int(second.step_count)
    following = min(ends) + 1
    if last + 1 < following:
        lacking = range(last + ahead + 1, following + ahead)
    if ends[0] == ends[1]:
        return None, lacking
    parting = Parting(
        following + ahead if ends[0] >= following else None,
        following if ends[1] >= following else None,
    )
    return parting, lacking


def _numbers(one: Way, two: Way, ahead: int) -> Iterator[int]:
    """The numbers, in the second way, of the steps that are kept of both."""
    return (number for number in two if number + ahead in one)
