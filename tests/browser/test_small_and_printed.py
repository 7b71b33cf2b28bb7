"""The grid where there is little room, and on paper."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from executions.states import Status
from tests.accessibility import axe_finds_nothing
from tests.browsers import becomes, fits
from tests.debugging import NESTED, NESTED_VARIABLES, Session
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import publish as publish_flow


@pytest.fixture
def many(admin_user: Any) -> None:
    for age in range(1, 61):
        make_execution(admin_user, age=age, status=Status.ENDED, block_description=f"Block {age}")


def room(page: Page) -> tuple[float, float]:
    """How high the rows are shown, and of what."""
    box = page.locator(".grid .scroller").bounding_box()
    size = page.viewport_size
    assert box
    assert size
    return box["height"], size["height"]


def test_at_200_percent_more_than_three_rows_are_seen(grid: Any, many: None) -> None:
    page = grid()
    page.set_viewport_size({"width": 720, "height": 450})
    seen = """rows => {
        const box = document.querySelector(".grid .scroller").getBoundingClientRect();
        const head = document.querySelector("thead").getBoundingClientRect();
        return rows.filter((row) => {
            const { top, bottom } = row.getBoundingClientRect();
            return top >= head.bottom - 1 && bottom <= box.bottom;
        }).length;
    }"""
    assert becomes(page, lambda: page.locator("#rows > tr").evaluate_all(seen) >= 6)
    # What has collapsed is a button away, and says so.
    button = page.get_by_role("button", name="Filters and views")
    expect(page.locator("#piece-flow")).to_be_hidden()
    expect(button).to_have_attribute("aria-expanded", "false")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#piece-flow")).to_be_visible()
    expect(page.get_by_role("button", name="Columns")).to_be_visible()
    # It stays open through a swap.
    page.locator("#chip-ended").click()
    expect(page).to_have_url(re.compile("status=Ended"))
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#piece-flow")).to_be_visible()
    axe_finds_nothing(page, dark=False)


def test_on_a_phone_the_rows_have_most_of_the_screen(grid: Any, many: None) -> None:
    page = grid()
    page.set_viewport_size({"width": 390, "height": 844})
    assert becomes(page, lambda: (found := room(page))[0] > 0.58 * found[1])
    assert fits(page, 390)
    axe_finds_nothing(page, dark=False)


def test_on_a_phone_the_rail_has_four_items_and_a_menu(grid: Any, many: None) -> None:
    page = grid()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.locator(".rail > :is(a, button):visible").count() == 5
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    page.locator(".rail-opens").press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    axe_finds_nothing(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    page.set_viewport_size({"width": 1440, "height": 900})
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_with_hardly_any_room_all_of_it_scrolls(grid: Any, many: None) -> None:
    page = grid()
    page.set_viewport_size({"width": 360, "height": 256})
    assert becomes(page, lambda: room(page)[0] >= 150)
    page.locator("#rows > tr").first.scroll_into_view_if_needed()
    expect(page.locator("#rows [data-open]").first).to_be_in_viewport()


@pytest.mark.parametrize("size", [(390, 844), (720, 450)])
def test_without_scripts_nothing_is_behind_the_button(
    browser: Browser, live_app: Any, many: None, admin_user: Any, size: tuple[int, int]
) -> None:
    client = Client()
    client.force_login(admin_user)
    name = settings.SESSION_COOKIE_NAME
    context = browser.new_context(
        base_url=live_app.url,
        viewport={"width": size[0], "height": size[1]},
        java_script_enabled=False,
    )
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_app.url}])
    page = context.new_page()
    page.goto("/")
    expect(page.locator("#piece-flow")).to_be_visible()
    expect(page.locator("[data-filter-toggle]")).to_be_hidden()
    context.close()


def test_the_grid_is_printed_without_chrome_and_whole(grid: Any, many: None) -> None:
    page = grid("/?status=Ended&flow=orders")
    page.emulate_media(color_scheme="dark", media="print")
    for hidden in (".rail", ".actions", ".jump", "[data-older]", "#search", "#chip-error", ".live"):
        expect(page.locator(hidden).first).to_be_hidden()
    # What it shows is said, and every row of the page is there.
    expect(page.locator("#chip-ended")).to_be_visible()
    expect(page.locator("#piece-flow")).to_be_visible()
    expect(page.locator("#rows > tr")).to_have_count(50)
    height = page.evaluate("document.documentElement.scrollHeight")
    last = page.locator("#rows > tr").last.bounding_box()
    assert last
    assert last["y"] + last["height"] <= height
    assert height > 50 * 14
    for element in ("html", "body", ".page", ".grid", ".grid .scroller"):
        overflow = page.locator(element).evaluate("one => getComputedStyle(one).overflow")
        assert overflow == "visible", element
    # Ink on paper, whatever the theme.
    colour = page.locator("body").evaluate("body => getComputedStyle(body).color")
    assert colour == "rgb(23, 24, 33)"
    # On the width of a page of A4 it is a table too, and no wider than that.
    page.set_viewport_size({"width": 703, "height": 1000})
    assert page.locator("#rows").evaluate("body => getComputedStyle(body).display") == (
        "table-row-group"
    )
    assert page.locator(".grid table").bounding_box()["width"] <= 703  # type: ignore[index]
    pages = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
    assert 2 <= pages <= 6


def test_an_execution_is_printed_with_all_its_steps(
    grid: Any, admin_user: Any, tmp_path: Path
) -> None:
    version = publish_flow(tmp_path, "nested", NESTED, NESTED_VARIABLES)
    one = Session(admin_user).start(version)
    page = grid(f"{one.get_absolute_url()}?tab=steps")
    shown = page.locator(".bottom-panel tbody tr").count()
    assert shown >= 5
    page.set_viewport_size({"width": 703, "height": 300})
    page.emulate_media(media="print")
    for hidden in (".rail", "#debug", ".zoom", ".live"):
        expect(page.locator(hidden).first).to_be_hidden()
    last = page.locator(".bottom-panel tbody tr").last.bounding_box()
    assert last
    assert last["y"] + last["height"] <= page.evaluate("document.documentElement.scrollHeight")
    pane = page.locator(".bottom-panel .pane").first
    assert pane.evaluate("one => getComputedStyle(one).overflow") == "visible"
    assert fits(page, 703)
