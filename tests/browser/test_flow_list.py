"""The list of flows in a browser: live numbers in rows that stay, the diagram beside the pointer,
and moving a flow by dragging and by keyboard."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from executions.models import AuditEntry
from executions.states import Status
from flows.models import Flow
from tests.accessibility import COLOURS, axe_finds_nothing, violations
from tests.browsers import fits
from tests.executions_in_tests import make_execution
from tests.grids import tell
from tests.integration.test_flow_arrangement import filed, folder
from tests.integration.test_flow_list import runs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listed(signed_in_page: Page, admin_user: User) -> Page:
    runs("orders", "stock")
    runs("stock")
    folder("commerce")
    filed("stock", "infra", "pilot")
    signed_in_page.goto("/flows/")
    expect(signed_in_page.locator("[data-live]")).to_have_attribute("data-state", "live")
    return signed_in_page


def row(page: Page, name: str) -> Any:
    return page.locator(f'tr[data-flow="{name}"]')


def test_numbers_are_live_and_the_diagram_shows_tokens(listed: Page, admin_user: User) -> None:
    page = listed
    page.goto("/flows/?sort=-now")
    expect(page.locator("[data-live]")).to_have_attribute("data-state", "live")
    page.evaluate("window.stays = document.querySelector('tr[data-flow=orders]')")
    version = Flow.objects.get(name="stock").versions.get()
    tell(make_execution(admin_user, "stock", version=version, block="end"))
    expect(row(page, "stock").locator(".now.running")).to_have_text("1")
    expect(row(page, "stock").locator(".c-runs")).to_have_text("1", timeout=15_000)
    # It would come first now; rows stay where they are.
    assert page.evaluate("window.stays === document.querySelector('tbody tr')")
    row(page, "stock").locator(".flow-name").focus()
    peek = page.locator("#peek")
    expect(peek).to_be_visible()
    expect(peek.locator('[data-block="end"]')).to_be_visible()
    expect(peek.locator(".pill.running")).to_be_visible()
    page.keyboard.press("Escape")
    expect(peek).to_be_hidden()
    row(page, "orders").locator(".flow-name").hover()
    expect(peek).to_contain_text("orders")


def test_a_flow_is_moved_by_dragging_and_by_keyboard(listed: Page) -> None:
    page = listed
    row(page, "orders").locator(".c-version").drag_to(
        page.locator(".flow-nav a", has_text="commerce")
    )
    expect(row(page, "orders").locator("small")).to_contain_text("commerce")
    expect(page.locator(".flow-nav a", has_text="commerce").locator(".count")).to_have_text("1")
    row(page, "stock").get_by_role("link", name="Move stock to a folder, labels").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Arrange stock")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Move to").select_option("commerce")
    dialog.get_by_label("pilot").uncheck()
    dialog.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_text("Moved stock from infra to commerce.")).to_be_visible()
    expect(row(page, "stock").locator(".flow-label")).to_have_count(0)
    assert AuditEntry.objects.filter(outcome="done").count() == 3
    page.locator("[data-star]").first.click()
    expect(page.locator("[data-star]").first).to_have_attribute("aria-pressed", "true")
    page.locator(".flow-nav a", has_text="Favourites").click()
    expect(page.locator("tr[data-flow]")).to_have_count(1)


def test_axe_finds_nothing_and_a_phone_has_room(listed: Page, admin_user: User) -> None:
    page = listed
    make_execution(admin_user, "stock", status=Status.PAUSED)
    make_execution(admin_user, "stock", status=Status.EXCEPTION)
    make_execution(admin_user, "orders", status=Status.ERROR)
    for address in ("/flows/", "/flows/?view=calls", "/flows/orders/arrange/"):
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 844})
            page.goto(address)
            assert fits(page, width)
            assert violations(page, dark=width > 390) == []


def test_the_admin_is_readable_in_both_themes(signed_in_page: Page, admin_user: User) -> None:
    page = signed_in_page
    make_execution(admin_user, status=Status.PAUSED)
    for address in ("/admin/", "/admin/system/"):
        page.goto(address)
        axe_finds_nothing(page)
    # Django's search box has its label in a title, which axe would have otherwise.
    page.goto("/admin/executions/execution/")
    assert violations(page, COLOURS) == []
