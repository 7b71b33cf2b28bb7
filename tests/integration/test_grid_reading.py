"""However rows are found, they are the same rows; nothing may take long; counts tell the truth."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import QueryDict
from django.utils import timezone

from executions.grid.paging.page import Page
from executions.grid.paging.page_query import PageQuery
from executions.grid.planner import counts, page_reader, row_estimates, statement_timeout
from executions.grid.planner.counts import CAP, Count, count_by_status
from executions.grid.planner.row_estimates import RowEstimates
from executions.grid.planner.statement_timeout import TooSlow
from executions.grid.query.filters import Filters
from executions.grid.table.columns import COLUMNS
from executions.grid.table.sorting import Sort
from executions.models import Execution
from executions.states import Status
from tests.executions_in_tests import make_execution, unsaved_execution, version_of

pytestmark = pytest.mark.django_db

TYPED = (
    "",
    "status:error,stopped",
    "status:error,stopped flow:orders,stock",
    "flow:o* status:ended",
    "pricing",
    "pricing status:error",
    "block:wait",
    "initiator:me trigger:page",
    "message:timed version:1",
    "-error:http* has:exception",
    "duration:>1s is:root",
)
#: Several pages of what most of them find; their edges lie inside ties.
PAGE_SIZE = 13
SORTABLE = [column.key for column in COLUMNS if column.sorting]
EVERY_SORT = [Sort(column, descending) for column in SORTABLE for descending in (True, False)]


@pytest.fixture
def many(admin_user: User) -> User:
    now = timezone.now() - timedelta(hours=1)
    versions = [version_of("orders"), version_of("stock")]
    rows = []
    for number in range(60):
        status = (Status.ENDED, Status.ERROR, Status.RUNNING, Status.STOPPED)[number % 4]
        started = now - timedelta(seconds=number // 3)
        version = versions[number % 2]
        row = unsaved_execution(
            admin_user if number % 5 else None,
            flow=version.flow.name,
            version=version,
            status=status,
            started_at=started,
            updated_at=now - timedelta(seconds=number % 7),
            ended_at=started + timedelta(seconds=number % 5) if status.is_terminal else None,
            lease_expires_at=None if number % 4 else now,
            block_type=("Wait", "HTTP Request")[number % 3 == 0],
            error_type="HttpRequestException" if number % 6 == 1 else "",
            error_message="Timed out: pricing" if number % 4 == 1 else "",
        )
        rows.append(row)
    Execution.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE executions_execution")
    return admin_user


WAYS = ["frequent", "rare", "in between", "unknown"]


@pytest.fixture(params=WAYS)
def found_as(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whatever is sought is taken for frequent, for rare, for neither, or for what nothing is known
    of."""
    is_unknown = property(lambda expected: request.param == "unknown")
    monkeypatch.setattr(row_estimates.RowEstimates, "is_unknown", is_unknown)
    monkeypatch.setattr(row_estimates, "FREQUENT", 0.0 if request.param == "frequent" else 2.0)
    monkeypatch.setattr(page_reader, "WALK_SHARE", 0.0)
    monkeypatch.setattr(page_reader, "SORT_LIMIT", 10**9 if request.param == "rare" else 0)
    monkeypatch.setattr(page_reader, "WINDOW_FACTOR", 0.3)
    return str(request.param)


def test_what_the_planner_knows_nothing_of_is_told_from_what_it_knows(admin_user: User) -> None:
    rows = [
        make_execution(admin_user, status=Status.ENDED, error_message=f"order {n}")
        for n in range(200)
    ]
    Execution.objects.filter(pk__in=[one.pk for one in rows[:20]]).update(error_message="pricing")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE executions_execution")
    everything, now = Execution.objects.all(), timezone.now()
    for typed, is_unknown in (
        *(("pricing", False), ("order", False), ("flow:ord*", False), ("pricing order", False)),
        *(("zebra", True), ("flow:zebra*", True), ("block:zebra", True), ("zebra order", True)),
    ):
        known = RowEstimates.of(everything, Filters.parse_text(typed), now)
        assert known.is_unknown is is_unknown, (typed, known)


