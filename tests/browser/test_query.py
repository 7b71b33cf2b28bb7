"""Finding executions in a browser: the box and the bar are one, Back restores, groups, jumping."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from executions.states import Status
from tests.accessibility import axe_finds_nothing
from tests.executions_in_tests import make_execution
from tests.grids import expect_shown, shown, tell


def query(page: Page) -> str:
    return page.url.partition("?")[2]


def test_the_box_and_the_bar_are_one(grid: Any, admin_user: Any) -> None:
    late = make_execution(admin_user, status=Status.ERROR, workspace_name="Send invoices")
    other = make_execution(admin_user, status=Status.ERROR, flow="stock")
    make_execution(admin_user, status=Status.ENDED)
    page = grid()
    box = page.locator("#search")
    box.fill("status:error flow:orders")
    page.keyboard.press("Enter")
    expect(page.locator("#rows > tr")).to_have_count(1)
    expect_shown(page, [str(late.pk)])
    expect(page.locator("#chip-error")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#piece-flow")).to_have_text(re.compile("orders"))
    expect(page).to_have_url(re.compile(r"\?status=Error&flow=orders$"))
    # What the bar changes is in the box.
    page.get_by_label("Remove the filter Flow orders").click()
    expect(page.locator("#rows > tr")).to_have_count(2)
    expect(box).to_have_value("status:Error")
    page.locator("#piece-workspace").click()
    field = page.locator("#editor input[name=workspace]")
    expect(field).to_be_focused()
    field.fill("send*")
    page.keyboard.press("Enter")
    expect(page.locator("#rows > tr")).to_have_count(1)
    expect(box).to_have_value("status:Error workspace:send*")
    expect(page.locator("#editor")).to_have_count(0)
    # Back restores rows, bar and box.
    page.go_back()
    expect(page.locator("#rows > tr")).to_have_count(2)
    expect(box).to_have_value("status:Error")
    page.go_back()
    expect(page.locator("#rows > tr")).to_have_count(1)
    expect(box).to_have_value("status:Error flow:orders")
    page.go_forward()
    expect(page.locator("#rows > tr")).to_have_count(2)
    assert str(other.pk) in shown(page)
    page.reload()
    expect(box).to_have_value("status:Error")
    expect(page.locator("#rows > tr")).to_have_count(2)


def test_what_is_typed_is_completed(grid: Any, admin_user: Any) -> None:
    make_execution(admin_user, status=Status.ERROR, workspace_name="Send invoices")
    make_execution(admin_user, status=Status.ENDED)
    page = grid()
    box, options = page.locator("#search"), page.locator("#completions > li")
    page.keyboard.press("/")
    page.keyboard.type("works")
    expect(options).to_have_count(1)
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "completion-1")
    page.keyboard.press("Enter")
    expect(box).to_have_value("workspace:")
    expect(options).to_have_text([re.compile("Send invoices"), re.compile("Top-level")])
    options.first.click()
    expect(box).to_have_value('workspace:"Send invoices" ')
    expect(page.locator("#rows > tr")).to_have_count(1)
    expect(box).to_be_focused()
    page.keyboard.type("sta")
    expect(options.first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#completions")).to_be_hidden()
    expect(box).to_have_value(re.compile("sta$"))


@pytest.mark.parametrize("typed", [r'workspace:"a\"b late', 'var.order."unit price"=4 2'])
def test_a_query_is_sent_by_itself_only_between_fields(
    grid: Any, admin_user: Any, typed: str
) -> None:
    """The box reads words as the server does, also with quotation marks in them."""
    make_execution(admin_user)
    page = grid()
    value = typed.rpartition(" ")[0]
    is_open = typed.startswith("workspace")
    # In one go: a pause between two keys would send what is not a field yet.
    page.locator("#search").fill(value)
    page.wait_for_timeout(600)
    assert query(page) == ""
    page.locator("#search").fill(typed)
    if is_open:
        page.wait_for_timeout(600)
        assert query(page) == ""
    else:
        expect(page).to_have_url(re.compile(r"q=2"))


def test_a_bad_term_is_kept_and_told(grid: Any, admin_user: Any) -> None:
    make_execution(admin_user)
    page = grid()
    page.locator("#search").fill("status:Eror flow:orders")
    page.keyboard.press("Enter")
    expect(page.locator("#query-problems")).to_contain_text("Did you mean Error?")
    expect(page.locator("#rows > tr")).to_have_count(1)
    page.reload()
    expect(page.locator("#search")).to_have_value("flow:orders status:Eror")


def test_sorting_jumping_and_groups(grid: Any, admin_user: Any) -> None:
    noon = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)
    made = [
        make_execution(
            admin_user,
            flow=("orders", "stock")[n % 2],
            status=Status.ENDED,
            started_at=noon + timedelta(minutes=n),
            ended_at=noon + timedelta(minutes=n, seconds=n),
        )
        for n in range(6)
    ]
    ids = [str(one.pk) for one in made]
    page = grid()
    page.locator("#sort-duration").click()
    expect(page.locator("th.c-duration")).to_have_attribute("aria-sort", "descending")
    expect_shown(page, ids[::-1])
    page.locator("#sort-duration").click()
    expect(page.locator("th.c-duration")).to_have_attribute("aria-sort", "ascending")
    expect_shown(page, ids)
    # A row that ends later moves to where it belongs, live.
    tell(made[0], ended_at=noon + timedelta(hours=1))
    expect(page.locator("#rows > tr").last).to_have_attribute("data-id", ids[0])
    page.goto("/")
    page.locator("#jump").fill(f"{noon + timedelta(minutes=2):%Y-%m-%dT%H:%M:%S}")
    page.locator(".jump button").click()
    expect(page.locator("#rows > tr")).to_have_count(3)
    expect_shown(page, [ids[2], ids[1], ids[0]])
    page.go_back()
    expect(page.locator("#rows > tr")).to_have_count(6)
    page.locator("summary", has_text="Group").click()
    page.get_by_role("link", name="Flow", exact=True).last.click()
    expect(page.locator("#groups tbody tr")).to_have_count(2)
    tell(make_execution(admin_user, flow="tickets"))
    expect(page.locator("#groups tbody tr")).to_have_count(3, timeout=15_000)
    page.locator("#groups").get_by_role("link", name="stock").click()
    expect(page.locator("#rows > tr")).to_have_count(3)
    expect(page.locator("#search")).to_have_value("flow:stock")
    assert query(page) == "flow=stock"


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(grid: Any, admin_user: Any, width: int) -> None:
    make_execution(admin_user, status=Status.ERROR, error_type="BadException")
    page = grid("/?q=status:Eror+flow:orders&group=flow")
    page.set_viewport_size({"width": width, "height": 844})
    if width < 720:
        page.get_by_role("button", name="Filters and views").click()
    page.locator("#piece-workspace").click()
    expect(page.locator("#editor")).to_be_visible()
    axe_finds_nothing(page, within="#editor", dark=width > 390)
    page.keyboard.press("Escape")
    expect(page.locator("#editor")).to_have_count(0)
    page.locator("#search").press("End")
    # In one go, and in a field: it is not sent, which would dim the rows meanwhile.
    page.keyboard.insert_text(" status:e")
    expect(page.locator("#completions > li").first).to_be_visible()
    axe_finds_nothing(page, dark=width > 390)


def test_enter_takes_the_only_value_that_it_can_become(grid: Any, admin_user: Any) -> None:
    broken = make_execution(admin_user, status=Status.ERROR)
    make_execution(admin_user, status=Status.ENDED)
    page = grid()
    box = page.locator("#search")
    for wait in (0, 600):  # before and after the list has come
        page.goto("/")
        box.click()
        page.keyboard.type("status:err")
        page.wait_for_timeout(wait)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"\?status=Error$"))
        expect(page.locator("#rows > tr")).to_have_count(1)
        expect_shown(page, [str(broken.pk)])
    # A name may be what nobody has suggested, and what it may become is left open.
    page.goto("/")
    box.click()
    page.keyboard.type("flow:ord")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?flow=ord$"))
    page.goto("/")
    box.click()
    page.keyboard.type("status:e")
    page.keyboard.press("Enter")
    expect(page.locator("#query-problems")).to_contain_text(
        "status: There is no “e”. Write one of Queued"
    )


def test_what_looks_like_a_field_is_told(grid: Any, admin_user: Any) -> None:
    make_execution(admin_user)
    page = grid()
    page.locator("#search").fill("foo:bar")
    page.keyboard.press("Enter")
    expect(page.locator("#query-hints")).to_contain_text("Did you mean flow?")
    expect(page.locator("#query-hints")).to_contain_text("foo:bar is searched for as a text")


@pytest.mark.parametrize("width", [1440, 1000, 390])
def test_an_editor_opens_under_its_button(grid: Any, admin_user: Any, width: int) -> None:
    make_execution(admin_user)
    page = grid("/?flow=orders&workspace=Top-level")
    page.set_viewport_size({"width": width, "height": 844})
    for name in ("initiator", "flow", "started"):
        if not page.locator(f"#piece-{name}").is_visible():
            page.locator("[data-filter-toggle]").click()
        page.locator(f"#piece-{name}").click()
        editor = page.locator("#editor")
        expect(editor).to_have_attribute("data-editor", name)
        box, button = editor.bounding_box(), page.locator(f"#piece-{name}").bounding_box()
        assert 0 <= box["y"] - button["y"] - button["height"] <= 8, name
        assert box["x"] + box["width"] <= width
        if width > 900:
            right = button["x"] + button["width"]
            assert box["x"] - 8 <= button["x"] or box["x"] + box["width"] >= width - 20
            assert box["x"] <= right
        title, close = editor.locator("h2").bounding_box(), editor.locator("[data-close]")
        mark = close.bounding_box()
        assert abs(mark["y"] + mark["height"] / 2 - title["y"] - title["height"] / 2) < 6
        page.keyboard.press("Escape")
        expect(editor).to_have_count(0)
    page.locator("summary.add", has_text="Filter").click()
    page.locator("details[open]").get_by_role("link", name="Steps", exact=True).click()
    editor = page.locator("#editor")
    expect(editor).to_have_attribute("data-editor", "steps")
    box = editor.bounding_box()
    button = page.locator("summary.add", has_text="Filter").bounding_box()
    assert 0 <= box["y"] - button["y"] - button["height"] <= 8
