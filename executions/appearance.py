"""How a status looks and reads: always by an icon's shape and a label; colour repeats it."""

from executions.states import UNHANDLED, Place, Reason, RetryState, Status

#: What each status means, on the help page and in titles.
DESCRIPTIONS: dict[Status, str] = {
    Status.QUEUED: "Waits for a worker.",
    Status.RUNNING: "Its token moves, or waits: for a time, a signal, a person, other executions.",
    Status.PAUSING: "Pauses as soon as the running block is done.",
    Status.PAUSED: "Waits until somebody continues, steps or stops it.",
    Status.EXCEPTION: "Waits for somebody at an exception, because break on exception is on.",
    Status.STOPPING: "Stops as soon as the running block is done.",
    Status.STOPPED: "Somebody stopped it. Final.",
    Status.ENDED: "It has reached its end. Final.",
    Status.ERROR: "No block handled an exception that left its flow. Final.",
}

#: Where a paused token stands, when that has an icon of its own.
PLACES: dict[Place, tuple[str, str]] = {
    Place.BREAKPOINT: ("paused-bp", "breakpoint"),
    Place.PORT: ("paused-port", "port"),
}

REASON_TEXTS: dict[Reason, str] = {
    Reason.CHILDREN: "waits for child executions",
    Reason.TIME: "waits for a time",
    Reason.SEMAPHORE: "waits for a semaphore",
    Reason.PERSON: "waits for a person to answer",
    Reason.STORAGE: "waits for what others do in Data Storage",
    Reason.SIGNAL: "waits for a signal",
    Reason.LIMIT: "waits because its user or its flow uses as many workers as allowed",
}


#: The icon of an initiator, by how it starts executions (`Execution.Trigger`), if not by hand.
TRIGGER_ICONS = {
    "api": "script",
    "command line": "terminal",
    "demo": "sched",
    "schedule": "sched",
    "webhook": "nav-hook",
}

#: How the newest retry of an execution looks, and what became of it.
RETRY_STATES: dict[RetryState, tuple[Status, str]] = {
    RetryState.LIVE: (Status.RUNNING, "Its retry has not ended."),
    RetryState.ENDED: (Status.ENDED, "Its retry ended well, so it is superseded."),
    RetryState.FAILED: (Status.ERROR, "Its retry failed."),
    RetryState.STOPPED: (Status.STOPPED, "Its retry was stopped."),
}

#: What it means that an execution Ended because nothing handled an exception.
UNHANDLED_DESCRIPTION = (
    "It ended because nothing handled an exception, so it counts as failed. Retry starts at the "
    "block that threw it."
)


def icon_name(status: str, place: str = "", *, unhandled: bool = False) -> str:
    """Return the name of a status's icon in the sprite."""
    if status == Status.PAUSED and place in PLACES:
        return PLACES[Place(place)][0]
    return "ended-unhandled" if unhandled else status.lower()


def initiator_icon(trigger: str, *, is_child: bool) -> str:
    """Return the name of the icon of who or what started an execution."""
    return "tree" if is_child else TRIGGER_ICONS.get(trigger, "user")


def css_class(status: str, *, unhandled: bool = False) -> str:
    """Return what follows `st-` in the CSS class of a status."""
    return "unhandled" if unhandled else status.lower()


def label(status: str, place: str = "", reason: str = "", *, unhandled: bool = False) -> str:
    """Return the status with where it is paused, what it waits for, or that it failed."""
    if unhandled:
        return UNHANDLED
    if status == Status.PAUSED and place in PLACES:
        return f"{status} · {PLACES[Place(place)][1]}"
    if _waits(status, reason):
        return f"{status} · {reason}"
    return status


def description(status: str, place: str = "", reason: str = "", *, unhandled: bool = False) -> str:
    """Return a sentence for a title."""
    if unhandled:
        return f"{UNHANDLED}. {UNHANDLED_DESCRIPTION}"
    if _waits(status, reason):
        return f"{status}, {REASON_TEXTS[Reason(reason)]}."
    return f"{status}. {DESCRIPTIONS[Status(status)]}"


def _waits(status: str, reason: str) -> bool:
    """Return whether the label says what it waits for."""
    if status == Status.QUEUED:
        return reason == Reason.LIMIT
    return status == Status.RUNNING and reason in REASON_TEXTS


def command_label(name: str) -> str:
    """A command as people read it. Audit entries keep names of commands that are gone."""
    return name.replace("-", " ").capitalize()