@pytest.mark.usefixtures("many")
def test_the_planner_can_be_tried_as_its_page_says(
    settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (settings.BASE_DIR / "docs" / "grid-planner.md").read_text()
    (snippet,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(snippet, {})
    printed = capsys.readouterr().out
    assert "('q:pricing',)" in printed
    assert "RowEstimates(matching=" in printed
    assert printed.count("Execution Time") == 3


@pytest.mark.parametrize("sort", EVERY_SORT, ids=str)
def test_every_way_finds_the_same_rows(many: User, sort: Sort, found_as: str) -> None:
    """Each order in each way, each query in each order, and each query in each way: the order says
    which way it is for a query, another one up than down."""
    first = (EVERY_SORT.index(sort) + WAYS.index(found_as)) % len(WAYS)
    for typed in TYPED[first :: len(WAYS)]:
        filters = Filters.parse_text(typed)
        matching = Execution.objects.filter(filters.seen_by(many).condition())
        page = Page(many, PageQuery(filters, sort=sort), size=PAGE_SIZE)
        down = [[event.id for event in page.events]]
        keys = [str(sort.key(event)) for event in page.events]
        while page.older_address:
            page = Page(many, parsed(page.older_address), size=PAGE_SIZE)
            down.append([event.id for event in page.events])
            keys += [str(sort.key(event)) for event in page.events]
        if typed:
            assert sorted(one for part in down for one in part) == sorted(
                str(one.pk) for one in matching
            ), typed
        assert all(sort.is_above(one, other) for one, other in pairwise(keys)), typed
        up = []
        while page.newer_address:
            page = Page(many, parsed(page.newer_address), size=PAGE_SIZE)
            up.append([event.id for event in page.events])
        assert up[::-1] == down[:-1], typed


def parsed(address: str) -> PageQuery:
    return PageQuery.parse(QueryDict(address.removeprefix("?")))


# Counts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", TYPED)
def test_counts_are_exact_where_there_is_little_to_count(many: User, typed: str) -> None:
    filters = Filters.parse_text(typed).seen_by(many)
    told = count_by_status(Execution.objects.all(), filters)
    others = Execution.objects.filter(replace(filters, statuses=frozenset()).condition())
    assert told[""] == Count(others.count())
    for status in Status:
        assert told[status.value] == Count(others.filter(status=status).count())


def test_what_is_much_is_told_about(many: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "COUNT_LIMIT", -1)
    monkeypatch.setattr(counts, "SEARCH_COUNT_LIMIT", 0)
    monkeypatch.setattr(counts, "SMALL_TABLE", 0)
    for typed in ("has:exception", "pricing"):
        told = count_by_status(Execution.objects.all(), Filters.parse_text(typed))
        assert told[""].is_estimate, typed
        assert 0 < told["Error"].number <= 60, typed
        assert str(told["Error"]).startswith("~")


def test_counting_that_takes_long_tells_estimates(
    many: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any, **__: Any) -> None:
        raise TooSlow

    asked = statement_timeout.run
    monkeypatch.setattr(
        counts.statement_timeout,
        "run",
        lambda statements, seconds=3.0, settings=(): (
            slow() if seconds == counts.SECONDS else asked(statements, seconds, settings)
        ),
    )
    told = count_by_status(Execution.objects.all(), Filters.parse_text("flow:orders"))
    assert told["Ended"].is_estimate


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (Count(0), "0"),
        (Count(CAP), "10,000"),
        (Count(CAP + 1), "10,000+"),
        (Count(412, is_estimate=True), "~412"),
        (Count(1_183, is_estimate=True), "~1.2k"),
        (Count(46_400, is_estimate=True), "~46k"),
        (Count(1_183_000, is_estimate=True), "~1.2M"),
        (Count(11_183_000, is_estimate=True), "~11M"),
        (Count(999_832, is_estimate=True), "~1.0M"),
        (counts.UNKNOWN, "?"),
    ],
)
def test_a_count_says_what_it_is(count: Count, text: str) -> None:
    assert str(count) == text


