"""Which steps of a long execution are not kept: one answer for what drops them and what tells."""

from executions.limits import STEPS_FIRST, STEPS_LAST, STEPS_TRIMMED


def gap(step_count: int) -> range:
    """The numbers of the steps that an execution with so many does not keep; mostly none."""
    beyond = max(0, step_count - STEPS_FIRST - STEPS_LAST)
    first = STEPS_FIRST + 1
    return range(first, first + beyond - beyond % STEPS_TRIMMED)
