"""Quiet hours: when they end, over midnight and when the clocks change."""

from datetime import UTC, datetime, time

import pytest

from executions.alerts.quiet_hours import quiet_until

NIGHT = (time(22), time(6, 30))


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-01-10T21:00", "2026-01-11T05:30"),  # 22:00 in Stockholm
        ("2026-01-10T20:59", None),
        ("2026-01-11T05:29", "2026-01-11T05:30"),
        ("2026-01-11T05:30", None),
        # The clocks go forward in the night to 29 March.
        ("2026-03-28T22:00", "2026-03-29T04:30"),
        ("2026-03-29T04:30", None),
    ],
)
def test_a_night(now: str, end: str | None) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    wanted = datetime.fromisoformat(end).replace(tzinfo=UTC) if end else None
    assert quiet_until(at, *NIGHT, "Europe/Stockholm") == wanted


def test_a_part_of_a_day() -> None:
    noon = datetime(2026, 1, 10, 12, tzinfo=UTC)
    assert quiet_until(noon, time(11), time(13), "UTC") == noon.replace(hour=13)
    assert quiet_until(noon, time(13), time(14), "UTC") is None
    assert quiet_until(noon, None, None, "UTC") is None


def test_from_a_time_until_the_same_is_the_whole_day() -> None:
    noon = datetime(2026, 1, 10, 12, tzinfo=UTC)
    assert quiet_until(noon, time(6), time(6), "UTC") == datetime(2026, 1, 11, 6, tzinfo=UTC)
