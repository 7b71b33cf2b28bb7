"""Data Storage and signals in a browser: lists that are kept fresh and stay still, and forms."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from executions.models import Signal, StorageItem
from flows.blocks.shared_data import CreateCollection, SendSignal, WriteItem
from tests.integration.test_shared_data import USERS, do

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@pytest.fixture
def users(live_app: Any) -> str:
    """The address of a collection with a key."""
    do(CreateCollection(USERS))
    do(WriteItem(USERS, "bob", 1))
    return f"/storage/{StorageItem.objects.get().collection_id}/"


def test_no_key_moves_under_the_pointer(signed_in_page: Page, users: str) -> None:
    page = signed_in_page
    page.goto(users)
    expect(page.locator("[data-live]")).to_have_attribute("data-state", "live")
    page.locator("tbody tr", has_text="bob").hover()
    do(WriteItem(USERS, "ada", 2))
    do(WriteItem(USERS, "bob", 3))
    keys = page.locator("tbody .c-key")
    expect(page.locator("[data-new-rows]")).to_have_text("1 new key")
    expect(page.locator("tbody .mono")).to_have_text(["3"])
    expect(keys).to_have_text(["bob"])
    page.locator("[data-new-rows]").click()
    expect(keys).to_have_text(["ada", "bob"])


def test_lists_are_fetched_when_they_change_and_not_before(
    signed_in_page: Page, users: str
) -> None:
    page = signed_in_page
    page.goto("/storage/signals/")
    expect(page.locator("[data-live]")).to_have_attribute("data-state", "live")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    do(WriteItem(USERS, "ada", 2))
    do(SendSignal("paid", "4711", 1))
    expect(page.locator("tbody .c-key").first).to_have_text("paid")
    assert len([url for url in asked if "/storage/" in url]) == 1
    page.goto("/storage/")
    page.get_by_label("Name", exact=True).fill("Totals")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="Totals")).to_be_visible()


def test_a_key_is_added(signed_in_page: Page, users: str) -> None:
    page = signed_in_page
    page.goto(users)
    page.get_by_label("Key", exact=True).fill("grace")
    page.get_by_label("Value, as JSON").fill("hopper")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#stored-problem")).to_contain_text("A text needs quotation marks.")
    page.get_by_label("Value, as JSON").fill('"hopper"')
    page.get_by_role("button", name="Add").click()
    expect(page.locator("tbody .c-key")).to_have_text(["bob", "grace"])


def test_a_signal_is_deleted(signed_in_page: Page, users: str) -> None:
    do(SendSignal("paid", "4711", {"Amount": 1}))
    page = signed_in_page
    page.goto("/storage/")
    page.get_by_role("link", name="Signals").click()
    page.get_by_role("link", name="paid", exact=True).click()
    expect(page.get_by_label("Value")).to_contain_text('"Amount": 1')
    page.go_back()
    page.get_by_role("button", name="Delete paid 4711").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete the signal paid 4711?")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The signal paid 4711 is deleted.")).to_be_visible()
    assert not Signal.objects.exists()
