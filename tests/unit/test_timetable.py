"""When schedules are due, at every change of clocks of every time zone of some years."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions.schedules import cron
from executions.schedules.cron import CronError
from executions.schedules.timetable import Timetable, next_change

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
YEARS = (datetime(2005, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


def timetable(text: str, zone: str = "Europe/Stockholm", **given: object) -> Timetable:
    return Timetable(cron.parse(text), ZoneInfo(zone), **given)  # type: ignore[arg-type]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def first(table: Timetable, after: str, number: int) -> list[str]:
    times = table.times(utc(after))
    return [f"{next(times):%m-%d %H:%M}" for _ in range(number)]


@cache
def changes() -> list[tuple[str, datetime, timedelta]]:
    """Every change of clocks in these years, once for zones that share it: how far they go."""
    found = {}
    for name in sorted(available_timezones()):
        zone, at = ZoneInfo(name), YEARS[0]
        while (change := next_change(at, zone)) is not None and change < YEARS[1]:
            before = (change - timedelta(seconds=1)).astimezone(zone).utcoffset()
            after = change.astimezone(zone).utcoffset()
            assert before is not None
            assert after is not None
            found.setdefault((change, before, after), (name, change, after - before))
            at = change
    return list(found.values())


def test_all_zones_have_changes() -> None:
    assert len(changes()) > 1_000
    assert {shift < timedelta() for *_, shift in changes()} == {True, False}


def shown_before(name: str, change: datetime) -> datetime:
    """What clocks would show at a change if they did not change."""
    offset = (change - timedelta(seconds=1)).astimezone(ZoneInfo(name)).utcoffset()
    assert offset is not None
    return (change + offset).replace(tzinfo=None)


@given(st.data())
def test_a_skipped_time_starts_once_after_the_gap(data: st.DataObject) -> None:
    gaps = [one for one in changes() if one[2] > timedelta()]
    name, change, shift = data.draw(st.sampled_from(gaps))
    minutes = data.draw(st.integers(0, int(shift / MINUTE) - 1))
    wall = shown_before(name, change) + minutes * MINUTE
    table = timetable(f"{wall.minute} {wall.hour} {wall.day} {wall.month} *", name)
    assert list(table.between(change - 20 * HOUR, change + 20 * HOUR)) == [change]


@given(st.data())
def test_a_doubled_time_starts_once(data: st.DataObject) -> None:
    overlaps = [one for one in changes() if one[2] < timedelta()]
    name, change, shift = data.draw(st.sampled_from(overlaps))
    minutes = data.draw(st.integers(1, int(-shift / MINUTE)))
    wall = shown_before(name, change) - minutes * MINUTE
    table = timetable(f"{wall.minute} {wall.hour} {wall.day} {wall.month} *", name)
    assert list(table.between(change - 20 * HOUR, change + 20 * HOUR)) == [
        change - minutes * MINUTE
    ]


@given(st.data(), st.sampled_from(["*/5 * * * *", "30 * * * *", "*/7 * * * *", "15 */20 * * * *"]))
def test_what_starts_every_hour_goes_on(data: st.DataObject, text: str) -> None:
    """No wait is longer because clocks go back, and nothing starts twice."""
    name, change, _ = data.draw(st.sampled_from(changes()))
    times = list(timetable(text, name).between(change - 3 * HOUR, change + 3 * HOUR))
    assert all(one < other <= one + HOUR for one, other in pairwise(times))
    zone, fits = ZoneInfo(name), cron.parse(text)
    for one in times:
        wall = one.astimezone(zone).replace(tzinfo=None)
        assert one == change or next(iter(fits.after(wall - timedelta(seconds=1)))) == wall


@given(
    st.sampled_from(sorted(available_timezones())),
    st.datetimes(datetime(2020, 1, 1), datetime(2026, 1, 1)),
    st.sampled_from(["*/20 * * * *", "30 2 * * *", "0 0 L * *", "*/30 1-3 * * 0", "0 */6 * * *"]),
)
def test_the_next_one_does_not_depend_on_where_one_asks(
    name: str, moment: datetime, text: str
) -> None:
    table, at = timetable(text, name), moment.replace(microsecond=0, tzinfo=UTC)
    found = table.after(at)
    assert found is not None
    assert found > at
    assert table.after(at + (found - at) / 2) == found
    assert table.after(found - timedelta(seconds=1)) == found


def test_stockholm() -> None:
    assert first(timetable("30 2 * * *"), "2026-03-28T12:00", 2) == ["03-29 01:00", "03-30 00:30"]
    assert first(timetable("30 2 * * *"), "2026-10-24T12:00", 2) == ["10-25 00:30", "10-26 01:30"]
    assert first(timetable("0 * * * *"), "2026-10-24T23:30", 4) == [
        "10-25 00:00",
        "10-25 01:00",
        "10-25 02:00",
        "10-25 03:00",
    ]


def test_days_that_are_left_out() -> None:
    table = timetable(
        "0 12 * * *",
        "UTC",
        starts_on=date(2026, 5, 2),
        ends_on=date(2026, 5, 5),
        is_excluded=lambda day: day == date(2026, 5, 3),
    )
    found = [one.day for one in table.times(utc("2026-01-01"))]
    assert found == [2, 4, 5]


def test_everything_is_excluded() -> None:
    assert timetable("0 12 * * *", is_excluded=lambda _: True).after(utc("2026-01-01")) is None


@pytest.mark.parametrize(
    ("text", "words", "starts"),
    [
        (
            "*/5 6-21 * * 1-6",
            "Every 5 minutes, between 06:00 and 21:59, Monday through Saturday",
            192,
        ),
        ("@daily", "At 00:00 every day", 1),
        ("0 20 L * *", "At 20:00, on the last day of the month", 1),
        ("*/10 * * * * *", "Every 10 seconds", 8640),
        ("0 9 * * 1#2", "At 09:00, on the second Monday of the month", 1),
    ],
)
def test_words(text: str, words: str, starts: int) -> None:
    found = cron.parse(text)
    assert (found.words, found.starts_a_day) == (words, starts)


@pytest.mark.parametrize(
    ("text", "part", "told"),
    [
        ("* 25 * * *", 1, "“25” is no hour. The hour takes 0 to 23."),
        ("61 * * * * *", 0, "“61” is no second."),
        ("0 0 30 2 *", 2, "“30” is no day."),
        ("0 0 * * mo", 4, "0 and 7 are Sunday"),
        ("* * * *", None, "five parts"),
        ("@often", None, "There is no @often."),
        ("", None, "Write an expression"),
        ("* " * 300, None, "200 characters at most"),
    ],
)
def test_a_bad_part_says_what_it_takes(text: str, part: int | None, told: str) -> None:
    with pytest.raises(CronError, match=told) as caught:
        cron.parse(text)
    assert caught.value.part == part
