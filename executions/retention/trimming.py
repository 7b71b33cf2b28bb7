"""Which steps of a long execution are not kept: one answer for what drops them and what tells."""

from executions.limits import FIRST_STEPS_KEPT, LAST_STEPS_KEPT, TRIM_BATCH


def trimmed_steps(step_count: int) -> range:
    """The numbers of the steps that an execution with so many does not keep; mostly none."""
    beyond = max(0, step_count - FIRST_STEPS_KEPT - LAST_STEPS_KEPT)
    first = FIRST_STEPS_KEPT + 1
    return range(first, first + beyond - beyond % TRIM_BATCH)
