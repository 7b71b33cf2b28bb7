"""Webhooks: who may send, what is started, once, and what is kept (docs/webhooks.md)."""

import hashlib
import hmac
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.test import Client
from standardwebhooks import Webhook as Signer

from executions.limits import WEBHOOK_BYTES, WEBHOOK_BYTES_KEPT, WEBHOOK_REQUESTS_KEPT
from executions.models import AuditEntry, Execution, Webhook, WebhookRequest
from executions.webhooks import receiving
from flows.models import Grant
from flows.roles import Role
from flows.values import MASK
from tests.conftest import LiveApp
from tests.flows_in_tests import publish
from tests.secrets_in_tests import SECRET, where

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

ORDER = """
a: {type: Start Flow, bottom: s}
s: {type: Set Variable, properties: {Value: '=Customer + " " + string(Count)', Variable: ($)Said}, bottom: e}
e: {type: End Flow}
"""  # noqa: E501
VARIABLES = """
Customer: {type: Text, input: true}
Count: {type: Integer, input: true, default: 1}
Key: {type: Text, input: true, secret: true}
Said: {type: Text, output: true}
"""
S, O = Webhook.Scheme, WebhookRequest.Outcome  # noqa: E741 (short in tables of cases)
BODY = {"id": "m1", "customer": "Ada", "items": [1, 2], "key": SECRET}
INPUTS = {"Customer": "=body.customer", "Count": "=size(body.items)"}


@pytest.fixture
def owner(tmp_path: Path) -> User:
    """Somebody who administers the flow `order`, and nothing else."""
    flow = publish(tmp_path, "order", ORDER, VARIABLES).flow
    user = User.objects.create_user("ada")
    Grant.objects.create(user=user, flow=flow, role=Role.ADMINISTER)
    return user


@pytest.fixture
def webhook(owner: User) -> Webhook:
    """One with a token."""
    grant = Grant.objects.get(user=owner)
    assert grant.flow is not None
    return Webhook.objects.create(
        name="orders", flow=grant.flow, owner=owner, scheme=S.TOKEN, secret="open-sesame",
        inputs=INPUTS, secret_inputs={"Key": "=body.key"},
    )  # fmt: skip


def send(webhook: Webhook, body: Any = BODY, token: str = "open-sesame", **headers: str) -> Any:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    all_headers = {"Authorization": f"Bearer {token}", **headers} if token else headers
    return Client().post(
        f"/hooks/{webhook.key}", text, content_type="application/json", headers=all_headers
    )


def kept(webhook: Webhook) -> WebhookRequest:
    found = webhook.requests.first()
    assert found is not None
    return found


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


# Who may send ---------------------------------------------------------------------------------


def signed(secret: str, body: bytes, at: datetime, key: str = "m1") -> dict[str, str]:
    return {
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Signer(secret).sign(key, at, body.decode()),
    }


