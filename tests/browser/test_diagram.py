"""The diagram in a browser: breakpoints by click and key, walking, the block's menu, setting the
next block by dragging, following, travelling tokens, large flows."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.models import Execution
from tests.accessibility import axe_finds_nothing
from tests.debugging import NESTED, NESTED_VARIABLES
from tests.flows_in_tests import LOOP, LOOP_VARIABLES, publish
from tests.servers import Process

pytestmark = pytest.mark.django_db(transaction=True)


def begin(
    folder: Path, user: User, name: str, blocks: str, variables: str = "{}", notes: str = "[]"
) -> Execution:
    version = publish(folder, name, blocks, variables, notes)
    actor = Actor(user.pk, user.get_username(), "page")
    return start(version, {}, actor, Execution.Trigger.PAGE, paused=True)


@pytest.fixture
def loop(tmp_path: Path, admin_user: User, worker: Process) -> Execution:
    return begin(tmp_path, admin_user, "loop", LOOP, LOOP_VARIABLES)


@pytest.fixture
def nested(tmp_path: Path, admin_user: User, worker: Process) -> Execution:
    notes = "[{text: What is inside throws, block: w}]"
    return begin(tmp_path, admin_user, "nested", NESTED, NESTED_VARIABLES, notes)


@pytest.fixture
def opened(signed_in_page: Page, loop: Execution) -> Page:
    """The page of the loop, paused before its first block."""
    show(signed_in_page, loop)
    return signed_in_page


def show(page: Page, execution: Execution, query: str = "") -> None:
    page.goto(f"/executions/{execution.pk}/{query}")
    expect(page.locator("#part-head")).to_contain_text("Paused before")
    expect(page.locator("[data-live]")).to_have_attribute("data-state", "live")


def shape(page: Page, block: str) -> Locator:
    return page.locator(f'g.block[data-block="{block}"] [class^="k-"]').first


def token_at(page: Page, block: str) -> None:
    expect(page.locator(f'[data-token][aria-current][data-block="{block}"]')).to_be_visible()


def bar(page: Page, block: str) -> Locator:
    return page.locator(f'[data-bar="{block}"]')


def beside(menu: Locator, block: Locator) -> None:
    expect(menu).to_be_visible()
    here, there = menu.bounding_box(), block.bounding_box()
    assert here
    assert there
    assert 0 < here["x"] - there["x"] - there["width"] < 60
    assert here["y"] <= there["y"]


def focused(page: Page) -> str:
    found: str = page.evaluate("document.activeElement.closest('g.block')?.dataset.block ?? ''")
    return found


def test_breakpoints_by_click_key_and_menu(opened: Page) -> None:
    page = opened
    page.locator('g.block[data-block="add"] [data-gutter]').click()
    expect(bar(page, "add")).to_have_attribute("aria-label", "Breakpoint at Add Item At End")
    page.locator('g.block[data-block="add"]').focus()
    page.keyboard.press("b")
    expect(bar(page, "add")).to_have_count(0)
    page.keyboard.press("Enter")
    menu = page.locator("#block-menu")
    expect(menu).to_be_visible()
    expect(menu).to_contain_text("Not visited yet")
    beside(menu, shape(page, "add"))
    menu.get_by_label("When").fill("Nothing > 1")
    menu.get_by_role("button", name="Set", exact=True).click()
    expect(page.locator("#notices")).to_contain_text("no variable Nothing at")
    expect(menu.get_by_label("When")).to_have_value("Nothing > 1")  # nothing is lost
    menu.get_by_label("When").fill("I > 1")
    menu.get_by_label("From hit").fill("2")
    menu.get_by_role("button", name="Set", exact=True).click()
    expect(menu).to_be_hidden()
    told = "Breakpoint at Add Item At End, when I > 1, from hit 2 on"
    expect(bar(page, "add")).to_have_attribute("aria-label", told)
    assert focused(page) == "add"
    shape(page, "add").click(button="right")
    beside(menu, shape(page, "add"))
    menu.get_by_role("button", name="Disable").click()
    expect(bar(page, "add")).to_have_class("breakpoint off")
    shape(page, "add").click()
    menu.get_by_role("button", name="Enable").click()
    expect(bar(page, "add")).to_have_class("breakpoint")
    page.keyboard.press("c")
    expect(page.locator("#part-head")).to_contain_text("breakpoint")
    token_at(page, "add")
    assert page.locator("#v-0-Seen, #part-side").first.inner_text().count("3") >= 1


def test_arrows_walk_along_the_connections(opened: Page) -> None:
    page = opened
    page.locator("[data-canvas] .view").focus()
    page.keyboard.press("Tab")
    assert focused(page) == "a"
    for key, block in [
        ("ArrowDown", "l"),
        ("ArrowRight", "add"),
        ("ArrowLeft", "l"),
        ("ArrowDown", "e"),
        ("ArrowUp", "l"),
        ("ArrowUp", "a"),
        ("ArrowUp", "a"),  # there is nothing above
    ]:
        page.keyboard.press(key)
        assert focused(page) == block, key
    expect(page.locator('svg[data-workspace] [tabindex="0"]')).to_have_count(1)


def test_a_token_is_dragged_to_the_next_block(opened: Page, loop: Execution) -> None:
    page = opened
    token = page.locator("[data-token] .dot").bounding_box()
    there = shape(page, "e").bounding_box()
    assert token
    assert there

    def drag(done: bool) -> None:
        assert token
        assert there
        page.mouse.move(token["x"] + 10, token["y"] + 10)
        page.mouse.down()
        page.mouse.move(there["x"] + 12, there["y"] + 12, steps=8)
        expect(page.locator("g.block.drop-target")).to_have_attribute("data-block", "e")
        if not done:
            page.keyboard.press("Escape")
        page.mouse.up()

    drag(done=False)
    expect(page.locator("g.block.drop-target")).to_have_count(0)
    expect(page.locator("#block-menu")).to_be_hidden()
    drag(done=True)
    menu = page.locator("#block-menu")
    expect(menu).to_contain_text("from Start Flow to End Flow")
    expect(menu).to_contain_text("It stays in its workspaces")
    loop.refresh_from_db()
    assert loop.block == "a"
    menu.get_by_role("button", name="Move the token").click()
    token_at(page, "e")
    expect(menu).to_be_hidden()
    expect(page.locator("#part-head")).to_contain_text("Paused before 'End Flow'")


def test_set_next_from_the_menu_across_workspaces(signed_in_page: Page, nested: Execution) -> None:
    page = signed_in_page
    show(page, nested, "?workspace=w/v")
    shape(page, "w/v/t").click()
    menu = page.locator("#block-menu")
    menu.get_by_role("link", name="Set next…").click()
    expect(menu).to_contain_text("Inner: Deep gets its default")
    menu.get_by_role("button", name="Cancel").click()
    expect(menu).to_be_hidden()
    shape(page, "w/v/t").click()
    menu.get_by_role("link", name="Set next…").click()
    menu.get_by_role("button", name="Move the token").click()
    token_at(page, "w/v/t")
    expect(page.locator("#part-side")).to_contain_text("Deep")


def test_selecting_a_token_and_following(signed_in_page: Page, nested: Execution) -> None:
    page = signed_in_page
    show(page, nested)
    follow = page.locator("#follow")
    expect(follow).to_have_attribute("aria-checked", "true")
    for block in ("w", "w/s", "w/v", "w/v/s"):
        page.locator("#do-step").click()
        token_at(page, block)  # the diagram opens the workspaces that it enters
    page.locator("#ws-w").click()
    expect(follow).to_have_attribute("aria-checked", "false")
    page.locator('[data-token="1"]').focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"token=1"))
    expect(page.locator('[data-token="1"]')).to_have_attribute("aria-current", "true")
    expect(page.locator("#part-side")).not_to_contain_text("Deep")
    page.reload()
    expect(page.locator('[data-token="1"]')).to_have_attribute("aria-current", "true")
    follow.click()
    expect(follow).to_have_attribute("aria-checked", "true")
    page.locator("[data-canvas] .view").hover()
    page.mouse.wheel(0, 40)  # whoever moves the diagram wants it to stay
    expect(follow).to_have_attribute("aria-checked", "false")


WATCH = """() => {
  window.seen = [];
  const wrapped = Element.prototype.animate;
  Element.prototype.animate = function (frames, options) {
    if (this.dataset?.token) seen.push(frames.length);
    return wrapped.call(this, frames, options);
  };
}"""


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_token_travels_along_its_connection(opened: Page, motion: Any) -> None:
    page = opened
    page.emulate_media(reduced_motion=motion)
    page.evaluate(WATCH)
    page.locator("#do-step").click()
    token_at(page, "l")
    page.wait_for_timeout(200)
    page.locator("#do-step").click()
    token_at(page, "add")
    moves = page.evaluate("seen")
    if motion == "reduce":
        assert moves == []
    else:
        assert len(moves) == 2
        assert min(moves) > 10  # points of the wire, not from place to place
    expect(page.locator('path.wire[data-wire="l right"]')).to_have_class("wire taken")


def test_a_token_in_a_hurry_jumps(tmp_path: Path, opened: Page) -> None:
    page = opened
    page.locator('g.block[data-block="e"] [data-gutter]').click()
    expect(bar(page, "e")).to_have_count(1)
    page.evaluate(WATCH)
    page.keyboard.press("c")
    token_at(page, "e")
    assert page.evaluate("seen") == []


def test_tabs_are_closed_and_links_keep_the_rest(signed_in_page: Page, nested: Execution) -> None:
    page = signed_in_page
    show(page, nested, "?tab=audit&overlay=time")
    page.locator('g.block[data-block="w"] a').click()
    expect(page).to_have_url(re.compile(r"tab=audit.*workspace=w"))
    page.locator('g.block[data-block="w/v"] a').click()
    expect(page.locator("#part-workspaces a.close-tab")).to_have_count(2)
    page.locator('[aria-label="Close Outer"]').click()
    expect(page.locator("#part-workspaces a.close-tab")).to_have_count(1)
    expect(page.locator("svg[data-workspace]")).to_have_attribute("data-workspace", "w/v")
    page.locator('[aria-label="Close Inner"]').click()
    expect(page.locator("svg[data-workspace]")).to_have_attribute("data-workspace", "w")


def test_axe_finds_nothing(signed_in_page: Page, nested: Execution) -> None:
    page = signed_in_page
    page.emulate_media(reduced_motion="reduce")
    show(page, nested)
    page.locator("#do-step").click()
    token_at(page, "w")
    page.goto(f"/executions/{nested.pk}/?overlay=time&children=1&workspace=&tab=blocks")
    expect(page.get_by_role("img", name="What is inside throws")).to_be_visible()
    expect(page.locator(".notes")).to_contain_text("What is inside throws")
    page.locator('g.block[data-block="a"]').focus()
    page.keyboard.press("b")
    expect(bar(page, "a")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#block-menu")).to_be_visible()
    axe_finds_nothing(page)
    page.goto(f"/executions/set-next/?id={nested.pk}&block=w/v/t")
    axe_finds_nothing(page)
