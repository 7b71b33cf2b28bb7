"""Wait Until: which moment a time of day is, also when clocks change."""

from datetime import UTC, datetime
from typing import Any

import pytest

from flows.blocks.base import Leave, Visit, WaitUntil
from flows.blocks.schedules.wait import WaitUntilDateTime

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def decide(value: Any, zone: str | None = "Europe/Berlin", now: datetime = NOW) -> Any:
    visit = Visit({"Date Time": value, "Time Zone": zone}, now=lambda: now)
    return WaitUntilDateTime().run(visit)


@pytest.mark.parametrize(
    ("local", "moment"),
    [
        ("2026-06-01 12:00", "2026-06-01T10:00Z"),
        ("2026-12-24 18:00", "2026-12-24T17:00Z"),
        # Clocks are put forward: 02:30 does not exist, and is as much later.
        ("2026-03-29 02:30", "2026-03-29T01:30Z"),
        ("2026-03-29 03:00", "2026-03-29T01:00Z"),
        # Clocks are put back: 02:30 comes twice, and the first counts.
        ("2026-10-25 02:30", "2026-10-25T00:30Z"),
        ("2026-10-25 03:00", "2026-10-25T02:00Z"),
        # An offset says by itself what is meant.
        ("2026-10-25T02:30+01:00", "2026-10-25T01:30Z"),
        ("2026-06-01", "2026-05-31T22:00Z"),
    ],
)
def test_a_time_of_day_in_a_zone(local: str, moment: str) -> None:
    assert decide(local) == WaitUntil(datetime.fromisoformat(moment))


def test_a_moment_that_has_come_does_not_wait() -> None:
    at = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert isinstance(decide(at, now=at), Leave)
    assert isinstance(decide(at, None, now=datetime(2026, 5, 1, tzinfo=UTC)), WaitUntil)
