"""The executions page: what it shows to whom, in what order, and at what price."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from executions.grid.paging.page import Page
from executions.grid.paging.page_query import PageQuery
from executions.grid.planner.counts import CAP, Count
from executions.grid.table.columns import COLUMNS
from executions.grid.table.row import GridRow
from executions.grid.table.sorting import NEWEST_FIRST
from executions.models import Execution, Preferences, SavedView
from executions.states import Status
from flows.models import Folder, Grant
from flows.roles import Role
from tests.executions_in_tests import make_execution

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def other() -> User:
    return User.objects.create_user("grace")


@pytest.fixture
def watcher() -> User:
    """Someone who may see every execution."""
    user = User.objects.create_user("watcher")
    user.user_permissions.add(Permission.objects.get(codename="view_execution"))
    return user


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def ids_in(html: str) -> list[str]:
    return re.findall(r'<tr role="row"[^>]* data-id="([^"]+)"', html)


def shown(client: Client, address: str = "/", **headers: str) -> list[str]:
    response = client.get(address, headers=headers)
    assert response.status_code == 200
    return ids_in(response.content.decode())


def address_of(html: str, which: str) -> str | None:
    found = re.search(rf'data-{which}[^>]*? href="/([^"]*)"', html)
    return "/" + found[1].replace("&amp;", "&") if found else None


# What it costs ------------------------------------------------------------------------------


#: What people may do, by permissions of their own or of a group: nothing, with flows alone, with
#: executions alone, with both.
RIGHTS = [
    (),
    ("view_flow",),
    ("view_flow", "start_flow", "change_flow"),
    ("view_execution",),
    ("view_execution", "control_execution", "view_flow", "start_flow"),
]


@pytest.mark.parametrize("rights", [*RIGHTS, None], ids=lambda r: "+".join(r or ()) or repr(r))
@pytest.mark.parametrize("by_group", [False, True], ids=["own", "group"])
def test_a_page_takes_at_most_ten_queries(
    rights: tuple[str, ...] | None,
    by_group: bool,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    watcher = User.objects.create_user("watcher", is_superuser=rights is None)
    permissions = Permission.objects.filter(codename__in=rights or ())
    assert permissions.count() == len(rights or ())
    if by_group:
        group = Group.objects.create(name="Operators")
        group.permissions.set(permissions)
        watcher.groups.add(group)
    else:
        watcher.user_permissions.set(permissions)
    parent = make_execution(watcher, child_count=30)
    for age in range(30):
        make_execution(watcher, parent=parent, age=age)
    for age in range(60):
        make_execution(watcher, age=100 + age)
    view = SavedView.objects.create(owner=watcher, name="Mine", layout={"columns": ["var.x.y"]})
    Preferences.objects.create(user=watcher, zone="Asia/Tokyo", start_view=view)
    client = client_of(watcher)
    addresses = (
        f"/?open={parent.pk}",
        f"/?view={view.pk}&open={parent.pk}",
        f"/?view={view.pk}&status=Running&flow=orders&q=set",
        "/?is=watched&error=Oops&message=broke&q=nowhere",
        "/?sort=-duration&initiator=me&has=exception",
        "/?group=flow&edit=flow",
    )
    # Those who neither see what others start nor start anything read whom they may ask.
    most = 10 + (rights is not None and not {"view_execution", "start_flow"}.intersection(rights))
    for address in addresses:
        with django_assert_max_num_queries(most):
            assert client.get(address).status_code == 200
    # Roles on flows and folders are one more.
    Grant.objects.create(user=watcher, folder=Folder.objects.create(name="shop"), role=Role.SEE)
    for address in addresses:
        with django_assert_max_num_queries(most + 1):
            assert client.get(address).status_code == 200


def test_a_row_is_rendered_once_but_for_its_duration(
    watcher: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    over, live = (
        make_execution(watcher, age=90, status=status) for status in (Status.ENDED, Status.PAUSED)
    )
    rendered: list[str] = []
    html = GridRow.html
    monkeypatch.setattr(GridRow, "html", lambda row: rendered.append(row.event.id) or html(row))
    client = client_of(watcher)

    def page(address: str = "/") -> str:
        return client.get(address).content.decode()

    assert "1 m 3" in page()
    assert sorted(rendered) == sorted([str(over.pk), str(live.pk)])
    monkeypatch.setattr(timezone, "now", lambda real=timezone.now: real() + timedelta(minutes=5))
    again = page()
    assert len(rendered) == 2
    # What is not over goes on, also for who has no script to count.
    assert "6 m 3" in again
    assert "1 m 3" not in again
    # Whatever changes in it makes another row, also what raises no revision.
    Execution.objects.filter(pk=live.pk).update(lease_owner="ada:7")
    page()
    assert rendered[2:] == [str(live.pk)]
    page("/?sort=-updated")
    assert len(rendered) == 5


def test_counts_stop_at_the_cap() -> None:
    assert str(Count(CAP)) == "10,000"
    assert str(Count(CAP + 1)) == "10,000+"


def test_the_number_of_queries_does_not_grow_with_the_open_rows(
    admin_client: Client, admin_user: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    parents = [make_execution(admin_user, child_count=2, age=n) for n in range(12)]
    for parent in parents:
        make_execution(admin_user, parent=parent)
    address = "/?" + "&".join(f"open={parent.pk}" for parent in parents)
    with django_assert_max_num_queries(8):
        assert len(shown(admin_client, address)) == 24


# Who sees what --------------------------------------------------------------------------------


def test_people_see_what_they_started(person: User, other: User, watcher: User) -> None:
    mine, theirs = make_execution(person), make_execution(other)
    assert shown(client_of(person)) == [str(mine.pk)]
    assert shown(client_of(other)) == [str(theirs.pk)]
    assert set(shown(client_of(watcher))) == {str(mine.pk), str(theirs.pk)}


def test_counts_and_children_keep_to_what_one_may_see(person: User, other: User) -> None:
    parent = make_execution(other, child_count=1)
    child = make_execution(other, parent=parent)
    client = client_of(person)
    assert b'data-count="">0<' in client.get("/").content
    for address in (f"/?open={parent.pk}", "/?q=orders"):
        assert str(child.pk) not in shown(client, address)
    assert client.get(f"/executions/{parent.pk}/children/").status_code == 404


def test_everyone_has_to_sign_in(client: Client) -> None:
    response = client.get("/")
    assert response.status_code == 302
    assert response["Location"] == "/login/?next=/"


# Pages ----------------------------------------------------------------------------------------


def test_pages_lead_down_and_up_again_without_a_gap(admin_user: User) -> None:
    """Also where rows share their start to the microsecond."""
    moment = timezone.now()
    for number in range(23):
        make_execution(admin_user, started_at=moment - timedelta(seconds=number // 4))
    expected = [str(one.pk) for one in Execution.objects.order_by("-started_at", "-id")]
    query = PageQuery()
    down: list[list[str]] = []
    pages: list[Page] = []
    while True:
        page = Page(admin_user, query, size=5)
        pages.append(page)
        down.append([event.id for event in page.events])
        if not page.older_address:
            break
        query = _query(page.older_address)
    assert [one for part in down for one in part] == expected
    up = []
    page = pages[-1]
    while page.newer_address:
        page = Page(admin_user, _query(page.newer_address), size=5)
        up.append([event.id for event in page.events])
    assert up[::-1] == down[:-1]
    assert not page.has_newer


def _query(address: str) -> PageQuery:
    return PageQuery.parse(QueryDict(address.removeprefix("?")))


def test_new_executions_do_not_move_an_older_page(admin_user: User) -> None:
    for age in range(10, 30):
        make_execution(admin_user, age=age)
    first = Page(admin_user, PageQuery(), size=5)
    second = Page(admin_user, _query(first.older_address), size=5)
    make_execution(admin_user, age=0)
    again = Page(admin_user, _query(first.older_address), size=5)
    assert [e.id for e in again.events] == [e.id for e in second.events]
    assert again.newer_address == second.newer_address


def test_an_address_says_everything(admin_user: User) -> None:
    parent = make_execution(admin_user, child_count=1)
    query = _query(f"?status=Error&status=Running&flow=orders&q=a%26b&open={parent.pk}")
    assert _query(query.address()) == query
    older = PageQuery(older=NEWEST_FIRST.parse_key(Page(admin_user, PageQuery()).rows[0].key))
    assert older.older is not None
    assert _query(older.address()) == older


@pytest.mark.parametrize(
    "address",
    ["/?older=x", "/?newer=1-2", "/?older=99999999999999999-" + "0" * 32, "/?open=x", "/?q=%00"],
)
def test_a_broken_address_shows_a_page(
    admin_client: Client, admin_user: User, address: str
) -> None:
    make_execution(admin_user)
    assert len(shown(admin_client, address)) == 1


# The tree -------------------------------------------------------------------------------------


def test_children_hang_below_open_parents(admin_client: Client, admin_user: User) -> None:
    root = make_execution(admin_user, child_count=1)
    child = make_execution(admin_user, parent=root, child_count=1, age=50)
    grandchild = make_execution(admin_user, parent=child, age=40)
    newer = make_execution(admin_user, age=5)
    top = [str(newer.pk), str(root.pk)]
    assert shown(admin_client) == top
    assert shown(admin_client, f"/?open={root.pk}") == [*top, str(child.pk)]
    both = f"/?open={root.pk}&open={child.pk}"
    html = admin_client.get(both).content.decode()
    assert ids_in(html) == [*top, str(child.pk), str(grandchild.pk)]
    assert re.search(rf'data-id="{grandchild.pk}"[^>]*aria-level="3"', html)
    # One whose parent is not open is not shown, and neither is what is open below it.
    assert shown(admin_client, f"/?open={child.pk}") == top


def test_the_children_alone(admin_client: Client, admin_user: User) -> None:
    root = make_execution(admin_user, child_count=2)
    children = [make_execution(admin_user, parent=root, age=age) for age in (10, 20)]
    assert shown(admin_client, f"/executions/{root.pk}/children/") == [
        str(child.pk) for child in children
    ]


def test_any_filter_makes_it_flat(admin_client: Client, admin_user: User) -> None:
    root = make_execution(admin_user, child_count=1)
    child = make_execution(admin_user, parent=root, age=1, error_message="No route to host")
    assert shown(admin_client, "/?status=Running") == [str(child.pk), str(root.pk)]
    assert shown(admin_client, "/?q=no+ROUTE") == [str(child.pk)]
    html = admin_client.get("/?q=route").content.decode()
    assert 'aria-level="1"' in html
    assert not re.search(r"<tr[^>]*aria-expanded", html)


# What a row says ------------------------------------------------------------------------------


def test_every_column_has_a_header_and_a_cell(admin_client: Client, admin_user: User) -> None:
    make_execution(admin_user, status=Status.ERROR, error_type="SomeException")
    html = admin_client.get("/", {"column": [c.key for c in COLUMNS]}).content.decode()
    for column in COLUMNS:
        assert f'<th role="columnheader" scope="col" class="{column.classes}"' in html
        assert f'<td role="gridcell" class="{column.classes}"' in html


HOSTILE = "<script>alert(1)</script>\"'onmouseover='x"


def test_nothing_that_people_name_becomes_markup(admin_client: Client, admin_user: User) -> None:
    make_execution(
        admin_user,
        status=Status.ERROR,
        block_type=HOSTILE,
        block_description=HOSTILE,
        workspace_name=HOSTILE,
        error_type=HOSTILE,
        error_message=HOSTILE,
    )
    Execution.objects.update(flow_name="<i>flow", initiator_name=HOSTILE)
    for address in ("/", "/?q=%3Cscript", "/?q=" + "%22%3E%3Cscript%3E", "/?flow=%3Ci%3Eflow"):
        html = admin_client.get(address).content.decode()
        assert "<script>alert" not in html
        assert "<i>flow" not in html
        assert "'onmouseover" not in html
        assert '"><script' not in html


# Without JavaScript, and with htmx ------------------------------------------------------------


def test_links_and_forms_work_without_javascript(admin_client: Client, admin_user: User) -> None:
    for age in range(60):
        make_execution(admin_user, age=age, child_count=age % 2)
    html = admin_client.get("/").content.decode()
    older = address_of(html, "older")
    assert older
    below = admin_client.get(older).content.decode()
    assert len(ids_in(below)) == 10
    assert not set(ids_in(below)) & set(ids_in(html))
    newer = address_of(below, "newer")
    assert newer
    assert shown(admin_client, newer) == ids_in(html)
    # Handles are links, commands are submit buttons of a form, filters are a GET form.
    assert re.search(r'class="handle" href="\?open=', html)
    assert re.search(r'<form id="commands"[^>]* method="post"', html)
    assert 'formaction="/executions/commands/stop/"' in html
    assert html.count('type="checkbox" name="id"') == 50
    assert re.search(r'<form class="query" method="get" action="/" role="search"', html)


def test_a_command_without_javascript_comes_back_with_a_message(
    admin_client: Client, admin_user: User
) -> None:
    done = make_execution(admin_user, status=Status.ENDED)
    response = admin_client.post(
        "/executions/commands/stop/", {"id": [done.pk]}, headers={"referer": "http://testserver/"}
    )
    assert response.status_code == 302
    assert "already Ended" in admin_client.get("/").content.decode()
    for odd in ("word", "%00", "https://elsewhere.example/"):
        response = admin_client.post("/executions/commands/stop/", {"id": [done.pk], "next": odd})
        assert response.status_code == 302
        assert "elsewhere" not in response["Location"]


def test_htmx_gets_the_result_of_a_command(admin_client: Client, admin_user: User) -> None:
    paused = make_execution(admin_user, status=Status.PAUSED)
    ended = make_execution(admin_user, status=Status.ENDED)
    response = admin_client.post(
        "/executions/commands/stop/", {"id": [paused.pk, ended.pk]}, headers=HTMX
    )
    html = response.content.decode()
    assert "<html" not in html
    assert "already Ended" in html
    assert "refused" in html


def test_htmx_gets_the_part_that_changes(admin_client: Client, admin_user: User) -> None:
    execution = make_execution(admin_user)
    part = admin_client.get("/", headers=HTMX)
    assert "<html" not in part.content.decode()
    assert ids_in(part.content.decode()) == [str(execution.pk)]
    assert "HX-Request" in part["Vary"]
    whole = admin_client.get("/", headers={**HTMX, "HX-History-Restore-Request": "true"})
    assert "<html" in whole.content.decode()


def test_an_empty_grid_says_what_to_do(admin_client: Client) -> None:
    assert "Nothing has run yet" in admin_client.get("/").content.decode()
    assert "Nothing matches" in admin_client.get("/?q=x").content.decode()


def test_buttons_know_when_they_apply(admin_client: Client) -> None:
    html = admin_client.get("/").content.decode()
    buttons = re.findall(r'data-command="(\w+)"[^>]*data-applies="([^"]*)"', html)
    applies: dict[str, Any] = dict(buttons)
    assert applies["continue"] == "Paused Exception"
    assert applies["stop"] == "Queued Running Pausing Paused Exception"
