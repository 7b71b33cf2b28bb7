"""Webhooks and chains by the API (docs/webhooks.md)."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from executions.models import AuditEntry, Chain, Webhook
from flows.models import Flow, Grant
from flows.roles import Role
from tests.flows_in_tests import publish
from tests.integration.test_webhooks import ORDER, VARIABLES

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

HOOK = {"name": "paid", "flow": "order", "inputs": {"Customer": "=body.name", "Key": "hush-hush"}}
CHAIN = {"flow": "order", "target": "order", "inputs": {"Customer": "=outputs.Said", "Key": "hush"}}


class Program:
    """A program with the account of a person who has a role on the flow."""

    def __init__(self, role: Role | None) -> None:
        user = User.objects.create_user(f"role {role}")
        if role is not None:
            Grant.objects.create(user=user, flow=Flow.objects.get(name="order"), role=role)
        self._client = Client()
        self._client.force_login(user)

    def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = self._client.generic(
            method,
            f"/api/v1{path}",
            "" if body is None else json.dumps(body),
            content_type="application/json",
        )
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None


@pytest.fixture(autouse=True)
def order(tmp_path: Path) -> None:
    publish(tmp_path, "order", ORDER, VARIABLES)


def test_a_webhook_from_its_making_to_its_end() -> None:
    ada = Program(Role.ADMINISTER)
    made = ada.ask("POST", "/webhooks", HOOK, 201)
    webhook = Webhook.objects.get()
    assert (made["secret"], made["address"].rpartition("/")[2]) == (webhook.secret, webhook.key)
    assert made["inputs"] == {"Customer": "=body.name"}
    assert webhook.secret_inputs == {"Key": "hush-hush"}
    at = f"/webhooks/{made['id']}"
    assert ada.ask("GET", at)["secret"] is None
    [listed] = ada.ask("GET", "/webhooks")["items"]
    assert listed["name"] == "paid"
    changed = {**HOOK, "condition": "body.a", "inputs": {"Customer": "Bob"}, "revision": 1}
    assert ada.ask("PUT", at, changed)["condition"] == "body.a"
    webhook.refresh_from_db()
    assert webhook.secret_inputs == {"Key": "hush-hush"}, "it was left out, so it stays"
    ada.ask("PUT", at, changed, 409)
    told = ada.ask("PUT", at, {**HOOK, "condition": "body ="}, 400)
    assert told["messages"][0]["location"] == "condition"
    ada.ask("PUT", at, {**HOOK, "inputs": {"Nobody": "1"}}, 400)
    assert ada.ask("POST", f"{at}/secret")["secret"] != made["secret"]
    ada.ask("DELETE", at, None, 204)
    ada.ask("GET", at, None, 404)
    assert set(AuditEntry.objects.values_list("source", flat=True)) == {"api"}


def test_a_chain_from_its_making_to_its_end() -> None:
    ada = Program(Role.ADMINISTER)
    made = ada.ask("POST", "/chains", CHAIN, 201)
    at = f"/chains/{made['id']}"
    assert Chain.objects.get().secret_inputs == {"Key": "hush"}
    assert ada.ask("PUT", at, {**CHAIN, "when": "any", "revision": 1})["when"] == "any"
    assert [one["when"] for one in ada.ask("GET", "/chains")["items"]] == ["any"]
    ada.ask("POST", "/chains", {**CHAIN, "when": "never"}, 400)
    ada.ask("DELETE", at, None, 204)
    ada.ask("GET", at, None, 404)


@pytest.mark.parametrize("role", [None, Role.SEE, Role.AUTHOR])
def test_others_may_look_at_most(role: Role | None) -> None:
    ada = Program(Role.ADMINISTER)
    webhook = ada.ask("POST", "/webhooks", HOOK, 201)
    chain = ada.ask("POST", "/chains", CHAIN, 201)
    other = Program(role)
    sees, refused = (404, 404) if role is None else (200, 403)
    for path, given in ((f"/webhooks/{webhook['id']}", HOOK), (f"/chains/{chain['id']}", CHAIN)):
        shown = other.ask("GET", path, None, sees)
        assert webhook["address"] not in str(shown)
        other.ask("PUT", path, given, refused)
        other.ask("DELETE", path, None, refused)
    other.ask("POST", "/webhooks", HOOK, refused)
    other.ask("POST", "/chains", CHAIN, refused)
    other.ask("POST", f"/webhooks/{webhook['id']}/secret", None, refused)
