"""Webhooks in a browser: made, tried on a sample, their secret shown once, requests that arrive
while the page is open, why one starts nothing, and one that is sent again."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from executions.models import AuditEntry, Execution, Webhook
from flows.models import Grant
from flows.roles import Role
from tests.accessibility import PHONE, violations
from tests.browser.conftest import OpenAs
from tests.conftest import LiveApp
from tests.flows_in_tests import SQUARE, SQUARE_VARIABLES, publish

MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture
def ada(live_app: LiveApp, tmp_path: Path) -> User:
    """Somebody who administers the flow `square`, and nothing else."""
    flow = publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES).flow
    user = User.objects.create_user("ada")
    Grant.objects.create(user=user, flow=flow, role=Role.ADMINISTER)
    return user


def shown_secret(page: Page) -> str:
    return page.locator(".new-secret code").inner_text()


def test_a_webhook_from_its_making_to_a_request_that_is_sent_again(
    open_as: OpenAs, ada: User, live_app: LiveApp
) -> None:
    page = open_as(ada, "/webhooks/")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_label("A new webhook of").press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="New webhook")).to_be_visible()

    # Nonsense is said beside the sample while it is typed, and keeps what was typed.
    tried = page.locator("#tried")
    page.get_by_label("Name", exact=True).fill(f"Shop {MARKUP}")
    page.get_by_label("Signed by").select_option("token")
    page.get_by_label("Condition").fill("body.kind ==")
    expect(tried).to_contain_text("Condition: Syntax error")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".problem").first).to_contain_text("Syntax error")
    expect(page.get_by_label("Condition")).to_have_value("body.kind ==")
    page.get_by_label("Condition").fill('body.kind == "order"')
    page.get_by_label("N Integer").fill("=body.number")
    expect(tried).to_contain_text("body has no kind")
    page.get_by_label("Body").fill('{"kind": "refund"}')
    expect(tried).to_contain_text("It does not match")
    page.get_by_label("Body").fill('{"kind": "order", "number": 7}')
    expect(tried).to_contain_text("It starts an execution")
    expect(tried.locator("code")).to_have_text("7")

    # A second press does nothing more: the secret of the first is shown, once.
    page.get_by_role("button", name="Save").dblclick()
    expect(page.locator(".new-secret")).to_be_visible()
    webhook = Webhook.objects.get()
    assert shown_secret(page) == webhook.secret
    page.locator(".new-secret").get_by_role("button", name="Copy").click()
    expect(page.locator(".new-secret .done")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == webhook.secret
    page.get_by_role("button", name="Copy the address").click()
    expect(page.locator(".facts .done")).to_be_visible()
    address = page.evaluate("navigator.clipboard.readText()")
    assert address.endswith(f"/hooks/{webhook.key}")
    page.reload()
    expect(page.get_by_role("heading", name=f"Shop {MARKUP}")).to_be_visible()
    expect(page.locator(".new-secret")).to_have_count(0)

    # Requests arrive while the page is open; what starts nothing says why.
    there = f"{live_app.url}/hooks/{webhook.key}"

    def send(body: Any, secret: str) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {secret}"}
        return httpx.post(there, json=body, headers=bearer, timeout=30)

    assert send({"kind": "order", "number": 3}, webhook.secret).status_code == 202
    rows = page.locator("#requests tbody tr")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("Started")
    # While the pointer is in the list, no row moves.
    rows.first.hover()
    assert send({"kind": "refund"}, webhook.secret).json() == {"started": False}
    assert send({"kind": "order", "number": MARKUP}, webhook.secret).status_code == 422
    assert send({"kind": "order"}, "wrong").status_code == 401
    page.get_by_role("button", name="3 new requests").click()
    expect(rows).to_have_count(4)
    for row, words in enumerate(("Its token is wrong", "not an Integer", "Did not match")):
        expect(rows.nth(row)).to_contain_text(words)
    assert violations(page) == []
    page.set_viewport_size({"width": PHONE, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE

    # A new secret is made once, however often the button is pressed; the old one counts meanwhile.
    old = webhook.secret
    page.get_by_role("button", name="New secret").dblclick()
    expect(page.locator(".new-secret")).to_contain_text("The one before counts beside it")
    webhook.refresh_from_db()
    assert (shown_secret(page), webhook.old_secret) == (webhook.secret, old)
    assert AuditEntry.objects.filter(command="new-webhook-secret").count() == 1
    for secret in (old, webhook.secret):
        assert send({"kind": "order", "number": 4}, secret).status_code == 202

    # What was kept is a sample, and is sent again.
    page.reload()
    expect(tried).to_contain_text("It starts an execution")  # what is below moves until then
    page.locator("#requests tbody tr").last.get_by_role("link", name="Use as sample").click()
    expect(page.get_by_label("Body")).to_have_value('{"kind":"order","number":3}')
    page.locator("#requests tbody tr").last.get_by_role("link").first.click()
    page.get_by_role("button", name="Send it again").dblclick()
    expect(page.locator("#notices")).to_contain_text("It was sent again")
    assert Execution.objects.count() == 4
    page.go_back()
    expect(page.get_by_role("heading", name="Request", exact=True)).to_be_visible()


def test_an_address_that_only_takes_forms_says_so(open_as: OpenAs, ada: User) -> None:
    page = open_as(ada, "/schedules/pause/")
    expect(page.get_by_role("heading", name="There is nothing to show here")).to_be_visible()
    expect(page.get_by_role("link", name="Executions")).to_be_visible()
