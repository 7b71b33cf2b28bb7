"""Running executions again from the grid, with the keyboard, and on a phone."""

from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from playwright.sync_api import expect

from executions.models import Execution
from executions.states import Status
from flows import values
from tests.accessibility import PHONE, axe_finds_nothing
from tests.browsers import becomes
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import publish
from tests.grids import row
from tests.integration.test_failures import DIVIDE, DIVIDE_VARIABLES


def test_from_the_grid_with_an_expression(grid: Any, admin_user: User, tmp_path: Path) -> None:
    version = publish(tmp_path, "divide", DIVIDE, DIVIDE_VARIABLES)
    made = [
        make_execution(
            admin_user, "divide", version=version, status=Status.ENDED, inputs={"A": number, "B": 1}
        )
        for number in (4, 5)
    ]
    page = grid("/?view=all&flow=divide")
    scripts: list[Any] = []
    held = [True]
    page.route(
        "**/js/functions.js*",
        lambda route: scripts.append(route) if held else route.continue_(),
    )
    for one in made:
        row(page, one).locator("input").check()
    page.get_by_role("button", name="More").press("Enter")
    page.get_by_role("button", name="Run again").press("Enter")
    expect(page.get_by_role("heading", name="2 executions of divide")).to_be_visible()
    field = page.locator("textarea[name=input-A]")
    # What is typed before the scripts come is completed too.
    field.press_sequentially("=A * ro")
    assert becomes(page, lambda: bool(scripts))
    held.clear()
    for route in scripts:
        route.continue_()
    functions = page.get_by_role("listbox", name="Functions")
    expect(functions.get_by_role("option").first).to_contain_text("round(")
    axe_finds_nothing(page)
    field.press("ArrowDown")
    expect(functions.locator('[aria-selected="true"]')).to_contain_text("round(")
    field.press("Enter")
    expect(field).to_have_value("=A * round(")
    field.press_sequentially("10.2)")
    expect(functions).to_be_hidden()
    field.press_sequentially(" + fl")
    expect(functions).to_be_visible()
    field.press("Escape")
    expect(functions).to_be_hidden()
    field.fill("=A * 10")
    page.get_by_role("button", name="Preview").press("Enter")
    expect(page.locator(".execution-names")).to_contain_text("40")
    axe_finds_nothing(page)
    page.set_viewport_size({"width": PHONE, "height": 844})
    axe_finds_nothing(page, dark=False)
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.get_by_role("button", name="Run 2 again").press("Enter")
    expect(page.locator("body")).to_contain_text("2 of 2 done")
    found = Execution.objects.filter(trigger="again")
    assert {values.decode(one.inputs)["A"] for one in found} == {40, 50}
