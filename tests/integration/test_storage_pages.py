"""The pages of Data Storage: who sees what, and that a change is audited and wakes who waits."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import escape

from executions import runner
from executions.engine.secrets import Secrets
from executions.models import AuditEntry, Signal, StorageCollection, StorageItem
from executions.store.lifecycle import shared_values
from executions.store.lifecycle.shared_values import Giver
from flows import values
from flows.blocks.scopes import Scope
from flows.blocks.shared_data import CollectionName, CreateCollection, SendSignal, WriteItem
from flows.models import Flow, Grant
from flows.roles import Role
from tests.driving import begin, drive, fresh, outputs
from tests.flows_in_tests import publish
from tests.integration.test_shared_data import (
    SET,
    SET_VARIABLES,
    USERS,
    WAIT,
    WAIT_VARIABLES,
    do,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

OWN = CollectionName(Scope(flow="set"), "settings")


@pytest.fixture
def stored(tmp_path: Path) -> Any:
    """A flow, with a collection of its own and one of all flows."""
    version = publish(tmp_path, "set", SET, SET_VARIABLES)
    for collection in (USERS, OWN):
        do(CreateCollection(collection))
        do(WriteItem(collection, "ada", {"Born": 1815}))
    return version


def item_of(collection: CollectionName) -> StorageItem:
    return StorageItem.objects.get(collection__folded_name=collection.folded)


def change(client: Client, item: StorageItem, value: str, seen: str = "") -> Any:
    form = {"value": value, "seen": seen or item.at.isoformat()}
    return client.post(f"/storage/items/{item.pk}/", form)


def test_a_change_is_audited_and_wakes_who_waits(stored: Any, admin_client: Client) -> None:
    execution = begin(stored)
    runner.run(execution.pk)
    page = admin_client.get(f"/storage/{item_of(USERS).collection_id}/").content.decode()
    assert "the key ada of users to be set" in page
    assert "Waiting for it: <a" in page
    assert fresh(execution).get_absolute_url() in page
    item = item_of(USERS)
    assert change(admin_client, item, "[1, 2]").status_code == 302
    assert outputs(drive(execution.pk)) == {"Old": {"Born": 1815}, "New": [1, 2]}
    entry = AuditEntry.objects.get(command="write-data")
    assert (entry.actor, entry.object_name) == ("admin", "users ada")
    assert entry.after == {"value": "List with 2 items"}


def test_what_is_no_value_and_what_has_changed_meanwhile_is_refused(
    stored: Any, admin_client: Client
) -> None:
    item = item_of(USERS)
    answer = change(admin_client, item, "{nonsense")
    assert answer.status_code == 422
    assert "{nonsense" in answer.content.decode(), "what was typed is not lost"
    seen = item.at.isoformat()
    do(WriteItem(USERS, "ada", 2))
    answer = change(admin_client, item, "3", seen)
    assert answer.status_code == 422
    assert "changed or deleted it meanwhile" in answer.content.decode()
    assert item_of(USERS).value == 2


def test_a_key_is_added(stored: Any, admin_client: Client) -> None:
    at = f"/storage/{item_of(USERS).collection_id}/"
    form = {"key": "grace", "value": '{"$datetime": "1906-12-09T00:00:00+00:00"}'}
    assert admin_client.post(at, form)["Location"] == at
    added = StorageItem.objects.get(key="grace")
    assert values.decode(added.value) == datetime(1906, 12, 9, tzinfo=UTC)
    entry = AuditEntry.objects.get(command="write-data")
    assert entry.object_name == "users grace"


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("ada", "1", "has this key already"),
        (" ", "1", "Enter a key."),
        ("k" * 501, "1", "up to 500 characters"),
        ("bob", "open", "A text needs quotation marks."),
        ("bob", '{"$secret": "pin"}', "holds a secret text, which others could read"),
    ],
)
def test_a_key_that_cannot_be_added(
    stored: Any, admin_client: Client, key: str, value: str, told: str
) -> None:
    at = f"/storage/{item_of(USERS).collection_id}/"
    answer = admin_client.post(at, {"key": key, "value": value})
    assert answer.status_code == 422
    html = answer.content.decode()
    assert told in html
    assert escape(value) in html, "what was typed is not lost"
    assert [one.key for one in StorageItem.objects.filter(collection__name="users")] == ["ada"]


def test_a_collection_is_created(stored: Any, admin_client: Client) -> None:
    answer = admin_client.post("/storage/", {"name": " Totals ", "flow": "set"})
    made = StorageCollection.objects.get(name="Totals")
    assert made.flow_name == "set"
    assert answer["Location"] == f"/storage/{made.pk}/"
    assert AuditEntry.objects.get(command="create-collection").object_name == "Totals"
    again = admin_client.post("/storage/", {"name": "USERS", "flow": ""}, follow=True)
    assert "exists already" in again.content.decode()
    assert again.redirect_chain[-1][0] == f"/storage/{item_of(USERS).collection_id}/"
    for name, told in (
        (" ", "Enter a name."),
        ("n" * 201, "up to 200"),
        ("a\0<b>", "Leave out NUL"),
    ):
        refused = admin_client.post("/storage/", {"name": name, "flow": "set"})
        assert refused.status_code == 422
        assert told in refused.content.decode()
        assert "<option selected>set</option>" in refused.content.decode()
    assert admin_client.post("/storage/", {"name": "x", "flow": "none"}).status_code == 404


def test_who_creates_collections(stored: Any) -> None:
    person = User.objects.create_user("person")
    Grant.objects.create(user=person, role=Role.ADMINISTER, flow=Flow.objects.get(name="set"))
    Flow.objects.create(name="other")
    client = Client()
    client.force_login(person)
    html = client.get("/storage/").content.decode()
    assert "<option>set</option>" in html
    assert ">all flows</option>" not in html
    assert ">other</option>" not in html
    assert client.post("/storage/", {"name": "x", "flow": "set"}).status_code == 302
    assert client.post("/storage/", {"name": "y", "flow": ""}).status_code == 403
    assert client.post("/storage/", {"name": "y", "flow": "other"}).status_code == 404
    Grant.objects.update(role=Role.AUTHOR)
    assert client.post("/storage/", {"name": "y", "flow": "set"}).status_code == 403
    assert "Create a collection" not in client.get("/storage/").content.decode()


def test_a_signal_has_a_page(stored: Any, admin_client: Client) -> None:
    secret = Giver("set", None, Secrets({}, {"hunter2": None}))
    items = [f"<i>{number}" for number in range(2_000)]
    do(SendSignal("paid", "4711", {"Password": "hunter2", "Items": items}), secret)
    at = f"/storage/signals/{Signal.objects.get().pk}/"
    assert f'href="{at}"' in admin_client.get("/storage/signals/").content.decode()
    html = admin_client.get(at).content.decode()
    assert "hunter2" not in html
    assert "&lt;i&gt;12" in html
    assert "the rest is left out" in html
    Signal.objects.all().delete()
    assert admin_client.get(at).status_code == 404


def test_a_scope_is_told_in_words(stored: Any, admin_client: Client) -> None:
    do(CreateCollection(CollectionName(Scope(tenant="*", system="*"), "shared")))
    html = admin_client.get("/storage/").content.decode()
    assert "/default/" not in html
    assert '<a href="/flows/set/">set</a>' in html
    assert "of all tenants, all systems" in html


def test_a_list_is_sent_again_when_it_differs(stored: Any, admin_client: Client) -> None:
    do(SendSignal("go", "", 1))
    for at in ("/storage/", f"/storage/{item_of(USERS).collection_id}/", "/storage/signals/"):
        html = admin_client.get(at).content.decode()
        ((name, held),) = re.findall(r'id="part-(\w+)" class="stored-list" data-part="(\w+)"', html)
        assert not admin_client.get(at, headers={"X-Held": f"{name}:{held}"}).content
        part = admin_client.get(at, headers={"X-Held": f"{name}:other"}).content.decode()
        assert part.startswith(f'<div id="part-{name}"')


def test_signals_and_who_waits_for_them(stored: Any, tmp_path: Path, admin_client: Client) -> None:
    waiting = begin(publish(tmp_path, "wait", WAIT, WAIT_VARIABLES), Key="4711")
    runner.run(waiting.pk)
    do(SendSignal("paid", "<b>", {"Amount": 1}), Giver("set", waiting.pk))
    html = admin_client.get("/storage/signals/").content.decode()
    assert "Structure with 1 item" in html
    assert "&lt;b&gt;" in html
    assert f'<a href="{fresh(waiting).get_absolute_url()}">set</a>' in html
    assert "4711" in html
    found = admin_client.get("/storage/signals/?q=go").content.decode()
    assert "No signal that begins with" in found
    assert "4711" in found
    sent = Signal.objects.get()
    assert admin_client.post(f"/storage/signals/{sent.pk}/delete/").status_code == 302
    assert not Signal.objects.exists()
    assert AuditEntry.objects.get(command="delete-signal").object_name == "paid <b>"
    assert admin_client.post(f"/storage/signals/{sent.pk}/delete/").status_code == 404


@pytest.mark.parametrize(
    ("role", "sees", "deletes"),
    [(None, False, False), (Role.AUTHOR, True, False), (Role.ADMINISTER, True, True)],
)
def test_who_sees_and_deletes_signals(
    stored: Any, role: Role | None, sees: bool, deletes: bool
) -> None:
    do(SendSignal("paid", "4711", 1))
    person = User.objects.create_user("person")
    # A role on one flow is none on signals.
    Grant.objects.create(user=person, role=Role.ADMINISTER, flow=Flow.objects.get(name="set"))
    if role is not None:
        Grant.objects.create(user=person, role=role)
    client = Client()
    client.force_login(person)
    html = client.get("/storage/signals/").content.decode()
    assert ("paid" in html) is sees
    assert ("/delete/" in html) is deletes
    at = f"/storage/signals/{Signal.objects.get().pk}/"
    assert client.get(at).status_code == (200 if sees else 404)
    answer = client.post(f"{at}delete/")
    assert answer.status_code == (302 if deletes else 403 if sees else 404)


def test_deleting(stored: Any, admin_client: Client) -> None:
    item = item_of(USERS)
    admin_client.post(f"/storage/items/{item.pk}/delete/")
    assert not StorageItem.objects.filter(pk=item.pk).exists()
    admin_client.post(f"/storage/{item.collection_id}/delete/")
    assert [row.name for row in StorageCollection.objects.all()] == ["settings"]
    commands = AuditEntry.objects.filter(object_kind__contains="Data Storage").order_by("id")
    assert [one.command for one in commands] == ["delete-data", "delete-collection"]


def test_collections_and_keys_are_searched_for(stored: Any, admin_client: Client) -> None:
    found = admin_client.get("/storage/?q=SETT").content.decode()
    assert "settings" in found
    assert ">users<" not in found
    address = f"/storage/{item_of(USERS).collection_id}/"
    assert "Structure with 1 item" in admin_client.get(f"{address}?q=a").content.decode()
    assert "No key begins with" in admin_client.get(f"{address}?q=b").content.decode()


def test_a_secret_is_masked_and_never_in_the_form(stored: Any, admin_client: Client) -> None:
    giver = Giver("set", None, Secrets({}, {"hunter2": None}))
    do(WriteItem(USERS, "ada", {"Password": "hunter2"}), giver)
    item = item_of(USERS)
    for address in (f"/storage/items/{item.pk}/", f"/storage/{item.collection_id}/"):
        assert "hunter2" not in admin_client.get(address).content.decode()
    assert shared_values.of_row(item).value == {"Password": "hunter2"}
    change(admin_client, item, '"none"')
    entry = AuditEntry.objects.get(command="write-data")
    assert "hunter2" not in str((entry.before, entry.after))
    assert item_of(USERS).secret is None


@pytest.mark.parametrize(
    ("role", "flow", "sees", "changes"),
    [
        (None, "", set(), set()),
        (Role.SEE, "set", {"settings"}, set()),
        (Role.ADMINISTER, "set", {"settings"}, {"settings"}),
        (Role.SEE, "", {"settings", "users"}, set()),
        (Role.ADMINISTER, "", {"settings", "users"}, {"settings", "users"}),
    ],
)
def test_who_sees_and_changes_which_collections(
    stored: Any, role: Role | None, flow: str, sees: set[str], changes: set[str]
) -> None:
    user = User.objects.create_user("person")
    if role is not None:
        on = Flow.objects.get(name=flow) if flow else None
        Grant.objects.create(user=user, role=role, flow=on)
    client = Client()
    client.force_login(user)
    listed = client.get("/storage/").content.decode()
    for collection in (USERS, OWN):
        name, item = collection.name, item_of(collection)
        assert (f">{name}<" in listed) is (name in sees)
        page = client.get(f"/storage/items/{item.pk}/")
        assert page.status_code == (200 if name in sees else 404)
        assert ("Change it" in page.content.decode()) is (name in changes)
        refused = 403 if name in sees else 404
        assert change(client, item, "1").status_code == (302 if name in changes else refused)
        deleted = client.post(f"/storage/{item.collection_id}/delete/")
        assert deleted.status_code == (302 if name in changes else refused)
