"""Columns, views, time zones, trees and cards in a browser."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from playwright.sync_api import Locator, Page, Route, expect

from executions.models import Execution, Preferences, SavedView
from executions.states import Status
from tests.accessibility import axe_finds_nothing
from tests.browser.conftest import OpenAs
from tests.browsers import becomes
from tests.executions_in_tests import make_children, make_execution
from tests.grids import LIVE, expect_shown, row, shown, tell


def heads(page: Page) -> list[str]:
    found: list[str] = page.locator("th[data-column]").evaluate_all(
        "heads => heads.map(head => head.dataset.column)"
    )
    return found


def places(page: Page) -> list[tuple[str, str, str]]:
    """Level, place and number of siblings of each row, as screen readers tell them."""
    found: list[list[str]] = page.locator("#rows > [data-id]").evaluate_all(
        "rows => rows.map(row => ['level', 'posinset', 'setsize']"
        ".map(name => row.getAttribute(`aria-${name}`) ?? ''))"
    )
    return [(level, place, size) for level, place, size in found]


def test_rows_tell_their_places_among_their_siblings(grid: Any, admin_user: Any) -> None:
    root = make_execution(admin_user, age=1)
    make_children(root, 130, age=60)
    for age in range(60):
        make_execution(admin_user, age=1000 + age)
    page = grid(f"/?open={root.pk}")
    # Of 130 children 100 are listed, of the executions the first page.
    told = places(page)
    assert told[0] == ("1", "1", "-1")
    assert told[1:101] == [("2", str(place), "130") for place in range(1, 101)]
    assert told[101:] == [("1", str(place), "-1") for place in range(2, 51)]
    page.keyboard.press("n")
    expect(page.locator("#rows > tr")).to_have_count(11)
    assert places(page) == [("1", "", "-1")] * 11
    page.goto("/?status=Paused")
    expect(page.locator("[data-empty]")).to_be_visible()
    tell(make_execution(admin_user, status=Status.PAUSED))
    expect(page.locator("#rows > tr")).to_have_count(1)
    assert places(page) == [("1", "1", "1")]


def head(page: Page, key: str) -> Locator:
    return page.locator(f'th[data-column="{key}"]')


def width(page: Page, key: str) -> int:
    return round(head(page, key).bounding_box()["width"])  # type: ignore[index]


# Columns ----------------------------------------------------------------------------------------


def test_columns_are_chosen_ordered_and_kept(grid: Any, admin_user: Any) -> None:
    execution = make_execution(admin_user)
    execution.values.create(level=0, name="customer", value={"name": "Ada Ltd"})
    page = grid()
    page.get_by_role("button", name="Columns").click()
    panel = page.locator("#columns")
    for label in ("Block Type", "Updated At"):
        panel.get_by_label(label, exact=True).uncheck()
        expect(page.get_by_role("columnheader", name=label)).to_have_count(0)
    panel.get_by_label("Steps", exact=True).check()
    expect(head(page, "steps")).to_be_visible()
    panel.get_by_placeholder("order.customer.name").fill("customer.name")
    panel.get_by_placeholder("order.customer.name").press("Enter")
    expect(head(page, "var.customer.name")).to_be_visible()
    expect(row(page, execution).locator(".c-var")).to_have_text("Ada Ltd")
    panel.get_by_role("button", name="Move Flow Name down").click()
    page.keyboard.press("Enter")
    expected = [
        "icon", "started", "status", "flow", "description", "workspace", "duration", "initiator",
        "error", "steps", "var.customer.name",
    ]  # fmt: skip
    page.wait_for_function(
        "keys => [...document.querySelectorAll('th[data-column]')]"
        ".map(head => head.dataset.column).join() === keys",
        arg=",".join(expected),
    )
    page.reload()
    assert heads(page) == expected
    # A row that changes live has the same cells.
    expect(page.locator(LIVE)).to_be_visible()
    tell(execution, step_count=1234)
    expect(row(page, execution).locator(".c-steps")).to_have_text("1,234")
    expect(row(page, execution).locator(".c-var")).to_have_text("Ada Ltd")
    expect(row(page, execution).locator("td")).to_have_count(2 + len(expected))


def test_columns_are_ordered_by_dragging(grid: Any, admin_user: Any) -> None:
    make_execution(admin_user)
    page = grid("/?column=started&column=status&column=flow")
    page.get_by_role("button", name="Columns").click()
    panel = page.locator("#columns")
    panel.locator('[data-key="flow"]').drag_to(
        panel.locator('[data-key="started"]'), target_position={"x": 40, "y": 2}
    )
    expect(page.locator("th[data-column]").first).to_have_attribute("data-column", "flow")
    expect(page).to_have_url(re.compile(re.escape("column=flow&column=started&column=status")))
    page.go_back()
    page.go_forward()
    assert heads(page) == ["flow", "started", "status"]


def test_widths_are_kept(grid: Any, admin_user: Any) -> None:
    make_execution(admin_user)
    page = grid()
    before = width(page, "flow")
    box = head(page, "flow").locator(".resize-handle").bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 84, box["y"] + 10, steps=4)
    with page.expect_response("**/preferences/columns/"):
        page.mouse.up()
    assert width(page, "flow") == before + 80
    page.reload()
    assert width(page, "flow") == before + 80
    edge = head(page, "flow").locator(".resize-handle")
    edge.focus()
    with page.expect_response("**/preferences/columns/"):
        page.keyboard.press("ArrowLeft")
    page.reload()
    assert width(page, "flow") == before + 64
    page.locator('.resize-handle[tabindex="0"]').focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.closest('th').dataset.column") == "flow"


# Views --------------------------------------------------------------------------------------------


def test_a_view_is_saved_and_shared(grid: Any, admin_user: Any, open_as: OpenAs) -> None:
    failed = make_execution(admin_user, status=Status.ERROR, error_type="SomeException")
    make_execution(admin_user)
    page = grid("/?status=Error&column=started&column=error")
    page.get_by_role("button", name="Saved view").click()
    menu = page.locator("#views")
    menu.get_by_label("Save this page as a view").fill("Failing orders")
    menu.get_by_label("Share with everyone").check()
    menu.get_by_role("button", name="Save", exact=True).click()
    button = page.get_by_role("button", name="Saved view: Failing orders")
    expect(button).to_be_visible()
    expect(button.locator(".tag")).to_have_count(0)
    # Changed columns are changed on this page, which says so.
    page.get_by_role("button", name="Columns").click()
    page.locator("#columns").get_by_label("Steps", exact=True).check()
    expect(button.locator(".tag")).to_have_text("edited")
    page.keyboard.press("Escape")

    grace = User.objects.create_user("grace")
    grace.user_permissions.add(Permission.objects.get(codename="view_execution"))
    theirs = open_as(grace, "/")
    assert len(heads(theirs)) > 3
    theirs.get_by_role("button", name="Saved view").click()
    theirs.locator("#views").get_by_role("link", name="Failing orders").click()
    expect(theirs.get_by_role("button", name="Saved view: Failing orders")).to_be_visible()
    assert heads(theirs) == ["started", "error"]
    expect_shown(theirs, [str(failed.pk)])
    theirs.get_by_role("button", name="Saved view").click()
    theirs.get_by_role("button", name="Make it my start page").click()
    theirs.goto("/")
    assert "view=" in theirs.url
    expect_shown(theirs, [str(failed.pk)])


def test_back_shows_what_was_there(grid: Any, admin_user: Any) -> None:
    parent = make_execution(admin_user, child_count=1)
    child = make_execution(admin_user, parent=parent, status=Status.ERROR)
    view = SavedView.objects.create(
        owner=admin_user, name="Bad", query="status=Error", layout={"columns": ["flow"]}
    )
    page = grid()
    row(page, parent).locator("[data-toggle]").click()
    expect(row(page, child)).to_be_visible()
    row(page, child).locator(".c-workspace").click()
    page.goto(view.get_absolute_url())
    assert heads(page) == ["flow"]
    page.locator("#chip-error").click()
    expect(page.locator("#chip-error")).to_have_attribute("aria-pressed", "false")
    page.go_back()
    expect(page.locator("#chip-error")).to_have_attribute("aria-pressed", "true")
    assert heads(page) == ["flow"]
    page.go_back()
    expect(row(page, child)).to_be_visible()
    assert len(heads(page)) > 5
    expect(page.locator('[aria-selected="true"]')).to_have_count(1)
    expect(row(page, child)).to_have_attribute("aria-selected", "true")
    expect(row(page, child).locator("input[name=id]")).to_be_checked()


# Time ---------------------------------------------------------------------------------------------


def test_a_time_zone_changes_every_time(grid: Any, admin_user: Any) -> None:
    make_execution(admin_user, started_at=datetime(2020, 7, 14, 22, 30, tzinfo=UTC))
    page = grid()
    times = page.locator("#rows time")
    expect(times.first).to_have_attribute("title", re.compile("2020-07-14 22:30"))
    # What is searched for comes, also while the whole list is on its way.
    whole: list[Route] = []
    page.route("**/preferences/zones/?at=*", lambda route: whole.append(route))
    page.get_by_role("button", name="Time zone").click()
    page.get_by_label("Search time zones").fill("kolkata")
    kolkata = page.locator("#zone-list").get_by_role("button", name="Asia/Kolkata")
    expect(kolkata).to_be_visible()
    whole[0].continue_()
    page.wait_for_timeout(300)
    kolkata.click()
    expect(page.get_by_role("button", name="Time zone: Asia/Kolkata")).to_be_visible()
    expect(page.locator(LIVE)).to_be_visible()  # its scripts are there
    for text in times.evaluate_all("all => all.map(time => time.title)"):
        assert text.endswith("IST")
    # Looked at, it says so in UTC too, and how long ago that is.
    times.first.hover()
    title = times.first.get_attribute("title") or ""
    assert title.split("\n")[:2] == ["2020-07-15 04:00:00.000 IST", "2020-07-14 22:30:00.000 UTC"]
    assert title.endswith("days ago")
    # What arrives live is in the same zone.
    page.mouse.move(5, 5)
    expect(page.locator(LIVE)).to_be_visible()
    late = make_execution(admin_user, started_at=datetime(2020, 7, 14, 22, 31, tzinfo=UTC))
    tell(late)
    expect(row(page, late).locator("time").first).to_have_attribute(
        "title", "2020-07-15 04:01:00.000 IST"
    )


# Trees --------------------------------------------------------------------------------------------


def executions(page: Page) -> list[str]:
    """The ids of the rows, without those that tell of more children."""
    return [one for one in shown(page) if one]


@pytest.mark.parametrize("order", ["parent-first", "child-first"])
def test_five_thousand_children_are_shown_by_the_hundred(
    grid: Any, admin_user: Any, order: str
) -> None:
    root = make_execution(admin_user, age=9000)
    made = make_children(root, 5000, status=Status.ENDED, age=100)
    Execution.objects.filter(pk__in=[one.pk for one in made[:12]]).update(status=Status.ERROR)
    page = grid(f"/?children={order}")
    row(page, root).locator("[data-toggle]").click()
    summary = page.locator("tr.child-summary")
    expect(summary.locator("[data-counts]")).to_contain_text("4,988 Ended")
    expect(summary).to_contain_text("5,000 children")
    ids = [str(one.pk) for one in made]
    parents = [str(root.pk)]
    below = lambda listed: listed + parents if order == "child-first" else parents + listed  # noqa: E731
    assert becomes(page, lambda: executions(page) == below(ids[:100]))
    summary.get_by_role("link", name="Show 100 more").click()
    expect(page.locator("#rows > [data-id]")).to_have_count(201)
    assert becomes(page, lambda: executions(page) == below(ids[:200]))
    page.mouse.move(5, 5)
    page.locator(".scroller").evaluate("scroller => (scroller.scrollTop = 0)")
    # One that starts comes on top of its siblings; one that is not listed stays away.
    expect(page.locator(LIVE)).to_be_visible()
    new = make_execution(admin_user, parent=root, age=1)
    tell(made[4000], status=Status.ERROR)
    tell(new)
    expect(row(page, new)).to_be_visible()
    assert becomes(
        page, lambda: [one for one in shown(page) if one] == below([str(new.pk), *ids[:200]])
    )
    page.reload()
    expect(row(page, made[198])).to_be_visible()
    # A page that catches up looks as one that has been fetched.
    page.evaluate(
        "document.body.dispatchEvent(new CustomEvent('live:catchup', {detail: {until() {}}}))"
    )
    page.wait_for_timeout(500)
    assert becomes(
        page, lambda: [one for one in shown(page) if one] == below([str(new.pk), *ids[:199]])
    )
    expect(summary.locator("[data-counts]")).to_contain_text("13 Error")
    row(page, root).locator("[data-toggle]").click()
    expect(page.locator("#rows > tr")).to_have_count(1)


def test_arrows_lead_through_a_tree_that_stands_upside_down(grid: Any, admin_user: Any) -> None:
    root = make_execution(admin_user, child_count=1, age=50)
    child = make_execution(admin_user, parent=root, child_count=1, age=40)
    grandchild = make_execution(admin_user, parent=child, age=30)
    page = grid("/?children=child-first")
    row(page, root).focus()
    page.keyboard.press("ArrowRight")
    expect(row(page, child)).to_be_visible()
    page.keyboard.press("ArrowUp")
    expect(row(page, child)).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(row(page, grandchild)).to_be_visible()
    expect_shown(page, [str(one.pk) for one in (grandchild, child, root)])
    sibling = make_execution(admin_user, parent=root, age=20)
    tell(sibling)
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    expect(row(page, sibling)).to_be_visible()
    expect_shown(page, [str(one.pk) for one in (sibling, grandchild, child, root)])
    # Root says that it has one child: the other has come since it was rendered.
    assert places(page) == [("2", "1", "2"), ("3", "1", "1"), ("2", "2", "2"), ("1", "1", "1")]
    expect(row(page, child)).to_have_attribute("aria-description", "above its parent")
    row(page, grandchild).focus()
    page.keyboard.press("ArrowLeft")
    expect(row(page, child)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(row(page, root)).to_be_focused()


# Small windows ------------------------------------------------------------------------------------


def overflow(page: Page) -> int:
    found: int = page.evaluate(
        "Math.max(document.documentElement.scrollWidth,"
        " document.querySelector('.scroller').scrollWidth) - innerWidth"
    )
    return found


def test_a_phone_shows_live_cards(grid: Any, admin_user: Any, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    execution = make_execution(admin_user, block_description="Sort the mail " * 14)
    grid("/?column=description&column=status&column=flow&column=worker&column=steps")
    card = row(page, execution)
    assert overflow(page) <= 0
    assert card.bounding_box()["height"] > 50  # two lines, where a row of the table has one
    tell(execution, status=Status.PAUSED, step_count=77, lease_owner="host-3:1:x:y")
    expect(card.locator(".c-status")).to_have_text("Paused")
    expect(card.locator(".c-steps")).to_be_visible()
    expect(card.locator(".c-worker")).to_contain_text("host-3")
    # Selecting brings the actions into reach at the bottom.
    card.locator("input[name=id]").check()
    stop = page.locator("[data-command=stop]")
    expect(stop).to_be_in_viewport()
    assert stop.bounding_box()["height"] >= 24
    new = make_execution(admin_user, age=0)
    tell(new)
    expect(page.locator("[data-pill]")).to_have_text("1 new execution")
    page.get_by_role("button", name="Filters and views").click()
    for name in ("Columns", "Saved view", "Time zone"):
        page.get_by_role("button", name=name).click()
        box = page.locator(".menu:popover-open").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        page.keyboard.press("Escape")


@pytest.mark.parametrize(
    ("size", "order"), [(1440, "parent-first"), (720, "child-first"), (390, "child-first")]
)
def test_axe_finds_nothing_in_menus_trees_and_cards(
    grid: Any, page: Page, admin_user: Any, size: int, order: str
) -> None:
    page.set_viewport_size({"width": size, "height": 900})
    root = make_execution(admin_user)
    make_children(root, 101, status=Status.ENDED)
    Preferences.objects.create(user=admin_user, density="comfortable")
    grid(f"/?children={order}&open={root.pk}&column=id&column=flow&column=waiting&column=steps")
    expect(page.locator("tr.child-summary [data-counts]")).to_contain_text("101")
    dark = size == 1440
    axe_finds_nothing(page, dark=dark)
    if size < 720:
        page.get_by_role("button", name="Filters and views").click()
    for name in ("Columns", "Saved view", "Time zone"):
        page.get_by_role("button", name=name).click()
        expect(page.locator(".menu:popover-open").locator("li").first).to_be_visible()
        axe_finds_nothing(page, within=".menu:popover-open", dark=dark)
        page.keyboard.press("Escape")
