"""What an execution is between two blocks, and what happened since it was last written down.

Pure. `executions.store` turns these into rows and back.
"""

from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Any

from executions.limits import MAX_STORED_BYTES
from flows.blocks.base import LogLine
from flows.blocks.semaphores import Semaphore
from flows.task_values import States
from flows.values import ExceptionValue

if TYPE_CHECKING:
    from executions.engine.secrets import Secrets


@dataclass(slots=True)
class Frame:
    """A token: one for each workspace that the execution is inside of, with its scope.

    `variables` holds what is initialised, by case-folded name (semantics 18); names that begin
    with "items:" are the items of a For Each Loop under way. `changed` are the names whose value
    was set or deleted since the last checkpoint.
    """

    workspace: str
    block: str
    variables: dict[str, Any] = field(default_factory=dict)
    #: What loop blocks keep between their visits, by block key.
    kept: dict[str, Any] = field(default_factory=dict)
    #: Whether this visit's Handle Workspace Exception block was used (semantics 39).
    handler_used: bool = False
    #: The exception that is entering the handler on which the token stands.
    exception: ExceptionValue | None = None
    #: The step at which that exception was thrown.
    thrown_at: int = 0
    changed: set[str] = field(default_factory=set)
    #: What `executions.engine.sizes` knows of large variables: their size, and of lists the length.
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    #: By when its block must be done, in seconds since the epoch, and after how many milliseconds
    #: that is.
    deadline: float | None = None
    timeout: float = 0.0
    #: The semaphore that it holds while it stands on its block.
    semaphore: str = ""


@dataclass(slots=True)
class StepDone:
    """One visit of a token to a block. `at` is in seconds since the epoch, `duration` in
    microseconds; `changes` maps variable names to what `executions.engine.changes` keeps."""

    number: int
    level: int
    block: str
    at: float
    duration: int
    port: str
    changes: dict[str, Any] | None
    exception: str


@dataclass(slots=True)
class Thrown:
    """An exception that the block of `step` threw, and the handler that took it, or ""."""

    step: int
    at: float
    block: str
    exception: ExceptionValue
    #: Where the code failed, of a block or a runner that failed in a way nobody foresaw.
    traceback: str = ""


@dataclass(slots=True)
class Logged:
    step: int
    at: float
    block: str
    line: LogLine


@dataclass(slots=True)
class Progress:
    """What happened since the last checkpoint."""

    steps: list[StepDone] = field(default_factory=list)
    thrown: list[Thrown] = field(default_factory=list)
    #: Step at which an exception was thrown → key of the block that handled it.
    handled: dict[int, str] = field(default_factory=dict)
    logged: list[Logged] = field(default_factory=list)
    #: The levels of the tokens that have given a semaphore up.
    released: list[int] = field(default_factory=list)
    #: Large changed values: their JSON text by its SHA-256, how many bytes that was, by which
    #: blocks, and how many bytes there may still be in this execution.
    stored: dict[str, str] = field(default_factory=dict)
    spent: int = 0
    stored_by: set[str] = field(default_factory=set)
    room: int = MAX_STORED_BYTES
    #: What the visit under way has changed that throws while it saves its outputs.
    saved: dict[str, Any] | None = None
    #: What the execution keeps to itself; None when it has no secrets.
    secrets: "Secrets | None" = None

    def take_saved(self) -> dict[str, Any] | None:
        """`saved`, for the step that threw; the next one has none."""
        saved, self.saved = self.saved, None
        return saved


# Events: what the interpreter is told --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Go:
    """Go on with the block on which the token stands."""


@dataclass(frozen=True, slots=True)
class Performed:
    """The effect was done, with these output properties."""

    outputs: Any


@dataclass(frozen=True, slots=True)
class Resumed:
    """What was waited for came: None for a time; outputs or an ExceptionValue for a child; a
    TaskValue for one that is not awaited; states for tasks."""

    result: Any = None


@dataclass(frozen=True, slots=True)
class Threw:
    """The block's effect, or what it waited for, threw; with the traceback of a defect."""

    exception: ExceptionValue
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What has become of tasks that expressions read (LookUp); good for the next visit."""

    states: States


@dataclass(frozen=True, slots=True)
class Acquired:
    """The token holds this semaphore now; its visit begins."""

    path: str


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The time of a visit under way is over: of the block that waits or had an effect, or of a
    workspace around it."""


@dataclass(frozen=True, slots=True)
class Route:
    """Go from the exception port on which the token stands to the handler of what was thrown."""

    exception: ExceptionValue
    step: int


Event = Acquired | TimedOut | Go | Performed | Resumed | Threw | Seen | Route


# Decisions: what the interpreter asks for ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Yielded:
    """The budget of blocks or time is used up; the token stands before a block."""


@dataclass(frozen=True, slots=True)
class Perform:
    """Do the block's effect with these properties; `again` says whether it may be repeated."""

    block: str
    given: Any
    again: bool
    #: By when it must be done, in seconds since the epoch.
    until: float = inf


@dataclass(frozen=True, slots=True)
class StartChild:
    """Start a child execution, and park, or go on with Resumed and its TaskValue."""

    flow: str
    inputs: Any
    awaited: bool = True


@dataclass(frozen=True, slots=True)
class Await:
    """Park until all these tasks are completed, after stopping them when `cancel` is set; then
    Resumed with their states in this order."""

    tasks: tuple[str, ...]
    cancel: bool


@dataclass(frozen=True, slots=True)
class Acquire:
    """Acquire a semaphore for the token's visit (Acquired), park for it, or throw (Threw)."""

    semaphore: Semaphore


@dataclass(frozen=True, slots=True)
class LookUp:
    """Tell what has become of these tasks now (Seen); the visit begins again with that."""

    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Park until then."""

    until: datetime


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
class Broke:
    """The block threw and exceptions are broken on: the token stays on its exception port, its
    scopes alive, until `Route` is given back (semantics 87)."""

    exception: ExceptionValue
    step: int


Decision = (
    Yielded | Perform | StartChild | Await | LookUp | Acquire | Wait | Finished | Failed | Broke
)
