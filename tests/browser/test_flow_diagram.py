"""The page of a flow in a browser: its counts move with the executions."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.models import Execution
from tests.accessibility import axe_finds_nothing
from tests.flows_in_tests import WAIT, WAIT_VARIABLES, publish
from tests.servers import Process

pytestmark = pytest.mark.django_db(transaction=True)


def test_counts_are_live_and_axe_finds_nothing(
    tmp_path: Path, admin_user: User, worker: Process, signed_in_page: Page
) -> None:
    notes = "[{text: It sleeps in there, block: w}, {text: Anything}]"
    version = publish(tmp_path, "nap", WAIT, WAIT_VARIABLES, notes)
    actor = Actor(admin_user.pk, "admin", "page")
    page = signed_in_page
    page.emulate_media(reduced_motion="reduce")
    page.goto("/flows/nap/")
    expect(page.locator("[data-live]")).to_have_attribute("data-state", "live")
    page.evaluate("window.stays = document.querySelector('svg[data-workspace]')")
    paused = start(version, {}, actor, Execution.Trigger.PAGE, paused=True)
    pill = page.get_by_role("link", name="1 paused at Start Flow")
    expect(pill).to_be_visible()
    start(version, {"Seconds": 60}, actor, Execution.Trigger.PAGE)
    expect(page.get_by_role("link", name="1 running at Nap")).to_be_visible()
    expect(page.get_by_role("img", name="Note on Nap: It sleeps in there")).to_be_visible()
    page.get_by_text("and 2 notes of Top-level as a list").click()
    expect(page.locator(".text-version .notes")).to_contain_text("Anything")
    axe_finds_nothing(page)
    assert run_command("stop", CommandRequest(paused, admin_user, actor)).done
    expect(pill).to_have_count(0)
    assert page.evaluate("stays === document.querySelector('svg[data-workspace]')")
    page.get_by_role("link", name="1 running at Nap").click()
    page.get_by_role("link", name="1 running at Sleep").click()
    rows = page.locator("tr[data-id]")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Sleep")


def test_blocks_are_walked_by_keyboard(tmp_path: Path, signed_in_page: Page) -> None:
    publish(tmp_path, "nap", WAIT, WAIT_VARIABLES)
    page = signed_in_page
    page.goto("/flows/nap/")
    page.locator("[data-canvas] .view").focus()
    page.keyboard.press("Tab")
    start = page.get_by_role("img", name="Start Flow", exact=True)
    expect(start).to_be_focused()
    expect(start.locator("circle").first).to_have_css("outline-style", "solid")
    page.keyboard.press("ArrowUp")  # there is nothing above
    expect(start).to_be_focused()
    page.keyboard.press("ArrowDown")
    workspace = page.get_by_role("link", name="Open workspace Nap")
    expect(workspace).to_be_focused()
    expect(page.locator('svg[data-workspace] [tabindex="0"]')).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("img", name="End Flow", exact=True)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"workspace=w$"))
    expect(page.get_by_role("img", name="Sleep, Wait For Duration")).to_be_visible()
