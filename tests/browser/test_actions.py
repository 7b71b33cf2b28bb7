"""Commanding in a browser: all that match, jobs, stale commands, watches, exports, failures."""

import json
import re
from pathlib import Path
from typing import Any

from django.contrib.sessions.models import Session as SignIn
from django.template.loader import render_to_string
from django.utils import timezone
from playwright.sync_api import expect

from executions.alerts import personal
from executions.models import AuditEntry, BulkJob, Delivery, Execution, Watch
from executions.states import Status
from tests.accessibility import axe_finds_nothing
from tests.debugging import NESTED, NESTED_VARIABLES, Session, at
from tests.executions_in_tests import event_of, make_execution
from tests.flows_in_tests import publish as publish_flow
from tests.grids import LIVE, tell
from tests.integration.test_bulk_jobs import make_job, many
from tests.servers import Process


def test_all_that_match_are_previewed_stopped_and_reported(
    grid: Any, admin_user: Any, worker: Process
) -> None:
    many(admin_user, 300)
    refused = make_execution(admin_user, status=Status.STOPPING, age=1)
    page = grid("/?flow=orders")
    page.keyboard.press("j")
    page.keyboard.press("Control+a")
    expect(page.locator("[data-selected-count]")).to_have_text("50 selected")
    expect(page.locator("[data-select-match]")).to_be_visible()
    page.keyboard.press("Control+a")
    expect(page.locator("[data-selected-count]")).to_have_text("All 301 that match")
    page.locator("[data-command=stop]").click()
    dialog = page.get_by_role("dialog", name="Stop all that match")
    expect(dialog.locator("table.shares")).to_contain_text("Left out")
    axe_finds_nothing(page, within="dialog[open]")
    page.get_by_role("button", name="Stop 300 executions").click()
    expect(page.locator(".job-strip")).to_contain_text("300 stopped", timeout=30_000)
    page.locator(".job-strip").get_by_role("link", name="Stop 300").click()
    expect(page).to_have_url(re.compile(r"/executions/jobs/"))
    expect(page.locator("#state")).to_have_text("Done", timeout=30_000)
    expect(page.locator(".sums")).to_contain_text("300 stopped")
    axe_finds_nothing(page)
    assert Execution.objects.filter(status=Status.STOPPED).count() == 300
    refused.refresh_from_db()
    assert refused.status == Status.STOPPING


def test_a_job_shows_its_refusals_and_can_be_cancelled(grid: Any, admin_user: Any) -> None:
    """Without a worker it waits, and its page says so."""
    executions = many(admin_user, 3)
    from executions.bulk import run

    chosen = {str(one.pk): "Paused" for one in executions}
    job = make_job(admin_user, chosen=chosen, expected=3)
    page = grid(job.get_absolute_url())
    expect(page.locator(".sums")).to_contain_text("waits for a worker")
    Execution.objects.filter(pk=executions[0].pk).update(
        status=Status.ENDED, ended_at=timezone.now()
    )
    run.run(job.pk, "here")
    # Pushed: nobody has reloaded it.
    expect(page.locator("#state")).to_have_text("Done")
    expect(page.locator("#refused")).to_have_text("1 refused")
    expect(page.locator("details[open]")).to_contain_text("it is Ended now")
    axe_finds_nothing(page)
    waiting = make_job(admin_user)
    page.goto(waiting.get_absolute_url())
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#state")).to_have_text("Cancelled")
    page.goto("/executions/jobs/")
    expect(page.locator("#jobs tbody tr")).to_have_count(2)
    axe_finds_nothing(page)
    assert BulkJob.objects.filter(status="cancelled").count() == 1


def test_a_stale_command_says_what_has_changed(grid: Any, admin_user: Any) -> None:
    one = make_execution(admin_user, status=Status.PAUSED)
    page = grid()
    page.locator("#rows [name=id]").check()
    # Changed without a word to the page.
    Execution.objects.filter(pk=one.pk).update(status=Status.ENDED, ended_at=timezone.now())
    AuditEntry.objects.create(
        execution=one, flow_name="orders", actor="ada", command="continue", source="page",
        outcome="done",
    )  # fmt: skip
    page.locator("[data-command=continue]").click()
    expect(page.locator("#notices")).to_contain_text(
        re.compile(
            r"It was Paused when you pressed Continue; ada continued it at \d\d:\d\d:\d\d "
            r"and it is Ended now\."
        )
    )


