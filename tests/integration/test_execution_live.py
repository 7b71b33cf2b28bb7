"""The page of one execution in a real browser: it moves without reloading, and keeps what a reader
has opened, scrolled to and focused."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from executions.models import Execution
from flows.models import FlowVersion
from tests.flows_in_tests import publish
from tests.servers import Process

pytestmark = pytest.mark.django_db(transaction=True)

BLOCKS = """
a: {type: Start Flow, bottom: one}
one: {type: Set Variable, properties: {Value: =List, Variable: ($)Copy}, bottom: w}
w:
  type: Workspace
  description: Inside
  bottom: two
  variables: {Deep: {default: 1}}
  blocks:
    s: {type: Start Workspace, bottom: x}
    x: {type: End Workspace}
two: {type: Set Variable, properties: {Value: "=List[0]", Variable: ($)First}, bottom: e}
e: {type: End Flow}
"""
VARIABLES = """
List: {type: List, input: true, default: [10, 20, 30, 40, 50, 60, 70, 80, 90]}
Copy: {}
First: {output: true}
"""


@pytest.fixture
def flow(transactional_db: None, tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "walk", BLOCKS, VARIABLES)


def token(page: Page, block: str) -> None:
    expect(page.locator(f'[data-token]:not(.outer)[data-block="{block}"]')).to_be_visible()


def test_a_walk_through_an_execution(
    flow: FlowVersion, worker: Process, signed_in_page: Page
) -> None:
    page = signed_in_page
    page.goto("/flows/walk/")
    page.get_by_label("Pause at the first block").check()
    page.get_by_role("button", name="Start and open").click()
    page.wait_for_url(re.compile(r"/executions/[0-9a-f-]+/$"))
    expect(page.locator("#part-head")).to_contain_text("Paused")
    expect(page.locator("[data-live]")).to_have_attribute("data-state", "live")
    page.evaluate("window.stays = true")
    token(page, "a")

    step = page.get_by_role("button", name="Step", exact=True)
    step.click()
    token(page, "one")
    # What is open and focused stays so while the page goes on.
    page.locator("#part-side a.line", has_text="List with 9 items").first.click()
    looked = page.get_by_role("region", name="Value of List")
    expect(looked).to_be_visible()
    expect(step).to_be_enabled()
    page.keyboard.press("s")
    token(page, "w")
    expect(page.locator("#part-side a.line", has_text="Copy")).to_be_visible()
    expect(looked).to_be_visible()
    expect(page.locator('[data-block="one"].block')).not_to_have_class(re.compile("dim"))
    expect(page.locator("#part-bottom tbody tr")).to_have_count(2)

    expect(step).to_be_enabled()
    step.click()  # the diagram follows the token inside
    token(page, "w/s")
    expect(page.locator("#part-workspaces a[aria-current]")).to_contain_text("Inside")
    expect(page.locator("#part-side")).to_contain_text("Deep")

    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#part-head")).to_contain_text("Ended")
    token(page, "e")
    expect(page.locator("#do-stop")).to_be_disabled()
    assert page.evaluate("window.stays") is True
    assert Execution.objects.get().outputs == {"First": 10}


def test_tabs_are_addresses(flow: FlowVersion, worker: Process, signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto("/flows/walk/")
    page.get_by_role("button", name="Start and open").click()
    expect(page.locator("#part-head")).to_contain_text("Ended")
    page.locator("#tab-audit").click()
    expect(page.get_by_role("region", name="audit")).to_contain_text("Start")
    expect(page).to_have_url(re.compile(r"\?tab=audit$"))
    page.locator("#panel-io").click()
    expect(page).to_have_url(re.compile(r"\?tab=audit&panel=io$"))
    expect(page.locator("#part-side")).to_contain_text("First")
    page.reload()
    expect(page.locator("#part-side")).to_contain_text("First")
    expect(page.locator("#tab-audit")).to_have_attribute("aria-current", "true")
    page.go_back()
    expect(page.locator("#panel-variables")).to_have_attribute("aria-current", "true")


def test_without_javascript_everything_can_be_read(
    flow: FlowVersion, worker: Process, signed_in_page: Page, browser_context: BrowserContext
) -> None:
    signed_in_page.goto("/flows/walk/")
    signed_in_page.get_by_role("button", name="Start and open").click()
    expect(signed_in_page.locator("#part-head")).to_contain_text("Ended")
    plain = browser_context.browser.new_context(  # type: ignore[union-attr]
        java_script_enabled=False, storage_state=browser_context.storage_state()
    )
    page = plain.new_page()
    page.goto(signed_in_page.url)
    expect(page.locator("svg[data-workspace]")).to_be_visible()
    page.locator('[data-block="w"] a').click()
    expect(page.locator('[data-block="w/x"]')).to_be_visible()
    page.locator("#tab-blocks").click()
    expect(page.locator("#part-bottom")).to_contain_text("End Workspace")
    plain.close()


def test_zoom(flow: FlowVersion, worker: Process, signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto("/flows/walk/")
    svg = page.locator("svg[data-workspace]")
    before = svg.bounding_box()
    page.get_by_role("button", name="Zoom in").click()
    after = svg.bounding_box()
    assert before
    assert after
    assert after["width"] > before["width"]
    page.keyboard.press("0")
    view = page.locator("[data-canvas] .view").bounding_box()
    whole = svg.bounding_box()
    assert view
    assert whole
    assert whole["height"] <= view["height"] + 1
