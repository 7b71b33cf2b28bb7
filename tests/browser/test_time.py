"""The slider, its keys and playback in a browser: an execution that failed is replayed."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from executions import runner
from executions.models import Execution
from flows.models import FlowVersion
from tests.accessibility import axe_finds_nothing
from tests.debugging import NESTED, NESTED_VARIABLES
from tests.driving import begin, fresh
from tests.flows_in_tests import LOOP, LOOP_VARIABLES, publish

#: Divides by what it counts down to.
FAILING = """
a: {type: Start Flow, bottom: l}
l:
  type: For Loop
  properties: {Start Index: 2, End Index: 0, Increment: -1, Current Index: ($)I}
  right: set
  bottom: e
set: {type: Set Variable, properties: {Value: =10 / I, Variable: ($)Out}, bottom: l, exception: h}
h: {type: Handle Block Exception, description: It failed, bottom: e}
e: {type: End Flow}
"""
FAILING_VARIABLES = "{I: {default: 0}, Out: {output: true}}"


def run(version: FlowVersion, **inputs: object) -> Execution:
    execution = begin(version, **inputs)
    runner.run(execution.pk)
    return fresh(execution)


@pytest.fixture
def failed(live_app: object, tmp_path: Path) -> Execution:
    return run(publish(tmp_path, "failing", FAILING, FAILING_VARIABLES))


def step_of(page: Page) -> int:
    return int(page.locator("[data-slider]").get_attribute("aria-valuenow") or "")


def shows(page: Page, step: int) -> None:
    expect(page.locator("[data-slider]")).to_have_attribute("aria-valuenow", str(step))


def test_keys_lead_through_time(signed_in_page: Page, failed: Execution) -> None:
    page = signed_in_page
    page.goto(failed.get_absolute_url())
    last = failed.step_count
    shows(page, last)
    page.keyboard.press("[")
    shows(page, last - 1)
    expect(page.locator(".viewing")).to_contain_text(
        f"Viewing step {last - 1}, live is step {last}"
    )
    expect(page.locator(".ghost")).to_have_count(1)
    page.keyboard.press("Home")
    shows(page, 0)
    expect(page.locator("#part-side")).to_contain_text("not set")
    page.keyboard.press("Shift+]")
    thrown = failed.steps.exclude(exception="").get().number
    shows(page, thrown)
    expect(page.locator('[data-token="0"]')).to_have_attribute(
        "aria-label", re.compile("exception port of Set Variable")
    )
    page.keyboard.press("]")
    shows(page, thrown + 1)
    expect(page).to_have_url(re.compile(re.escape(f"step={thrown + 1}")))
    page.keyboard.press("End")
    shows(page, last)
    expect(page.locator(".viewing")).to_have_count(0)
    expect(page).not_to_have_url(re.compile(re.escape("step=")))


def test_the_slider_is_dragged_and_moved_by_its_own_keys(
    signed_in_page: Page, failed: Execution
) -> None:
    page = signed_in_page
    page.goto(failed.get_absolute_url())
    slider = page.locator("[data-slider]")
    box = slider.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + 8)
    page.mouse.down()
    for part in (0.8, 0.6, 0.5):
        page.mouse.move(box["x"] + box["width"] * part, box["y"] + 8)
    page.mouse.up()
    half = (failed.step_count + 1) // 2
    shows(page, half)
    expect(slider).to_be_focused()
    page.keyboard.press("ArrowRight")
    shows(page, half + 1)
    page.keyboard.press("PageDown")
    shows(page, half)
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^Step \d+ of \d+, "))


def test_it_plays_by_the_times_of_its_steps(signed_in_page: Page, failed: Execution) -> None:
    page = signed_in_page
    page.goto(failed.get_absolute_url() + "?step=1")
    more = page.get_by_role("button", name="More of this moment")
    more.click()
    page.select_option("[data-speed]", "100")
    page.keyboard.press("Escape")
    page.click('[data-play="on"]')
    shows(page, failed.step_count)
    expect(page.locator('[data-play="on"]')).to_have_attribute("aria-pressed", "false")
    more.click()
    page.click('[data-play="back"]')
    expect(page.locator("#time-menu")).to_be_hidden()
    shows(page, 0)


def test_one_button_ends_what_plays_in_either_direction(
    signed_in_page: Page, failed: Execution
) -> None:
    page = signed_in_page
    # Two steps an hour apart: it waits in between.
    failed.steps.filter(number__gt=3).update(at=failed.ended_at)
    failed.steps.filter(number__lte=3).update(at=failed.started_at - timedelta(hours=1))
    page.goto(failed.get_absolute_url() + "?step=4")
    button = page.locator('[data-play="on"]')
    for start in ("on", "back"):
        if start == "back":
            page.get_by_role("button", name="More of this moment").click()
        page.click(f'[data-play="{start}"]')
        expect(button).to_have_attribute("aria-pressed", "true")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize(("width", "slider"), [(1440, 620), (1280, 400), (1200, 400), (390, 340)])
def test_the_slider_has_the_width(
    signed_in_page: Page, failed: Execution, width: int, slider: int
) -> None:
    page = signed_in_page
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(failed.get_absolute_url())
    box = page.locator("[data-slider]").bounding_box()
    assert box is not None
    assert box["width"] >= slider
    # Nothing of the bars is cut off, and there are two above the diagram.
    for bar in page.locator(".detail .bar, .detail .time").all():
        assert bar.evaluate("bar => bar.scrollWidth - bar.clientWidth") <= 0
    above = page.evaluate(
        """() => {
            const top = document.querySelector("#part-head").getBoundingClientRect().bottom;
            const end = document.querySelector("[data-canvas]").getBoundingClientRect().top;
            return end - top;
        }"""
    )
    if width >= 1200:
        assert above <= 44 + 32


def test_the_menu_of_a_moment_stays_where_it_is(
    signed_in_page: Page, failed: Execution, live_app: object
) -> None:
    page = signed_in_page
    page.goto(failed.get_absolute_url())
    button = page.get_by_role("button", name="More of this moment")
    button.click()
    menu = page.locator("#time-menu")
    expect(menu).to_be_visible()
    before = menu.bounding_box()
    # The bar is fitted in again while the menu is open.
    page.evaluate("history.replaceState(null, '', '?step=3')")
    page.evaluate("document.body.dispatchEvent(new CustomEvent('live:changed', { detail: {} }))")
    shows(page, 3)
    assert menu.bounding_box() == before
    menu.get_by_role("link", name="Mark").click()
    expect(menu).to_be_hidden()
    expect(page).to_have_url(re.compile("tab=differences"))


def test_live_changes_do_not_move_what_is_viewed(
    signed_in_page: Page, tmp_path: Path, live_app: object
) -> None:
    page = signed_in_page
    execution = begin(publish(tmp_path, "loop", LOOP, LOOP_VARIABLES), Last=5)
    Execution.objects.filter(pk=execution.pk).update(steps_wanted=4)
    runner.run(execution.pk)
    page.goto(execution.get_absolute_url() + "?step=2")
    expect(page.locator(".viewing")).to_contain_text("live is step 4")
    page.locator("#do-step").click()
    runner_turn(page, execution)
    expect(page.locator(".viewing")).to_contain_text("live is step 5")
    shows(page, 2)


def runner_turn(page: Page, execution: Execution) -> None:
    """The worker's part of a step that the page has asked for."""
    for _ in range(50):
        if fresh(execution).status == "Queued":
            break
        page.wait_for_timeout(100)
    runner.run(execution.pk)


