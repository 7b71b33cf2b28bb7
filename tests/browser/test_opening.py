"""How an execution is opened from the grid, and what layouts from before that say."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from playwright.sync_api import Page, expect

from executions.grid.table.columns import DEFAULT_COLUMNS
from executions.models import Execution, Preferences, SavedView
from executions.states import Status
from tests.executions_in_tests import make_execution
from tests.grids import row

FIRST = import_module("executions.migrations.0019_flow_name_first")


def contrast(page: Page, link: Any) -> float:
    """Of a link with the row behind it."""
    ratio: float = link.evaluate(
        """link => {
            const light = (colour) => {
                const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((c) => c / 255)
                    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const behind = getComputedStyle(link.closest("tr")).backgroundColor;
            const paper = behind === "rgba(0, 0, 0, 0)"
                ? getComputedStyle(document.querySelector(".page")).backgroundColor : behind;
            const both = [light(getComputedStyle(link).color), light(paper)].sort((a, b) => b - a);
            return (both[0] + 0.05) / (both[1] + 0.05);
        }"""
    )
    return ratio


def test_the_name_of_the_flow_comes_first_and_opens_the_execution(
    grid: Any, admin_user: Any
) -> None:
    one = make_execution(admin_user, status=Status.ENDED)
    page = grid()
    heads = page.locator("th[data-column]").evaluate_all("all => all.map(h => h.dataset.column)")
    assert heads[:2] == ["icon", "flow"]
    link = row(page, one).locator(".c-flow [data-open]")
    # It looks like a link, also in a row that is over, which steps back otherwise.
    other = row(page, one).locator(".c-description a")
    colour = "link => getComputedStyle(link).color"
    assert link.evaluate(colour) != other.evaluate(colour)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert contrast(page, link) >= 4.5
    link.click()
    expect(page).to_have_url(page.url.split("/executions/")[0] + one.get_absolute_url())


def test_a_row_leads_to_its_flow_too(grid: Any, admin_user: Any, tmp_path: Any) -> None:
    one = make_execution(admin_user)
    page = grid()
    row(page, one).hover()
    to_flow = row(page, one).get_by_role("link", name="Flow orders")
    expect(to_flow).to_have_css("opacity", "1")
    assert to_flow.get_attribute("href") == "/flows/orders/"


def test_by_keyboard_the_cell_of_the_name_opens_the_execution(grid: Any, admin_user: Any) -> None:
    one = make_execution(admin_user)
    page = grid()
    page.keyboard.press("j")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(row(page, one).locator("td.c-flow")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{one.get_absolute_url()}")


def test_on_a_card_the_name_of_the_flow_is_the_title(grid: Any, admin_user: Any) -> None:
    one = make_execution(admin_user, block_description="Look the customer up")
    page = grid()
    page.set_viewport_size({"width": 390, "height": 844})
    title, block = (
        row(page, one).locator(cell).bounding_box() for cell in (".c-flow", ".c-description")
    )
    assert title["y"] + title["height"] <= block["y"] + 1
    assert row(page, one).locator(".c-flow").evaluate("c => getComputedStyle(c).fontSize") == "13px"


@pytest.mark.django_db
def test_layouts_that_held_the_former_default_follow_the_new_one(admin_user: Any) -> None:
    chosen = ["started", "flow", "status"]
    own = Preferences.objects.create(
        user=admin_user, layout={"columns": FIRST.FORMER, "widths": {"flow": 300}}
    )
    views = [
        SavedView.objects.create(owner=admin_user, name=name, layout={"columns": columns})
        for name, columns in (("As it was", FIRST.FORMER), ("Chosen", chosen))
    ]
    FIRST.follow_default(apps, None)
    own.refresh_from_db()
    assert own.layout == {"columns": list(DEFAULT_COLUMNS), "widths": {"flow": 300}}
    for view, columns in zip(views, (list(DEFAULT_COLUMNS), chosen), strict=True):
        view.refresh_from_db()
        assert view.layout["columns"] == columns


def test_a_row_without_the_column_is_opened_as_before(grid: Any, admin_user: Any) -> None:
    one: Execution = make_execution(admin_user)
    page = grid("/?column=status&column=started")
    row(page, one).locator(".c-started a").click()
    page.wait_for_url(f"**{one.get_absolute_url()}")
