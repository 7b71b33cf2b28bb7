"""Signals: executions that wait for one another, or for another program, by a name and a key."""

from typing import Any, ClassVar

from flows.blocks.base import Block, Direction, Leave, Property, Visit
from flows.blocks.scopes import require_name
from flows.blocks.shared_data import KEY_LENGTH, NAME_LENGTH, AwaitSignal, SendSignal

_NAME = Property(
    "Signal Name",
    "String",
    required=True,
    nonempty=True,
    description="such as payment-received; upper and lower case differ",
)
_KEY = Property(
    "Key",
    "String",
    default="",
    description="which one of that name, such as an order's number; null is the empty text",
)


class SignalBlock(Block):
    """A block that sends a signal, or waits for one."""

    palette: ClassVar[str] = "Signals"
    shares_values = True
    throws: ClassVar[tuple[str, ...]] = ("PropertyValueOutOfRangeException",)

    def resume(self, visit: Visit, result: Any) -> Leave:
        return Leave()


def _named(visit: Visit) -> tuple[str, str]:
    return (
        require_name(_NAME.name, visit.inputs[_NAME.name], NAME_LENGTH),
        require_name(_KEY.name, visit.inputs[_KEY.name] or "", KEY_LENGTH),
    )


class SendSignalBlock(SignalBlock):
    """Sends a signal, with a value, to one execution that waits for its name and key.

    Of several, the one that has waited longest gets it. When none waits, the signal is kept for the
    next one that does.
    """

    type = "Send Signal"
    icon = "out"
    properties = (_NAME, _KEY, Property("Payload", "dynamic"))

    def run(self, visit: Visit) -> SendSignal:
        return SendSignal(*_named(visit), visit.inputs["Payload"])


class WaitForSignal(SignalBlock):
    """Waits until a signal of that name and key comes, and gives the value that was sent with it;
    goes on at once when one is there already.

    Each signal goes to one execution, exactly once. With a Block Timeout, BlockTimeoutException is
    thrown when none has come by then. No worker is held meanwhile.
    """

    type = "Wait For Signal"
    icon = "wait"
    properties = (_NAME, _KEY, Property("Payload", "dynamic", Direction.OUTPUT))

    def run(self, visit: Visit) -> AwaitSignal:
        return AwaitSignal(*_named(visit))

    def resume(self, visit: Visit, result: Any) -> Leave:
        return Leave(outputs={"Payload": result})
