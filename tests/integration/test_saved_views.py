"""Saved views: what they keep, who may open and who may change them, what a page says of them."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.http import QueryDict
from django.test import Client

from executions.models import SavedView

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def grace() -> User:
    return User.objects.create_user("grace")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def save(client: Client, at: str, name: str = "Failing orders", **fields: str) -> SavedView:
    client.post("/views/", {"name": name, "at": at, **fields})
    return SavedView.objects.get(name=name)


def test_a_view_keeps_filters_and_columns(ada: User) -> None:
    client = client_of(ada)
    view = save(client, "?status=Error&flow=orders&column=flow&column=var.x&width=flow:222&older=1")
    assert view.query == "status=Error&flow=orders"
    assert view.layout["columns"] == ["flow", "var.x"]
    opened = client.get(view.get_absolute_url())
    assert opened["Location"] == f"/?view={view.pk}&status=Error&flow=orders"
    html = client.get(opened["Location"]).content.decode()
    assert html.count("<th ") == 4
    assert 'width="222"' in html
    assert "Saved view: Failing orders" in html
    assert ">edited</span>" not in html


@pytest.mark.parametrize(
    "change", ["&flow=other", "&column=status", "&children=flat", "&width=flow:99"]
)
def test_a_page_says_that_it_differs_from_its_view(ada: User, change: str) -> None:
    client = client_of(ada)
    view = save(client, "?status=Error")
    same = client.get(f"/?view={view.pk}&status=Error").content.decode()
    assert ">edited</span>" not in same
    assert ">edited</span>" in client.get(f"/?view={view.pk}&status=Error{change}").content.decode()


def test_an_edited_view_is_saved_again(ada: User) -> None:
    client = client_of(ada)
    view = save(client, "?status=Error")
    at = f"view={view.pk}&status=Paused&column=flow"
    menu = client.get("/views/", {"menu": "", "at": "?" + at}).content.decode()
    assert "Save changes to Failing orders" in menu
    response = client.post(view.get_absolute_url(), {"do": "save", "at": at})
    assert response["Location"] == f"/?view={view.pk}&status=Paused"
    view.refresh_from_db()
    assert (view.query, view.layout["columns"]) == ("status=Paused", ["flow"])


def test_columns_of_a_view_are_not_those_of_its_reader(ada: User) -> None:
    """What is changed on a view's page is changed there, and the reader's own stay."""
    client = client_of(ada)
    view = save(client, "?column=flow")
    there = client.post(
        "/preferences/columns/",
        {"choose": "", "column": ["status"], "next": f"/?view={view.pk}"},
    )["Location"]
    assert QueryDict(there.removeprefix("/?")).getlist("column") == ["status"]
    assert ">edited</span>" in client.get(there).content.decode()
    assert client.get("/").content.decode().count("<th ") > 4


def test_a_shared_view_is_everyones_to_open_and_its_owners_to_change(
    ada: User, grace: User
) -> None:
    view = save(client_of(ada), "?status=Error")
    theirs = client_of(grace)
    assert theirs.get(view.get_absolute_url()).status_code == 404
    assert theirs.post(view.get_absolute_url(), {"do": "delete"}).status_code == 404
    assert "Failing orders" not in theirs.get("/views/").content.decode()
    assert "Failing orders" not in theirs.get(f"/?view={view.pk}").content.decode()
    client_of(ada).post(view.get_absolute_url(), {"do": "share"})
    assert "by ada" in theirs.get("/views/").content.decode()
    assert theirs.get(view.get_absolute_url()).status_code == 302
    assert (
        "Save changes"
        not in theirs.get("/views/", {"menu": "", "at": f"view={view.pk}"}).content.decode()
    )
    for do in ("save", "rename", "share", "unshare", "delete", "nonsense"):
        response = theirs.post(view.get_absolute_url(), {"do": do, "name": "Grace's"})
        assert response.status_code == 403
    view.refresh_from_db()
    assert (view.name, view.shared, view.query) == ("Failing orders", True, "status=Error")
    client_of(ada).post(view.get_absolute_url(), {"do": "unshare"})
    assert theirs.get(view.get_absolute_url()).status_code == 404


def test_staff_with_the_permission_change_what_is_shared(ada: User, grace: User) -> None:
    view = save(client_of(ada), "?status=Error", shared="on")
    grace.user_permissions.add(Permission.objects.get(codename="change_savedview"))
    assert client_of(grace).post(view.get_absolute_url(), {"do": "unshare"}).status_code == 403
    grace.is_staff = True
    grace.save()
    assert client_of(grace).post(view.get_absolute_url(), {"do": "unshare"}).status_code == 302
    view.refresh_from_db()
    assert not view.shared


def test_views_are_renamed_and_deleted(ada: User) -> None:
    client = client_of(ada)
    view = save(client, "")
    client.post(view.get_absolute_url(), {"do": "rename", "name": "  Other   name "})
    assert SavedView.objects.get().name == "Other name"
    client.post(view.get_absolute_url(), {"do": "rename", "name": " "})
    assert SavedView.objects.get().name == "Other name"
    assert (
        "Deleted Other name."
        in client.post(view.get_absolute_url(), {"do": "delete"}, follow=True).content.decode()
    )
    assert not SavedView.objects.exists()


def test_a_name_is_taken_once_by_each_owner(ada: User, grace: User) -> None:
    save(client_of(ada), "?status=Error")
    again: Any = client_of(ada).post("/views/", {"name": "Failing orders", "at": ""}, follow=True)
    assert "You already have a view named Failing orders" in again.content.decode()
    assert SavedView.objects.get().query == "status=Error"
    client_of(grace).post("/views/", {"name": "Failing orders", "at": ""})
    assert SavedView.objects.count() == 2
    for name in ("", " ", "\0"):
        client_of(ada).post("/views/", {"name": name, "at": ""})
    assert SavedView.objects.count() == 2


def test_names_do_not_become_markup(ada: User) -> None:
    client = client_of(ada)
    view = save(client, "?q=%3Cscript%3E", name="<script>x</script>")
    for address in ("/views/", "/views/?menu", f"/?view={view.pk}", "/account/"):
        assert "<script>x" not in client.get(address).content.decode()


def test_everyone_has_to_sign_in_for_views(ada: User) -> None:
    view = save(client_of(ada), "")
    for address in ("/views/", view.get_absolute_url()):
        assert Client().get(address)["Location"].startswith("/login/")
        assert Client().post(address, {"do": "delete"})["Location"].startswith("/login/")
    assert SavedView.objects.exists()


def test_the_admin_keeps_to_its_permissions(ada: User, admin_client: Client) -> None:
    save(client_of(ada), "?status=Error")
    assert "Failing orders" in admin_client.get("/admin/executions/savedview/").content.decode()
    assert admin_client.get("/admin/executions/preferences/").status_code == 200
    ada.is_staff = True
    ada.save()
    for address in ("/admin/executions/savedview/", "/admin/executions/preferences/"):
        assert client_of(ada).get(address).status_code == 403