def github(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_a_token_opens_a_webhook_and_nothing_else_does(webhook: Webhook) -> None:
    answer = send(webhook)
    assert answer.status_code == 202, answer.content
    execution = Execution.objects.get()
    assert answer.json()["id"] == str(execution.pk)
    assert (execution.trigger, execution.initiator_name) == ("webhook", "ada")
    assert execution.inputs == {"Customer": "Ada", "Count": 2, "Key": {"$secret": True}}
    assert "Set-Cookie" not in answer
    for token in ("", "open-sesam", "open-sesame2", "Bearer open-sesame", "ö"):
        refused = send(webhook, token=token)
        assert refused.status_code == 401, token
        assert refused.json()["started"] is False
    assert Execution.objects.count() == 1
    assert kept(webhook).why == "Its token is wrong."


def test_a_token_in_a_header_of_another_name(webhook: Webhook) -> None:
    webhook.token_header = "X-Gitlab-Token"
    webhook.save()
    assert send(webhook).status_code == 401
    assert send(webhook, token="", **{"X-Gitlab-Token": "open-sesame"}).status_code == 202
    assert "x-gitlab-token" not in kept(webhook).content["headers"]


def test_standard_webhooks(webhook: Webhook) -> None:
    webhook.scheme, webhook.secret = S.STANDARD, "whsec_" + "QUJD" * 8
    webhook.save()
    now, body = datetime.now(UTC), json.dumps(BODY).encode()
    good = signed(webhook.secret, body, now)
    assert send(webhook, body, "", **good).status_code == 202
    for case, headers in {
        "no header": {},
        "another secret": signed("whsec_" + "QUJE" * 8, body, now, "m2"),
        "another body": signed(webhook.secret, b"{}", now, "m2"),
        "another id": {**good, "webhook-id": "m2"},
        "too old": signed(webhook.secret, body, now - timedelta(minutes=6), "m2"),
        "from the future": signed(webhook.secret, body, now + timedelta(minutes=6), "m2"),
        "no signature at all": {**good, "webhook-signature": "v1"},
        "no base64": {**good, "webhook-signature": "v1,ü"},
        "no number": {**good, "webhook-timestamp": "soon"},
    }.items():
        assert send(webhook, body, "", **headers).status_code == 401, case
    again = send(webhook, body, "", **good)
    assert again.status_code == 202, "the sender's retry is answered alike"
    assert Execution.objects.count() == 1
    assert kept(webhook).outcome == O.REPEATED


def test_github(webhook: Webhook) -> None:
    webhook.scheme = S.GITHUB
    webhook.save()
    body = json.dumps(BODY).encode()
    sign = {"X-Hub-Signature-256": github(webhook.secret, body), "X-GitHub-Delivery": "d1"}
    assert send(webhook, body, "", **sign).status_code == 202
    assert send(webhook, body, "", **sign).status_code == 202
    assert send(webhook, body + b" ", "", **sign).status_code == 401
    assert send(webhook, body, "").status_code == 401
    assert Execution.objects.count() == 1


def test_the_old_secret_counts_beside_the_new_one_for_a_day(webhook: Webhook) -> None:
    webhook.rotate(datetime.now(UTC))
    webhook.save()
    assert send(webhook).status_code == 202
    assert send(webhook, token=webhook.secret).status_code == 202
    webhook.old_secret_until = datetime.now(UTC)
    webhook.save()
    assert send(webhook).status_code == 401


def test_the_address_alone(webhook: Webhook) -> None:
    webhook.scheme = S.ADDRESS
    webhook.save()
    assert send(webhook, token="").status_code == 202
    assert Client().post(f"/hooks/{webhook.key[:-1]}").status_code == 404
    webhook.is_on = False
    webhook.save()
    assert send(webhook, token="").status_code == 404
    assert Client().get(f"/hooks/{webhook.key}").status_code == 405


def test_it_needs_no_csrf_token_and_ignores_a_session(webhook: Webhook, admin_user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    answer = client.post(
        f"/hooks/{webhook.key}", json.dumps(BODY), content_type="application/json",
        headers={"Authorization": "Bearer open-sesame"},
    )  # fmt: skip
    assert answer.status_code == 202
    assert Execution.objects.get().initiator_name == "ada"


# What is started ------------------------------------------------------------------------------


def test_a_condition_chooses(webhook: Webhook) -> None:
    webhook.condition = 'body.customer == "Ada" && headers["x-event"] == "paid" && query.a == "1"'
    webhook.save()
    told = send(webhook, **{"X-Event": "paid"}).json()["detail"]
    assert told.startswith("The condition or the id cannot be evaluated"), "query has no a"
    answer = Client().post(
        f"/hooks/{webhook.key}?a=1&token=abc", json.dumps(BODY), content_type="application/json",
        headers={"Authorization": "Bearer open-sesame", "X-Event": "paid"},
    )  # fmt: skip
    assert answer.status_code == 202
    content = kept(webhook).content
    assert content["query"] == "a=1", "parameters that hold secrets are not kept"
    assert "authorization" not in content["headers"]
    webhook.condition = "body.customer == 'Bob'"
    webhook.save()
    answer = send(webhook)
    assert (answer.status_code, answer.json()) == (200, {"started": False})
    assert (kept(webhook).outcome, kept(webhook).why) == (
        O.UNMATCHED,
        "The condition is not met.",
    )


@pytest.mark.parametrize(
    ("changes", "body", "status", "told"),
    [
        ({}, {"id": 1}, 422, "Customer"),
        ({}, {**BODY, "customer": 5}, 422, "Customer"),
        ({}, "{", 400, "JSON"),
        ({}, '{"a": 1, "a": 2}', 400, "twice"),
        ({}, b"\xff", 400, "UTF-8"),
        ({}, "[" * 300 + "]" * 300, 400, "nested"),
        ({"condition": "body.items"}, BODY, 422, "neither true nor false"),
        ({"condition": "secret"}, BODY, 422, "There is no secret here"),
        ({"inputs": {"Customer": "=headers.authorization"}}, BODY, 422, "Customer"),
        ({"inputs": {"Customer": "=[1].map(x, 'a'.replace('a', 'b'))[0] * 1"}}, BODY, 422, "Cust"),
        ({"inputs": {"Nobody": "1"}}, BODY, 422, "no such input"),
    ],
)
def test_what_cannot_be_started_says_why(
    webhook: Webhook, changes: dict[str, Any], body: Any, status: int, told: str
) -> None:
    for name, value in changes.items():
        setattr(webhook, name, value)
    webhook.save()
    answer = send(webhook, body)
    assert (answer.status_code, told in answer.json()["detail"]) == (status, True), answer.content
    assert not Execution.objects.exists()
    assert kept(webhook).outcome == O.FAILED


def test_an_owner_who_may_not_start_it_any_more_starts_nothing(webhook: Webhook) -> None:
    Grant.objects.update(role=Role.SEE)
    answer = send(webhook)
    assert (answer.status_code, answer.json()) == (503, {"started": False})
    assert kept(webhook).why == (
        "It starts on behalf of ada who may not start the flow. Save it anew."
    )


def test_a_message_is_known_by_an_expression(webhook: Webhook) -> None:
    webhook.message_id = "body.id"
    webhook.save()
    first = send(webhook, **{"Idempotency-Key": "1"}).json()["id"]
    assert send(webhook, **{"Idempotency-Key": "2"}).json()["id"] == first
    assert send(webhook, {**BODY, "id": "m2"}).json()["id"] != first


def test_a_message_that_failed_may_come_again(webhook: Webhook) -> None:
    header = {"Idempotency-Key": "1"}
    assert send(webhook, {"id": 1}, **header).status_code == 422
    assert send(webhook, **header).status_code == 202


@pytest.mark.django_db(transaction=True)
def test_at_once_from_many_it_starts_once(webhook: Webhook, live_app: LiveApp) -> None:
    def post(_: int) -> str:
        headers = {"Authorization": "Bearer open-sesame", "Idempotency-Key": "same"}
        answer = httpx.post(f"{live_app.url}/hooks/{webhook.key}", json=BODY, headers=headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(post, range(8)))) == 1
    assert Execution.objects.count() == 1


# Limits ---------------------------------------------------------------------------------------


def test_too_many_and_too_large(webhook: Webhook) -> None:
    webhook.requests_a_minute = 2
    webhook.save()
    assert [send(webhook).status_code for _ in range(2)] == [202, 202]
    refused = send(webhook)
    assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= 60
    assert send(webhook, token="wrong").status_code == 401, "these have a count of their own"
    large = send(webhook, '"' + "x" * WEBHOOK_BYTES + '"')
    assert (large.status_code, "1,000,000" in large.json()["detail"]) == (413, True)


def test_the_last_requests_are_kept_and_no_more(
    webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WEBHOOK_REQUESTS_KEPT", "WEBHOOK_REFUSALS_A_MINUTE"):
        monkeypatch.setattr(receiving, name, 3)
    for number in range(20):
        send(webhook, {**BODY, "id": str(number)})
    assert webhook.requests.count() <= 3 + receiving._DELETED_EVERY
    for _ in range(10):
        send(webhook, token="wrong")
    # Of each minute; the next one may have begun meanwhile.
    assert 3 <= webhook.requests.filter(outcome=O.REFUSED).count() <= 6
    receiving.delete_old()
    assert webhook.requests.count() == 3
    assert WEBHOOK_REQUESTS_KEPT == 50


def test_nothing_that_is_kept_reveals_a_secret(webhook: Webhook) -> None:
    send(webhook)
    send(webhook, {**BODY, "customer": 5})
    assert where(SECRET, "open-sesame") == []
    client = client_of(webhook.owner)  # type: ignore[arg-type]
    for request in webhook.requests.all():
        shown = client.get(request.get_absolute_url()).content.decode()
        assert SECRET not in shown
        assert MASK in shown
        assert "open-sesame" not in shown


# The pages ------------------------------------------------------------------------------------


def test_the_page_makes_a_webhook_and_shows_its_secret_once(owner: User) -> None:
    client = client_of(owner)
    assert "New webhook" in client.get("/webhooks/").content.decode()
    address = "/webhooks/new/?flow=order"
    assert f'action="{address}"' in client.get(address).content.decode()
    fields = {
        "name": "paid", "scheme": "standard", "token_header": "Authorization", "answer": "at-once",
        "wait_seconds": "30", "requests_a_minute": "60", "is_on": "on",
        "condition": "body.total >", "input-Customer": "=body.name", "input-Count": "many",
        "input-Key": "hush",
    }  # fmt: skip
    refused = client.post(address, fields)
    assert refused.status_code == 422
    told = refused.content.decode()
    assert "Syntax error" in told
    assert "Enter a whole number" in told or "This is not" in told
    fixed = {**fields, "condition": "body.total > 5", "input-Count": "7"}
    made = client.post(address, fixed, follow=True)
    webhook = Webhook.objects.get()
    assert (webhook.inputs, webhook.secret_inputs) == (
        {"Customer": "=body.name", "Count": "7"},
        {"Key": "hush"},
    )
    assert webhook.secret in made.content.decode()
    assert made["Cache-Control"] == "no-store"
    page = client.get(webhook.get_absolute_url()).content.decode()
    assert webhook.secret not in page
    assert "hush" not in page
    # An empty field leaves the secret input as it is.
    changed = {**fields, "condition": "", "input-Count": "", "input-Key": "", "revision": "1"}
    assert client.post(webhook.get_absolute_url(), changed).status_code == 302
    webhook.refresh_from_db()
    assert (webhook.inputs, webhook.secret_inputs) == ({"Customer": "=body.name"}, {"Key": "hush"})
    stale = client.post(webhook.get_absolute_url(), changed)
    assert "Somebody else has changed it meanwhile" in stale.content.decode()
    shown = client.post(f"/webhooks/{webhook.pk}/secret/", {"show": "on"}, follow=True)
    assert webhook.secret in shown.content.decode()
    assert webhook.secret not in client.get(webhook.get_absolute_url()).content.decode()
    old = webhook.secret
    client.post(f"/webhooks/{webhook.pk}/secret/", {"new": "on"})
    webhook.refresh_from_db()
    assert (webhook.old_secret, webhook.secret != old) == (old, True)
    commands = AuditEntry.objects.order_by("id").values_list("command", flat=True)
    assert list(commands) == [
        "make-webhook", "change-webhook", "see-webhook-secret", "new-webhook-secret",
    ]  # fmt: skip
    assert where("hush", webhook.secret) == []
    client.post(f"/webhooks/{webhook.pk}/delete/")
    assert not Webhook.objects.exists()


def test_it_is_tried_on_a_sample(owner: User, webhook: Webhook) -> None:
    client = client_of(owner)
    form = {
        "name": "orders", "scheme": "token", "token_header": "Authorization", "answer": "at-once",
        "wait_seconds": "30", "requests_a_minute": "60",
        "input-Customer": "=body.who", "input-Count": "2", "input-Key": "=body.key",
    }  # fmt: skip
    sample = {"sample_headers": "content-type: application/json", "sample_query": ""}
    address = f"/webhooks/try/?flow=order&id={webhook.pk}"

    def tried(body: str, **fields: str) -> str:
        return client.post(
            address, {**form, **sample, **fields, "sample_body": body}
        ).content.decode()

    told = tried(json.dumps({"who": "Bob", "key": SECRET}))
    assert "It starts an execution" in told
    assert "Bob" in told
    assert SECRET not in told
    assert "It matches, but nothing can be started" in tried("{}")
    assert "It does not match" in tried('{"who": "Bob"}', condition="body.who == 'Ada'")
    assert "cannot be read" in tried("{")
    assert "Condition: Syntax error" in tried("{}", condition="body.who ==")
    assert "on a line of its own" in tried("{}", sample_headers="nonsense")
    webhook.refresh_from_db()
    assert webhook.inputs == INPUTS, "nothing is saved"
    assert not Execution.objects.exists()
    assert not webhook.requests.exists()


def test_a_kept_request_is_a_sample_and_is_sent_again(webhook: Webhook, owner: User) -> None:
    send(webhook)
    client, request = client_of(owner), kept(webhook)
    page = client.get(f"{webhook.get_absolute_url()}?sample={request.pk}").content.decode()
    assert "&quot;customer&quot;: &quot;Ada&quot;" in page
    again = client.post(f"{request.get_absolute_url()}replay/")
    first, second = Execution.objects.order_by("started_at")
    assert again["Location"] == second.get_absolute_url()
    assert second.inputs == first.inputs
    assert kept(webhook).replayed_by == "ada"
    shown = client.get(second.get_absolute_url()).content.decode()
    assert f'href="{webhook.get_absolute_url()}">orders</a>' in shown
    large = {**BODY, "items": ["x" * WEBHOOK_BYTES_KEPT]}
    send(webhook, large)
    client.post(f"{kept(webhook).get_absolute_url()}replay/")
    assert Execution.objects.count() == 3, "what was not kept cannot be sent again"


@pytest.mark.parametrize(
    ("role", "sees"), [(None, False), (Role.SEE, True), (Role.START, True), (Role.AUTHOR, True)]
)
def test_others_may_look_at_most(webhook: Webhook, role: Role | None, sees: bool) -> None:
    send(webhook)
    other = User.objects.create_user("bob")
    if role is not None:
        Grant.objects.create(user=other, flow=webhook.flow, role=role)
    client, request = client_of(other), kept(webhook)
    pages = (webhook.get_absolute_url(), request.get_absolute_url())
    for address in pages:
        answer = client.get(address)
        assert answer.status_code == (200 if sees else 404), address
        text = answer.content.decode()
        assert webhook.key not in text, "whoever has the address may send"
        assert not re.search(r"\bAda\b", text)
    assert (webhook.name in client.get("/webhooks/").content.decode()) is sees
    for address, fields in {
        webhook.get_absolute_url(): {},
        f"/webhooks/{webhook.pk}/secret/": {"show": "on"},
        f"/webhooks/{webhook.pk}/delete/": {},
        f"{request.get_absolute_url()}replay/": {},
        "/webhooks/new/?flow=order": {},
        f"/webhooks/try/?flow=order&id={webhook.pk}": {},
    }.items():
        assert client.post(address, fields).status_code == (403 if sees else 404), address
    assert Execution.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("worker")
def test_it_answers_with_the_outputs(webhook: Webhook, live_app: LiveApp) -> None:
    webhook.answer = Webhook.Answer.OUTPUTS
    webhook.save()
    headers = {"Authorization": "Bearer open-sesame"}
    answer = httpx.post(
        f"{live_app.url}/hooks/{webhook.key}", json=BODY, headers=headers, timeout=30
    )
    assert (answer.status_code, answer.json()) == (200, {"Said": "Ada 2"})
