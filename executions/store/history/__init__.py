"""An execution as it was after any of its steps: `at(execution, graph, step)`."""

from executions.store.history.snapshots import Known, Past, TokenAt, VariableAt, at
from executions.store.history.timeline import step_at, times

__all__ = ["Known", "Past", "TokenAt", "VariableAt", "at", "step_at", "times"]
