"""What the product is for, in a real browser: start, watch, control, survive.

Real web server, workers, scheduler and Chromium; no page is reloaded unless a test says so.
"""

import re
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from executions.models import Execution
from executions.retention.trimming import trimmed_steps
from executions.states import Status
from tests.flows_in_tests import WAIT, WAIT_VARIABLES, publish
from tests.servers import celery_worker

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("worker", "beat", "live_app"),
]

#: Counts for some seconds, in pure blocks only.
COUNT = """
a: {type: Start Flow, bottom: l}
l:
  type: For Loop
  description: Count
  properties: {End Index: =Last, Current Index: ($)I}
  right: add
  bottom: e
add: {type: Set Variable, properties: {Value: =Sum + I, Variable: ($)Sum}, bottom: l}
e: {type: End Flow}
"""
COUNT_VARIABLES = "{Last: {input: true}, I: {default: 0}, Sum: {default: 0, output: true}}"


def row_of(page: Page, flow: str) -> Locator:
    return page.locator("#rows > tr[aria-level='1']", has_text=flow)


def start_by_form(page: Page, flow: str, *, button: str = "Start flow", **inputs: str) -> None:
    page.goto(f"/flows/{flow}/")
    for name, value in inputs.items():
        page.get_by_label(re.compile(rf"^{name}\b")).fill(value)
    page.get_by_role("button", name=button, exact=True).click()


def token(page: Page) -> Locator:
    """The innermost token of the diagram: *the* position."""
    return page.locator("[data-token]:not(.outer)")


def test_an_execution_started_by_its_form_is_watched_to_its_end(
    signed_in_page: Page, examples: None
) -> None:
    """The row appears, its children appear below it, and both end, without a reload."""
    grid = signed_in_page
    grid.goto("/")
    expect(grid.locator("[data-live]")).to_have_attribute("data-state", "live")
    grid.evaluate("window.neverReloaded = true")
    form = grid.context.new_page()
    start_by_form(form, "check-orders")

    row = row_of(grid, "check-orders")
    expect(row).to_be_visible()
    handle = row.locator("[data-toggle]")
    expect(handle).to_be_visible()
    handle.click()
    children = grid.locator("#rows > tr[aria-level='2']")
    expect(children.first).to_be_visible()
    expect(children).to_have_count(8, timeout=30_000)
    expect(row).to_have_attribute("data-status", "Ended", timeout=30_000)
    for child in children.all():
        assert child.get_attribute("data-status") in ("Ended", "Error")
    assert grid.evaluate("window.neverReloaded")


def test_the_token_moves_on_the_diagram(signed_in_page: Page, examples: None) -> None:
    page = signed_in_page
    start_by_form(
        page, "nightly-tour", button="Start and open", Sites='["Mill"]', Rooms="1", Pace="1"
    )
    page.wait_for_url("**/executions/**")
    page.evaluate("window.neverReloaded = true")
    # A moving token stands above another block each time that it is looked at.
    for seen in ("walk", "visit/unlock", "visit/look/enter"):
        expect(page.locator(f"[data-token][data-block='{seen}']")).to_be_visible(timeout=20_000)
    expect(page.locator(".status-pill")).to_have_text("Ended", timeout=30_000)
    assert page.evaluate("window.neverReloaded")
    expect(page.get_by_role("table", name="Steps")).to_contain_text("Back home")


