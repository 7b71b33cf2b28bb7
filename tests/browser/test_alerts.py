"""The bell and the account page in a browser: live, in both themes, on a phone, without a mouse."""

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from executions.alerts import deliveries
from executions.alerts.messages import Message
from tests.accessibility import LAID_OUT, PHONE, violations
from tests.alerts_in_tests import make_rule

pytestmark = pytest.mark.django_db(transaction=True)


def tell(user: Any, title: str) -> None:
    message = Message(title=title, lines=[("a line", "/")], address="/flows/")
    about = {"occasion": "queued-long", "step": "opened"}
    deliveries.write(deliveries.to_person(user, message, timezone.now(), **about))


def test_the_bell_rings_at_once_and_leads_on(signed_in_page: Page, admin_user: Any) -> None:
    page = signed_in_page
    page.goto("/alerts/")
    expect(page.locator("[data-live]")).to_have_attribute("data-state", "live")
    tell(admin_user, "Queue <b>of</b> orders")
    bell = page.get_by_role("button", name="Notifications, 1 unread")
    expect(bell).to_be_visible()
    bell.focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Queue <b>of</b> orders").click()
    page.wait_for_url("**/flows/")
    expect(page.get_by_role("button", name="Notifications", exact=True)).to_be_visible()


def test_the_pages_are_accessible(signed_in_page: Page, admin_user: Any) -> None:
    page = signed_in_page
    rule = make_rule("queued-long", users=[admin_user])
    tell(admin_user, "Queue")
    for address in ("/account/", "/alerts/rules/", rule.get_absolute_url(), "/notifications/"):
        page.goto(address)
        for width in (1440, PHONE):
            page.set_viewport_size({"width": width, "height": 844})
            page.evaluate(LAID_OUT)
            found = violations(page, dark=width != PHONE)
            assert not found, "\n".join(found)
            wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not wide, address


def test_a_choice_is_saved_at_once(signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto("/account/")
    choice = page.get_by_role("checkbox", name="A worker is silent: In CortexWeb")
    choice.focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("Saved", exact=True)).to_be_visible()
    page.reload()
    expect(choice).not_to_be_checked()
