"""Two executions compared in a browser: from the grid, by keyboard, in both themes."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from executions import runner
from executions.models import Execution
from flows.models import FlowVersion
from tests.accessibility import axe_finds_nothing
from tests.conftest import LiveApp
from tests.driving import begin, fresh
from tests.flows_in_tests import SQUARE, SQUARE_VARIABLES, publish


def run(version: FlowVersion, **inputs: object) -> Execution:
    execution = begin(version, **inputs)
    runner.run(execution.pk)
    return fresh(execution)


@pytest.fixture
def both(live_app: object, tmp_path: Path) -> tuple[Execution, Execution]:
    """A good one, and a bad one after it."""
    version = publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    return run(version, N=4), run(version, N=-4)


def address(both: tuple[Execution, Execution]) -> str:
    return f"/executions/compare/?a={both[0].pk}&b={both[1].pk}"


def test_two_rows_of_the_grid(signed_in_page: Page, both: tuple[Execution, Execution]) -> None:
    page = signed_in_page
    page.goto("/")
    compare = page.locator("[data-compare]")
    expect(compare).to_have_attribute("aria-disabled", "true")
    page.locator(f'tr[data-id="{both[0].pk}"] input[type="checkbox"]').check()
    expect(compare).to_have_attribute("title", "Select two executions")
    page.locator(f'tr[data-id="{both[1].pk}"] input[type="checkbox"]').check()
    expect(compare).not_to_have_attribute("aria-disabled", "true")
    if not compare.is_visible():
        page.locator("[data-more]").click()
    compare.click()
    # The older one is A, so that it reads from before to after.
    expect(page).to_have_url(re.compile(re.escape(address(both))))
    sides = page.locator(".compare > .pair .half")
    expect(sides.nth(0)).to_contain_text("Ended")
    expect(sides.nth(1)).to_contain_text("Error")
    parting = page.get_by_label("Where they diverge")
    expect(parting).to_contain_text("left by port no")
    expect(parting).to_contain_text("left by port yes")
    page.get_by_role("link", name="Swap").click()
    expect(parting.locator(".half").first).to_contain_text("left by port yes")


def test_by_keyboard(signed_in_page: Page, both: tuple[Execution, Execution]) -> None:
    page = signed_in_page
    page.goto(address(both))
    view = page.get_by_role("region", name="Diagram")
    view.focus()
    page.keyboard.press("Tab")

    def focused() -> str | None:
        found: str | None = page.evaluate(
            "document.activeElement.closest('g.block')?.dataset.block ?? document.activeElement.id"
        )
        return found

    assert focused() == "a"
    walked = ["a"]
    for key in ("ArrowDown", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
        walked.append(focused() or "")
    assert walked == ["a", "if", "s", "e"]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    assert focused() == "t"
    # Every block is reached, and Enter leads to what it says in words.
    reached = {"a", "if", "s", "e", "t"}
    page.keyboard.press("ArrowLeft")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
        reached.add(focused() or "")
    assert reached == set(
        page.locator("svg[data-workspace] g.block").evaluate_all(
            "all => all.map(b => b.dataset.block)"
        )
    )
    page.locator('g.block[data-block="t"] a').focus()
    page.keyboard.press("Enter")
    row = page.locator('[id="row-t"]')
    expect(row).to_be_focused()
    expect(row).to_be_in_viewport()
    expect(row).to_contain_text("only B")
    page.keyboard.press("Tab")
    link = page.get_by_role("link", name="1 visits of Throw New Flow Exception in B")
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/executions/{both[1].pk}/\?block=t$"))
    expect(page.locator('#part-bottom [data-key^="s"]')).to_have_count(1)


def test_without_javascript(
    signed_in_page: Page, both: tuple[Execution, Execution], browser: Browser, live_app: LiveApp
) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=live_app.url)
    context.add_cookies(signed_in_page.context.cookies())  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address(both))
    page.locator('g.block[data-block="t"] a').click()
    expect(page.locator('[id="row-t"]')).to_be_in_viewport()
    context.close()


def test_axe_finds_nothing(signed_in_page: Page, both: tuple[Execution, Execution]) -> None:
    page = signed_in_page
    for query in (address(both), f"/executions/compare/?b={both[1].pk}"):
        page.goto(query)
        expect(page.locator(".compare")).to_be_visible()
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            axe_finds_nothing(page, dark=width > 390)
            wide = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
            assert wide <= 0
