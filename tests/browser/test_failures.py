"""Failures in a browser: live on the rows of the grid, and on the page of an execution."""

from typing import Any

from django.utils import timezone
from playwright.sync_api import expect

from executions.states import Status
from tests.accessibility import axe_finds_nothing
from tests.executions_in_tests import make_execution
from tests.grids import row, tell

FAILED = {
    "status": Status.ENDED,
    "unhandled": True,
    "error_type": "FlowException",
    "error_message": "No such order",
}


def test_a_collapsed_parent_tells_live_how_many_failed_below(grid: Any, admin_user: Any) -> None:
    parent = make_execution(admin_user, child_count=2)
    page = grid()
    mark = row(page, parent).locator(".failed")
    expect(mark).to_have_count(0)
    tell(parent, failed_descendants=1)
    expect(mark).to_have_text("1")
    tell(parent, failed_descendants=12)
    expect(mark).to_have_text("12")
    expect(mark).to_have_attribute("title", "12 executions below it failed")
    expect(row(page, parent).locator(".handle .count")).to_have_text("2")


def test_what_nothing_handled_becomes_a_failure_live_and_can_be_retried(
    grid: Any, admin_user: Any
) -> None:
    execution, fine = make_execution(admin_user), make_execution(admin_user, status="Ended")
    page = grid()
    tell(execution, ended_at=timezone.now(), **FAILED)
    failed = row(page, execution)
    expect(failed.locator(".c-status")).to_have_text("Ended · unhandled exception")
    expect(failed.locator(".c-icon use")).to_have_attribute(
        "href", "/static/icons.svg#ended-unhandled"
    )
    expect(failed.locator(".c-error")).to_contain_text("No such order FlowException")
    retry = page.locator("[data-command=retry]")
    row(page, fine).locator("input").check()
    expect(retry).to_have_attribute("aria-disabled", "true")
    expect(retry).to_have_attribute(
        "title",
        "None of the selected executions is Stopped, Error or Ended · unhandled exception",
    )
    failed.locator("input").check()
    expect(retry).not_to_have_attribute("aria-disabled", "true")
    expect(retry).to_contain_text("1 of 2")


def test_a_filter_by_failures_takes_rows_in_live(grid: Any, admin_user: Any) -> None:
    execution = make_execution(admin_user)
    page = grid("/?is=unhandled")
    expect(row(page, execution)).to_have_count(0)
    tell(execution, ended_at=timezone.now(), **FAILED)
    expect(row(page, execution)).to_have_count(1)


def test_axe_finds_nothing(grid: Any, admin_user: Any) -> None:
    parent = make_execution(admin_user, child_count=1, failed_descendants=2)
    make_execution(admin_user, **FAILED)
    page = grid(f"/?open={parent.pk}")
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 844})
        axe_finds_nothing(page, dark=width > 390)
