"""Tasks as values: their properties, and expressions that read them."""

from uuid import UUID

import pytest

from flows import task_values, values
from flows.expressions import TaskStateNeeded, compile
from flows.task_values import TaskState, TaskStatus
from flows.values import ExceptionValue, TaskValue


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (TaskState(TaskStatus.RUNNING), (False, False, False, False)),
        (TaskState(TaskStatus.RAN_TO_COMPLETION, {}), (False, True, True, False)),
        (TaskState(TaskStatus.FAULTED, None, ExceptionValue("A.B")), (False, True, False, True)),
        (TaskState(TaskStatus.CANCELLED, None, ExceptionValue("A.B")), (True, True, False, True)),
    ],
)
def test_the_properties_of_a_task(state: TaskState, expected: tuple[bool, ...]) -> None:
    """Semantics 68, 69: a cancelled task is completed and faulted too."""
    found = state.as_structure("x")
    names = ("IsCancelled", "IsCompleted", "IsCompletedSuccessfully", "IsFaulted")
    assert tuple(found[name] for name in names) == expected
    assert (found["ExecutionId"], found["Id"], found["Exception"]) == ("x", "x", state.exception)


def test_an_expression_that_reads_a_task_asks_for_it() -> None:
    """Semantics 68: the engine knows nothing of what has become of it."""
    task = TaskValue(str(UUID(int=7)))
    expression = compile("Tasks.filter(t, t.IsFaulted)")
    with pytest.raises(TaskStateNeeded) as met:
        expression.evaluate({"Tasks": [task]})
    assert met.value.ids == (task.execution_id,)
    states = {task.execution_id: TaskState(TaskStatus.FAULTED, None, ExceptionValue("A.B"))}
    found = expression.evaluate({"Tasks": task_values.expand([task], states)})
    assert task_values.collapse(found, states) == [task]
    assert values.decode(values.encode([task])) == [task]
    assert values.copy(task) is task
