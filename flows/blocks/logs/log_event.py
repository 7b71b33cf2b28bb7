"""Writing to the execution's log."""

from flows.blocks.base import Block, Leave, LogLine, Property, Visit
from flows.blocks.enumerations import EVENT_SEVERITY

#: From the least to the most severe.
SEVERITIES: tuple[str, ...] = tuple(EVENT_SEVERITY)
#: Those that somebody should look at: an index of the log finds them.
SEVERE = SEVERITIES[SEVERITIES.index("Warning") :]
#: What severities were called once. Published versions never change, so some say it still.
FORMER = {"Trace": "Verbose", "Critical": "Fatal"}
#: The type of an event that has none.
EVENT_TYPE = "Cortex.Blocks.Logs.LogEvent.LogEventBlock"


class LogEvent(Block):
    """Writes an entry to the execution's log, in the same transaction as its step.

    Started At and Ended At are the time of the visit unless they are given; null is no time. A
    null severity is Information, and an event without a type is of the type
    `Cortex.Blocks.Logs.LogEvent.LogEventBlock`.
    """

    type = "Log Event"
    palette = "Logs"
    icon = "file"
    properties = (
        Property("Event Details", required=True),
        Property("Event Type", "String"),
        Property(
            "Event Severity", "Nullable<EventSeverity>", default="Information", choices=SEVERITIES
        ),
        Property("Started At", "Nullable<DateTimeOffset>", default="=now()"),
        Property("Ended At", "Nullable<DateTimeOffset>", default="=now()"),
    )
    throws = ("ArgumentException",)

    def run(self, visit: Visit) -> Leave:
        inputs = visit.inputs
        severity = inputs["Event Severity"]
        if severity is None:
            severity = "Information"
        return Leave(
            log=LogLine(
                severity=EVENT_SEVERITY.member("Event Severity", FORMER.get(severity, severity)),
                event_type=inputs["Event Type"] or EVENT_TYPE,
                details=inputs["Event Details"],
                started_at=inputs["Started At"],
                ended_at=inputs["Ended At"],
            )
        )
