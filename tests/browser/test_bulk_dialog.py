"""A command for all that match: told in a dialog over the grid, its job followed below the grid."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, Route, expect

from executions.bulk import run
from executions.models import BulkJob, Execution
from executions.states import Status
from tests.accessibility import axe_finds_nothing
from tests.browsers import fits
from tests.executions_in_tests import make_execution
from tests.grids import LIVE
from tests.integration.test_bulk_jobs import HTMX, make_job, many


def ask(page: Page, command: str = "stop") -> Any:
    """Press a command for all that match; the dialog that opens."""
    page.locator("#rows [name=id]").first.focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+a")
    expect(page.locator("[data-selected-count]")).to_contain_text("that match")
    page.locator(f"[data-command={command}]").first.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("#bulk")
    expect(dialog).to_be_visible()
    return dialog


def test_the_dialog_is_read_confirmed_and_followed_by_keyboard(grid: Any, admin_user: Any) -> None:
    many(admin_user, 3)
    make_execution(admin_user, status=Status.ENDED)
    page = grid("/?flow=orders")
    errors: list[str] = []
    page.on("console", lambda told: errors.append(told.text) if told.type == "error" else None)
    dialog = ask(page)
    expect(page).to_have_url(re.compile(r"/\?flow=orders$"))
    named = page.get_by_role("dialog", name="Stop all that match")
    expect(named).to_have_accessible_description("3 executions of flow orders")
    expect(dialog).to_contain_text("Left out. It is already Ended.")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("j")  # the rows below do not hear it
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(dialog.get_by_role("button", name="Stop 3 executions")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.locator("[data-command=stop]").first).to_be_focused()
    strip = page.locator(".job-strip")
    expect(strip).to_contain_text("0 stopped of 3; it waits for a worker")
    job = BulkJob.objects.get()
    assert (job.command, job.filters, job.expected) == ("stop", "flow=orders", 3)
    expect(strip.get_by_role("link", name="Stop 3")).to_have_attribute(
        "href", job.get_absolute_url()
    )
    run.run(job.pk, "here")
    expect(strip).to_contain_text("3 stopped")
    expect(strip).to_contain_text("Done")
    expect(page.locator("#announce")).to_have_text("Stop 3: Done, 3 stopped")
    assert Execution.objects.filter(status=Status.STOPPED).count() == 3
    page.reload()
    expect(strip).to_contain_text("3 stopped")
    strip.get_by_role("button", name="Dismiss").click()
    expect(strip).to_have_count(0)
    page.reload()
    expect(page.locator(LIVE)).to_be_visible()
    expect(strip).to_have_count(0)
    assert not errors


@pytest.mark.parametrize("address", ["/", "/?flow=orders"])
def test_escape_and_back_close_the_dialog_and_leave_the_grid(
    address: str, grid: Any, admin_user: Any
) -> None:
    many(admin_user, 2)
    page = grid("/?status=Running")
    if address == "/":
        page.goto("/")
    else:
        # An entry that htmx has made: it fetches such a page anew when Back leads to it.
        page.locator("#search").fill("flow:orders")
        page.keyboard.press("Enter")
    expect(page.locator("#rows > tr")).to_have_count(2)
    expect(page.locator(LIVE)).to_be_visible()
    page.evaluate("window.mark = true")
    for close in (
        lambda: page.keyboard.press("Escape"),
        lambda: page.locator("#bulk").get_by_role("button", name="Cancel").click(),
        lambda: page.evaluate("history.back()"),
    ):
        dialog = ask(page)
        close()
        expect(dialog).to_be_hidden()
        expect(page.locator("[data-command=stop]").first).to_be_focused()
        # What was selected still is, and the next command is for the same.
        expect(page.locator("[data-selected-count]")).to_have_text("All 2 that match")
        page.keyboard.press("Escape")
    page.evaluate("history.forward()")
    expect(dialog).to_be_visible()
    # Fetched again, the page shows it again, and Back leads to the grid below.
    page.reload()
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator(LIVE)).to_be_visible()
    page.wait_for_function("!history.state?.bulk")  # closing it has led back below it
    page.go_back()
    expect(page).to_have_url(re.compile("status=Running"))
    assert not BulkJob.objects.exists()


def test_what_is_not_read_or_refused_is_told_in_the_dialog(
    browser: Browser, live_app: Any, admin_user: Any, grid: Any
) -> None:
    many(admin_user, 2)
    page = grid("/?flow=orders&custmer=42")
    dialog = ask(page)
    expect(dialog.get_by_role("alert")).to_contain_text("would match too many executions")
    expect(dialog.get_by_role("button")).to_have_text(["Close"])
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()

    ada = User.objects.create_user("ada")
    ada.user_permissions.add(Permission.objects.get(codename="view_execution"))
    client = Client()
    client.force_login(ada)
    cookie = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_app.url}])
    page.goto("/?flow=orders")
    expect(page.locator(LIVE)).to_be_visible()
    dialog = ask(page)
    expect(dialog).to_contain_text("All of these will be refused. Other people started them")
    expect(dialog.get_by_role("button", name="Stop 2 executions")).to_be_disabled()
    page.goto("/?status=Ended&status=Paused")
    dialog = ask(page, "retry")
    expect(dialog).to_contain_text("Retry applies to none of the executions")


def test_a_lost_connection_is_told_in_the_dialog_and_nothing_is_done_twice(
    grid: Any, admin_user: Any
) -> None:
    many(admin_user, 2)
    page = grid("/?flow=orders")
    dialog = ask(page)
    lost: list[int] = []

    def answer_is_lost(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        lost.append(route.fetch().status)
        route.abort()

    page.route("**/executions/all/**", answer_is_lost)
    stop = dialog.get_by_role("button", name="Stop 2 executions")
    stop.click()
    notice = dialog.locator(".notice")
    expect(notice).to_contain_text("You can safely press the button again.")
    assert lost == [200]
    page.unroute("**/executions/all/**")
    notice.get_by_role("button", name="Dismiss").click()
    stop.click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".job-strip")).to_have_count(1)
    assert BulkJob.objects.count() == 1


def test_a_job_of_what_is_selected_is_followed_and_cancelled(grid: Any, admin_user: Any) -> None:
    many(admin_user, 25, status=Status.ERROR, ended_at=timezone.now())
    page = grid("/?flow=orders")
    page.locator("#rows [name=id]").first.focus()
    page.keyboard.press("Control+a")
    page.locator("[data-command=retry]").first.click()
    page.locator("[data-confirm-yes]").click()
    strip = page.locator(".job-strip")
    expect(strip).to_contain_text("0 retried of 25; it waits for a worker")
    expect(page).to_have_url(re.compile(r"/\?flow=orders$"))
    strip.get_by_role("button", name="Cancel").click()
    expect(strip).to_contain_text("Cancelled")
    assert BulkJob.objects.get().status == "cancelled"


def test_the_line_of_a_job_is_for_its_user_only(admin_client: Client, admin_user: User) -> None:
    job = make_job(admin_user, expected=3)
    line = admin_client.get(job.get_absolute_url(), headers=HTMX)
    assert f'id="job-{job.pk}"' in line.content.decode()
    assert "<html" not in line.content.decode()
    ada = Client()
    ada.force_login(User.objects.create_superuser("ada"))
    assert ada.get(job.get_absolute_url(), headers=HTMX).status_code == 404
    part = ada.get("/executions/all/stop/?flow=orders", headers=HTMX).content.decode()
    assert "<html" not in part
    assert 'hx-post="/executions/all/stop/?flow=orders"' in part


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_in_the_dialog_and_the_line(
    grid: Any, admin_user: Any, width: int
) -> None:
    many(admin_user, 3)
    make_execution(admin_user, status=Status.STOPPING)
    page = grid("/?flow=orders")
    dialog = ask(page)
    page.set_viewport_size({"width": width, "height": 700})
    axe_finds_nothing(page, within="dialog[open]")
    box = dialog.bounding_box()
    button = dialog.get_by_role("button", name="Stop 3 executions")
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    expect(button).to_be_in_viewport(ratio=1)
    button.click()
    expect(page.locator(".job-strip")).to_be_visible()
    axe_finds_nothing(page, within=".job-strip")
    assert fits(page, width)


@pytest.mark.parametrize("width", [1440, 1000, 390])
def test_help_stands_in_the_row_of_the_search_box(grid: Any, width: int) -> None:
    page = grid()
    page.set_viewport_size({"width": width, "height": 844})
    box = page.locator("#search-label").bounding_box()
    help_box = page.get_by_role("link", name="Help: finding executions").bounding_box()
    assert abs(box["y"] + box["height"] / 2 - help_box["y"] - help_box["height"] / 2) < 2
    assert help_box["x"] >= box["x"] + box["width"]
