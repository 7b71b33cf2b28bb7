"""The schedules in a browser: the expression read while it is typed, a start, rows that are live,
the keyboard, a phone, and what axe finds."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from executions.models import Schedule
from flows.models import FlowVersion
from tests.accessibility import PHONE, violations
from tests.browsers import fits
from tests.flows_in_tests import publish
from tests.integration.test_schedules import ECHO
from tests.schedules_in_tests import fire, make_schedule

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def version(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "order-sync", ECHO, "{N: {input: true, type: Integer, default: 1}}")


def test_a_schedule_is_made_read_and_run(
    signed_in_page: Page, version: FlowVersion, admin_user: User
) -> None:
    page = signed_in_page
    page.goto("/schedules/")
    expect(page.locator(".examples li")).to_have_count(3)
    page.get_by_role("link", name="New schedule").click()
    drawer = page.locator("#schedule-drawer")
    drawer.get_by_label("Name").fill("Sync paid orders")
    cron, boxes = drawer.locator("input.cron"), drawer.locator(".cron-boxes input")
    expect(boxes).to_have_count(5)
    boxes.first.fill("*/5 25 * * 1-6")
    expect(drawer.get_by_label("hour", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(drawer.locator("#reading")).to_contain_text("The hour takes 0 to 23.")
    drawer.get_by_label("hour", exact=True).fill("6-21")
    expect(drawer.locator(".cron-words")).to_contain_text("Every 5 minutes, between 06:00")
    expect(drawer.locator(".next-five li")).to_have_count(5)
    boxes.nth(1).press("ArrowRight")
    expect(drawer.get_by_label("day", exact=True)).to_be_focused()
    drawer.get_by_text("Simple", exact=True).click()
    drawer.get_by_role("combobox", name="Simple").select_option("Every hour")
    expect(drawer.locator(".cron-words")).to_contain_text("Every hour")
    drawer.locator(".segments").get_by_text("Cron", exact=True).click()
    boxes.first.fill("@daily")
    expect(cron).to_be_focused()
    expect(drawer.locator(".cron-words")).to_contain_text("At 00:00")
    cron.fill("*/5 6-21 * * 1-6")
    expect(drawer.locator(".cron-words")).to_contain_text("Every 5 minutes")
    cron.press("Tab")
    expect(boxes).to_have_count(5)
    drawer.get_by_label("N Integer").fill("seven")
    drawer.get_by_role("button", name="Save").click()
    expect(drawer.locator("#error-input-N")).to_be_visible()
    expect(cron).to_have_value("*/5 6-21 * * 1-6")
    drawer.get_by_label("N Integer").fill("7")
    drawer.get_by_role("button", name="Save").click()
    expect(page.locator("tr.selected")).to_contain_text("Sync paid orders")
    assert violations(page) == []
    drawer.get_by_role("button", name="Run now").click()
    expect(page.locator(".last-runs li")).to_contain_text("by admin")
    switch = page.locator("tr.selected .switch")
    switch.press("Enter")
    expect(page.locator("tr.selected .switch")).to_have_attribute("aria-checked", "false")
    assert not Schedule.objects.get().is_on
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()


def test_rows_are_live_and_fit_a_phone(
    signed_in_page: Page, version: FlowVersion, admin_user: User
) -> None:
    page = signed_in_page
    schedule = make_schedule(version.flow, admin_user, name="Nightly")
    page.goto("/schedules/")
    expect(page.locator("[data-live]")).to_have_attribute("data-state", "live")
    expect(page.locator("td.c-last")).to_have_text("–")
    fire(schedule)
    expect(page.locator(".dots")).to_have_attribute("aria-label", "Last 1: 1 queued")
    page.goto("/overview/")
    expect(page.locator(".overview-next li")).to_contain_text("Nightly")
    page.goto("/schedules/")
    assert violations(page) == []
    page.set_viewport_size({"width": PHONE, "height": 844})
    for title in ("/overview/", "/schedules/"):
        page.goto(title)
        h1 = page.get_by_role("heading", level=1)
        assert h1.evaluate("(one) => one.scrollWidth <= one.clientWidth"), title
    assert fits(page, PHONE)
    page.goto(schedule.get_absolute_url())
    assert fits(page, PHONE)
    assert violations(page) == []


def test_all_are_paused_and_go_on_and_one_is_run_from_the_page_of_its_flow(
    signed_in_page: Page, version: FlowVersion, admin_user: User
) -> None:
    page = signed_in_page
    schedule = make_schedule(version.flow, admin_user, name="<b>Nightly</b>")
    page.goto(version.flow.get_absolute_url())
    page.get_by_role("link", name="<b>Nightly</b>").press("Enter")
    drawer = page.locator("#schedule-drawer")
    drawer.get_by_role("button", name="Run now").dblclick()
    expect(page.locator("#notices")).to_contain_text("has started")
    expect(page.locator(".last-runs li")).to_have_count(1)
    assert schedule.runs.count() == 1, "a second press starts no other one"
    page.get_by_text("Pause all…").press("Enter")
    page.get_by_role("button", name="Pause all schedules").press("Enter")
    resume = page.get_by_role("button", name="Resume")
    expect(resume).to_be_visible()
    schedule.refresh_from_db()
    assert violations(page) == []
    resume.press("Enter")
    expect(page.get_by_text("Pause all…")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_have_count(0)
