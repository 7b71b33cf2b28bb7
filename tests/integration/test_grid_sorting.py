"""Orders of the grid: pages lead through all of them without a gap, both ways, over ties."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from executions.grid.paging.page import Page
from executions.grid.paging.page_query import PageQuery
from executions.grid.planner import statement_timeout
from executions.grid.planner.row_estimates import RowEstimates
from executions.grid.planner.statement_timeout import TooSlow
from executions.grid.query.filters import Filters
from executions.grid.table import keyset
from executions.grid.table.columns import COLUMNS
from executions.grid.table.row_events import read_events
from executions.grid.table.sorting import NEWEST_FIRST, Sort
from executions.models import Execution
from executions.states import Status
from tests.executions_in_tests import make_execution

SORTABLE = [column.key for column in COLUMNS if column.sorting]
EVERY = [Sort(column, descending) for column in SORTABLE for descending in (True, False)]
every_sort = pytest.mark.parametrize("sort", EVERY, ids=str)


def parsed(address: str) -> PageQuery:
    return PageQuery.parse(QueryDict(address.removeprefix("?")))


@pytest.fixture
def twins(admin_user: User) -> User:
    """Executions of which several share whatever they are sorted by, to the microsecond."""
    moment = timezone.now().replace(microsecond=7)
    for number in range(29):
        started = moment - timedelta(seconds=number // 4)
        status = (Status.ENDED, Status.RUNNING, Status.ERROR, Status.QUEUED)[number % 4]
        # One clock was ahead of the other: it ended before it began.
        took = (timedelta(seconds=number % 2), timedelta(seconds=-1))[number == 8]
        make_execution(
            admin_user,
            flow=("Zeta", "alpha", "ärger", "alphabet")[number % 4],
            status=status,
            started_at=started,
            updated_at=moment - timedelta(seconds=number % 3),
            ended_at=started + took if status.is_terminal else None,
            block_type=("Wait", "wait", "Åh", "")[number % 4],
            error_type=("", "", "Oops", "oops: b")[number % 4],
            step_count=number % 5,
            debugged_by_name=("", "ada", "Grace")[number % 3],
        )
    return admin_user


@every_sort
@pytest.mark.django_db
def test_pages_lead_down_and_up_again_without_a_gap(twins: User, sort: Sort) -> None:
    expected = [
        event.id for event in read_events(Execution.objects.order_by(*keyset.order_by(sort)))
    ]
    page = Page(twins, PageQuery(sort=sort), size=5)
    down = [[event.id for event in page.events]]
    while page.older_address:
        page = Page(twins, parsed(page.older_address), size=5)
        down.append([event.id for event in page.events])
    assert [one for part in down for one in part] == expected
    up = []
    while page.newer_address:
        page = Page(twins, parsed(page.newer_address), size=5)
        up.append([event.id for event in page.events])
    assert up[::-1] == down[:-1]


@every_sort
@pytest.mark.django_db
def test_keys_compare_as_the_rows_stand(twins: User, sort: Sort) -> None:
    """As texts, which is how scripts and live connections compare them."""
    written = [
        str(sort.key(e)) for e in read_events(Execution.objects.order_by(*keyset.order_by(sort)))
    ]
    assert all(sort.is_above(one, other) for one, other in pairwise(written))
    assert [str(sort.parse_key(one)) for one in written] == written


@every_sort
def test_an_address_says_the_order(sort: Sort) -> None:
    query = PageQuery(sort=sort)
    assert parsed(query.address()) == query
    assert ("sort=" in query.address()) is (sort != NEWEST_FIRST)


def test_a_click_on_a_header_turns_its_order_around() -> None:
    assert parsed(PageQuery().sort_address("started")).sort == Sort("started", descending=False)
    assert parsed(PageQuery().sort_address("flow")).sort == Sort("flow", descending=False)
    by_flow = PageQuery(sort=Sort("flow", descending=False))
    assert parsed(by_flow.sort_address("flow")).sort == Sort("flow", descending=True)
    assert parsed(by_flow.sort_address("duration")).sort == Sort("duration", descending=True)
    assert parsed(PageQuery().sort_address("steps")).sort == Sort("steps", descending=True)
    assert PageQuery().sort_address("waiting") == ""


@pytest.mark.django_db
def test_an_order_without_an_index_holds_with_every_filter(twins: User) -> None:
    for typed in ("", "status:ended,error", "wait", "error:oops*", "flow:a*", "updated:>-2h"):
        for sort in (Sort("type"), Sort("steps", descending=False)):
            filters = Filters.parse_text(typed)
            events = Page(twins, PageQuery(filters=filters, sort=sort)).events
            rows = Execution.objects.filter(filters.condition()).order_by(*keyset.order_by(sort))
            assert [event.id for event in events] == [str(one.pk) for one in rows], typed
            assert events


@pytest.mark.django_db
def test_an_order_that_takes_too_long_is_named(twins: User, monkeypatch: Any) -> None:
    def stopped(*args: Any, **named: Any) -> Any:
        raise TooSlow

    page = Page(twins, PageQuery(sort=Sort("steps")))
    assert not page.is_too_slow
    monkeypatch.setattr(statement_timeout, "run", stopped)
    monkeypatch.setattr(RowEstimates, "of", lambda *args: RowEstimates())
    page = Page(twins, PageQuery(sort=Sort("steps")))
    assert page.is_too_slow
    assert "There is no index for this order (Most steps first): add a filter" in page.advice


@pytest.mark.django_db
def test_what_still_runs_is_longest(admin_user: User) -> None:
    ids = [
        make_execution(admin_user, age=age, status=status).pk
        for age, status in ((50, "Ended"), (10, "Running"), (20, "Running"))
    ]
    longest = Page(admin_user, PageQuery(sort=Sort("duration")))
    assert [event.id for event in longest.events] == [str(ids[n]) for n in (2, 1, 0)]


@given(st.sampled_from(EVERY), st.text(max_size=40))
def test_what_is_no_key_is_none(sort: Sort, text: str) -> None:
    key = sort.parse_key(text)
    assert key is None or sort.parse_key(str(key)) == key


@pytest.mark.parametrize("text", ["", "1-2", "x-" + "0" * 32, "1-" + "0" * 31, "ff-" + "0" * 32])
def test_broken_keys_are_none(text: str) -> None:
    assert [sort for sort in EVERY if sort.parse_key(text)] == []


# Jump to a time -------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_page_opens_at_a_moment(admin_user: User) -> None:
    noon = datetime(2026, 11, 1, 12, tzinfo=UTC)
    made = [
        str(make_execution(admin_user, started_at=noon + timedelta(minutes=n)).pk)
        for n in range(-3, 4)
    ]
    down = Page(admin_user, parsed("at=2026-11-01T12:00"), size=2)
    assert [event.id for event in down.events] == [made[3], made[2]]
    assert down.has_newer
    up = Page(admin_user, parsed("at=2026-11-01T12:00&sort=started"), size=2)
    assert [event.id for event in up.events] == [made[3], made[4]]
    by_flow = parsed("at=2026-11-01T12:00&sort=flow")
    assert by_flow.sort == NEWEST_FIRST
    assert by_flow.older == parsed("at=2026-11-01T12:00").older
    with timezone.override("Europe/Stockholm"):
        local = Page(admin_user, parsed("at=2026-11-01T13:00"), size=2)
    assert [event.id for event in local.events] == [made[3], made[2]]


@pytest.mark.parametrize("at", ["x", "", "2026-13-01", "0001-01-01", "9999-12-31T23:59"])
@pytest.mark.django_db
def test_a_moment_that_is_none_opens_the_first_page(admin_user: Any, at: str) -> None:
    make_execution(admin_user)
    assert len(Page(admin_user, parsed(f"at={at}")).events) == 1
