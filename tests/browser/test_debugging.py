"""Debugging on the page of an execution, in a browser."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.models import AuditEntry, Execution
from executions.states import Status
from tests.flows_in_tests import LOOP, LOOP_VARIABLES, publish
from tests.servers import Process

pytestmark = pytest.mark.usefixtures("worker")


def test_breakpoints_variables_and_the_next_block(
    tmp_path: Path, admin_user: User, worker: Process, signed_in_page: Page
) -> None:
    version = publish(tmp_path, "loop", LOOP, LOOP_VARIABLES)
    actor = Actor(admin_user.pk, "admin", "page")
    execution = start(version, {}, actor, Execution.Trigger.PAGE, paused=True)
    page = signed_in_page
    page.goto(f"/executions/{execution.pk}/?tab=blocks")
    head = page.locator("#part-head")
    expect(head).to_contain_text("Paused before 'Start Flow' in Top-level by admin")

    breakpoint = page.get_by_role("button", name="Breakpoint at Add Item At End")
    expect(breakpoint).to_have_attribute("aria-pressed", "false")
    breakpoint.click()
    expect(breakpoint).to_have_attribute("aria-pressed", "true")
    page.locator("#do-continue").click()
    expect(head).to_contain_text("Paused at the breakpoint above 'Add Item At End'")

    page.goto(f"/executions/{execution.pk}/?tab=blocks&var=0:I")
    page.locator("#edit-value").click()
    dialog = page.locator("#value-edit")
    dialog.get_by_label("Value").fill("41")
    dialog.get_by_role("button", name="Show changes").click()
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("#notices")).to_contain_text("I: 1 → 41")
    page.locator('[data-key="b-e"]').get_by_role("button", name="Set next").click()
    expect(head).to_contain_text("Paused before 'End Flow'")
    page.locator("#do-continue").click()
    expect(head).to_contain_text("Ended at")


def paused(tmp_path: Path, user: User) -> Execution:
    version = publish(tmp_path, "loop", LOOP, LOOP_VARIABLES)
    actor = Actor(user.pk, "admin", "page")
    return start(version, {}, actor, Execution.Trigger.PAGE, paused=True)


def test_a_double_click_steps_once(
    tmp_path: Path, admin_user: User, worker: Process, signed_in_page: Page
) -> None:
    execution = paused(tmp_path, admin_user)
    page = signed_in_page
    page.goto(execution.get_absolute_url())
    head, step = page.locator("#part-head"), page.locator("#do-step")
    expect(page.locator('[data-live][data-state="live"]')).to_be_visible()
    step.dblclick()
    expect(head).to_contain_text("Paused before 'For Loop'")
    # However late the second one comes, as long as the page shows the state of the first.
    page.evaluate(
        """async () => {
            const form = new FormData(document.getElementById("debug"));
            for (const _ of [1, 2]) {
                await fetch("/executions/commands/step/", { method: "POST", body: form });
            }
        }"""
    )
    expect(head).to_contain_text("Paused before 'Add Item At End'")
    page.wait_for_timeout(300)
    expect(head).to_contain_text("Paused before 'Add Item At End'")
    assert AuditEntry.objects.filter(command="step", outcome="done").count() == 2
    # What is shown now may be stepped from.
    step.click()
    expect(head).to_contain_text("Paused before 'For Loop'")
    assert AuditEntry.objects.filter(command="step", outcome="done").count() == 3


def test_a_stale_command_is_refused_in_words(
    tmp_path: Path, admin_user: User, worker: Process, signed_in_page: Page
) -> None:
    execution = paused(tmp_path, admin_user)
    page = signed_in_page
    page.goto(execution.get_absolute_url())
    expect(page.locator('[data-live][data-state="live"]')).to_be_visible()
    # Changed without a word to the page.
    now = timezone.now()
    Execution.objects.filter(pk=execution.pk).update(
        status=Status.STOPPED, ended_at=now, due_at=None
    )
    AuditEntry.objects.create(
        execution=execution, flow_name="loop", actor="ada", command="stop", source="page",
        outcome="done",
    )  # fmt: skip
    page.locator("#do-continue").click()
    expect(page.locator("#notices")).to_contain_text(
        re.compile(r"It was Paused when you pressed Continue; ada stopped it at \d\d:\d\d:\d\d\.")
    )
    # A refusal did nothing: asked again, it is asked anew.
    with page.expect_response(re.compile("/commands/continue/")):
        page.locator("#do-continue").click()
    # It is told once.
    expect(page.locator("#notices .notice")).to_have_count(1)
    assert AuditEntry.objects.filter(command="continue", outcome="refused").count() == 2


def test_what_is_asked_for_less_often_is_in_a_menu(
    tmp_path: Path, admin_user: User, signed_in_page: Page
) -> None:
    execution = paused(tmp_path, admin_user)
    publish(
        tmp_path, "loop", LOOP.replace("e: {type", "e: {description: Over, type"), LOOP_VARIABLES
    )
    page = signed_in_page
    page.goto(execution.get_absolute_url())
    expect(page.locator('[data-live][data-state="live"]')).to_be_visible()
    # The form of those who have no scripts is not there.
    expect(page.locator("#debug details")).to_have_count(0)
    menu = page.locator("#further")
    for name, outcome in (
        ("Attach", "Attach: loop"),
        ("Move version", "v2"),
        ("Detach", "Detach: loop"),
    ):
        expect(menu).to_be_hidden()
        page.locator("#debug").get_by_role("button", name="More").click()
        menu.get_by_role("button", name=re.compile(name, re.IGNORECASE)).click()
        expect(page.locator("#notices .notice:visible")).to_contain_text(outcome)
    execution.refresh_from_db()
    assert execution.version_number == 2
