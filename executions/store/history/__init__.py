"""An execution as it was after any of its steps: `at(execution, graph, step)`."""

from executions.store.history.snapshots import Availability, ExecutionAt, TokenAt, VariableAt, at
from executions.store.history.timeline import step_at, times

__all__ = ["Availability", "ExecutionAt", "TokenAt", "VariableAt", "at", "step_at", "times"]
