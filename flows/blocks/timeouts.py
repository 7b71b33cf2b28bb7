"""What a Block Timeout means (semantics 76, 77). Pure."""

from datetime import datetime, timedelta
from math import inf
from typing import Any

from flows.blocks.errors import HELP, BlockException, exception, invalid_property
from flows.blocks.schedules.wait import add_period

#: The longest Block Timeout and Queue Timeout, in milliseconds.
LONGEST = 2**31 - 1


def milliseconds(period: Any, now: datetime, name: str) -> float:
    """Return the length of a TimePeriod from now on; a number is milliseconds already. Infinite
    where it leads beyond the calendar.

    Raises InvalidPropertyValueException of the property `name` as a BlockException.
    """
    if type(period) is int:
        return float(period) if abs(period) < 2**63 else inf if period > 0 else -inf
    if type(period) is float:
        if period != period:
            raise invalid_property(name, "NaN is not a TimePeriod.")
        return period
    try:
        return (add_period(now, period, name) - now) / timedelta(milliseconds=1)
    except BlockException as thrown:
        if thrown.value.short_type != "ArgumentOutOfRangeException":
            raise
        return inf


def timeout(period: Any, now: datetime) -> float:
    """Return the milliseconds of a Block Timeout, 0 for none (semantics 76).

    Raises InvalidBlockTimeoutException and InvalidPropertyValueException as a BlockException.
    """
    if period is None:
        return 0
    length = milliseconds(period, now, "Block Timeout")
    if not 0 <= length <= LONGEST:
        shown = f"{length:.0f}" if abs(length) < 10**15 else "too many"
        raise exception(
            "InvalidBlockTimeoutException",
            f"The provided TimePeriod for the BlockTimeout equates to {shown} milliseconds which "
            f"is invalid; it must be a non-negative value less than {LONGEST:,}.{HELP}",
        )
    return length


def timed_out(
    length: float, *, execution: str, flow: str, workspace: str, block: str
) -> BlockException:
    """Return the exception of a block that ran longer than its Block Timeout."""
    return exception(
        "BlockTimeoutException",
        "The block timed out because its execution time reached the Block Timeout of "
        f"{length:g} milliseconds.{HELP}",
        extra={
            "BlockTimeout": timedelta(milliseconds=length),
            "ExecutionId": execution,
            "FlowId": flow,
            "WorkspaceId": workspace,
            "BlockId": block,
        },
    )
