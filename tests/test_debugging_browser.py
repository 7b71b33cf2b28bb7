"""Debugging on the page of an execution, in a browser."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from executions.commands.actor import Actor
from executions.commands.start import start
from executions.models import Execution
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

    page.get_by_text("Breakpoints, next block, variables, versions").click()
    page.get_by_label("Variable", exact=True).select_option("0:I")
    page.get_by_label("Value", exact=True).fill("41")
    page.get_by_role("button", name="Set variable").click()
    expect(page.locator("#notices")).to_contain_text("I: 1 → 41")
    expect(page.get_by_label("Value", exact=True)).to_have_value("41")
    page.locator('[data-key="b-e"]').get_by_role("button", name="Set next").click()
    expect(head).to_contain_text("Paused before 'End Flow'")
    page.locator("#do-continue").click()
    expect(head).to_contain_text("Ended at")
