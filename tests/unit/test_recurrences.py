"""Rules of iCalendar files that would keep a process busy are refused before they are expanded."""

import pytest

from executions.schedules import excluded
from executions.schedules.excluded import CalendarError

ALL_MINUTES = ",".join(map(str, range(60)))


def calendar(*events: str) -> str:
    """A file with events of these lines."""
    made = [f"BEGIN:VEVENT\nUID:{n}\n{one}\nEND:VEVENT" for n, one in enumerate(events)]
    return "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *made, "END:VCALENDAR", ""])


@pytest.mark.parametrize(
    "rule",
    [
        "DTSTART:20260101T000000\nRRULE:FREQ=SECONDLY",
        "DTSTART:20260101T000000\nRRULE:FREQ=MINU\n TELY",
        "RRULE:FREQ=SECONDLY\nDTSTART:00010101T000000",
        "DTSTART:20260101\nRRULE:FREQ=DAILY;INTERVAL=0",
        f"DTSTART:20260101T000000\nRRULE:FREQ=DAILY;BYMINUTE={ALL_MINUTES}",
        "DTSTART:20260101\nRRULE:UNTIL=20270101",
    ],
)
def test_what_repeats_more_often_than_days_is_refused(rule: str) -> None:
    with pytest.raises(CalendarError, match="a rule that cannot be used for days"):
        excluded.check(calendar(rule))


def test_a_rule_of_a_time_zone_counts_too() -> None:
    zone = (
        "BEGIN:VTIMEZONE\nTZID:Odd\nBEGIN:STANDARD\nDTSTART:16010101T000000\n"
        "RRULE:FREQ=SECONDLY\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n"
    )
    text = calendar("DTSTART;TZID=Odd:20260101T000000").replace("BEGIN:VEV", f"{zone}BEGIN:VEV")
    with pytest.raises(CalendarError, match="a rule that cannot be used for days"):
        excluded.check(text)


def test_many_rules_from_long_ago_are_refused_together() -> None:
    daily = "DTSTART:00010101\nRRULE:FREQ=DAILY"
    with pytest.raises(CalendarError, match="repeat more than 1,000,000 times"):
        excluded.check(calendar(daily, daily))


def test_what_calendars_of_offices_hold_is_read() -> None:
    holiday = "DTSTART;VALUE=DATE:19700101\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"
    meeting = "DTSTART:20160104T090000\nRRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR;INTERVAL=2"
    monthly = "DTSTART:20100101T000000\nRRULE:FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20401231"
    excluded.check(calendar(*[holiday] * 15, *[meeting] * 20, *[monthly] * 10))
