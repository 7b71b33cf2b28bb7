"""The statuses of an execution and the transitions between them.

Pure. A status changes only by a guarded UPDATE that names the statuses that it may start from: a
named transition of `executions.store.lifecycle.transitions`, or a worker's checkpoint beside it.
"""

from enum import StrEnum


class Status(StrEnum):
    """Who moves an execution on from each status, and when."""

    #: A worker, by claiming it. Nobody holds it; a message names it, or recovery will.
    QUEUED = "Queued"
    #: Its worker, or, while it waits, whatever it waits for (the reason says what).
    RUNNING = "Running"
    #: Its worker, at the next checkpoint: a block that takes long is being finished.
    PAUSING = "Pausing"
    #: A person: continue, step or stop.
    PAUSED = "Paused"
    #: A person: it is paused on an exception port, because break on exception is on. Another next
    #: block takes it off the port, to Paused.
    EXCEPTION = "Exception"
    #: Its worker, at the next checkpoint.
    STOPPING = "Stopping"
    #: Nobody: a person stopped it.
    STOPPED = "Stopped"
    #: Nobody: it ended normally, also by the flow's exception handler (semantics 43).
    ENDED = "Ended"
    #: Nobody: an exception left the flow's exception handler (semantics 45).
    ERROR = "Error"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL


class Reason(StrEnum):
    """What a Running execution that holds no worker waits for, or why a Queued one gets none."""

    NONE = ""
    CHILDREN = "children"
    TIME = "time"
    SEMAPHORE = "semaphore"
    PERSON = "person"
    STORAGE = "storage"
    SIGNAL = "signal"
    #: As many executions of its person, or of its flow, hold workers as may.
    LIMIT = "limit"


class Place(StrEnum):
    """Where on its block a paused token stands (semantics 85)."""

    NONE = ""
    BLOCK = "block"
    BREAKPOINT = "breakpoint"
    PORT = "port"
    EXCEPTION_PORT = "exception"


class RetryState(StrEnum):
    """What became of the retries of an execution, also of retries of its retries."""

    NONE = ""
    #: The newest has not ended.
    LIVE = "live"
    #: One ended well: the execution is superseded, whatever others do.
    ENDED = "ended"
    #: The newest failed, as the execution did.
    FAILED = "failed"
    #: Somebody stopped the newest.
    STOPPED = "stopped"


#: Those in which an execution need not be retried: a retry may yet end well, has, or counts as the
#: failure in its place.
RETRIED = (RetryState.LIVE, RetryState.ENDED, RetryState.FAILED)


class Request(StrEnum):
    """What was asked of an execution that a worker holds; its next checkpoint brings it back."""

    NONE = ""
    PAUSE = "pause"
    STOP = "stop"


S = Status
TERMINAL = frozenset({S.STOPPED, S.ENDED, S.ERROR})
LIVE = frozenset(Status) - TERMINAL
#: Those in which it can be paused, and in which it can be stopped (semantics 86).
PAUSABLE = frozenset({S.QUEUED, S.RUNNING})
STOPPABLE = LIVE - {S.STOPPING}
#: Those in which a person has to let it go on.
RESUMABLE = frozenset({S.PAUSED, S.EXCEPTION})

#: Every transition there is. A terminal status never changes again.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    S.QUEUED: frozenset({S.RUNNING, S.PAUSED, S.STOPPED}),
    S.RUNNING: frozenset(
        {S.QUEUED, S.PAUSING, S.PAUSED, S.EXCEPTION, S.STOPPING, S.STOPPED, S.ENDED, S.ERROR}
    ),
    S.PAUSING: frozenset({S.PAUSED, S.EXCEPTION, S.STOPPING, S.STOPPED, S.ENDED, S.ERROR}),
    S.PAUSED: frozenset({S.QUEUED, S.STOPPED}),
    S.EXCEPTION: frozenset({S.QUEUED, S.PAUSED, S.STOPPED}),
    S.STOPPING: frozenset({S.STOPPED, S.ENDED, S.ERROR}),
    S.STOPPED: frozenset(),
    S.ENDED: frozenset(),
    S.ERROR: frozenset(),
}


def sources(target: Status) -> frozenset[Status]:
    """The statuses from which `target` may be reached."""
    return frozenset(status for status, targets in TRANSITIONS.items() if target in targets)


#: The statuses in which a worker may hold an execution.
WORKING = frozenset({S.RUNNING, S.PAUSING, S.STOPPING})
#: Every status by the name under which statements bind it, as in `%(running)s`.
STATUS_PARAMS = {status.name.lower(): status.value for status in Status}


def status_after_release(held: Status, target: Status) -> Status:
    """Return where a worker leaves an execution that it holds and wants to leave in `target`: a
    pause or a stop that was asked for meanwhile wins where the table has no such transition."""
    if held is target or target in TRANSITIONS[held]:
        return target
    return S.PAUSED if held is S.PAUSING else S.STOPPED


#: The state of an execution that Ended because nothing handled an exception: it failed, although
#: its status does not say so (semantics 44).
UNHANDLED = f"{S.ENDED} · unhandled exception"
