"""What a message says: put together once, and written by each channel in its own way."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from executions.alerts.kind import NAMED, Finding
from executions.alerts.registry import KINDS
from executions.models import Alert, Delivery
from flows.formatting import duration

Step = Delivery.Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as a delivery keeps it. `lines` are texts with the addresses that they lead to."""

    title: str
    text: str = ""
    lines: list[tuple[str, str]] = field(default_factory=list)
    #: How many more there are than lines.
    more: int = 0
    address: str = ""
    alert_id: int | None = None
    rule: str = ""

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def of(cls, delivery: Delivery) -> "Message":
        """Return the message of a delivery."""
        given = dict(delivery.message)
        given["lines"] = [(text, address) for text, address in given.get("lines", ())]
        return cls(**given)


def absolute(address: str) -> str:
    """Return an address for those who read it outside of the product."""
    return f"{settings.SITE_URL.rstrip('/')}{address}" if address.startswith("/") else address


def alert_message(alert: Alert, step: str, findings: Sequence[Finding], count: int) -> Message:
    """Return what is said about an alert to somebody who may see these findings."""
    if step == Step.CLOSED:
        assert alert.closed_at is not None
        return Message(
            title=f"Over: {alert.rule.name}",
            text=f"It lasted {duration(alert.found_at - alert.opened_at)}.",
            address=alert.get_absolute_url(),
            alert_id=alert.pk,
            rule=alert.rule.name,
        )
    lasts = duration(alert.found_at - alert.opened_at)
    said = {
        Step.SPREAD: f" There are more findings, after {lasts}.",
        Step.LASTS: f" It has lasted for {lasts}.",
    }.get(Step(step), "")
    sentence = KINDS[alert.rule.kind].sentence(alert.rule.parameters)
    lines = [(finding.text, finding.address) for finding in findings[:NAMED]]
    return Message(
        title=f"{alert.rule.name}: {lines[0][0]}" if len(lines) == 1 else _many(alert, count),
        text=f"The rule: {sentence}.{said}",
        lines=lines,
        more=max(0, count - len(lines)),
        address=alert.get_absolute_url(),
        alert_id=alert.pk,
        rule=alert.rule.name,
    )


def _many(alert: Alert, count: int) -> str:
    return f"{alert.rule.name}: {count:,} findings"


def test_message(who: str) -> Message:
    return Message(
        title="A test from CortexWeb",
        text=f"{who} has asked for this message. Nothing is wrong.",
        address="/alerts/",
    )
