"""Data Storage by the API: what it lists, writes and refuses, and to whom."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from executions import runner
from executions.engine.secrets import Secrets
from executions.models import AuditEntry, StorageItem
from executions.store.lifecycle.shared_values import Giver
from flows.blocks.scopes import Scope
from flows.blocks.shared_data import CollectionName, CreateCollection, WriteItem
from flows.models import Flow, Grant
from flows.roles import Role
from tests.driving import begin, drive, outputs
from tests.flows_in_tests import publish
from tests.integration.test_shared_data import SET, SET_VARIABLES, USERS, do

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

AT = "/api/v1/storage/collections"
OWN = CollectionName(Scope(flow="set"), "settings")


def ask(client: Client, method: str, address: str = "", body: Any = None, status: int = 200) -> Any:
    more = {} if body is None else {"data": body, "content_type": "application/json"}
    answer = getattr(client, method)(f"{AT}{address}", **more)
    assert answer.status_code == status, answer.content
    return answer.json() if answer.content else None


@pytest.fixture
def users(db: None) -> str:
    """The address of a collection of all flows."""
    do(CreateCollection(USERS))
    do(WriteItem(USERS, "ada", {"Born": 1815}))
    return f"/{StorageItem.objects.get().collection_id}"


def test_a_written_value_is_audited_and_wakes_who_waits(
    users: str, admin_client: Client, tmp_path: Any
) -> None:
    execution = begin(publish(tmp_path, "set", SET, SET_VARIABLES))
    runner.run(execution.pk)
    body = {"value": {"$datetime": "2026-01-01T00:00:00+00:00"}}
    written = ask(admin_client, "put", f"{users}/items/ada", body)
    assert (written["type"], written["by"], written["value"]) == (
        "Date Time",
        "admin",
        body["value"],
    )
    assert outputs(drive(execution.pk))["Old"] == {"Born": 1815}
    entry = AuditEntry.objects.get(command="write-data")
    assert (entry.actor, entry.source, entry.object_name) == ("admin", "api", "users ada")
    plain = ask(admin_client, "get", f"{users}/items/ada?values=plain")
    assert plain["value"] == "2026-01-01T00:00:00+00:00"


def test_collections_and_keys_come_and_go(admin_client: Client) -> None:
    made = ask(admin_client, "post", body={"name": "Rates"}, status=201)
    assert (made["name"], made["flow"]) == ("Rates", None)
    assert ask(admin_client, "post", body={"name": "RATES"})["id"] == made["id"]
    assert [one["name"] for one in ask(admin_client, "get", "?q=rat")["items"]] == ["Rates"]
    at = f"/{made['id']}"
    for key in ("2026/11", "/2026", "a b?"):
        address = f"{at}/items/{key.replace('?', '%3F')}"
        assert ask(admin_client, "put", address, {"value": [key]})["key"] == key
        assert ask(admin_client, "get", address)["value"] == [key]
    found = ask(admin_client, "get", f"{at}/items?q=2026")["items"]
    assert [(one["key"], one["summary"]) for one in found] == [("2026/11", "List with 1 item")]
    ask(admin_client, "delete", f"{at}/items/2026/11", status=204)
    missing = ask(admin_client, "delete", f"{at}/items/2026/11", status=404)
    assert missing["detail"] == "The collection Rates does not have this key."
    ask(admin_client, "delete", at, status=204)
    ask(admin_client, "get", at, status=404)
    audited = AuditEntry.objects.order_by("id").values_list("command", flat=True)
    wanted = ["create-collection", *["write-data"] * 3, "delete-data", "delete-collection"]
    assert list(audited) == wanted


def test_who_was_faster_is_not_overwritten(users: str, admin_client: Client) -> None:
    seen = ask(admin_client, "get", f"{users}/items/ada")["written_at"]
    at = f"{users}/items/ada"
    ask(admin_client, "put", at, {"value": 1, "seen": seen})
    refused = ask(admin_client, "put", at, {"value": 2, "seen": seen}, 409)
    assert "Somebody else has changed" in refused["detail"]
    assert ask(admin_client, "get", at)["value"] == 1


def test_secrets_are_masked_and_refused(users: str, admin_client: Client) -> None:
    giver = Giver("set", None, Secrets({}, {"hunter2": None}))
    do(WriteItem(USERS, "ada", {"Password": "hunter2"}), giver)
    for address in ("/items", "/items/ada", "/items/ada?values=plain"):
        assert b"hunter2" not in admin_client.get(f"{AT}{users}{address}").content
    body = {"value": [{"$secret": "opensesame"}]}
    refused = ask(admin_client, "put", f"{users}/items/bob", body, 400)
    assert "holds a secret text, which others could read" in refused["detail"]
    assert "opensesame" not in str(refused)
    assert not StorageItem.objects.filter(key="bob").exists()


@pytest.mark.parametrize(
    ("body", "key", "told"),
    [
        ({"value": {"$datetime": "tomorrow"}}, "ada", "value"),
        ({}, "ada", "value"),
        ({"value": 1}, "k" * 501, "key"),
    ],
)
def test_what_is_no_value_or_key(
    users: str, admin_client: Client, body: Any, key: str, told: str
) -> None:
    refused = ask(admin_client, "put", f"{users}/items/{key}", body, 400)
    assert refused["messages"][0]["location"] == told


@pytest.mark.parametrize(
    ("role", "sees", "changes"),
    [(None, False, False), (Role.AUTHOR, True, False), (Role.ADMINISTER, True, True)],
)
def test_rights_are_those_of_the_flow(
    users: str, tmp_path: Any, role: Role | None, sees: bool, changes: bool
) -> None:
    publish(tmp_path, "set", SET, SET_VARIABLES)
    do(CreateCollection(OWN))
    do(WriteItem(OWN, "ada", 1))
    person = User.objects.create_user("person")
    if role:
        Grant.objects.create(user=person, role=role, flow=Flow.objects.get(name="set"))
    client = Client()
    client.force_login(person)
    listed = [one["name"] for one in ask(client, "get")["items"]]
    assert listed == (["settings"] if sees else [])
    own = f"/{StorageItem.objects.get(collection__name='settings').collection_id}"
    ask(client, "get", f"{own}/items/ada", status=200 if sees else 404)
    refused = 403 if sees else 404
    ask(client, "put", f"{own}/items/ada", {"value": 2}, 200 if changes else refused)
    ask(client, "post", body={"name": "x", "flow": "set"}, status=201 if changes else refused)
    ask(client, "put", f"{users}/items/ada", {"value": 2}, 404)
    ask(client, "post", body={"name": "x"}, status=403)
