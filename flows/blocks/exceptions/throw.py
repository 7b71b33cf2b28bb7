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
        given = visit.given
        message = given["Message"]
        if message is None:
            message = "Exception of type 'Cortex.Exceptions.Flows.FlowException' was thrown."
        fields = {"help_link": given["Help Link"]} if given["Help Link"] else {}
        raise exception(
            "FlowException",
            message,
            category=given["Category"],
            error_code=given["Error Code"],
            details=given["Details"],
            inner=given["Inner Exception"],
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
        thrown: ExceptionValue = visit.given["Exception"]
        raise BlockException(thrown)
