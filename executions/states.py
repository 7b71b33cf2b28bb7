"""The statuses of an execution, the transitions between them, and when each command applies.

Pure. A status changes only through `executions.store.lifecycle.transitions`, by a guarded UPDATE
that names the statuses that it may start from; nothing else assigns one.
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
    #: As many executions of its person, or of its flow, hold workers as may.
    LIMIT = "limit"


class Place(StrEnum):
    """Where on its block a paused token stands (semantics 85)."""

    NONE = ""
    BLOCK = "block"
    BREAKPOINT = "breakpoint"
    PORT = "port"
    EXCEPTION_PORT = "exception"


class Request(StrEnum):
    """What was asked of an execution that a worker holds; its next checkpoint brings it back."""

    NONE = ""
    PAUSE = "pause"
    STOP = "stop"


S = Status
TERMINAL = frozenset({S.STOPPED, S.ENDED, S.ERROR})
LIVE = frozenset(Status) - TERMINAL
#: Those in which a worker may hold it.
WORKING = frozenset({S.RUNNING, S.PAUSING, S.STOPPING})
#: Those in which it can be paused, and in which it can be stopped (semantics 86).
PAUSABLE = frozenset({S.QUEUED, S.RUNNING})
STOPPABLE = LIVE - {S.STOPPING}

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


#: From which statuses each command applies (semantics 86).
HELD = frozenset({S.PAUSED, S.EXCEPTION})
APPLIES: dict[str, frozenset[Status]] = {
    "pause": frozenset({S.QUEUED, S.RUNNING}),
    "continue": HELD,
    "step": HELD,
    "step-over": HELD,
    "step-out": HELD,
    "run-to": HELD,
    "set-next": HELD,
    "set-variable": HELD,
    "move-version": HELD,
    "breakpoint": LIVE - {S.STOPPING},
    "break-on-exception": LIVE - {S.STOPPING},
    "attach": LIVE - {S.STOPPING},
    "detach": LIVE,
    "take-over": LIVE,
    "hand-over": LIVE,
    "keep-control": LIVE,
    "release": LIVE,
    "stop": LIVE - {S.STOPPING},
    "force-stop": LIVE,
    "retry": frozenset({S.STOPPED, S.ERROR}),
}


#: What applies also to an execution that Ended because nothing handled an exception: it failed,
#: though its status does not say so (semantics 44).
APPLIES_TO_UNHANDLED = frozenset({"retry"})
#: That state in words.
UNHANDLED = f"{S.ENDED} · unhandled exception"


def applies(command: str, status: Status, *, unhandled: bool = False) -> bool:
    """Whether `command` applies to an execution in `status`; `unhandled` says that it Ended because
    nothing handled an exception."""
    return status in APPLIES[command] or (unhandled and command in APPLIES_TO_UNHANDLED)


def targets(command: str) -> list[str]:
    """What `command` applies to, in words."""
    statuses: list[str] = [status for status in Status if status in APPLIES[command]]
    return [*statuses, UNHANDLED] if command in APPLIES_TO_UNHANDLED else statuses


def refusal(command: str, status: Status, *, unhandled: bool = False) -> str:
    """Why `command` does not apply to an execution in `status`; empty when it does."""
    if applies(command, status, unhandled=unhandled):
        return ""
    if status.is_terminal and not APPLIES[command] & TERMINAL:
        return f"It is already {status}."
    wanted = " or ".join(targets(command))
    return f"{words(command)} applies to {wanted}; it is {status}."


def words(command: str) -> str:
    """A command as people read it."""
    return command.replace("-", " ").capitalize()
