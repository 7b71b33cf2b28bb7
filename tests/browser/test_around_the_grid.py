"""The pages around the grid, in both themes and at two widths: nothing that axe finds, and nothing
that is wider than the window."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from executions.models import BulkJob, BulkRefusal, SavedView, Watch
from executions.states import Status
from tests.executions_in_tests import make_execution
from tests.grids import LIVE


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing(signed_in_page: Page, admin_user: Any, scheme: Any, width: int) -> None:
    page = signed_in_page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
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
    SavedView.objects.create(owner=admin_user, name="Mine", query="is=watched", shared=True)
    job = BulkJob.objects.create(
        user=admin_user,
        command="stop",
        filters="is=watched",
        status=BulkJob.Status.DONE,
        expected=3,
        done=1,
        refused=2,
        created_at=timezone.now(),
        started_at=timezone.now(),
        ended_at=timezone.now(),
    )
    for one in watched[:2]:
        BulkRefusal.objects.create(
            job=job, execution_id=one.pk, flow_name="orders", reason="It is already Ended."
        )
    addresses = {
        "watched": "/?is=watched",
        "views": "/views/",
        "preview": "/executions/all/stop/?is=watched",
        "jobs": "/executions/jobs/",
        "job": f"/executions/jobs/{job.pk}/",
        "refusals": f"/executions/jobs/{job.pk}/refusals/",
    }
    for name, address in addresses.items():
        page.goto(address)
        if name == "watched":
            expect(page.locator(LIVE)).to_be_visible()
            expect(page.locator("#rows .watched")).to_have_count(3)
            page.keyboard.press("j")
            for _ in range(7):
                page.keyboard.press("ArrowRight")
            expect(page.locator(".tooltip")).to_be_visible()
        result = Axe().run(page)
        assert result.violations_count == 0, (name, result.generate_report())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
