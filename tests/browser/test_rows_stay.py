"""Rows in a browser whose place changes, in other orders than by their start: none moves under the
pointer; and rows that no longer match, as a card on a phone too."""

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from executions.models import Execution
from executions.states import Status
from tests.accessibility import axe_finds_nothing
from tests.browsers import fits
from tests.executions_in_tests import make_execution
from tests.grids import expect_shown, row, tell


def ids(*executions: Execution) -> list[str]:
    return [str(one.pk) for one in executions]


@pytest.mark.parametrize(
    ("sort", "changes"),
    [
        ("-updated", {"block_description": "Further on"}),
        ("duration", {"status": Status.ENDED, "ended_at": timezone.now}),
        ("-steps", {"step_count": 900}),
        ("description", {"block_description": "A"}),
    ],
)
def test_a_row_goes_to_its_place_once_nothing_is_held(
    grid: Any, admin_user: Any, sort: str, changes: dict[str, Any]
) -> None:
    top, middle, bottom = (
        make_execution(admin_user, age=age, step_count=steps, block_description=f"{steps:04}")
        for age, steps in ((10, 300), (20, 200), (30, 100))
    )
    if sort == "description":
        # The lowest is on top: what begins with a letter comes after the numbers.
        order = [bottom, middle, top]
        moving, end = bottom, -1
    else:
        order = [top, middle, bottom]
        moving, end = bottom, 0
    page = grid(f"/?children=flat&sort={sort}")
    expect_shown(page, ids(*order))
    held = middle
    row(page, held).locator(".c-workspace").hover()
    before = row(page, held).bounding_box()
    tell(moving, **{name: value() if callable(value) else value for name, value in changes.items()})
    pill = page.locator("[data-pill]")
    expect(pill).to_have_text("1 moved")
    # What has changed is said where the row is, and nothing has gone anywhere.
    expect(row(page, moving)).to_have_attribute("data-revision", "2")
    expect_shown(page, ids(*order))
    assert row(page, held).bounding_box() == before
    # Neither does the page move it while it catches up.
    page.evaluate(
        "document.body.dispatchEvent(new CustomEvent('live:catchup', {detail: {until() {}}}))"
    )
    page.wait_for_timeout(600)
    expect_shown(page, ids(*order))
    page.keyboard.press(".")
    expect(pill).to_be_hidden()
    others = [one for one in order if one != moving]
    others.insert(len(others) if end else 0, moving)
    expect_shown(page, ids(*others))
    page.reload()
    expect_shown(page, ids(*others))


@pytest.mark.parametrize("sort", ["-updated", "-steps"])
def test_a_row_goes_to_its_place_when_the_pointer_leaves(
    grid: Any, admin_user: Any, sort: str
) -> None:
    top, bottom = (make_execution(admin_user, age=age, step_count=9 - age) for age in (1, 5))
    page = grid(f"/?children=flat&sort={sort}")
    expect_shown(page, ids(top, bottom))
    row(page, bottom).locator(".c-workspace").hover()
    tell(bottom, step_count=50)
    expect(page.locator("[data-pill]")).to_have_text("1 moved")
    expect_shown(page, ids(top, bottom))
    page.mouse.move(2, 2)
    expect(page.locator("[data-pill]")).to_be_hidden()
    expect_shown(page, ids(bottom, top))
    # The one with the focus stays too; sent to its place, it takes the focus along.
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(row(page, top)).to_be_focused()
    tell(top, step_count=70)
    expect(page.locator("[data-pill]")).to_have_text("1 moved")
    expect(row(page, top)).to_be_focused()
    expect_shown(page, ids(bottom, top))
    page.keyboard.press(".")
    expect_shown(page, ids(top, bottom))
    expect(row(page, top)).to_be_focused()


@pytest.mark.parametrize("width", [1440, 390])
def test_a_row_that_no_longer_matches_says_why(grid: Any, admin_user: Any, width: int) -> None:
    running = make_execution(
        admin_user,
        age=5,
        block_description="Send the invoices",
        error_type="HttpRequestException",
        error_message="The server answered with something that says a lot and helps little",
    )
    make_execution(admin_user, age=9, block_description="Count the stock")
    page = grid("/?status=Running")
    page.set_viewport_size({"width": width, "height": 844})
    tell(running, status=Status.PAUSED)
    struck = row(page, running)
    expect(struck).to_have_attribute("data-mismatch", "")
    why = struck.locator(".why")
    expect(why).to_have_text("it is Paused, not Running")
    inside, around = why.bounding_box(), struck.bounding_box()
    # All of it is to be read, inside of its row, and it is not struck itself.
    assert why.evaluate("one => one.scrollWidth <= one.clientWidth + 1")
    assert around["x"] <= inside["x"]
    assert inside["x"] + inside["width"] <= min(around["x"] + around["width"], width)
    assert (
        around["y"]
        <= inside["y"]
        < inside["y"] + inside["height"]
        <= around["y"] + around["height"]
    )
    at = [inside["x"] + inside["width"] / 2, inside["y"] + inside["height"] / 2]
    assert page.evaluate("([x, y]) => document.elementFromPoint(x, y).className", at) == "why"
    # What is struck through strikes what flows in it, too.
    flows = "one => [getComputedStyle(one).display, getComputedStyle(one).position]"
    display, position = why.evaluate(flows)
    assert display == "inline-block" or position == "absolute"
    assert fits(page, width)
    axe_finds_nothing(page, dark=width > 390)
