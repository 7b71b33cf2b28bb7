"""What users choose for every page: time zone, density, start page, columns; and who may."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from executions import preferences
from executions.grid.table.column_chooser import apply
from executions.grid.table.columns import DEFAULT_COLUMNS
from executions.grid.table.layout import COLUMN_LIMIT, Layout
from executions.models import AuditEntry, Preferences, SavedView
from tests.executions_in_tests import make_execution

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def client(ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def form(text: str) -> QueryDict:
    return QueryDict(text)


# Who is signed in -------------------------------------------------------------------------------


def test_permissions_of_a_user_and_of_their_groups_are_one_query(
    ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def permission(name: str) -> Permission:
        return Permission.objects.get(codename=name)

    group = Group.objects.create(name="watchers")
    group.permissions.add(permission("view_execution"))
    Group.objects.create(name="others").permissions.add(permission("delete_execution"))
    ada.groups.add(group)
    ada.user_permissions.add(permission("control_execution"))
    user = User.objects.get(pk=ada.pk)
    with django_assert_num_queries(1):
        assert user.get_all_permissions() == {
            "executions.view_execution",
            "executions.control_execution",
        }
        assert user.has_perm("executions.view_execution")
        assert not user.has_perm("executions.delete_execution")
    for changes in ({"is_active": False}, {"is_active": True, "is_superuser": True}):
        User.objects.filter(pk=ada.pk).update(**changes)
        now = User.objects.get(pk=ada.pk)
        assert now.has_perm("executions.delete_execution") is now.is_active


def test_who_may_no_longer_sign_in_is_signed_out(client: Client, ada: User) -> None:
    assert client.get("/help/").status_code == 200
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert client.get("/help/")["Location"].startswith("/login/")


# Time zone ----------------------------------------------------------------------------------------


def test_every_page_is_in_the_zone_that_its_user_chose(client: Client, ada: User) -> None:
    started = datetime(2020, 7, 14, 22, 30, 5, tzinfo=UTC)
    execution = make_execution(ada, started_at=started)
    for address in ("/", f"/executions/{execution.pk}/"):
        assert "2020-07-14 22:30:05.000 UTC" in client.get(address).content.decode()
    client.post("/preferences/", {"zone": "Asia/Kolkata", "next": "/help/"})
    for address in ("/", f"/executions/{execution.pk}/"):
        html = client.get(address).content.decode()
        assert "2020-07-15 04:00:05.000 IST" in html
        assert 'data-zone="Asia/Kolkata"' in html
        assert ":05.000 UTC" not in html
    assert timezone.get_current_timezone_name() == "UTC"


def test_what_the_browser_offers_counts_until_one_has_chosen(client: Client) -> None:
    client.cookies["zone"] = "Europe%2FStockholm"
    assert 'data-zone="Europe/Stockholm"' in client.get("/help/").content.decode()
    client.post("/preferences/", {"zone": "Asia/Tokyo"})
    assert 'data-zone="Asia/Tokyo"' in client.get("/help/").content.decode()
    client.post("/preferences/", {"zone": ""})
    for odd in ("Nowhere/Land", "../../etc/passwd", "%00", ""):
        client.cookies["zone"] = odd
        assert 'data-zone="UTC"' in client.get("/help/").content.decode()


def test_time_zones_are_found_by_their_names(client: Client) -> None:
    html = client.get("/preferences/zones/", {"q": "buenos aires"}).content.decode()
    assert html.count("<button") >= 1
    assert 'value="America/Argentina/Buenos_Aires"' in html
    assert "UTC-3" in html
    assert "No time zone" in client.get("/preferences/zones/?q=atlantis").content.decode()
    # Without JavaScript the search of the menu leads to a page.
    found = client.post("/preferences/", {"q": "stockholm"}, follow=True).content.decode()
    assert 'value="Europe/Stockholm"' in found


@pytest.mark.parametrize(
    "wrong", [{"zone": "Mars/Base"}, {"density": "airy"}, {"start": "123456"}, {"zone": "\0"}]
)
def test_nothing_is_kept_of_a_choice_that_does_not_exist(
    client: Client, ada: User, wrong: dict[str, str]
) -> None:
    response = client.post("/preferences/", wrong, follow=True)
    assert "Nothing was changed." in response.content.decode()
    assert not Preferences.objects.exists()


# Density, keys, start page ------------------------------------------------------------------------


def test_a_form_changes_what_it_holds_and_nothing_else(client: Client, ada: User) -> None:
    client.post("/preferences/", {"zone": "Asia/Tokyo", "density": "comfortable", "keys": "off"})
    client.post("/preferences/", {"density": "dense"})
    now = Preferences.objects.get(user=ada)
    assert (now.zone, now.density, now.single_keys) == ("Asia/Tokyo", "dense", False)
    assert 'data-single-keys="off"' in client.get("/help/").content.decode()
    page = client.get("/account/").content.decode()
    assert "<option selected>Asia/Tokyo</option>" in page


def test_forms_lead_back_on_this_site_only(client: Client) -> None:
    for there, expected in (
        ("/?status=Error", "/?status=Error"),
        ("https://x.example/", "/account/"),
    ):
        response = client.post("/preferences/", {"density": "dense", "next": there})
        assert response["Location"].startswith(expected)


def test_a_view_may_be_the_start_page(client: Client, ada: User) -> None:
    view = SavedView.objects.create(owner=ada, name="Mine", query="status=Error&flow=orders")
    client.post("/preferences/", {"start": view.pk})
    assert client.get("/")["Location"] == f"/?view={view.pk}&status=Error&flow=orders"
    # From everything, no address leads to the start page by accident.
    html = client.get("/?flow=orders").content.decode()
    assert 'href="/?view=all"' in html
    assert client.get("/?view=all").status_code == 200
    view.delete()
    assert client.get("/").status_code == 200


def test_nobody_elses_private_view_becomes_a_start_page(client: Client, ada: User) -> None:
    theirs = SavedView.objects.create(owner=User.objects.create_user("grace"), name="Theirs")
    client.post("/preferences/", {"start": theirs.pk})
    assert not Preferences.objects.filter(start_view=theirs).exists()
    # One that was shared once, and is not any more, is none either.
    Preferences.objects.create(user=ada, start_view=theirs)
    assert client.get("/").status_code == 200


def test_everyone_has_to_sign_in_and_keeps_their_own() -> None:
    for address in ("/account/", "/preferences/zones/", "/views/"):
        assert Client().get(address)["Location"].startswith("/login/")
    assert Client().post("/preferences/columns/")["Location"].startswith("/login/")
    for name in ("ada", "grace"):
        one = Client()
        one.force_login(User.objects.get_or_create(username=name)[0])
        one.post("/preferences/", {"zone": "Asia/Tokyo" if name == "ada" else "Europe/Rome"})
    kept = Preferences.objects.order_by("user__username").values_list("zone", flat=True)
    assert list(kept) == ["Asia/Tokyo", "Europe/Rome"]
    assert preferences.of(User.objects.get(username="ada")).zone == "Asia/Tokyo"


# Columns ------------------------------------------------------------------------------------------


def test_the_chooser_shows_hides_orders_and_adds() -> None:
    layout, problem = apply(Layout(), form("choose=&column=flow&column=status&down=flow"))
    assert (layout.columns, problem) == (("status", "flow"), "")
    layout, problem = apply(layout, form("choose=&column=status&column=flow&up=status"))
    assert layout.columns == ("status", "flow")
    layout, problem = apply(layout, form("choose=&column=status&add=+var.order.id+"))
    assert (layout.columns, problem) == (("status", "var.order.id"), "")
    layout, problem = apply(layout, form("width=flow:200"))
    assert layout.columns == ("status", "var.order.id")
    layout, problem = apply(layout, form("reset=1&column=status"))
    assert (layout.columns, layout.widths) == (DEFAULT_COLUMNS, ())


@pytest.mark.parametrize("wrong", ["choose=", "choose=&column=no", "choose=&column=flow&add=%0A"])
def test_what_the_chooser_cannot_do_changes_nothing(wrong: str) -> None:
    before = Layout(("flow", "status"))
    after, problem = apply(before, form(wrong.replace("%0A", "a%0Ab")))
    assert after == before or not problem


def test_a_full_grid_takes_no_more_columns() -> None:
    full = Layout(tuple(f"var.v{n}" for n in range(COLUMN_LIMIT)))
    after, problem = apply(full, form("add=one.more"))
    assert after == full
    assert "remove one first" in problem


def test_columns_are_kept_for_a_user(client: Client, ada: User) -> None:
    response = client.post(
        "/preferences/columns/",
        {"choose": "", "column": ["flow", "status"], "next": "/?status=Error"},
    )
    assert response["Location"] == "/?status=Error"
    client.post("/preferences/columns/", {"width": "flow:333", "next": "/"})
    html = client.get("/").content.decode()
    assert html.count("<th ") == 4
    assert 'data-column="flow"' in html
    assert '<col data-width="333" width="333">' in html
    other = Client()
    other.force_login(User.objects.create_user("grace"))
    assert other.get("/").content.decode().count("<th ") == 2 + len(DEFAULT_COLUMNS)
    client.post("/preferences/columns/", {"reset": "1", "next": "/"})
    assert client.get("/").content.decode().count("<th ") == 2 + len(DEFAULT_COLUMNS)


def test_a_page_that_says_its_columns_is_changed_by_itself(client: Client, ada: User) -> None:
    response = client.post(
        "/preferences/columns/",
        {"choose": "", "column": ["flow"], "next": "/?column=status&flow=orders"},
    )
    there = QueryDict(response["Location"].removeprefix("/?"))
    assert there.getlist("column") == ["flow"]
    assert there["flow"] == "orders"
    assert not Preferences.objects.exists()
    answer = client.post(
        "/preferences/columns/",
        {"width": "flow:200", "next": "/?column=flow"},
        headers={"accept": "application/json"},
    )
    assert QueryDict(answer.json()["address"].removeprefix("/?"))["width"] == "flow:200"


def test_a_grid_keeps_a_column(client: Client) -> None:
    response = client.post("/preferences/columns/", {"choose": "", "next": "/"}, follow=True)
    assert "Choose at least one column" in response.content.decode()


def test_every_zone_can_be_chosen(client: Client, ada: User) -> None:
    assert {"UTC", "Europe/Stockholm", "America/Argentina/Buenos_Aires"} <= set(
        preferences.time_zones()
    )
    assert len(preferences.time_zones()) > 300


def test_what_one_is_told_and_the_zone_are_audited(client: Client, ada: User) -> None:
    there = {"next": reverse("account")}
    client.post(reverse("preferences"), {"zone": "Asia/Tokyo", **there})
    entry = AuditEntry.objects.get(command="change-preferences")
    assert (entry.actor, entry.source, entry.object_id) == ("ada", "page", str(ada.pk))
    assert (entry.before, entry.after) == ({"zone": ""}, {"zone": "Asia/Tokyo"})
    # What is as it was, and how pages look, is no entry.
    client.post(reverse("preferences"), {"zone": "Asia/Tokyo", "density": "comfortable", **there})
    assert AuditEntry.objects.count() == 1
    quiet = {"quiet_from": "22:00", "quiet_until": "06:00"}
    client.post(reverse("save-notifications"), quiet)
    assert "quiet_from" in AuditEntry.objects.order_by("-pk")[0].after
