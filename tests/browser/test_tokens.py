"""API tokens and accounts of programs in a browser: a token is made, shown once, used by a program,
and revoked; and the trail of it all is searched, read and exported."""

import csv
import re
from pathlib import Path

import httpx
import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from executions.models import ApiToken, AuditEntry
from flows.models import Grant
from flows.roles import Role
from tests.accessibility import PHONE, violations
from tests.browser.conftest import OpenAs
from tests.conftest import LiveApp
from tests.flows_in_tests import SQUARE, SQUARE_VARIABLES, publish

MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def flow(live_app: LiveApp, tmp_path: Path) -> None:
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)


def made_token(page: Page, name: str) -> str:
    """Make a token that may start, by the form of the page that is open. Return its text."""
    page.get_by_text("New token", exact=True).click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Role", exact=True).select_option("Start")
    page.get_by_role("button", name="Make the token").dblclick()
    expect(page.locator(".new-token")).to_contain_text(f"Token {name} is made")
    return page.locator(".new-token code").first.inner_text()


def test_a_token_is_made_used_and_revoked(open_as: OpenAs, live_app: LiveApp) -> None:
    maya = User.objects.create_user("maya")
    Grant.objects.create(user=maya, flow=None, role=Role.START)
    page = open_as(maya, "/account/")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    raw = made_token(page, f"shop {MARKUP}")
    assert ApiToken.objects.count() == 1, "a second press makes no other one"
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("[data-not-copied]")).to_have_count(0)
    assert page.evaluate("navigator.clipboard.readText()") == raw

    def ask() -> int:
        bearer = {"Authorization": f"Bearer {raw}"}
        return httpx.get(f"{live_app.url}/api/v1/flows", headers=bearer, timeout=30).status_code

    assert ask() == 200
    # The address of the form leads nowhere by itself; the account is a click away.
    page.get_by_role("link", name="maya").first.click()
    expect(page.locator(".new-token")).to_have_count(0)
    expect(page.locator("body")).not_to_contain_text(raw)
    used = page.locator(".token-table tbody tr")
    expect(used).to_contain_text("127.0.0.1")
    assert violations(page) == []
    page.set_viewport_size({"width": PHONE, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    # What is asked for twice, or not at all, is told, and stays typed.
    page.get_by_text("New token", exact=True).click()
    page.get_by_label("Name", exact=True).fill(f"shop {MARKUP}")
    page.get_by_label("Only flows").fill("square, no such")
    page.get_by_role("button", name="Make the token").click()
    expect(page.locator(".tokens .problem")).to_contain_text("There is no flow no such")
    expect(page.get_by_label("Only flows")).to_have_value("square, no such")
    page.locator(".token-table").get_by_role("button", name="Revoke").press("Enter")
    page.locator("dialog[open]").get_by_role("button", name="Revoke").press("Enter")
    expect(page.locator("#notices")).to_contain_text("is revoked")
    assert ask() == 401


def test_an_account_of_a_program_and_the_trail(
    open_as: OpenAs, live_app: LiveApp, admin_user: User, tmp_path: Path
) -> None:
    page = open_as(admin_user, "/machine-accounts/")
    page.get_by_label("Username").fill("no spaces")
    page.get_by_role("button", name="Make the account").click()
    expect(page.locator(".problem")).to_contain_text("valid username")
    page.get_by_label("Username").fill("deploy")
    page.get_by_label("What it is for").fill(MARKUP)
    page.get_by_role("button", name="Make the account").dblclick()
    expect(page.get_by_role("heading", name="deploy")).to_be_visible()
    expect(page.locator(".pane")).to_contain_text(MARKUP)
    raw = made_token(page, "ci")

    def ask() -> httpx.Response:
        bearer = {"Authorization": f"Bearer {raw}"}
        return httpx.get(f"{live_app.url}/api/v1/me", headers=bearer, timeout=30)

    assert "deploy" in ask().text
    page.on("dialog", lambda dialog: dialog.accept())  # the token has not been copied
    page.get_by_role("button", name="Stop it").click()
    expect(page.locator(".tag.warning")).to_contain_text("its tokens are refused")
    assert ask().status_code == 401
    page.get_by_role("button", name="Let it work again").click()
    expect(page.get_by_role("button", name="Stop it")).to_be_visible()
    assert ask().status_code == 200

    # The trail: a filter typed, what changed, nonsense, and a file of what is shown.
    page.goto("/audit/")
    page.get_by_label("What was done").fill("stop-machine-account")
    page.keyboard.press("Enter")
    rows = page.locator(".audit-table > tbody > tr")
    expect(rows).to_have_count(1)
    rows.locator("summary").press("Enter")
    expect(rows.locator(".audit-changes")).to_contain_text("is active")
    expect(rows.locator(".audit-changes td")).to_have_text(["yes", "no"])
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    file = tmp_path / "audit.csv"
    download.value.save_as(file)
    (line,) = csv.DictReader(file.read_text().splitlines())
    assert "stop-machine-account" in line.values()
    page.get_by_role("link", name="Clear").click()
    expect(rows).to_have_count(AuditEntry.objects.count())
    page.get_by_label("When").fill("soon")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("When")).to_have_value("soon")
    page.go_back()
    expect(page).to_have_url(re.compile("/audit/$"))
    expect(page.get_by_label("When")).to_have_value("")
