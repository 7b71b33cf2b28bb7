"""The base of what blocks ask of whoever runs them. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """What a block asks for in the middle of a visit, which goes on with the result: the execution
    parks meanwhile where it has to (`executions.wait_states`)."""
