"""The pages of alerts: who may see and change what, and what they say."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from executions.alerts import channel_setup
from executions.alerts.forms import ChannelForm
from executions.commands.actor import Actor
from executions.models import Alert, AlertChannel, AlertRule, AuditEntry, Delivery
from executions.states import Status
from flows.models import Flow
from tests.alerts_in_tests import evaluate, make_rule
from tests.executions_in_tests import make_execution

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@pytest.fixture
def ada(django_user_model: Any) -> Any:
    return django_user_model.objects.create_user("ada", "ada@example.com")


def sign_in(user: Any, *permissions: str) -> Client:
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def form_of(kind: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": "Queue",
        "kind": kind,
        "zone": "UTC",
        "repeat_minutes": "240",
        "is_on": "on",
        "p-minutes": "7",
        **fields,
    }


def test_a_rule_is_made_changed_and_deleted(admin_client: Client, admin_user: Any) -> None:
    make_execution(admin_user, "orders", age=600, status=Status.QUEUED)
    flow = Flow.objects.get(name="orders")
    page = admin_client.get("/alerts/rules/new/?kind=queued-long").content.decode()
    assert "an execution waits for a worker for longer than 5 min" in page
    fields = form_of("queued-long", scope=f"flow:{flow.pk}", users=[admin_user.pk])
    response = admin_client.post("/alerts/rules/new/?kind=queued-long", fields)
    assert response["Location"] == "/alerts/rules/"
    assert "no recipients" not in admin_client.get("/alerts/rules/").content.decode()
    rule = AlertRule.objects.get()
    assert (rule.parameters, rule.flow, rule.kind) == ({"minutes": 7}, flow, "queued-long")
    assert list(rule.users.all()) == [admin_user]
    assert rule.created_by == admin_user
    evaluate()
    listed = admin_client.get("/alerts/rules/").content.decode()
    assert "1 now" in listed
    assert "of the flow orders" in listed
    # Of two changes at once, one is refused and loses nothing of what was typed.
    old = {**fields, "name": "Mine <b>", "revision": "1"}
    assert admin_client.post(f"/alerts/rules/{rule.pk}/", old).status_code == 302
    refused = admin_client.post(f"/alerts/rules/{rule.pk}/", {**old, "name": "Late"})
    assert refused.status_code == 422
    assert "Somebody else has changed this rule" in refused.content.decode()
    assert 'value="Late"' in refused.content.decode()
    assert AlertRule.objects.get().name == "Mine <b>"
    assert "Mine &lt;b&gt;" in admin_client.get("/alerts/").content.decode()
    # Switched off, it ends without a word.
    told = Delivery.objects.count()
    off = {**fields, "revision": "2", "users": []}
    del off["is_on"]
    saved = admin_client.post(f"/alerts/rules/{rule.pk}/", off, follow=True)
    assert "It has no recipients" in saved.content.decode()
    assert Alert.objects.get().is_done
    assert Delivery.objects.count() == told
    admin_client.post(f"/alerts/rules/{rule.pk}/delete/")
    assert not AlertRule.objects.exists()
    commands = AuditEntry.objects.order_by("id").values_list("command", "actor", "outcome")
    assert list(commands) == [
        ("make-alert-rule", "admin", "done"),
        ("change-alert-rule", "admin", "done"),
        ("change-alert-rule", "admin", "done"),
        ("delete-alert-rule", "admin", "done"),
    ]
    assert "It tells admin" in AuditEntry.objects.order_by("id")[0].detail


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("p-minutes", "0", "greater than or equal to 1"),
        ("quiet_from", "22:00", "Give both times"),
        ("zone", "Nowhere", "Select a valid choice"),
        ("scope", "flow:99", "Select a valid choice"),
    ],
)
def test_what_is_wrong_in_a_rule_is_said(
    admin_client: Client, field: str, value: str, problem: str
) -> None:
    fields = form_of("queued-long", **{field: value})
    response = admin_client.post("/alerts/rules/new/?kind=queued-long", fields)
    assert response.status_code == 422
    assert problem in response.content.decode()
    assert not AlertRule.objects.exists()


def test_a_form_says_how_often_the_rule_would_have_fired(
    admin_client: Client, admin_user: Any
) -> None:
    make_execution(admin_user, age=900, status=Status.RUNNING, first_claimed_at=timezone.now())

    def answer(minutes: str) -> str:
        fields = form_of("queued-long", **{"p-minutes": minutes})
        page = admin_client.post("/alerts/rules/preview/", fields).content.decode()
        return " ".join(re.sub(r"<[^>]+>", "", page).split())

    assert "would have fired 1 time in the last 7 days, last at" in answer("10")
    assert "would have fired 0 times in the last 7 days." in answer("20")
    assert "Correct this first: Longer than this many minutes." in answer("x")


def test_who_may_do_what_with_rules(ada: Any, admin_user: Any) -> None:
    rule = make_rule("queued-long", users=[admin_user])
    address = f"/alerts/rules/{rule.pk}/"
    changes = (
        ("/alerts/rules/new/?kind=queued-long", form_of("queued-long")),
        (address, form_of("queued-long", name="Hers")),
        ("/alerts/rules/preview/", form_of("queued-long")),
        (f"{address}delete/", {}),
    )
    # Without permissions she sees nothing; the permission to edit alone is not enough.
    for permissions in ((), ("edit_alert_rules",)):
        client = sign_in(ada, *permissions)
        assert client.get("/alerts/rules/").status_code == 403
        assert client.get(address).status_code == 404
        for there, fields in changes:
            assert client.post(there, fields).status_code in (403, 404), there
    client = sign_in(ada, "view_execution")
    assert "Rule queued-long" in client.get("/alerts/rules/").content.decode()
    assert "rule-form" not in client.get(address).content.decode()
    for there, fields in changes:
        assert client.post(there, fields).status_code == 403, there
    assert AlertRule.objects.get().name == "Rule queued-long"
    client = sign_in(ada, "view_execution", "edit_alert_rules")
    assert client.post(*changes[1]).status_code == 302
    assert AlertRule.objects.get().name == "Hers"


def test_who_may_see_alerts_and_deliveries(ada: Any, admin_user: Any) -> None:
    make_rule("queued-long", users=[admin_user, ada])
    make_execution(ada, "hers", age=600, status=Status.QUEUED)
    secret = make_execution(admin_user, "secret-flow", age=900, status=Status.QUEUED)
    make_rule("queued-long", name="Other", users=[admin_user])
    evaluate()
    alert, other = Alert.objects.order_by("rule_id")
    client = sign_in(ada)
    listed = client.get("/alerts/").content.decode()
    assert alert.get_absolute_url() in listed
    assert other.get_absolute_url() not in listed
    page = client.get(alert.get_absolute_url()).content.decode()
    assert "hers" in page
    assert "secret-flow" not in page
    assert str(secret.pk) not in page
    assert "admin" not in page
    assert client.get(other.get_absolute_url()).status_code == 404
    delivery = Delivery.objects.filter(user=admin_user).first()
    assert delivery
    for there in ("/alerts/deliveries/", f"/alerts/deliveries/{delivery.pk}/"):
        assert client.get(there).status_code == 403
    assert client.post(f"/alerts/deliveries/{delivery.pk}/retry/").status_code == 403
    client = sign_in(ada, "view_execution", "edit_alert_rules")
    assert "secret-flow" in client.get(alert.get_absolute_url()).content.decode()
    assert client.get(f"/alerts/deliveries/{delivery.pk}/").status_code == 200
    assert client.get("/alerts/deliveries/?status=sent").status_code == 200


def test_a_delivery_is_tried_again(admin_client: Client) -> None:
    channel = AlertChannel.objects.create(kind="webhook", name="hook", address="http://127.0.0.1:9")
    admin_client.post(f"/alerts/channels/{channel.pk}/test/")
    delivery = Delivery.objects.get()
    Delivery.objects.update(status="failed", attempts=20)
    page = admin_client.post(f"/alerts/deliveries/{delivery.pk}/retry/", follow=True)
    assert "It is tried again now." in page.content.decode()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("waiting", 0)
    Delivery.objects.update(status="sent")
    page = admin_client.post(f"/alerts/deliveries/{delivery.pk}/retry/", follow=True)
    assert "It is sent: there is nothing to try again." in page.content.decode()


def test_a_channel_keeps_its_address_and_secret_to_itself(admin_client: Client) -> None:
    address = "https://ada:hunter2@hooks.example/secret-path?token=abc"
    fields = {"name": "pager", "kind": "webhook", "address": address, "is_on": "on"}
    made = admin_client.post("/alerts/channels/new/", fields, follow=True)
    channel = AlertChannel.objects.get()
    assert channel.secret in made.content.decode()
    assert made["Cache-Control"] == "no-store"
    fields = {"name": "pager 2", "address": "", "is_on": "on"}
    admin_client.post(f"/alerts/channels/{channel.pk}/", fields)
    channel.refresh_from_db()
    assert (channel.name, channel.address) == ("pager 2", address)
    old = channel.secret
    there = f"/alerts/channels/{channel.pk}/secret/"
    shown = admin_client.post(there, follow=True).content.decode()
    channel.refresh_from_db()
    assert channel.secret in shown
    assert channel.old_secret == old
    for there in ("/alerts/channels/", f"/alerts/channels/{channel.pk}/"):
        page = admin_client.get(there).content.decode()
        assert "https://hooks.example/…" in page
        for hidden in ("hunter2", "secret-path", "token=abc", channel.secret, old):
            assert hidden not in page
    details = " ".join(AuditEntry.objects.values_list("detail", flat=True))
    assert "hunter2" not in details
    assert "secret-path" not in details
    commands = list(AuditEntry.objects.order_by("id").values_list("command", flat=True))
    assert commands == ["make-channel", "change-channel", "new-webhook-secret"]


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # Apprise's
@pytest.mark.parametrize(
    ("kind", "address", "problem"),
    [
        ("webhook", "ftp://x.example", "Write https://…"),
        ("chat", "nonsense://", "Apprise does not know"),
        ("webhook", "", "This field is required"),
    ],
)
def test_a_wrong_address_is_refused(
    admin_client: Client, kind: str, address: str, problem: str
) -> None:
    fields = {"name": "pager", "kind": kind, "address": address, "is_on": "on"}
    response = admin_client.post("/alerts/channels/new/", fields)
    assert response.status_code == 422
    assert problem in response.content.decode()
    assert 'value="pager"' in response.content.decode()
    assert "<h1>New channel</h1>" in response.content.decode()


def test_channels_are_for_administrators(ada: Any) -> None:
    channel = AlertChannel.objects.create(kind="webhook", name="hook", address="http://127.0.0.1:9")
    client = sign_in(ada, "view_execution", "edit_alert_rules")
    assert client.get("/alerts/channels/").status_code == 403
    assert client.get(f"/alerts/channels/{channel.pk}/").status_code == 404
    fields = {"name": "x", "kind": "webhook", "address": "http://x.example", "is_on": "on"}
    assert client.post("/alerts/channels/new/", fields).status_code == 403
    for what in ("", "secret/", "test/", "delete/"):
        assert client.post(f"/alerts/channels/{channel.pk}/{what}", fields).status_code == 404
    assert AlertChannel.objects.get().name == "hook"
    assert not Delivery.objects.exists()


def test_a_secret_that_is_replaced_while_a_channel_is_changed_stays(db: None) -> None:
    kept = AlertChannel.objects.create(kind="webhook", name="Ops", address="https://example.com/")
    form = ChannelForm({"name": "Operations", "is_on": "on"}, instance=kept)
    assert form.is_valid(), form.errors
    other = AlertChannel.objects.get()
    other.rotate(timezone.now())
    channel_setup.save(Actor(None, "Ada", "page"), form)
    kept = AlertChannel.objects.get()
    assert (kept.name, kept.address) == ("Operations", "https://example.com/")
    assert kept.secret == other.secret
