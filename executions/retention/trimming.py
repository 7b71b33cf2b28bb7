"""Which steps of a long execution are trimmed; the same for the checkpoint and the pages."""

from executions.limits import FIRST_STEPS_KEPT, LAST_STEPS_KEPT, TRIM_BATCH


def trimmed_steps(step_count: int) -> range:
    """Return the numbers of the steps that an execution with so many has lost; empty for most."""
    beyond = max(0, step_count - FIRST_STEPS_KEPT - LAST_STEPS_KEPT)
    first = FIRST_STEPS_KEPT + 1
    return range(first, first + beyond - beyond % TRIM_BATCH)
