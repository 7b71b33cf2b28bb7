"""The overview: its numbers, and that each leads to exactly the executions that it counts."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from executions import workers
from executions.grid.query.filters import Filters
from executions.models import Execution, FailureGroup, SchedulePause
from executions.overview.figures import live_now
from executions.overview.pages import OverviewPage
from executions.overview.scope import Scope
from executions.states import Status
from executions.statistics import aggregation
from executions.workers import Worker
from flows.models import Flow, Folder, Grant, Label
from flows.roles import Role
from tests.executions_in_tests import make_execution, unsaved_execution, version_of
from tests.schedules_in_tests import make_schedule

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

FAILURE = "0d3c9f0e-8d84-4f3f-9d1e-0c8a6a7d4d11"
OTHER_FAILURE = "0d3c9f0e-8d84-4f3f-9d1e-0c8a6a7d4d12"


def made(person: User) -> None:
    """Executions of two flows, of every kind that the page counts."""
    now = timezone.now()
    for flow, count, columns in [
        ("orders", 7, {"status": Status.ENDED}),
        ("orders", 2, {"status": Status.ERROR, "error_type": "Boom", "failure": FAILURE}),
        ("orders", 1, {"status": Status.ENDED, "unhandled": True, "error_type": "Boom"}),
        ("orders", 1, {"status": Status.STOPPED}),
        ("bills", 3, {"status": Status.ENDED}),
        ("orders", 4, {"status": Status.RUNNING}),
        ("bills", 1, {"status": Status.RUNNING}),
        ("orders", 2, {"status": Status.QUEUED}),
        ("orders", 3, {"status": Status.PAUSED}),
        ("bills", 1, {"status": Status.EXCEPTION, "error_type": "Boom"}),
    ]:
        for number in range(count):
            age = 60 * (30 + number)
            started = now - timedelta(seconds=age)
            make_execution(
                person, flow, age, first_claimed_at=started + timedelta(seconds=number), **columns
            )
    # Before the span.
    make_execution(person, "orders", 86_400 * 3, status=Status.ERROR, error_type="Boom")
    FailureGroup.objects.create(
        id=FAILURE,
        flow=Flow.objects.get(name="orders"),
        block="throw",
        block_type="Throw Exception",
        type="Boom",
        template="It broke at {n}",
        first_seen_at=now - timedelta(days=3),
        first_version=1,
        last_seen_at=now,
        last_version=1,
        changed_at=now,
    )


@pytest.fixture
def filled(person: User) -> None:
    made(person)
    orders, bills = Flow.objects.get(name="orders"), Flow.objects.get(name="bills")
    orders.folder = Folder.objects.create(name="commerce")
    orders.save()
    bills.labels.add(Label.objects.create(name="production"))


def numbers(html: str) -> list[tuple[str, str]]:
    """Every link to the grid whose text is a number, with that number."""
    links = re.findall(r'<a [^>]*href="(/\?[^"]*)"[^>]*>(.*?)</a>', html, re.DOTALL)
    found = []
    for address, inside in links:
        text = re.sub(r'<span class="short".*?</span>|<[^>]*>', "", inside).strip()
        if number := re.match(r"([\d,]+)(?: paused| exceptions?)?$", text):
            found.append((unescape(address), number[1].replace(",", "")))
    return found


def counted(address: str) -> int:
    """How many executions the grid of an address shows."""
    from django.http import QueryDict

    filters = Filters.parse(QueryDict(address.partition("?")[2]))
    assert filters.are_understood, (address, filters.problems)
    return Execution.objects.filter(filters.condition()).count()


@pytest.mark.parametrize(
    "query", ["", "?folder=commerce", "?label=production", "?flow=orders&span=6h", "?span=7d"]
)
def test_every_number_leads_to_the_executions_that_it_counts(
    admin_client: Client, filled: None, query: str
) -> None:
    html = admin_client.get(reverse("overview") + query).content.decode()
    links = numbers(html)
    assert len(links) >= 5
    for address, number in links:
        assert counted(address) == int(number), address


def test_the_numbers_are_those_of_the_executions(admin_client: Client, filled: None) -> None:
    page = admin_client.get(reverse("overview")).content.decode()

    def tile(name: str) -> str:
        found = re.search(
            rf'data-tile="{name}".*?class="number"[^>]*><span class="long">(.*?)</span>',
            page,
            re.DOTALL,
        )
        assert found, name
        return found[1]

    names = ("running", "queued", "person", "ended", "failed")
    assert [tile(name) for name in names] == ["5", "2", "4", "14", "3"]
    assert "3 paused" in page
    assert "1 exception<" in page
    # 10 of the 11 that ended of orders ended by themselves; 3 of these failed.
    assert "orders, 30.0 % failed, worst" in page
    assert "has no owner" in page


def test_the_wait_leads_to_those_who_waited_longest(admin_client: Client, filled: None) -> None:
    page = admin_client.get(reverse("overview")).content.decode()
    link = re.search(r'data-tile="wait".*?class="number" href="([^"]*)"', page, re.DOTALL)
    assert link
    assert 1 <= counted(unescape(link[1])) <= 2


def test_comparing_tells_the_difference(admin_client: Client, person: User) -> None:
    for days, count in [(0, 4), (1, 2), (7, 8)]:
        for number in range(count):
            make_execution(person, age=3600 + 86_400 * days + number, status=Status.ENDED)
    previous = admin_client.get(reverse("overview") + "?compare=previous").content.decode()
    assert "2 above the period before" in previous
    week = admin_client.get(reverse("overview") + "?compare=week").content.decode()
    assert "4 below last week" in week
    assert "p95 last week" in week
    # Before the last 7 days is last week.
    for query, shown in [("", 2), ("span=7d", 1), ("span=7d&compare=previous", 2)]:
        page = admin_client.get(reverse("overview") + f"?{query}")
        assert len(page.context["comparisons"]) == shown


def test_failures_of_the_same_name_are_told_apart_by_their_blocks(
    admin_client: Client, filled: None
) -> None:
    group = FailureGroup.objects.get(pk=FAILURE)
    group.pk, group.block, group.block_description = OTHER_FAILURE, "ask", "Ask for it"
    group.save(force_insert=True)
    make_execution(
        User.objects.get(username="admin"), "orders", 60 * 5,
        status=Status.ERROR, error_type="Boom", failure=OTHER_FAILURE,
    )  # fmt: skip
    page = admin_client.get(reverse("overview")).content.decode()
    assert "Boom in orders at throw" in page
    assert "Boom in orders at Ask for it" in page


def test_filters_that_mean_nothing_are_told(admin_client: Client, filled: None) -> None:
    page = admin_client.get(reverse("overview") + "?flow=nowhere&span=9y&compare=x")
    assert "No flow matches nowhere" in page.content.decode()
    assert page.context["scope"].span == "24h"
    # It counts nothing, rather than everything.
    assert live_now([]).numbers == {}


def test_planted_markup_stays_text(admin_client: Client, filled: None) -> None:
    FailureGroup.objects.update(template="<script>x</script>", block_description="<b>x</b>")
    page = admin_client.get(reverse("overview") + "?flow=<script>y</script>").content.decode()
    assert "<script>y" not in page
    page = admin_client.get(reverse("overview")).content.decode()
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


@pytest.mark.parametrize(
    "name", ["overview", "overview-live", "overview-wall", "overview-wall-live", "workers"]
)
def test_only_who_sees_all_executions_sees_their_numbers(
    client: Client, person: User, name: str
) -> None:
    assert client.get(reverse(name)).status_code == 302
    client.force_login(person)
    refused = client.get(reverse(name))
    assert refused.status_code == 403
    assert "executions.view_execution" in refused.content.decode()
    person.user_permissions.add(Permission.objects.get(codename="view_execution"))
    assert client.get(reverse(name)).status_code == 200


def test_a_page_that_polls_gets_what_differs(admin_client: Client, filled: None) -> None:
    def parts(held: str) -> dict[str, str]:
        html = admin_client.get(reverse("overview-live"), headers={"X-Held": held}).content.decode()
        return dict(re.findall(r'id="part-(\w+)" class="part" data-part="(\w+)"', html))

    first = parts("")
    assert set(first) == set(OverviewPage.PARTS)
    held = " ".join(f"{name}:{digest}" for name, digest in first.items())
    assert "workers" not in parts(held)
    FailureGroup.objects.update(state="resolved")
    assert "failures" in parts(held)


def test_the_start_page_may_be_the_overview(admin_client: Client, admin_user: User) -> None:
    there = {"start": "overview", "next": reverse("preferences")}
    assert admin_client.post(reverse("preferences"), there).status_code == 302
    assert admin_client.get("/")["Location"] == reverse("overview")
    # The rail still leads to the grid.
    page = admin_client.get(reverse("overview")).content.decode()
    assert 'href="/?view=all"' in page
    assert admin_client.get("/?view=all").status_code == 200
    admin_client.post(reverse("preferences"), {"start": "", "next": reverse("preferences")})
    assert admin_client.get("/").status_code == 200


def test_the_page_of_a_worker_has_what_its_processes_hold(
    admin_client: Client, person: User
) -> None:
    now = timezone.now().timestamp()
    for name, processes in [("celery@one", (11, 12)), ("celery@two", (13,))]:
        workers.record(
            Worker(
                name=name,
                slots=2,
                busy=1,
                queues=("celery",),
                started_at=now,
                seen_at=now,
                machine="host",
                processes=processes,
            )
        )
    mine = make_execution(person, status=Status.RUNNING, lease_owner="host:12:abc:task")
    make_execution(person, status=Status.RUNNING, lease_owner="host:13:abc:task")
    make_execution(person, status=Status.RUNNING, lease_owner="host:121:abc:task")
    page = admin_client.get(reverse("worker", args=["celery@one"])).content.decode()
    assert str(mine.pk) in page
    assert page.count('data-key="') == 1
    grid = re.search(r'href="(/\?worker[^"]*)"', page)
    assert grid
    assert counted(unescape(grid[1])) == 1
    listed = admin_client.get(reverse("workers")).content.decode()
    assert "celery@one" in listed
    gone = admin_client.get(reverse("worker", args=["celery@three"])).content.decode()
    assert "There is no worker called" in gone


@pytest.mark.parametrize("query", ["", "?span=30d&compare=week", "?folder=commerce"])
def test_reading_costs_as_many_queries_however_much_there_is(
    admin_client: Client, filled: None, query: str, person: User
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            admin_client.get(reverse("overview") + query)
        return len(captured)

    cost()
    few = cost()
    for number in range(12):
        make_execution(person, f"flow-{number}", status=Status.ENDED)
        version_of(f"flow-{number}")
    assert cost() == few <= 35


def test_the_scope_names_flows_as_the_grid_does(filled: None) -> None:
    from django.http import QueryDict

    chosen: Callable[[str], Any] = lambda query: Scope.parse(QueryDict(query)).flows()  # noqa: E731
    assert chosen("") is None
    assert list(chosen("folder=COMMERCE").values()) == ["orders"]
    assert list(chosen("flow=b*").values()) == ["bills"]
    assert chosen("flow=orders&label=production") == {}


def test_the_cost_of_a_thousand_flows(
    admin_client: Client, person: User, record_property: Callable[[str, object], None]
) -> None:
    flows = Flow.objects.bulk_create(Flow(name=f"flow-{n}") for n in range(1000))
    from flows.models import FlowVersion

    versions = FlowVersion.objects.bulk_create(FlowVersion(flow=one, number=1) for one in flows)
    now = timezone.now()
    Execution.objects.bulk_create(
        unsaved_execution(
            person,
            version.flow.name,
            60 + hour * 3600,
            version=version,
            status=Status.ENDED,
            ended_at=now - timedelta(seconds=60 + hour * 3600),
        )
        for version in versions
        for hour in range(3)
    )
    while aggregation.aggregate():
        pass
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    runs = []
    for _ in range(6):
        with CaptureQueriesContext(connection) as captured:
            admin_client.get(reverse("overview"))
        runs.append([float(query["time"]) for query in captured.captured_queries])
    # Of each query the quickest run, because tests share their machine with others.
    spent = sum(map(min, zip(*runs[1:], strict=True)))
    record_property("seconds of SQL", spent)
    assert spent <= 0.05


def test_what_comes_next_is_for_those_who_see_the_schedules(
    client: Client, person: User, filled: None
) -> None:
    orders, bills = Flow.objects.get(name="orders"), Flow.objects.get(name="bills")
    for flow in (orders, bills):
        make_schedule(flow, person, name=f"Nightly {flow.name}")
    client.force_login(person)
    person.user_permissions.add(*Permission.objects.filter(codename="view_execution"))
    assert "Up next" not in client.get("/overview/").content.decode()
    person.user_permissions.clear()
    Grant.objects.create(user=person, flow=orders, role=Role.SEE)
    shown = client.get("/overview/").content.decode()
    assert "Nightly orders" in shown
    assert "Nightly bills" not in shown
    Grant.objects.create(user=person, flow=bills, role=Role.SEE)
    assert "Nightly bills" in client.get("/overview/").content.decode()
    assert "Nightly bills" not in client.get("/overview/?flow=orders").content.decode()
    SchedulePause.objects.create(is_paused=True, changed_at=timezone.now())
    assert "All schedules are paused." in client.get("/overview/").content.decode()
