"""Connections without a wire, inside one workspace (semantics 9)."""

from flows.blocks.base import Block, JumpTo, Port, Property, Visit
from flows.blocks.errors import receiver_missing


class WirelessSender(Block):
    """Goes on at a Wireless Receiver of the same workspace, named by its key or its description.
    Many senders may name one receiver.

    One that names none throws with ErrorCode 101, one whose receiver does not exist with 100.
    """

    type = "Wireless Sender"
    palette = "Wireless"
    icon = "out"
    ports = (Port.EXCEPTION,)
    properties = (Property("Wireless Receiver Block", "WirelessReceiverBlockReference"),)
    throws = ("WirelessReceiverBlockNotFoundException",)

    def run(self, visit: Visit) -> JumpTo:
        receiver: str | None = visit.inputs["Wireless Receiver Block"]
        if not receiver:
            raise receiver_missing(101)
        return JumpTo(receiver)


class WirelessReceiver(Block):
    """Where tokens that Wireless Sender blocks send go on. No connection leads to it."""

    type = "Wireless Receiver"
    palette = "Wireless"
    icon = "right"
    ports = (Port.BOTTOM,)
    enterable = False