def test_pause_step_continue_and_stop_do_what_they_say(
    signed_in_page: Page, tmp_path: Path
) -> None:
    publish(tmp_path, "wait", WAIT, WAIT_VARIABLES)
    page = signed_in_page
    page.goto("/flows/wait/")
    page.get_by_label("Pause at the first block").check()
    page.get_by_role("button", name="Start and open").click()
    page.wait_for_url("**/executions/**")
    pill = page.locator(".status-pill")

    def press(command: str) -> None:
        page.get_by_role("button", name=command, exact=True).click()

    expect(pill).to_have_text("Paused")
    expect(token(page)).to_have_attribute("data-block", "a")
    for block in ("w", "w/s", "w/wait"):
        press("Step")
        expect(token(page)).to_have_attribute("data-block", block)
        expect(pill).to_have_text("Paused")
    press("Continue")
    expect(pill).to_have_text("Ended")
    for command in ("Continue", "Pause", "Step", "Stop"):
        expect(page.get_by_role("button", name=command, exact=True)).to_be_disabled()

    start_by_form(page, "wait", button="Start and open", Seconds="600")
    page.wait_for_url("**/executions/**")
    expect(pill).to_contain_text("Running")
    press("Pause")
    expect(pill).to_have_text("Paused")
    press("Continue")
    expect(pill).to_contain_text("Running")
    page.once("dialog", lambda dialog: dialog.accept())
    press("Stop")
    confirm = page.locator("dialog[open] [value=yes]")
    if confirm.count():
        confirm.click()
    expect(pill).to_have_text("Stopped")
    assert Execution.objects.get(status=Status.STOPPED).ended_at


def test_selected_rows_are_commanded_together(signed_in_page: Page, tmp_path: Path) -> None:
    publish(tmp_path, "wait", WAIT, WAIT_VARIABLES)
    for _ in range(3):
        call_command("start_flow", "wait", input=["Seconds=600"])
    page = signed_in_page
    page.goto("/")
    rows = page.locator("#rows > tr")
    expect(rows).to_have_count(3)
    for row in rows.all():
        expect(row).to_have_attribute("data-status", "Running")
    rows.first.locator(".c-check input").click()
    rows.last.locator(".c-check input").click(modifiers=["Shift"])
    page.get_by_role("button", name="Pause", exact=True).click()
    for row in rows.all():
        expect(row).to_have_attribute("data-status", "Paused")
        expect(row).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_disabled()


def test_an_execution_survives_the_death_of_its_worker(
    signed_in_page: Page,
    tmp_path: Path,
    product_environment: dict[str, str],
) -> None:
    environment = {**product_environment, "LEASE_SECONDS": "3"}
    worker = celery_worker(tmp_path / "worker.log", environment)
    publish(tmp_path, "count", COUNT, COUNT_VARIABLES)
    page = signed_in_page
    start_by_form(page, "count", button="Start and open", Last="60000")
    page.wait_for_url("**/executions/**")
    execution = Execution.objects.get()
    worker.wait_until(lambda: Execution.objects.filter(step_count__gt=0).exists())
    worker.kill()
    execution.refresh_from_db()
    assert execution.status == Status.RUNNING
    assert execution.lease_owner
    another = celery_worker(tmp_path / "another.log", environment)
    try:
        expect(page.locator(".status-pill")).to_have_text("Ended", timeout=60_000)
    finally:
        another.stop()
    execution.refresh_from_db()
    assert execution.outputs == {"Sum": sum(range(60_001))}
    assert execution.step_count == 1 + 60_001 * 2 + 2
    assert execution.steps.count() == execution.step_count - len(
        trimmed_steps(execution.step_count)
    )


def test_a_cut_socket_shows_and_the_page_catches_up(signed_in_page: Page, tmp_path: Path) -> None:
    publish(tmp_path, "wait", WAIT, WAIT_VARIABLES)
    page = signed_in_page
    open_sockets: list[WebSocketRoute] = []
    cut = False

    def relay(socket: WebSocketRoute) -> None:
        if cut:
            socket.close()
            return
        socket.connect_to_server()
        open_sockets.append(socket)

    page.route_web_socket("**/ws/**", relay)
    page.goto("/")
    badge = page.locator("[data-live]")
    expect(badge).to_have_attribute("data-state", "live")
    cut = True
    for socket in open_sockets:
        socket.close()
    expect(badge).to_have_attribute("data-state", re.compile("poll|stale"))
    call_command("start_flow", "wait", input=["Seconds=0"])
    expect(row_of(page, "wait")).to_have_attribute("data-status", "Ended", timeout=15_000)
    cut = False
    expect(badge).to_have_attribute("data-state", "live", timeout=30_000)
    call_command("start_flow", "wait", input=["Seconds=600"])
    expect(page.locator("#rows > tr[data-status=Running]")).to_be_visible()
