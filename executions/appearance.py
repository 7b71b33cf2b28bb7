"""How a status looks and reads. State is always an icon's shape and a word; colour repeats it."""

from executions.states import UNHANDLED, Place, Reason, Status

#: What a person should know of each status, on the help page.
DESCRIPTIONS: dict[Status, str] = {
    Status.QUEUED: "Waits for a worker.",
    Status.RUNNING: "Its token is moving, or waits for child executions, a time or a semaphore.",
    Status.PAUSING: "Pauses as soon as the block that is running is done.",
    Status.PAUSED: "Waits for a person: continue, step or stop it.",
    Status.EXCEPTION: "Waits for a person at an exception, because break on exception is on.",
    Status.STOPPING: "Stops as soon as the block that is running lets it.",
    Status.STOPPED: "A person stopped it. Final.",
    Status.ENDED: "It came to its end. Final.",
    Status.ERROR: "An exception left its flow. Final.",
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
    Reason.LIMIT: "waits until its person or its flow may use another worker",
}


#: What a person should know of one that Ended because nothing handled an exception.
UNHANDLED_DESCRIPTION = (
    "It ended because nothing handled an exception, so it counts as failed. Retry begins at the "
    "block that threw."
)


def icon_name(status: str, place: str = "", *, unhandled: bool = False) -> str:
    """The icon of a status in the sprite."""
    if status == Status.PAUSED and place in PLACES:
        return PLACES[Place(place)][0]
    return "ended-unhandled" if unhandled else status.lower()


def css_class(status: str, *, unhandled: bool = False) -> str:
    """What follows `st-` in the CSS class of a status."""
    return "unhandled" if unhandled else status.lower()


def label(status: str, place: str = "", reason: str = "", *, unhandled: bool = False) -> str:
    """The status in words, with where it is paused, what it waits for, or that it failed."""
    if unhandled:
        return UNHANDLED
    if status == Status.PAUSED and place in PLACES:
        return f"{status} · {PLACES[Place(place)][1]}"
    if _waits(status, reason):
        return f"{status} · {reason}"
    return status


def description(status: str, place: str = "", reason: str = "", *, unhandled: bool = False) -> str:
    """One sentence for a title."""
    if unhandled:
        return f"{UNHANDLED}. {UNHANDLED_DESCRIPTION}"
    if _waits(status, reason):
        return f"{status}, {REASON_TEXTS[Reason(reason)]}."
    return f"{status}. {DESCRIPTIONS[Status(status)]}"


def _waits(status: str, reason: str) -> bool:
    """Whether it says what it waits for."""
    if status == Status.QUEUED:
        return reason == Reason.LIMIT
    return status == Status.RUNNING and reason in REASON_TEXTS


def command_label(name: str) -> str:
    """A command as people read it. Audit entries keep names of commands that are gone."""
    return name.replace("-", " ").capitalize()
