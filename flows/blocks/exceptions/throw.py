"""Throwing exceptions."""

from flows.blocks.base import Block, Leave, Port, Property, Visit
from flows.blocks.errors import BlockException, exception
from flows.values import ExceptionValue


class ThrowNewFlowException(Block):
    """Throws a FlowException; by its own red port first (semantics 48).

    A Message that is null or left out gives the type's own text.
    """

    type = "Throw New Flow Exception"
    palette = "Exceptions"
    icon = "bug"
    ports = (Port.EXCEPTION,)
    properties = (
        Property("Message", "String"),
        Property("Category", "String"),
        Property("Error Code", "Nullable<Int32>"),
        Property("Details", advanced=True),
        Property("Inner Exception", "Exception", advanced=True),
        Property("Help Link", "String", advanced=True),
    )
    throws = ("FlowException",)

    def run(self, visit: Visit) -> Leave:
        inputs = visit.inputs
        message = inputs["Message"]
        if message is None:
            message = "Exception of type 'Cortex.Exceptions.Flows.FlowException' was thrown."
        fields = {"help_link": inputs["Help Link"]} if inputs["Help Link"] else {}
        raise exception(
            "FlowException",
            message,
            category=inputs["Category"],
            error_code=inputs["Error Code"],
            details=inputs["Details"],
            inner=inputs["Inner Exception"],
            **fields,
        )


class RethrowException(Block):
    """Throws the very same exception again (semantics 49)."""

    type = "Rethrow Exception"
    palette = "Exceptions"
    icon = "bug"
    ports = (Port.EXCEPTION,)
    properties = (Property("Exception", "Exception", required=True),)

    def run(self, visit: Visit) -> Leave:
        thrown: ExceptionValue = visit.inputs["Exception"]
        raise BlockException(thrown)
