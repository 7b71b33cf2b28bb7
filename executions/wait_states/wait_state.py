"""What a wait state is, and what it may decide.

The runner calls it in a transaction, and does what it decides in the same one: what an execution
waits for cannot change between the look at it and the parking.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from executions.engine.interpreter import Interpreter
from executions.engine.state import Event
from executions.events import ExecutionChanged
from executions.states import Reason
from executions.store.lifecycle.claims import ClaimedExecution
from flows.blocks.requests import BlockRequest

R = TypeVar("R", bound=BlockRequest)


@dataclass(frozen=True, slots=True)
class Park:
    """Give the worker up until something wakes the execution, a time limit of its blocks at the
    latest."""

    #: What it waits for, as `Execution.state` keeps it.
    waits: Mapping[str, Any]
    #: The same for people, in the column `waiting_for`.
    text: str = ""
    #: When it wakes by itself, in seconds since the epoch.
    until: float | None = None
    #: How many child executions it has just started.
    children: int = 0
    #: The tasks of which the last one that ends wakes it.
    awaits: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Take an event in and write it down in the transaction; go on after the commit. `children` is
    how many child executions were just started."""

    event: Event
    children: int = 0


@dataclass(frozen=True, slots=True)
class CompleteVisit:
    """Take an event in that ends the visit, and write down in the transaction all that comes of it,
    also a pause or an end."""

    event: Event


#: A bare event is taken in after the commit.
Outcome = Event | Park | Checkpoint | CompleteVisit


class WaitState(ABC, Generic[R]):
    """One kind of waiting. Subclasses declare the class attributes."""

    #: What blocks ask for that may lead to it; several may, as subclasses of one.
    request: ClassVar[type[BlockRequest]]
    #: Its name in `Execution.state`, as `waits.for`.
    name: ClassVar[str]
    reason: ClassVar[Reason]
    #: Whether its row is locked first, before what it waits for.
    locks_execution: ClassVar[bool] = False
    #: What recovery calls too, to queue executions again whose wait is over and that were skipped.
    #: Nothing when they wake in the transaction of what they waited for, or when they are due.
    wakes: ClassVar[tuple[Callable[[], list[ExecutionChanged]], ...]] = ()

    @abstractmethod
    def enter(self, claimed: ClaimedExecution, interpreter: Interpreter, request: R) -> Outcome:
        """Do what a block asks for, or park. Raises BlockException to have nothing done, and the
        block throw."""

    @abstractmethod
    def resume(
        self, claimed: ClaimedExecution, interpreter: Interpreter, waits: Mapping[str, Any]
    ) -> Outcome:
        """Look what has come of the wait when a worker has claimed the execution again; park once
        more when nothing has. `waits` is what `Park` said."""