def test_the_next_block_of_two_is_set_from_the_grid(
    grid: Any, admin_user: Any, tmp_path: Path
) -> None:
    session = Session(admin_user)
    version = publish_flow(tmp_path, "nested", NESTED, NESTED_VARIABLES)
    both = [session.start(version, paused=True) for _ in range(2)]
    over = session.start(version)
    make_execution(admin_user, status=Status.PAUSED)
    page = grid("/?sort=-started")
    button = page.locator("[data-set-next]")
    expect(button).to_have_attribute("title", "Select executions first")
    box = '[data-id="{}"] [name=id]'
    page.locator(box.format(over.pk)).check()
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_have_attribute(
        "title", "None of the selected executions is Paused or Exception"
    )
    for one in both:
        page.locator(box.format(one.pk)).check()
    expect(button).to_contain_text("2 of 3")
    page.locator('[data-flow="orders"] [name=id]').check()
    expect(button).to_have_attribute("title", "Select executions of one flow: these are of 2")
    page.locator('[data-flow="orders"] [name=id]').uncheck()
    page.locator(box.format(over.pk)).uncheck()
    button.click()
    page.get_by_label("Next block of").select_option(label="Start Workspace (Inner)")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".move-preview .move")).to_have_count(2)
    axe_finds_nothing(page)
    page.get_by_role("button", name="Move 2 of 2").click()
    expect(page).to_have_url(re.compile(r"/\?sort=-started$"))
    expect(page.locator("#notices")).to_contain_text("Set next: 2 of 2 done.")
    for one in both:
        one.refresh_from_db()
        assert at(one) == (Status.PAUSED, "block", "w/v/s")


def test_two_presses_are_one_command(grid: Any, admin_user: Any) -> None:
    make_execution(admin_user, status=Status.PAUSED)
    page = grid()
    page.locator("#rows [name=id]").check()
    key = page.locator("#form-key")
    first = key.input_value()
    page.locator("[data-command=step]").evaluate("b => { b.click(); b.click(); b.click(); }")
    expect(key).not_to_have_value(first)
    assert AuditEntry.objects.filter(command="step").count() == 1
    # The next one has another key.
    Execution.objects.update(status=Status.PAUSED)
    tell(Execution.objects.get())
    expect(page.locator('tr[data-status="Paused"]')).to_have_count(1)
    second = key.input_value()
    page.locator("[data-command=step]").click()
    expect(key).not_to_have_value(second)
    assert AuditEntry.objects.filter(command="step", outcome="done").count() == 2


def test_being_told_what_is_watched(grid: Any, admin_user: Any) -> None:
    one, other = make_execution(admin_user, age=5), make_execution(admin_user, flow="mail", age=9)
    page = grid()
    page.context.grant_permissions(["notifications"])
    page.evaluate(
        "() => { window.told = []; window.Notification = class { static permission = 'granted';"
        " constructor(title, options) { window.told.push([title, options.tag]); } }; }"
    )
    page.locator("#rows [name=id]").first.check()
    page.locator("#rows [name=id]").last.check()
    page.locator("[data-watch]").click()
    expect(page.locator("#notices")).to_contain_text("You watch 2 executions")
    expect(page.locator("[data-watch-word]")).to_have_text("Unwatch")
    # A mark in their rows, also after what changes, and in a page that is loaded anew.
    marks = page.locator("#rows .watched")
    expect(marks).to_have_count(2)
    tell(other, block_description="Further on")
    expect(page.locator("#rows")).to_contain_text("Further on")
    expect(marks).to_have_count(2)
    for place in (0, 1):
        row, mark = (
            page.locator("#rows > tr").nth(place).bounding_box(),
            marks.nth(place).bounding_box(),
        )
        assert row
        assert mark
        assert row["y"] < mark["y"] < mark["y"] + mark["height"] < row["y"] + row["height"]
    axe_finds_nothing(page)
    tell(one, status=Status.ENDED, ended_at=timezone.now())
    notice = page.locator(f'#notices [data-watched="{one.pk}"]')
    expect(notice).to_contain_text("orders is over: Ended")
    expect(marks).to_have_count(1)
    personal.notify_watchers()
    expect(page.get_by_role("button", name="Notifications, 1 unread")).to_be_visible()
    browser = Delivery.objects.get(via="browser")
    assert page.evaluate("window.told") == [["orders: Ended", str(browser.pk)]]
    # On another page, at the next visit; this one has asked before it happens.
    with page.expect_response("**/executions/watches/"):
        page.goto("/help/")
    event_of(other, status=Status.ERROR, ended_at=timezone.now(), error_type="Oops")
    page.goto("/help/")
    expect(page.locator("#notices")).to_contain_text("mail is over: Error, Oops")
    page.wait_for_timeout(300)
    page.reload()
    page.wait_for_timeout(300)
    expect(page.locator("#notices")).not_to_contain_text("mail")


