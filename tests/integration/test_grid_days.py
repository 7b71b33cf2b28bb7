"""A day is from midnight to midnight where its reader is, also where the clocks change on it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from django.http import QueryDict
from django.utils import timezone

from executions.grid.paging.page_query import PageQuery
from executions.grid.query.filters import Filters
from executions.grid.query.moments import moment, moment_range
from executions.grid.table.row_events import read_events
from executions.models import Execution
from tests.executions_in_tests import make_execution

TICK = timedelta(microseconds=1)
#: Zones that change their clocks at night, at midnight, by half an hour, and back over midnight.
DAYS = [
    ("Europe/Berlin", "2026-03-29", 23),
    ("Europe/Berlin", "2026-10-25", 25),
    ("Europe/Berlin", "2026-10-24", 24),
    ("America/Sao_Paulo", "2018-11-04", 23),
    ("America/Sao_Paulo", "2018-02-17", 25),
    ("America/Havana", "2026-11-01", 25),
    ("Asia/Beirut", "2026-03-29", 23),
    ("Africa/Cairo", "2026-10-29", 25),
    ("Australia/Lord_Howe", "2026-10-04", 23.5),
    ("Pacific/Apia", "2011-12-31", 24),
    ("UTC", "2026-03-29", 24),
]


def midnights(zone: str, day: str) -> tuple[datetime, datetime]:
    """When a day begins and ends."""
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone))
    return start.astimezone(UTC), (start + timedelta(days=1)).astimezone(UTC)


@pytest.mark.parametrize(("zone", "day", "hours"), DAYS)
def test_a_day_is_from_midnight_to_midnight(zone: str, day: str, hours: float) -> None:
    start, end = midnights(zone, day)
    assert end - start == timedelta(hours=hours)
    with timezone.override(zone):
        typed = Filters.parse_text(f"started:{day}")
    # The address means the same to everybody.
    with timezone.override("Asia/Tokyo"):
        again = Filters.parse(address_of(typed))
        assert again == typed
        assert Filters.parse_text(typed.text()) == typed
    (value,) = typed.values("started")
    assert moment_range(value)[0].between(start) == (start, end)
    day_before = moment_range(f"<{day}", ZoneInfo(zone))[0].between(start)
    assert day_before == (None, start)
    assert moment_range(f">{day}", ZoneInfo(zone))[0].between(start) == (end, None)
    assert moment_range(f"{day}..{day}", ZoneInfo(zone))[0].between(start) == (start, end)
    # As it goes on.
    for now in (start, start + timedelta(hours=12), end - TICK):
        assert moment_range("today", ZoneInfo(zone))[0].between(now) == (start, end)
    assert moment_range("yesterday", ZoneInfo(zone))[0].between(end) == (start, end)
    assert moment(day, ZoneInfo(zone)) == start


def address_of(filters: Filters) -> QueryDict:
    return QueryDict(urlencode(filters.parameters()))


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
@pytest.mark.django_db
def test_what_began_on_that_day_is_found(admin_user: Any, day: str, hours: int) -> None:
    start, end = midnights("Europe/Berlin", day)
    moments = (start - TICK, start, start + timedelta(hours=hours / 2), end - TICK, end)
    made = [make_execution(admin_user, started_at=at, updated_at=at) for at in moments]
    on_that_day = {one.pk for one in made[1:-1]}
    with timezone.override("Europe/Berlin"):
        for typed in (f"started:{day}", f"updated:{day}", f"started:>={day} started:<={day}"):
            filters = Filters.parse_text(typed)
            found = Execution.objects.filter(filters.condition())
            assert {one.pk for one in found} == on_that_day, typed
            matching = [e.id for e in read_events(Execution.objects.all()) if filters.matches(e)]
            assert set(matching) == {str(one) for one in on_that_day}
        # Jumping to the day lists what came before it, and what began at its first moment.
        query = PageQuery.parse(QueryDict(f"at={day}"))
        assert query.older == query.sort.key_at(start)


def test_a_time_that_the_clocks_show_twice_or_never() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert moment("2026-10-25T02:30", berlin) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert moment("2026-03-29T02:30", berlin) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert moment("2026-10-25T02:30+02:00", berlin) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    # A filter says in its address which of both it means.
    assert moment_range("2026-10-25T02:30", berlin)[1] == "2026-10-25T02:30+02:00"


@pytest.mark.parametrize("typed", ["started:2026-03-29[Nowhere/No]", "started:today[No]"])
def test_a_zone_that_is_none_is_told(typed: str) -> None:
    filters = Filters.parse_text(typed)
    assert filters.invalid_parts == (typed,)
    assert "There is no time zone" in filters.problems[0]
