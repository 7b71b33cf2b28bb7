"""The watched executions in both themes and at two widths: nothing that axe finds, and nothing that
is wider than the window. tests/browser/test_accessibility.py looks at the pages around the grid."""

from typing import Any

from playwright.sync_api import Page, expect

from executions.models import Watch
from executions.states import Status
from tests.accessibility import PHONE, axe_finds_nothing
from tests.browsers import fits
from tests.executions_in_tests import make_execution
from tests.grids import LIVE


def test_axe_finds_nothing(signed_in_page: Page, admin_user: Any) -> None:
    page = signed_in_page
    watched = [
        make_execution(
            admin_user,
            age=age,
            status=status,
            error_type="HttpRequestException" if status == Status.EXCEPTION else "",
            error_message="The server answered 503 for order 4711, and after that not at all.",
            block_description="Send every invoice of the last quarter to whoever has not paid it",
        )
        for age, status in enumerate((Status.RUNNING, Status.PAUSED, Status.EXCEPTION))
    ]
    for one in watched:
        Watch.objects.create(user=admin_user, execution=one, read_revision=1)
    page.goto("/?is=watched")
    expect(page.locator(LIVE)).to_be_visible()
    expect(page.locator("#rows .watched")).to_have_count(3)
    page.keyboard.press("j")
    for _ in range(7):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".tooltip")).to_be_visible()
    for width in (1440, PHONE):
        page.set_viewport_size({"width": width, "height": 844})
        axe_finds_nothing(page, dark=width != PHONE)
        assert fits(page, width)
