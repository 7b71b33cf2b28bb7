"""Writing to the execution's log."""

from flows.blocks.base import Block, Leave, LogLine, Property, Visit
from flows.blocks.errors import invalid_argument
from flows.values import summary

SEVERITIES = ("Trace", "Debug", "Information", "Warning", "Error", "Critical")


class LogEvent(Block):
    """Writes an entry to the execution's log, in the same transaction as its step.

    Started At and Ended At are the time of the visit unless they are given; a null severity is
    Information.
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
        Property("Started At", "Nullable<DateTimeOffset>"),
        Property("Ended At", "Nullable<DateTimeOffset>"),
    )
    throws = ("ArgumentException",)

    def run(self, visit: Visit) -> Leave:
        severity = visit.given["Event Severity"]
        if severity is None:
            severity = "Information"
        elif severity not in SEVERITIES:
            known = ", ".join(SEVERITIES)
            raise invalid_argument("Event Severity", f"{summary(severity)} is not one of {known}.")
        now = visit.now()
        return Leave(
            log=LogLine(
                severity=severity,
                event_type=visit.given["Event Type"] or "",
                details=visit.given["Event Details"],
                started_at=visit.given["Started At"] or now,
                ended_at=visit.given["Ended At"] or now,
            )
        )