def test_without_javascript_there_are_links(
    signed_in_page: Page, failed: Execution, live_app: object
) -> None:
    context = signed_in_page.context.browser.new_context(  # type: ignore[union-attr]
        java_script_enabled=False,
        base_url=live_app.url,  # type: ignore[attr-defined]
    )
    context.add_cookies(signed_in_page.context.cookies())  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(failed.get_absolute_url() + "?step=4")
    page.click('[data-move="previous"]')
    shows(page, 3)
    page.get_by_label("Exceptions only").check()
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page).to_have_url(re.compile(re.escape("thrown=1")))
    shows(page, 3)
    context.close()


def test_axe_finds_nothing(signed_in_page: Page, failed: Execution) -> None:
    page = signed_in_page
    for query in ("?step=3", "?tab=gantt&step=3", "?tab=differences&step=5&from=1"):
        page.goto(failed.get_absolute_url() + query)
        expect(page.locator(".viewing")).to_be_visible()
        # What is around the lists is the same for all of them.
        axe_finds_nothing(page, within="#part-bottom" if "tab" in query else None)


@pytest.mark.parametrize("query", ["", "?step=3&tab=gantt", "?panel=exceptions&overlay=time"])
def test_on_a_phone_nothing_sticks_out(signed_in_page: Page, failed: Execution, query: str) -> None:
    page = signed_in_page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(failed.get_absolute_url() + query)
    expect(page.locator("[data-slider]")).to_be_attached()
    main = page.locator("main")
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") == 0
    # Everything is reached by scrolling the page: the toolbar, the slider, the panels below.
    for name in ("#do-retry", "[data-slider]", "#panel-variables", ".rail-opens"):
        page.locator(name).scroll_into_view_if_needed()
        expect(page.locator(name)).to_be_in_viewport()
    moved = page.locator("#do-continue").bounding_box()
    assert moved is not None
    assert moved["x"] >= 0
    assert moved["x"] + moved["width"] <= 390
    if "step" in query:
        # The way back does not lie over what stands beside the blocks.
        then, legend = (
            page.locator(".viewing").bounding_box(),
            page.locator(".legend").bounding_box(),
        )
        assert then is not None
        assert legend is not None
        assert then["y"] + then["height"] <= legend["y"]
    axe_finds_nothing(page, dark=False)


def test_the_steps_of_the_selected_token(signed_in_page: Page, tmp_path: Path) -> None:
    page = signed_in_page
    execution = run(publish(tmp_path, "nested", NESTED, NESTED_VARIABLES))
    page.goto(f"{execution.get_absolute_url()}?step=5&thrown=1&tab=logs")
    rows = page.locator('#part-bottom tr[data-key^="s"]')
    page.locator('[data-token="2"]').click()
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?step=5&thrown=1&own=1$"))
    # Each choice is a move; the others stay.
    page.get_by_label("Exceptions only").uncheck()
    expect(rows).to_have_count(2)
    expect(page).to_have_url(re.compile(r"\?step=5&own=1$"))
    page.get_by_label("Only the token in Inner").uncheck()
    expect(rows).to_have_count(9)
    page.locator('[data-token="2"]').press("Enter")
    expect(rows).to_have_count(2)
    page.reload()
    expect(rows).to_have_count(2)