def test_watching_from_the_page_of_an_execution(grid: Any, admin_user: Any) -> None:
    one = make_execution(admin_user)
    page = grid(one.get_absolute_url())
    page.locator("#watch").click()
    expect(page.locator("#watch")).to_have_text("Unwatch")
    assert Watch.objects.filter(user=admin_user, execution=one).exists()
    page.locator("#watch").click()
    expect(page.locator("#watch")).to_have_text("Watch")
    assert not Watch.objects.exists()


def test_exporting_what_is_selected(grid: Any, admin_user: Any) -> None:
    first, second = make_execution(admin_user, age=5), make_execution(admin_user, age=9)
    page = grid()
    page.locator("#rows [name=id]").first.check()
    page.locator("[data-more]").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export 1 execution as JSON").click()
    assert [one["id"] for one in json.loads(download.value.path().read_text())] == [str(first.pk)]
    page.keyboard.press("Escape")
    expect(page.locator("[data-select-none]")).to_be_hidden()
    page.locator("[data-more]").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export all that match as CSV").click()
    text = download.value.path().read_text()
    assert str(first.pk) in text
    assert str(second.pk) in text


def test_no_failure_is_silent(grid: Any, admin_user: Any) -> None:
    make_execution(admin_user, status=Status.PAUSED)
    page = grid()
    page.locator("#rows [name=id]").check()
    button, notices = page.locator("[data-command=continue]"), page.locator("#notices")
    page.context.set_offline(True)
    button.click()
    if page.locator("#confirm[open]").count():
        page.locator("[data-confirm-yes]").click()
    expect(notices).to_contain_text("not known whether this was done")
    page.context.set_offline(False)
    page.reload()
    expect(page.locator(LIVE)).to_be_visible()
    page.locator("#rows [name=id]").check()
    cookies = page.context.cookies()
    page.evaluate("document.body.setAttribute('hx-headers', '{\"X-CSRFToken\": \"wrong\"}')")
    page.evaluate("document.querySelector('#commands [name=csrfmiddlewaretoken]').value = 'wrong'")
    button.click()
    expect(notices).to_contain_text("This form has expired. Nothing was done.")
    expect(notices.get_by_role("link", name="Reload the page")).to_be_visible()
    assert cookies
    page.reload()
    expect(page.locator(LIVE)).to_be_visible()
    page.locator("#rows [name=id]").check()
    SignIn.objects.all().delete()
    button.click()
    expect(notices).to_contain_text("You are signed out")
    expect(notices.get_by_role("link", name="Sign in")).to_have_attribute(
        "href", re.compile("/login/")
    )
    assert not AuditEntry.objects.exists()


def test_the_list_of_shortcuts_is_what_the_scripts_listen_to(grid: Any, admin_user: Any) -> None:
    make_execution(admin_user)
    page = grid()
    listened: list[str] = page.evaluate(
        """async () => {
            const modules = ["shell", "grid", "selection"];
            const found = await Promise.all(modules.map((m) => import(`/static/js/${m}.js`)));
            return found.flatMap(({ keys }) => (Array.isArray(keys) ? keys : Object.keys(keys)));
        }"""
    )
    listed = re.findall(r'data-shortcut="([^"]+)"', render_to_string("partials/shortcut_list.html"))
    told = {key.replace("Space", " ") for keys in listed for key in keys.split(" ")}
    assert told == set(listened)


def test_the_grid_with_everything_open_has_no_fault(grid: Any, admin_user: Any) -> None:
    make_execution(admin_user, status=Status.PAUSED)
    page = grid()
    page.locator("#rows [name=id]").check()
    page.locator("[data-more]").click()
    axe_finds_nothing(page)
