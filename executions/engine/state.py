"""The interpreter's vocabulary: tokens, what happened to them, events and decisions.

Pure. `executions.store` turns tokens and progress into rows and back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from flows.blocks.base import LogLine
from flows.blocks.requests import BlockRequest
from flows.blocks.semaphores import Semaphore
from flows.task_values import States
from flows.values import ExceptionValue


@dataclass(slots=True)
class Frame:
    """A token with its scope; an execution has one for each workspace that it is inside of.

    `variables` holds the initialised variables by case-folded name (semantics 18); a name that
    begins with "items:" holds the items of a For Each Loop under way. `changed` has the names
    whose value was set or deleted since the last checkpoint.
    """

    workspace: str
    block: str
    variables: dict[str, Any] = field(default_factory=dict)
    #: The state of loop blocks between their visits, by block key.
    block_states: dict[str, Any] = field(default_factory=dict)
    #: Whether this visit's Handle Workspace Exception block was used (semantics 39).
    handler_used: bool = False
    #: The exception that enters the handler on which the token stands.
    exception: ExceptionValue | None = None
    #: The step at which that exception was thrown.
    thrown_at: int = 0
    changed: set[str] = field(default_factory=set)
    #: The sizes of large variables, and the lengths of lists (`executions.engine.sizes`).
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    #: When its block times out, in seconds since the epoch, and its Block Timeout in milliseconds.
    deadline: float | None = None
    timeout: float = 0.0
    #: The semaphore that it holds while it stands on its block.
    semaphore: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An execution as it was last written down; `Interpreter.restore` goes on from it.

    `since` is when the block under way (an effect, a wait) was entered, in seconds since the
    epoch. `context` is the built-in variable `_executionContext` without its Extensions.
    """

    frames: Sequence[Frame] = ()
    step_count: int = 0
    since: float = 0.0
    context: Mapping[str, Any] = field(default_factory=dict)
    #: The texts that are known to be secret.
    secret_texts: Iterable[str] = ()
    #: The bytes of large changed values that its steps have stored.
    stored_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Budget:
    """How far the interpreter may go: the number of visits, and a moment since the epoch."""

    blocks: int
    until: float = inf


# Progress: what happened ----------------------------------------------------------------------


@dataclass(slots=True)
class StepRecord:
    """One visit of a token to a block. `at` is in seconds since the epoch, `duration` in
    microseconds; `changes` maps variable names to what `executions.engine.changes` records."""

    number: int
    level: int
    block: str
    at: float
    duration: int
    port: str
    changes: dict[str, Any] | None
    exception: str


@dataclass(slots=True)
class ThrownException:
    """An exception that the block of `step` threw."""

    step: int
    at: float
    block: str
    exception: ExceptionValue
    #: Where the code failed, when a block or a runner has a defect.
    traceback: str = ""


@dataclass(slots=True)
class LogRecord:
    """A line that the block of `step` logged."""

    step: int
    at: float
    block: str
    line: LogLine


@dataclass(slots=True)
class Progress:
    """What happened since the last checkpoint."""

    steps: list[StepRecord] = field(default_factory=list)
    thrown: list[ThrownException] = field(default_factory=list)
    #: Step at which an exception was thrown → key of the block that handled it.
    handled: dict[int, str] = field(default_factory=dict)
    logged: list[LogRecord] = field(default_factory=list)
    #: The levels of the tokens that have released a semaphore.
    released: list[int] = field(default_factory=list)
    # Filled in when the progress is taken:
    #: For each level, the names of the variables that were set or deleted.
    changed: list[set[str]] = field(default_factory=list)
    #: Large changed values: their JSON text by its SHA-256.
    stored: dict[str, str] = field(default_factory=dict)
    #: Whether more texts are secret than before.
    secrets_changed: bool = False


# Events: what happens to the execution ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on with the block on which the token stands."""


@dataclass(frozen=True, slots=True)
class Performed:
    """The effect was done, with these output properties."""

    outputs: Any


@dataclass(frozen=True, slots=True)
class Resumed:
    """The wait is over. The result is None for a time, outputs or an ExceptionValue for a child,
    a TaskValue for a child that is not awaited, states for tasks, an Answer for a question, and
    what was asked of shared data. `in_time`: it came before the block's time was over, however late
    it is taken in."""

    result: Any = None
    in_time: bool = False


@dataclass(frozen=True, slots=True)
class Threw:
    """The block's effect, or its wait, threw; `traceback` is that of a defect."""

    exception: ExceptionValue
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class TasksLookedUp:
    """The states of the tasks that an expression reads (LookUpTasks), for the next visit."""

    states: States


@dataclass(frozen=True, slots=True)
class Acquired:
    """The token holds this semaphore now, and its visit begins."""

    path: str


@dataclass(frozen=True, slots=True)
class TimedOut:
    """A visit under way has run out of time: that of the block that waits or had an effect, or
    that of a workspace around it."""


@dataclass(frozen=True, slots=True)
class Route:
    """Go from the exception port on which the token stands to the exception's handler."""

    exception: ExceptionValue
    step: int


Event = Acquired | TimedOut | Continue | Performed | Resumed | Threw | TasksLookedUp | Route


# Decisions: what the interpreter asks for -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Yielded:
    """The budget of blocks or time is used up; the token stands before a block."""


@dataclass(frozen=True, slots=True)
class Perform:
    """Do the block's effect with these properties; `repeatable`: it may be done twice."""

    block: str
    inputs: Any
    repeatable: bool
    #: When it times out, in seconds since the epoch.
    until: float = inf


@dataclass(frozen=True, slots=True)
class Acquire(BlockRequest):
    """Acquire a semaphore for the token's visit (Acquired), park until it is free, or throw
    (Threw)."""

    semaphore: Semaphore


@dataclass(frozen=True, slots=True)
class LookUpTasks:
    """Look up the states of these tasks (TasksLookedUp); the visit then begins again."""

    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """The execution ended normally; `outputs` maps output variables to values. `unhandled` is the
    exception that ended it because nothing handled it (semantics 44)."""

    outputs: dict[str, Any]
    unhandled: ExceptionValue | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """An exception left the flow's exception handler (semantics 45)."""

    exception: ExceptionValue


@dataclass(frozen=True, slots=True)
class BrokeOnException:
    """The block threw, and break on exception is on: the token stays on the exception port with
    its scopes alive, until `Route` is given back (semantics 87)."""

    exception: ExceptionValue
    step: int


#: A BlockRequest is what a block asks for; it comes back as Resumed, or Threw.
Decision = Yielded | Perform | LookUpTasks | BlockRequest | Finished | Failed | BrokeOnException
