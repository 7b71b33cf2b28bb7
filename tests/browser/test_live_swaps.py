"""The grid stays live through whatever is swapped in its place, in a real browser."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from executions.models import Execution, SavedView
from executions.states import Status
from tests.browsers import becomes
from tests.executions_in_tests import make_execution, make_executions
from tests.grids import LIVE, expect_shown, row, shown, tell


def search_again(page: Page) -> None:
    page.locator("#search").click()
    page.keyboard.press("Enter")


def search_for_something(page: Page) -> None:
    page.locator("#search").fill("orders")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("q=orders"))


def press_all(page: Page) -> None:
    page.locator("#chip-all").click()


def press_a_chip(page: Page) -> None:
    page.locator("#chip-running").click()
    expect(page).to_have_url(re.compile("status=Running"))


def press_a_chip_twice(page: Page) -> None:
    press_a_chip(page)
    page.locator("#chip-running").click()
    expect(page).not_to_have_url(re.compile("status=Running"))


def press_many_chips_at_once(page: Page) -> None:
    for _ in range(5):
        page.locator("#chip-all").click(no_wait_after=True)


def sort(page: Page) -> None:
    page.locator("#sort-started").click()
    expect(page).to_have_url(re.compile("sort=started"))
    page.locator("#sort-started").click()
    expect(page).not_to_have_url(re.compile("sort=started"))


def choose_columns(page: Page) -> None:
    page.locator("button[popovertarget=columns]").first.click()
    page.locator("#choose-steps").check()
    expect(page.locator("th.c-steps")).to_be_visible()
    page.keyboard.press("Escape")


def order_children(page: Page) -> None:
    page.locator("button[value=flat]").click()
    expect(page.locator("button[value=flat]")).to_have_attribute("aria-pressed", "true")


def group(page: Page) -> None:
    page.locator("summary", has_text="Group").click()
    page.locator("details[open]").get_by_role("link", name="Status", exact=True).click()
    expect(page.locator("#groups tbody tr").first).to_be_visible()


def turn_pages(page: Page) -> None:
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile("older="))
    page.keyboard.press("p")
    expect(page).not_to_have_url(re.compile("older="))


def go_back(page: Page) -> None:
    press_a_chip(page)
    page.go_back()
    expect(page).not_to_have_url(re.compile("status=Running"))
    expect(page.locator(LIVE)).to_be_visible()


def go_back_and_forward(page: Page) -> None:
    go_back(page)
    page.go_forward()
    expect(page).to_have_url(re.compile("status=Running"))
    expect(page.locator(LIVE)).to_be_visible()


def open_a_view(page: Page) -> None:
    page.locator("button[popovertarget=views]").click()
    page.locator("#views").get_by_role("link", name=re.compile("All mine")).click()
    expect(page).to_have_url(re.compile("view="))
    expect(page.locator(LIVE)).to_be_visible()


def change_the_density(page: Page) -> None:
    page.locator("[data-density-toggle]").click()
    expect(page.locator("body")).to_have_attribute("data-density", "comfortable")


def open_a_row(page: Page) -> None:
    page.locator("[data-toggle]").first.click()
    expect(page.locator('#rows > tr[aria-level="2"]')).to_have_count(1)


def open_and_close_a_row(page: Page) -> None:
    open_a_row(page)
    page.locator("[data-toggle]").first.click()
    expect(page.locator('#rows > tr[aria-level="2"]')).to_have_count(0)


def open_an_editor(page: Page) -> None:
    page.locator("#piece-workspace").click()
    expect(page.locator("#editor")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#editor")).to_have_count(0)


def choose_a_zone(page: Page) -> None:
    page.locator("button.zone").click()
    page.locator("#zone-search").fill("tokyo")
    page.locator("#zone-list button", has_text="Tokyo").first.click()
    expect(page.locator("html")).to_have_attribute("data-zone", "Asia/Tokyo")
    expect(page.locator(LIVE)).to_be_visible()


#: Swaps that follow one another on a page: the next one finds what it needs after the last.
SWAPS: dict[str, list[Callable[[Page], None]]] = {
    "the same rows": [search_again, press_all, press_a_chip_twice, press_many_chips_at_once, sort],
    "parts of the page": [open_an_editor, change_the_density, choose_columns, choose_a_zone],
    "one row": [open_and_close_a_row, open_a_row],
    "filters": [order_children, press_a_chip, search_for_something],
    "history": [go_back, go_back_and_forward],
    "groups": [group],
    "pages": [turn_pages],
    "views": [open_a_view],
}


@pytest.mark.parametrize("swaps", SWAPS.values(), ids=SWAPS)
def test_rows_come_and_change_after_a_swap(
    grid: Callable[..., Page], admin_user: Any, swaps: list[Callable[[Page], None]]
) -> None:
    SavedView.objects.create(owner=admin_user, name="All mine", query="flow=orders")
    parent = make_execution(admin_user, age=20, child_count=1)
    make_execution(admin_user, age=19, parent=parent)
    make_executions(admin_user, range(30, 85))
    page = grid()
    for swap in swaps:
        swap(page)
        page.mouse.move(5, 5)
        page.locator("h1").first.click()  # nothing has the focus, so nothing is held
        page.wait_for_timeout(1200)  # longer than a row stays held, and than telling takes
        said = f"After {swap.__name__}"
        new = make_execution(admin_user, age=0)
        tell(new)
        expect(row(page, new), said).to_be_visible()
        tell(new, block_description=said)
        expect(row(page, new).locator(".c-description")).to_have_text(said)
        tell(parent, block_description=said)
        expect(row(page, parent).locator(".c-description")).to_have_text(said)
        expect(page.locator(LIVE), said).to_be_visible()


def test_counts_and_total_are_those_of_the_page_that_is_shown(
    grid: Callable[..., Page], admin_user: Any
) -> None:
    make_execution(admin_user, age=9)
    for age in range(10, 13):
        make_execution(admin_user, age=age, status=Status.ENDED)
    page = grid("/?status=Ended")
    total = page.locator("[data-total]")
    expect(total).to_have_text("3")
    new = make_execution(admin_user, age=0, status=Status.ENDED)
    tell(new)
    expect(page.locator("[data-shown]")).to_have_text("4")
    assert int(total.inner_text()) >= 4  # never fewer than are shown
    expect(page.locator('[data-count="Ended"]')).to_have_text("4")
    expect(total).to_have_attribute("title", "4")
    page.locator("#chip-ended").click()
    expect(total).to_have_text("5")
    tell(make_execution(admin_user, age=0))
    expect(page.locator('[data-count="Running"]')).to_have_text("2")
    expect(total).to_have_text("6")
    # What no longer matches isn't shown as matching.
    page.goto("/?status=Running")
    expect(page.locator(LIVE)).to_be_visible()
    expect(page.locator("[data-shown]")).to_have_text("2")
    Execution.objects.filter(pk=new.pk).update(status=Status.RUNNING, ended_at=None)
    running = Execution.objects.filter(status=Status.RUNNING).earliest("started_at")
    tell(running, status=Status.PAUSED)
    expect(row(page, running)).to_have_attribute("data-mismatch", "")
    expect(page.locator("[data-shown]")).to_have_text("1")


def test_children_that_come_along_are_told_apart(
    grid: Callable[..., Page], admin_user: Any
) -> None:
    parent = make_execution(admin_user, age=20, child_count=2)
    for age in (18, 19):
        make_execution(admin_user, age=age, parent=parent)
    page = grid("/?is=root")
    foot = page.locator(".foot > span").first
    expect(foot).to_have_text("1 shown of 1")
    page.locator("[data-toggle]").click()
    expect(foot).to_have_text("1 shown of 1 and 2 children")
    page.reload()
    expect(foot).to_have_text("1 shown of 1 and 2 children")


@pytest.mark.parametrize("order", ["child-first", "parent-first"])
def test_a_child_has_one_row(grid: Callable[..., Page], admin_user: Any, order: str) -> None:
    """Those that were told while they are fetched wait: then the fetched ones take their place."""
    parents = [make_execution(admin_user, age=20 + n, child_count=6) for n in range(2)]
    children = [
        [make_execution(admin_user, age=9 - n, parent=one) for n in range(6)] for one in parents
    ]
    page = grid(f"/?children={order}&is=root")
    for family in children:
        tell(*family)
    for parent in parents:
        row(page, parent).locator("[data-toggle]").click()
        expect(row(page, parent)).to_have_attribute("aria-expanded", "true")
    expect(page.locator('#rows > tr[aria-level="2"]')).to_have_count(12)
    for family in children:
        for one in family:
            tell(one, status=Status.ENDED, ended_at=one.updated_at)
    page.mouse.move(5, 5)
    page.locator("h1").first.click()
    page.wait_for_timeout(1500)  # what waits comes in once nothing is held
    page.keyboard.press(".")
    assert becomes(page, lambda: len(shown(page)) == len(set(shown(page))) == 14)
    for family in children:
        for one in family:
            expect(row(page, one).locator(".c-status")).to_have_text("Ended")


def test_more_rows_than_could_wait_come_in_when_nothing_is_held(
    grid: Callable[..., Page], admin_user: Any
) -> None:
    held = make_execution(admin_user, age=900)
    page = grid()
    row(page, held).locator(".c-workspace").hover()
    new = make_executions(admin_user, range(400, 170, -1))
    tell(*new)
    expect(page.locator("[data-pill]")).to_have_text("200+ new executions")
    page.wait_for_timeout(11_000)  # longer than the server tells them again
    page.mouse.move(5, 5)
    expect(row(page, new[-1])).to_be_visible(timeout=20_000)
    expect(page.locator("#rows > tr")).to_have_count(50)
    expect_shown(page, [str(one.pk) for one in reversed(new[-50:])])


def test_no_more_rows_are_open_than_are_told_of(grid: Callable[..., Page], admin_user: Any) -> None:
    parents = [make_execution(admin_user, age=n, child_count=1) for n in range(42)]
    for parent in parents:
        make_execution(admin_user, age=50, parent=parent)
    opened = "&".join(f"open={one.pk}" for one in parents[:39])
    page = grid(f"/?{opened}")
    for parent in parents[39:41]:
        row(page, parent).locator("[data-toggle]").click()
    expect(page.locator("#notices")).to_contain_text("40 rows are open. Close one first")
    expect(row(page, parents[39])).to_have_attribute("aria-expanded", "true")
    expect(row(page, parents[40])).to_have_attribute("aria-expanded", "false")
    new = make_execution(admin_user, age=0, parent=parents[39])
    page.mouse.move(5, 5)
    page.locator("h1").first.click()
    page.locator(".scroller").evaluate("element => element.scrollTop = 0")
    page.wait_for_timeout(1200)
    tell(new)
    expect(row(page, new)).to_be_visible()


# Coming back ----------------------------------------------------------------------------------


@pytest.mark.parametrize("away", ["chip", "page"])
def test_what_was_selected_is_selected_after_back(
    grid: Callable[..., Page], admin_user: Any, away: str
) -> None:
    made = [make_execution(admin_user, age=age, status=Status.PAUSED) for age in range(3, 7)]
    page = grid()
    row(page, made[1]).locator("input[name=id]").check()
    if away == "chip":
        page.locator("#chip-paused").click()
        expect(page).to_have_url(re.compile("status=Paused"))
    else:
        page.goto("/help/")
    # Another row stands in its place by now.
    make_execution(admin_user, age=0, status=Status.PAUSED)
    page.go_back()
    expect(page.locator(LIVE)).to_be_visible()
    expect(page.locator("#rows > tr")).to_have_count(5)
    ticked = page.locator("#rows > tr:has(input[name=id]:checked)")
    expect(ticked).to_have_count(1)
    expect(ticked).to_have_attribute("data-id", str(made[1].pk))
    expect(page.locator('#rows > tr[aria-selected="true"]')).to_have_count(1)
    expect(page.locator("[data-selected-count]")).to_have_text("1 selected")
    page.locator("[data-command=continue]").click()
    expect(row(page, made[1])).not_to_have_attribute("data-status", "Paused")
    assert Execution.objects.filter(status=Status.PAUSED).count() == 4


def test_ctrl_a_selects_the_rows_of_a_fresh_page(
    grid: Callable[..., Page], admin_user: Any
) -> None:
    for age in range(3):
        make_execution(admin_user, age=age)
    page = grid()
    page.keyboard.press("Control+a")
    expect(page.locator("[data-selected-count]")).to_have_text("3 selected")
    assert page.evaluate("String(getSelection())") == ""
    page.keyboard.press("Escape")
    page.locator("#search").fill("orders")
    page.keyboard.press("Control+a")
    expect(page.locator("[data-selected]")).to_be_hidden()
    assert page.evaluate("String(getSelection())") == "orders"
