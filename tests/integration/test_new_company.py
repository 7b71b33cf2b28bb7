"""A new company lets its people in: a provider, two groups with different rights on two folders, a
token, a schedule and a webhook that start executions, and somebody without rights who sees none."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from websockets.sync.client import connect

from cortexweb.accounts.group_map import GroupMap
from executions.models import AuditEntry, Execution, Schedule, Webhook
from executions.states import Status
from flows.models import Flow, Folder
from flows.roles import Role
from tests.conftest import LiveApp
from tests.driving import drive
from tests.flows_in_tests import SQUARE, SQUARE_VARIABLES, publish
from tests.identity_provider import IdentityProvider, identity_provider, use_provider
from tests.schedules_in_tests import fire

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("worker")]

#: Every page on which something of a flow may stand.
PAGES = (
    "/?view=all", "/overview/", "/overview/wall/", "/failures/", "/flows/", "/schedules/",
    "/webhooks/", "/chains/", "/logs/", "/audit/", "/alerts/", "/notifications/", "/account/",
    "/tokens/", "/executions/groups/?group=flow", "/executions/export/csv/",
    "/executions/export/jsonl/", "/audit/export/csv/", "/executions/complete/?q=flow:o",
)  # fmt: skip
OPERATIONS = (
    "executions", "flows", "schedules", "schedules/export", "webhooks", "chains", "overview",
    "failures", "logs", "audit", "alerts", "tokens", "jobs",
)  # fmt: skip


@pytest.fixture
def provider(tmp_path: Path, settings: Any) -> Iterator[IdentityProvider]:
    with identity_provider(tmp_path) as running:
        use_provider(settings, running)
        settings.OIDC_GROUPS = GroupMap.parse("acme-sales=Sales,acme-stock=Stock")
        for name, group in (("grace", "acme-sales"), ("linus", "acme-stock")):
            running.person(name, preferred_username=name, groups=[group])
        yield running


def signed_in(provider: IdentityProvider, name: str) -> Client:
    client = Client()
    assert provider.sign_in(client, name).status_code == 302
    return client


def post(client: Client, address: str, fields: dict[str, Any], status: int = 302) -> str:
    answer = client.post(address, fields)
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def test_a_new_company_sets_up_its_work(
    provider: IdentityProvider, live_app: LiveApp, tmp_path: Path
) -> None:
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    for name, folder in (("orders", "Sales"), ("stock", "Stock")):
        flow = publish(tmp_path, name, SQUARE, SQUARE_VARIABLES).flow
        Flow.objects.filter(pk=flow.pk).update(folder=Folder.objects.create(name=folder))
        Group.objects.create(name=folder)
    for folder, role in (("Sales", Role.ADMINISTER), ("Stock", Role.SEE)):
        address = f"/rights/folders/{Folder.objects.get(name=folder).pk}/"
        post(root, address, {"holder": folder, "role": str(int(role))})

    # Sales: a token, a schedule and a webhook.
    grace = signed_in(provider, "grace")
    made = post(grace, "/account/tokens/", {"name": "shop", "role": "start", "days": "90"}, 201)
    token = re.findall(r"cwt_\w{40}", made)[0]
    fields = {"flow": "orders", "name": "Nightly orders", "cron": "0 2 * * *", "zone": "UTC"}
    rules = {"overlap": "skip", "misfire": "once", "grace_seconds": "900"}
    post(grace, "/schedules/new/", {**fields, **rules, "input-N": "2", "source-N": "value"})
    hook = {
        "name": "Shop orders", "scheme": "token", "token_header": "Authorization", "is_on": "on",
        "answer": "at-once", "wait_seconds": "30", "requests_a_minute": "60",
        "input-N": "=body.number",
    }  # fmt: skip
    post(grace, "/webhooks/new/?flow=orders", hook)
    webhook = Webhook.objects.get()

    # Each starts executions, and she sees them.
    with httpx.Client(base_url=live_app.url, timeout=30) as program:
        bearer = {"Authorization": f"Bearer {token}"}
        address, given = "/api/v1/flows/orders/executions", {"inputs": {"N": 3}}
        answer = program.post(address, json=given, headers=bearer)
        assert answer.json()["outputs"] == {"Square": 9}, answer.text
        own = {"Authorization": f"Bearer {webhook.secret}"}
        answer = program.post(f"/hooks/{webhook.key}", json={"number": 4}, headers=own)
        assert answer.status_code == 202, answer.text
    fire(Schedule.objects.get())
    started = list(Execution.objects.order_by("started_at"))
    assert len(started) == 3
    for execution in started:
        assert drive(execution.pk).status == Status.ENDED
    grid = grace.get("/?view=all").content.decode()
    for execution in started:
        assert str(execution.pk) in grid
    for trigger in ("api", "schedule", "webhook"):
        shown = grace.get(f"/?trigger={trigger}").content.decode()
        assert len(re.findall(r'<tr[^>]* data-id="', shown)) == 1, trigger
    # Whoever administers the flow sees in the trail who did what.
    assert {"make-schedule", "make-webhook"} <= set(
        AuditEntry.objects.filter(flow_name="orders").values_list("command", flat=True)
    )

    # Stock sees its own flow, and nothing of Sales anywhere.
    linus = signed_in(provider, "linus")
    assert "stock" in linus.get("/flows/").content.decode()
    told = ["orders", "Nightly", token[:8], *(str(one.pk) for one in started)]
    telling = re.compile("|".join(told))
    cookies = {"sessionid": linus.cookies["sessionid"].value}
    with httpx.Client(base_url=live_app.url, cookies=cookies, timeout=30) as reader:
        for address in (*PAGES, *(f"/api/v1/{name}" for name in OPERATIONS)):
            shown = reader.get(address).text
            assert not telling.search(shown), address
        assert reader.get("/api/v1/executions").json()["items"] == []
    hidden = (
        started[0].get_absolute_url(), "/flows/orders/", Schedule.objects.get().get_absolute_url(),
        webhook.get_absolute_url(), f"/api/v1/executions/{started[0].pk}",
        f"/api/v1/schedules/{Schedule.objects.get().pk}", "/api/v1/flows/orders",
    )  # fmt: skip
    assert {linus.get(one).status_code for one in hidden} == {404}
    begun = linus.post("/api/v1/flows/orders/executions", given, content_type="application/json")
    assert begun.status_code == 404
    _hears_nothing(live_app, linus, lambda: fire(Schedule.objects.get()))


def _hears_nothing(live_app: LiveApp, client: Client, happen: Any) -> None:
    """Open the grid's socket as somebody, let something happen, and hear nothing of it until
    something that everybody hears of comes."""
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    headers = {"Cookie": cookie, "Origin": live_app.url}
    address = live_app.url.replace("http", "ws") + "/ws/executions/?view=all"
    with connect(address, additional_headers=headers) as socket:
        happen()
        last = drive(Execution.objects.latest("started_at").pk)
        heard = [socket.recv(timeout=20)]
        while '"beat"' not in str(heard[-1]) or len(heard) < 3:
            heard.append(socket.recv(timeout=20))
    assert not [one for one in heard if str(last.pk) in str(one) or "orders" in str(one)]