# Bounds ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_statement_is_stopped_in_time_and_leaves_no_trace() -> None:
    with pytest.raises(TooSlow):
        statement_timeout.fetch("SELECT pg_sleep(%s)", [5], seconds=0.05)
    assert statement_timeout.fetch("SELECT 1") == [(1,)]
    with connection.cursor() as cursor:
        for setting in ("statement_timeout", "enable_sort"):
            cursor.execute(f"SHOW {setting}")
            assert cursor.fetchone() in ((("0"),), ("on",))


def test_a_transaction_goes_on_after_a_statement_that_is_stopped() -> None:
    assert connection.in_atomic_block
    settings = ("statement_timeout", "enable_sort")
    with connection.cursor() as cursor:
        before = [cursor.execute(f"SHOW {name}").fetchone() for name in settings]
        for _ in range(2):
            with pytest.raises(TooSlow):
                statement_timeout.fetch(
                    "SELECT pg_sleep(%s)", [5], seconds=0.05, settings=["enable_sort = off"]
                )
        assert statement_timeout.fetch("SELECT 1", settings=["enable_sort = off"]) == [(1,)]
        assert [cursor.execute(f"SHOW {name}").fetchone() for name in settings] == before


def test_a_page_in_a_transaction_survives_slow_counts(
    many: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where an installation sets ATOMIC_REQUESTS."""
    assert connection.in_atomic_block
    asked = statement_timeout.run
    stopped = []

    def slow(
        statements: Any, seconds: float = 3.0, settings: Any = ()
    ) -> list[list[tuple[Any, ...]]]:
        if seconds == counts.SECONDS:
            stopped.append(seconds)
            return asked([*statements, ("SELECT pg_sleep(1)", [])], 0.01, settings)
        return asked(statements, seconds, settings)

    monkeypatch.setattr(statement_timeout, "run", slow)
    query = PageQuery.parse(QueryDict("flow=orders&status=Ended"))
    page = Page(many, query)
    assert page.counts["Ended"].is_estimate
    assert stopped
    assert page.rows


@pytest.mark.django_db(transaction=True)
def test_a_page_that_takes_long_says_what_to_narrow(
    admin_client: Any, admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_execution(admin_user)
    monkeypatch.setattr(page_reader, "FIRST_TRY_SECONDS", 0.0001)
    monkeypatch.setattr(statement_timeout, "STATEMENT_SECONDS", 0.001)

    def slow(self: Any, *_: Any, **__: Any) -> Any:
        return statement_timeout.fetch("SELECT pg_sleep(1)", seconds=0.01)

    monkeypatch.setattr(page_reader._Reading, "walk", slow)
    monkeypatch.setattr(page_reader._Reading, "collect", slow)
    response = admin_client.get("/?var.customer=42&flow=orders")
    html = response.content.decode()
    assert response.status_code == 200
    assert "was stopped" in html
    assert "There is no index for Variable customer" in html
    assert 'value="flow:orders var.customer=42"' in html
    assert "started=%3E-1d" in html


@pytest.mark.django_db(transaction=True)
def test_a_plan_that_is_slow_is_replaced(admin_user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_execution(admin_user)

    def slow(self: Any, *_: Any, **__: Any) -> Any:
        raise TooSlow

    monkeypatch.setattr(page_reader._Reading, "walk", slow)
    page = Page(admin_user, PageQuery(Filters.parse_text("steps:0")))
    assert [event.id for event in page.events] == [str(made.pk)]
    assert not page.is_too_slow
