"""The sizes of an execution's variables, about in bytes as they are stored. Pure.

Each frame keeps the sizes of its large values, and of lists that grow, so that adding an item costs
the item: no value is measured again at each change, and none beyond the limit.
"""

from typing import Any

from executions.engine.state import Frame
from executions.limits import (
    INLINE_CHANGE_CHARACTERS,
    MAX_VALUE_DEPTH,
    MAX_VARIABLE_BYTES,
    MAX_VARIABLES_BYTES,
)
from flows import values
from flows.blocks.errors import BlockException, exception

#: The types whose values can be large.
_SIZED = frozenset({str, bytes, list, dict, values.ExceptionValue})


def measure_initial(frame: Frame, key: str) -> None:
    """Measure the value with which a variable begins."""
    value = frame.variables[key]
    if type(value) in _SIZED:
        _keep(frame, key, value, values.cost(value, MAX_VARIABLES_BYTES))


def measure_saved(frames: list[Frame], frame: Frame, key: str, value: Any) -> None:
    """Measure the value that a variable gets. Raises VariableTooLargeException."""
    if type(value) not in _SIZED:
        if frame.sizes:
            frame.sizes.pop(key, None)
        return
    size = values.cost(value, MAX_VARIABLE_BYTES)
    _check(frames, frame, key, size)
    _keep(frame, key, value, size)


def measure_added(frames: list[Frame], frame: Frame, key: str, value: list[Any]) -> None:
    """Measure the items that a block has added to the variable's own list. Raises
    VariableTooLargeException, and takes the items off again."""
    size, length = frame.sizes.get(key, (0, 0))
    size = (size or 2) + sum(
        2 + values.cost(item, MAX_VARIABLE_BYTES, MAX_VALUE_DEPTH - 1) for item in value[length:]
    )
    try:
        _check(frames, frame, key, size)
    except BlockException:
        # What was not measured yet was small: all but the last item.
        del value[length or -1 :]
        raise
    frame.sizes[key] = size, len(value)


def measure_part(frames: list[Frame], frame: Frame, key: str, old: Any, new: Any) -> None:
    """Measure a part of a variable that is about to be replaced, or added when `old` is None.
    Raises VariableTooLargeException."""
    whole = frame.variables[key]
    measured = frame.sizes.get(key)
    if measured is None or old is new:
        # A list that is part of the variable was added to where it stands.
        measured = values.cost(whole, MAX_VARIABLE_BYTES), 0
    size = measured[0] + values.cost(new, MAX_VARIABLE_BYTES) - values.cost(old, MAX_VARIABLE_BYTES)
    try:
        _check(frames, frame, key, size)
    except BlockException:
        if old is new and type(new) is list:
            new.pop()
        raise
    _keep(frame, key, whole, size)


def _keep(frame: Frame, key: str, value: Any, size: int) -> None:
    if size > INLINE_CHANGE_CHARACTERS:
        frame.sizes[key] = size, len(value) if type(value) is list else 0
    elif frame.sizes:
        frame.sizes.pop(key, None)


def _check(frames: list[Frame], frame: Frame, key: str, size: int) -> None:
    if size <= INLINE_CHANGE_CHARACTERS:
        return
    if size > MAX_VARIABLE_BYTES:
        problem = (
            f"The value for {key} is larger than {MAX_VARIABLE_BYTES:,} bytes, "
            f"or nested deeper than {MAX_VALUE_DEPTH} levels."
        )
        raise exception("VariableTooLargeException", problem)
    total = sum(
        measured[0]
        for each in frames
        for name, measured in each.sizes.items()
        if name in each.variables
    )
    if total - frame.sizes.get(key, (0, 0))[0] + size > MAX_VARIABLES_BYTES:
        problem = (
            f"With the value for {key} the variables are larger than {MAX_VARIABLES_BYTES:,} bytes."
        )
        raise exception("VariableTooLargeException", problem)
