"""Retrying a failure group in a browser, with the keyboard and on a phone."""

from typing import Any

from django.contrib.auth.models import User
from playwright.sync_api import expect

from executions.models import BulkJob
from executions.states import Status
from tests.accessibility import PHONE, axe_finds_nothing
from tests.executions_in_tests import make_execution
from tests.integration.test_failure_commands import make_group


def test_the_dialog_tells_and_starts_a_job(grid: Any, admin_user: User) -> None:
    group = make_group(count=3)
    for state in ("", "", "ended"):
        make_execution(
            admin_user,
            group.flow.name,
            status=Status.ERROR,
            error_type="X",
            failure=group.pk,
            retry_state=state,
        )
    page = grid(f"{group.get_absolute_url()}?is=superseded")
    expect(page.locator("tbody tr[data-id]")).to_have_count(1)
    page.get_by_role("link", name="To retry").press("Enter")
    expect(page.locator("tbody tr[data-id]")).to_have_count(2)
    expect(page.get_by_role("link", name="To retry")).to_have_attribute("aria-current", "true")
    axe_finds_nothing(page)
    page.locator("#retry-group").focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#bulk")
    expect(dialog.get_by_role("heading", name="Retry this group")).to_be_visible()
    expect(dialog.locator(".retry-counts .chosen")).to_contain_text("2")
    axe_finds_nothing(page, within="dialog[open]")
    page.set_viewport_size({"width": PHONE, "height": 844})
    axe_finds_nothing(page, within="dialog[open]")
    overflow = "document.documentElement.scrollWidth > innerWidth"
    assert not page.evaluate(overflow)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert not BulkJob.objects.exists()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.locator("#retry-group").press("Enter")
    dialog.get_by_label("At a time").fill("2")
    dialog.get_by_role("button", name="Retry 2").press("Enter")
    expect(dialog).to_be_hidden()
    strip = page.locator(".job-strip")
    expect(strip).to_contain_text("waits for a worker")
    strip.get_by_role("button", name="Suspend").click()
    expect(strip).to_contain_text("Suspended")
    strip.get_by_role("button", name="Cancel").click()
    expect(strip).to_contain_text("Cancelled")
    job = BulkJob.objects.get()
    assert (job.at_a_time, job.stop_after, job.status) == (2, 10, "cancelled")
