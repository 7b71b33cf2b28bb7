"""Minutes, hours and days of a span, in time zones of every kind."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from executions.statistics.spans import MOST_BUCKETS, Span, edges

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
KOLKATA, CHATHAM = ZoneInfo("Asia/Kolkata"), ZoneInfo("Pacific/Chatham")
HAVANA, LORD_HOWE = ZoneInfo("America/Havana"), ZoneInfo("Australia/Lord_Howe")


def day(zone: ZoneInfo, year: int, month: int, number: int) -> Span:
    start = datetime(year, month, number, tzinfo=zone)
    return Span(start, start + timedelta(days=1))


def shown(zone: ZoneInfo, span: Span, step: str | int) -> list[str]:
    return [f"{edge.astimezone(zone):%H:%M}" for edge in edges(span, step, zone)]


@pytest.mark.parametrize(
    ("zone", "date", "hours"),
    [
        (BERLIN, (2026, 3, 29), 23),
        (BERLIN, (2026, 10, 25), 25),
        (NEW_YORK, (2026, 3, 8), 23),
        (NEW_YORK, (2026, 11, 1), 25),
        (KOLKATA, (2026, 3, 29), 24),
        (CHATHAM, (2026, 9, 27), 23),
        (CHATHAM, (2026, 4, 5), 25),
        (HAVANA, (2026, 3, 8), 23),
        (HAVANA, (2026, 11, 1), 25),
    ],
)
def test_a_day_has_its_hours(zone: ZoneInfo, date: tuple[int, int, int], hours: int) -> None:
    span = day(zone, *date)
    length = (span.end - span.start) / timedelta(hours=1)
    found = edges(span, "hour", zone)
    assert len(found) - 1 == hours
    assert length == hours
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(hours=1)}
    assert edges(span, "day", zone) == [span.start, span.end]


def test_days_begin_at_midnight_of_the_zone() -> None:
    span = Span(datetime(2026, 9, 25, 4, 30, tzinfo=CHATHAM), datetime(2026, 9, 29, tzinfo=CHATHAM))
    found = edges(span, "day", CHATHAM)
    assert [edge.astimezone(CHATHAM).strftime("%d %H:%M") for edge in found] == [
        "25 04:30", "26 00:00", "27 00:00", "28 00:00", "29 00:00",
    ]  # fmt: skip
    # 12:45 before the clocks jump, 13:45 after it.
    assert [f"{edge:%H:%M}" for edge in found[1:]] == ["11:15", "11:15", "10:15", "10:15"]


def test_hours_begin_where_the_clocks_of_the_zone_show_them() -> None:
    span = Span(
        datetime(2026, 5, 1, 9, 10, tzinfo=KOLKATA), datetime(2026, 5, 1, 12, tzinfo=KOLKATA)
    )
    assert shown(KOLKATA, span, "hour") == ["09:10", "10:00", "11:00", "12:00"]
    assert edges(span, "hour", KOLKATA)[1] == datetime(2026, 5, 1, 4, 30, tzinfo=UTC)


def test_an_hour_that_comes_twice_has_two_buckets() -> None:
    span = Span(datetime(2026, 10, 25, 1, tzinfo=BERLIN), datetime(2026, 10, 25, 4, tzinfo=BERLIN))
    assert shown(BERLIN, span, "hour") == ["01:00", "02:00", "02:00", "03:00", "04:00"]
    half = Span(
        datetime(2026, 4, 5, 1, tzinfo=LORD_HOWE), datetime(2026, 4, 5, 3, tzinfo=LORD_HOWE)
    )
    assert shown(LORD_HOWE, half, "hour") == ["01:00", "01:30", "02:00", "03:00"]


def test_longer_steps_follow_the_clocks() -> None:
    assert shown(BERLIN, day(BERLIN, 2026, 3, 29), 360) == [
        "00:00", "06:00", "12:00", "18:00", "00:00",
    ]  # fmt: skip
    assert shown(NEW_YORK, day(NEW_YORK, 2026, 11, 1), 360) == [
        "00:00", "06:00", "12:00", "18:00", "00:00",
    ]  # fmt: skip


def test_a_day_whose_midnight_is_left_out_begins_when_the_clocks_jump() -> None:
    span = Span(datetime(2026, 3, 7, tzinfo=HAVANA), datetime(2026, 3, 9, tzinfo=HAVANA))
    assert [f"{e.astimezone(HAVANA):%d %H:%M}" for e in edges(span, "day", HAVANA)] == [
        "07 00:00", "08 01:00", "09 00:00",
    ]  # fmt: skip


def test_a_span_covers_whole_minutes() -> None:
    at = datetime(2026, 5, 1, 9, 10, 20, tzinfo=UTC)
    span = Span(at, at + timedelta(minutes=1))
    assert (span.start.minute, span.end.minute) == (10, 12)
    assert span.before.end == span.start
    assert len(edges(span, "minute", UTC)) == 3
    with pytest.raises(ValueError, match="end after its start"):
        Span(at, at - timedelta(minutes=1))


def test_the_number_of_buckets_is_limited() -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="longer step"):
        edges(Span.last(timedelta(minutes=MOST_BUCKETS + 2), now), "minute", UTC)
    with pytest.raises(ValueError, match="a day"):
        edges(Span.last(timedelta(days=3), now), 1441, UTC)
