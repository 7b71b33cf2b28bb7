"""The account page: what reaches a person, and the notifications that did."""

from datetime import time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from executions import preferences
from executions.alerts import deliveries
from executions.alerts.messages import Message
from executions.models import AlertChannel, Delivery, Preferences
from executions.states import Status
from tests.alerts_in_tests import evaluate, make_rule
from tests.executions_in_tests import make_execution

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


def tell(user: Any, title: str = "Something") -> None:
    message = Message(title=title, lines=[("a line", "/x/")], address="/flows/")
    deliveries.write(
        deliveries.to_person(user, message, timezone.now(), occasion="queued-long", step="opened")
    )


def test_people_choose_what_reaches_them(admin_client: Client, admin_user: Any) -> None:
    page = admin_client.get("/account/").content.decode()
    assert "An execution is queued for too long: E-mail" not in page
    assert "Mail is not set up" in page
    response = admin_client.post(
        "/account/notifications/",
        {"queued-long": ["browser"], "quiet_from": "22:00", "quiet_until": "06:30"},
        headers={"HX-Request": "true"},
    )
    assert "Saved" in response.content.decode()
    chosen = Preferences.objects.get(user=admin_user)
    assert (chosen.quiet_from, chosen.quiet_until) == (time(22), time(6, 30))
    assert chosen.notifications["queued-long"] == ["browser", "mail"]  # mail could not be chosen
    Preferences.objects.update(quiet_from=None, quiet_until=None)
    make_rule("queued-long", users=[admin_user])
    make_execution(admin_user, age=600, status=Status.QUEUED)
    evaluate()
    assert set(Delivery.objects.values_list("via", flat=True)) == {"browser"}


@pytest.mark.parametrize(("start", "end"), [("22:00", ""), ("", "06:30"), ("25:00", "06:00")])
def test_half_of_quiet_hours_is_refused(admin_client: Client, start: str, end: str) -> None:
    fields = {"quiet_from": start, "quiet_until": end}
    response = admin_client.post("/account/notifications/", fields, headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert "Give both times" in response.content.decode()
    assert not Preferences.objects.exists()


def test_a_test_goes_by_every_way(admin_client: Client, admin_user: Any, settings: Any) -> None:
    settings.EMAIL_URL = "smtp://127.0.0.1:9"
    channel = AlertChannel.objects.create(
        kind="chat", name="me", address="json://127.0.0.1:9", person=admin_user
    )
    page = admin_client.post("/account/test/", follow=True).content.decode()
    assert "A test is on its way: In CortexWeb, Browser notification, E-mail, Chat." in page
    rows = Delivery.objects.values_list("via", "step", "channel")
    assert sorted(rows, key=str) == [
        ("browser", "test", None),
        ("chat", "test", channel.pk),
        ("here", "test", None),
        ("mail", "test", None),
    ]


def test_the_bell_knows_what_is_unread(
    admin_client: Client, client: Client, admin_user: Any, django_user_model: Any
) -> None:
    other = django_user_model.objects.create_user("ben")
    client.force_login(other)
    tell(admin_user, "First <b>")
    tell(admin_user, "Second")
    known = admin_client.get("/executions/watches/").json()["notifications"]
    assert known["unread"] == 2
    assert {one["title"] for one in known["browser"]} == {"First <b>", "Second"}
    again = admin_client.get("/executions/watches/").json()["notifications"]
    assert (again["unread"], again["browser"]) == (2, [])  # another page shows them
    assert client.get("/executions/watches/").json()["notifications"]["unread"] == 0
    menu = admin_client.get("/notifications/?menu").content.decode()
    assert menu.index("Second") < menu.index("First &lt;b&gt;")
    first = Delivery.objects.get(via="here", message__title="Second")
    # Nobody else opens it.
    assert client.get(f"/notifications/{first.pk}/")["Location"] == "/notifications/"
    assert admin_client.get(f"/notifications/{first.pk}/")["Location"] == "/flows/"
    assert admin_client.get("/executions/watches/").json()["notifications"]["unread"] == 1
    assert client.post("/notifications/read/").status_code == 302
    assert admin_client.get("/executions/watches/").json()["notifications"]["unread"] == 1
    admin_client.post("/notifications/read/", headers={"HX-Request": "true"})
    assert admin_client.get("/executions/watches/").json()["notifications"]["unread"] == 0
    assert "First" in admin_client.get("/notifications/").content.decode()
    assert "First" not in client.get("/notifications/").content.decode()


def test_the_browser_shows_nothing_that_is_old(admin_client: Client, admin_user: Any) -> None:
    tell(admin_user)
    Delivery.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert admin_client.get("/executions/watches/").json()["notifications"]["browser"] == []


@pytest.mark.parametrize("address", ["/account/", "/notifications/", "/alerts/"])
def test_nobody_sees_these_pages_without_signing_in(client: Client, address: str) -> None:
    assert client.get(address)["Location"].startswith("/login/")


def test_what_another_page_saves_at_the_same_time_stays(admin_user: Any) -> None:
    first, second = (User.objects.get(pk=admin_user.pk) for _ in range(2))
    ours, theirs = preferences.of(first), preferences.of(second)
    ours.layout, theirs.zone = {"columns": ["flow"]}, "Europe/Vienna"
    preferences.save(ours, "layout")
    preferences.save(theirs, "zone")
    kept = Preferences.objects.get(user=admin_user)
    assert (kept.layout, kept.zone) == ({"columns": ["flow"]}, "Europe/Vienna")
