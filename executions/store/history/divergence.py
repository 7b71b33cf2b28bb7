"""Where two executions of one flow diverge: the first step at which they differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db import connection

from executions.models import Execution

_STEPS = """
    SELECT number, block, port FROM executions_step WHERE execution_id = %s ORDER BY number
"""

#: Number of a step → its block and the port by which it left.
StepPorts = Mapping[int, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first step at which two executions differ, in each of them; None where one has no such
    step."""

    first: int | None
    second: int | None


@dataclass(frozen=True, slots=True)
class StepComparison:
    """Where two executions diverge, if they do.

    `trimmed` are the steps of the first one, before that, that are not kept in both: they may have
    diverged there.
    """

    divergence: Divergence | None
    trimmed: range


def compare_steps(first: Execution, second: Execution) -> StepComparison:
    """Compare the steps of two executions.

    A retry continues where its origin failed, so it is compared with its origin from there.
    """
    one, two = _steps(first), _steps(second)
    ahead = 0
    if second.origin_id == first.pk and two:
        begins = two[min(two)][0]
        same = [number for number, (block, _) in one.items() if block == begins]
        ahead = max(same, default=1) - 1
    ends = int(first.step_count) - ahead, int(second.step_count)
    return _diverge(one, two, ends, ahead)


def _steps(execution: Execution) -> dict[int, tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(_STEPS, [execution.pk])
        return {int(number): (str(b), str(port)) for number, b, port in cursor.fetchall()}


def _diverge(one: StepPorts, two: StepPorts, ends: tuple[int, int], ahead: int) -> StepComparison:
    """Compare steps by the numbers that they have in the second execution.

    The first one had made `ahead` steps before; `ends` are the last steps of both.
    """
    last, trimmed = 0, range(0)
    for number in _in_both(one, two, ahead):
        if number > last + 1:
            trimmed = range(last + ahead + 1, number + ahead)
        if one[number + ahead] != two[number]:
            return StepComparison(Divergence(number + ahead, number), trimmed)
        last = number
    following = min(ends) + 1
    if last + 1 < following:
        trimmed = range(last + ahead + 1, following + ahead)
    if ends[0] == ends[1]:
        return StepComparison(None, trimmed)
    divergence = Divergence(
        following + ahead if ends[0] >= following else None,
        following if ends[1] >= following else None,
    )
    return StepComparison(divergence, trimmed)


def _in_both(one: StepPorts, two: StepPorts, ahead: int) -> Iterator[int]:
    """The numbers, in the second execution, of the steps that are kept in both."""
    return (number for number in two if number + ahead in one)
