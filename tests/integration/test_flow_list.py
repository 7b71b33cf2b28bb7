"""The list of flows: its numbers agree with the grid, its filters, who sees what, moving flows."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from executions import access
from executions.grid.query.filters import Filters
from executions.models import AuditEntry, Execution
from executions.states import Status
from executions.views.flow_list import numbers
from executions.views.flow_list.rows import flows_of
from flows.call_graph import call_graph
from flows.models import FavoriteFlow, Flow, FlowVersion, Folder, Label
from flows.publish import publish, save_draft
from tests.executions_in_tests import make_execution, version_of
from tests.integration.test_flow_arrangement import filed, folder
from tests.schedules_in_tests import make_schedule

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh() -> None:
    numbers.forget()


def give(user: User, *codenames: str) -> User:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return User.objects.get(pk=user.pk)


def ended(user: Any, flow: str, hours: float, **columns: Any) -> Execution:
    at = timezone.now() - timedelta(hours=hours)
    columns = {"status": Status.ENDED, "ended_at": at + timedelta(seconds=2), **columns}
    return make_execution(user, flow, started_at=at, **columns)


def names(client: Client, query: str = "") -> list[str]:
    page = client.get(f"/flows/?{query}").content.decode()
    return re.findall(r'class="flow-name ellipsis"[^>]*>([^<]+)<', page)


def links(client: Client, column: str, query: str = "") -> dict[str, tuple[str, str]]:
    """What a column of the list says of each flow, and the address that it links to."""
    page = client.get(f"/flows/?{query}").content.decode()
    found = {}
    for row in page.split("<tr ")[1:]:
        name = re.search(r'data-flow="([^"]+)"', row)
        cell = re.search(rf'<td class="[^"]*c-{column}">(.*?)</td>', row, re.DOTALL)
        link = cell and re.search(r'<a href="([^"]+)"[^>]*>(.*?)</a>', cell[1], re.DOTALL)
        if name and link:
            found[name[1]] = re.sub("<[^>]+>", "", link[2]).strip(), unescape(link[1])
    return found


# Numbers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sees_all", [True, False])
def test_numbers_are_those_of_the_grid_that_they_lead_to(
    client: Client, person: User, sees_all: bool
) -> None:
    client.force_login(give(person, "view_flow", *(["view_execution"] if sees_all else [])))
    other = User.objects.create_user("other")
    for user in (person, other):
        for hours in (1, 5, 23, 26):
            ended(user, "orders", hours)
        ended(user, "orders", 2, status=Status.ERROR)
        ended(user, "orders", 3, unhandled=True)
        ended(user, "orders", 4, status=Status.STOPPED)
        # It started earlier, and failed within the day.
        ended(user, "orders", 30, status=Status.ERROR, ended_at=timezone.now())
        make_execution(user, "orders")
        make_execution(user, "orders", status=Status.QUEUED)
        make_execution(user, "orders", status=Status.PAUSED)
    times = 2 if sees_all else 1

    def matching(address: str) -> int:
        filters = Filters.parse(QueryDict(address.partition("?")[2]))
        assert filters.are_understood
        return access.visible(person).filter(filters.condition()).count()

    runs, address = links(client, "runs")["orders"]
    assert int(runs) == matching(address) == 9 * times
    rate, address = links(client, "failed")["orders"]
    assert rate == "50.0 %"  # three of six that ended by themselves
    assert matching(address) == 3 * times
    _, address = links(client, "p95")["orders"]
    assert matching(address) == 6 * times
    page = client.get("/flows/").content.decode()
    pills = re.findall(r'<a class="now (\w+)" href="([^"]+)" title="([\d,]+) ', page)
    assert [(kind, int(number)) for kind, _, number in pills] == [
        ("running", 2 * times),
        ("paused", times),
    ]
    for _, address, number in pills:
        assert matching(unescape(address)) == int(number)


def test_a_page_asks_as_much_however_many_flows_there_are(
    admin_client: Client, admin_user: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    def queries() -> int:
        numbers.forget()
        with django_assert_max_num_queries(25) as taken:
            admin_client.get("/flows/?sort=-runs")
        return len(taken)

    ended(admin_user, "orders", 1)
    few = queries()
    for number in range(20):
        filed(f"flow-{number}", "commerce", "pilot")
        ended(admin_user, f"flow-{number}", number)
    assert queries() <= few + 1  # labels are prefetched where there are any


# Which flows, in which order --------------------------------------------------------------------


def test_the_address_says_which_flows_in_which_order(
    admin_client: Client, admin_user: User
) -> None:
    filed("orders", "commerce", "pilot")
    filed("returns", "commerce/returns")
    filed("backup", "infra", "pilot", "night")
    filed("alone")
    for flow, times in (("orders", 1), ("returns", 3)):
        for hour in range(times):
            ended(admin_user, flow, hour + 1)
    ended(admin_user, "backup", 2, status=Status.ERROR)
    make_execution(admin_user, "orders", status=Status.EXCEPTION)
    Flow.objects.filter(name="backup").update(kind="process", description="Copies all")
    assert names(admin_client) == ["alone", "backup", "orders", "returns"]
    assert names(admin_client, "folder=Commerce") == ["orders", "returns"]
    assert names(admin_client, "folder=commerce/returns") == ["returns"]
    assert names(admin_client, "show=unfiled") == ["alone"]
    assert names(admin_client, "label=pilot&sort=-name") == ["orders", "backup"]
    assert names(admin_client, "kind=process") == ["backup"]
    assert names(admin_client, "show=failing") == ["backup"]
    assert names(admin_client, "state=exception") == ["orders"]
    assert names(admin_client, "state=quiet") == ["alone"]
    assert names(admin_client, "q=copies") == ["backup"]
    assert names(admin_client, "sort=-runs") == ["returns", "orders", "backup", "alone"]
    assert names(admin_client, "sort=-failed")[0] == "backup"
    assert names(admin_client, "sort=-last")[-1] == "alone"
    assert names(admin_client, "sort=nonsense&kind=nonsense&page=x") == names(admin_client)
    assert "No flow matches" in admin_client.get("/flows/?q=zzz%00").content.decode()


def test_the_search_finds_blocks_and_variables_of_the_newest_version(admin_client: Client) -> None:
    document = {
        "flow": "orders",
        "variables": {"Customer": {"type": "Text"}},
        "blocks": {
            "start": {"type": "Start Flow", "bottom": "end"},
            "end": {"type": "End Flow", "description": "Parcel is sent"},
        },
    }
    save_draft(document)
    filed("other")
    assert names(admin_client, "q=custom") == ["orders"]
    assert names(admin_client, "q=parcel+orders") == ["orders"]
    assert names(admin_client, "q=parcel+other") == []
    publish(FlowVersion.objects.get(flow__name="orders"))
    assert names(admin_client, "show=drafts") == ["other"]


# Who --------------------------------------------------------------------------------------------


def test_who_may_not_see_flows_sees_none(client: Client, person: User) -> None:
    filed("orders", "secret-folder")
    client.force_login(person)
    assert names(client) == []
    assert "flows.view_flow" in client.get("/flows/").content.decode()
    for address in ("peek", "arrange"):
        assert client.get(f"/flows/orders/{address}/").status_code == 404
    for address in ("star", "arrange"):
        assert client.post(f"/flows/orders/{address}/").status_code == 404


def test_a_flow_is_moved_and_labelled_by_those_who_may(client: Client, person: User) -> None:
    flow = filed("orders", "infra", "pilot")
    there, night = folder("commerce"), Label.objects.create(name="night")
    client.force_login(give(person, "view_flow"))
    pilot = Label.objects.get(name="pilot")
    fields = {"folder": there.pk, "held": [pilot.pk], "label": [night.pk]}
    assert client.post("/flows/orders/arrange/", fields).status_code == 403
    assert (
        "Arranging flows takes the permission"
        in client.get("/flows/orders/arrange/").content.decode()
    )
    flow.refresh_from_db()
    assert flow.folder == folder("infra")
    give(person, "change_flow")
    said = client.post("/flows/orders/arrange/", fields, follow=True).content.decode()
    assert "Moved orders from infra to commerce. Labels of orders: night." in said
    flow.refresh_from_db()
    assert (flow.folder, list(flow.labels.all())) == (there, [night])
    client.post("/flows/orders/arrange/", {"folder": ""})  # as dropping does: labels stay
    flow.refresh_from_db()
    assert (flow.folder, list(flow.labels.all())) == (None, [night])
    assert list(AuditEntry.objects.order_by("id").values_list("command", "outcome", "detail")) == [
        (
            "move-flow",
            "refused",
            "Arranging a flow takes the role Administer, or the permission flows.change_flow.",
        ),
        ("move-flow", "done", "from infra to commerce"),
        ("label-flow", "done", "+night -pilot"),
        ("move-flow", "done", "from commerce to no folder"),
    ]
    assert set(AuditEntry.objects.values_list("actor", "flow_name", "source")) == {
        ("ada", "orders", "page")
    }
    # Two who have the same form before them: what each changes is there in the end.
    flow.labels.add(pilot)
    client.post("/flows/orders/arrange/", {"folder": there.pk, "from": ""})
    form = {"folder": "", "from": "", "held": [night.pk, pilot.pk], "label": [pilot.pk]}
    client.post("/flows/orders/arrange/", form)
    flow.refresh_from_db()
    assert (flow.folder, list(flow.labels.all())) == (there, [pilot])
    for wrong, status in (({"folder": "x"}, 400), ({"folder": "9999"}, 404)):
        assert client.post("/flows/orders/arrange/", wrong).status_code == status


def test_favourites_are_each_users_own(admin_client: Client, client: Client, person: User) -> None:
    filed("orders")
    filed("stock")
    client.force_login(give(person, "view_flow"))
    assert (
        client.post("/flows/orders/star/", {"on": "1"}, HTTP_HX_REQUEST="true").status_code == 204
    )
    client.post("/flows/orders/star/", {"on": "1"})
    assert FavoriteFlow.objects.count() == 1
    assert names(client, "show=favorites") == ["orders"]
    assert names(admin_client, "show=favorites") == []
    client.post("/flows/orders/star/", {"on": "0"})
    assert names(client, "show=favorites") == []


def test_what_all_who_see_the_same_share_is_nobodys_own(
    admin_client: Client, client: Client, person: User
) -> None:
    filed("orders")
    client.force_login(give(person, "view_flow", "view_execution"))
    for one in (client, admin_client):
        answer = one.get("/flows/live/parts/").content.decode()
        assert "orders" in answer
        assert "csrfmiddlewaretoken" not in answer
    # Who may not see flows gets none of what was rendered for others.
    client.force_login(User.objects.create_user("stranger"))
    assert "orders" not in client.get("/flows/live/parts/").content.decode()


def test_planted_markup_stays_text(admin_client: Client) -> None:
    bad = "<script>x</script>"
    Flow.objects.filter(pk=filed("orders").pk).update(description=bad)
    Folder.objects.create(name="<b>f")
    Label.objects.create(name="<b>l")
    page = admin_client.get("/flows/").content.decode()
    assert bad not in page
    assert "<b>f" not in page
    assert "<b>l" not in page
    assert "&lt;script&gt;x" in page


# A diagram, and who runs whom --------------------------------------------------------------------


def runs(name: str, *others: str) -> None:
    blocks: dict[str, Any] = {"start": {"type": "Start Flow", "bottom": "r0" if others else "end"}}
    for number, other in enumerate(others):
        then = f"r{number + 1}" if number + 1 < len(others) else "end"
        blocks[f"r{number}"] = {"type": "Run Flow", "bottom": then, "properties": {"Flow": other}}
    blocks["end"] = {"type": "End Flow"}
    publish(save_draft({"flow": name, "blocks": blocks}).version)


def test_the_diagram_shows_live_tokens(admin_client: Client, admin_user: User) -> None:
    runs("orders")
    version = Flow.objects.get(name="orders").versions.get()
    make_execution(admin_user, "orders", version=version, block="end")
    page = admin_client.get("/flows/orders/peek/").content.decode()
    assert 'data-block="end"' in page
    assert "1 running at" in page
    assert "v1" in page


def test_the_foot_names_only_what_there_is(admin_client: Client, admin_user: User) -> None:
    make_execution(admin_user, "orders")
    assert re.search(r"1 running\s*</span>", admin_client.get("/flows/").content.decode())


def test_who_runs_whom_is_drawn_also_in_a_circle(admin_client: Client) -> None:
    for name, others in (("a", ["b", "c"]), ("b", ["c"]), ("c", ["a"]), ("d", []), ("e", ["gone"])):
        runs(name, *others)

    user = User.objects.get(username="admin")
    graph = call_graph(flows_of(user, ""))
    assert {box.flow.name: box.runs for box in graph.boxes} == {
        "a": ["b", "c"],
        "b": ["c"],
        "c": ["a"],
    }
    assert {flow.name for flow in graph.alone} == {"d", "e"}
    assert len(graph.lines) == 4
    assert len({(box.x, box.y) for box in graph.boxes}) == 3
    page = admin_client.get("/flows/?view=calls").content.decode()
    assert "a runs b, c; run by c" in page


def test_without_versions_there_is_no_diagram(admin_client: Client) -> None:
    Flow.objects.create(name="empty")
    assert admin_client.get("/flows/empty/peek/").status_code == 404
    assert version_of("orders")


def test_the_slowest_flows_come_first(admin_client: Client, client: Client, person: User) -> None:
    for flow, seconds in (("orders", 3), ("returns", 9), ("backup", 1)):
        at = timezone.now() - timedelta(hours=1)
        times = {"started_at": at, "ended_at": at + timedelta(seconds=seconds)}
        make_execution(person, flow, status=Status.ENDED, **times)
    version_of("alone")
    assert names(admin_client, "sort=-p95") == ["returns", "orders", "backup", "alone"]
    assert names(admin_client, "sort=p95") == ["backup", "orders", "returns", "alone"]
    assert {flow: text for flow, (text, _) in links(admin_client, "p95").items()} == {
        flow: text for flow, (text, _) in links(admin_client, "p95", "sort=-p95").items()
    }
    client.force_login(give(person, "view_flow"))
    assert names(client, "sort=-p95") == ["returns", "orders", "backup", "alone"]


def test_the_sparkline_has_a_bar_for_each_hour(admin_client: Client, admin_user: User) -> None:
    for hours in (0.01, 0.01, 5):
        ended(admin_user, "orders", hours)
    ended(admin_user, "orders", 5, status=Status.ERROR)
    page = admin_client.get("/flows/").content.decode()
    row = page.partition('data-flow="orders"')[2].partition("</tr>")[0]
    paths = dict(re.findall(r'<path class="(none|ran|failed)" d="([^"]+)"', row))
    bars = {kind: re.findall(r"M([\d.]+) [\d.]+h([\d.]+)", path) for kind, path in paths.items()}
    assert (len(bars["ran"]), len(bars["failed"])) == (2, 1)
    assert len(bars["ran"] + bars["none"]) in (24, 25)
    assert all(float(x) + float(width) <= 150 for kind in bars.values() for x, width in kind)
    assert "4 runs, at most 2 in an hour; 1 failed" in page


# The page of a flow -----------------------------------------------------------------------------


def test_a_flow_is_shown_over_time_and_by_version(
    admin_client: Client, admin_user: User, client: Client, person: User
) -> None:
    runs("orders")
    version = Flow.objects.get(name="orders").versions.get()
    for hours, status in ((1, Status.ENDED), (2, Status.ERROR), (30, Status.ENDED)):
        ended(admin_user, "orders", hours, status=status, version=version)

    def said(span: str) -> tuple[str, str]:
        page = admin_client.get(f"/flows/orders/?span={span}").content.decode()
        table = page.split('aria-label="Versions"')[1].split("</table>")[0]
        found = re.findall(r'<a href="[^"]*version=1&amp;[^"]*">([^<]+)</a>', table)
        for address in re.findall(r'<a href="(/[?][^"]*version=1&amp;[^"]*)"', table):
            filters = Filters.parse(QueryDict(unescape(address).partition("?")[2]))
            assert filters.are_understood
            counted = Execution.objects.filter(filters.condition()).count()
            assert counted == (1 if "is=failed" in address else int(found[0]))
        return found[0], found[1]

    assert said("24h") == ("2", "50.0 %")
    assert said("7d") == ("3", "33.3 %")
    assert said("nonsense") == said("24h")
    page = admin_client.get("/flows/orders/").content.decode()
    assert "1 of 1 failed" in page
    client.force_login(give(person, "view_flow"))
    assert "Over time" not in client.get("/flows/orders/").content.decode()


def test_schedules_say_when_a_flow_starts_next(admin_client: Client, admin_user: User) -> None:
    orders, bills, mails = (version_of(name).flow for name in ("orders", "bills", "mails"))
    make_schedule(orders, admin_user, "0 12 * * *")
    soon = make_schedule(orders, admin_user, "*/5 * * * *")
    make_schedule(bills, admin_user, is_on=False)
    html = admin_client.get("/flows/").content.decode()
    cells = dict(re.findall(r'data-flow="(\w+)".*?c-next">(.*?)</td>', html, re.DOTALL))
    assert soon.next_at is not None
    assert f"{soon.next_at:%H:%M}" in cells["orders"]
    assert ">off<" in cells["bills"]
    assert "–" in cells["mails"]
    assert mails
