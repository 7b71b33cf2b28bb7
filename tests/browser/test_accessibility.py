"""Every page, in both themes, on a desktop and a phone: nothing that axe finds, with the rules on
that it leaves off: targets of 24 px, and names that hold what is written."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from executions import runner
from executions.models import BulkJob, SavedView
from executions.states import Status
from tests.driving import begin, fresh
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import LOOP, LOOP_VARIABLES, publish
from tests.grids import LIVE
from tests.integration.test_help import FAILING

CONTRAST: dict[str, Any] = {"runOnly": ["color-contrast"]}
RULES: dict[str, Any] = {
    "rules": {"target-size": {"enabled": True}, "label-content-name-mismatch": {"enabled": True}}
}


@pytest.fixture
def addresses(admin_user: User, tmp_path: Path, live_app: object) -> list[str]:
    """Every kind of page."""
    looped = begin(publish(tmp_path, "loop", LOOP, LOOP_VARIABLES), Last=3)
    runner.run(looped.pk)
    paused = begin(publish(tmp_path, "loop", LOOP, LOOP_VARIABLES), paused=True)
    failed = begin(publish(tmp_path, "failing", FAILING, "{Zero: {default: 0}, Out: {}}"))
    runner.run(failed.pk)
    make_execution(admin_user, flow="orders", status=Status.RUNNING)
    SavedView.objects.create(owner=admin_user, name="Mine", query="is=live", shared=True)
    job = BulkJob.objects.create(
        user=admin_user, command="stop", filters="is=live", status=BulkJob.Status.DONE,
        expected=3, done=3, refused=0, created_at=timezone.now(), started_at=timezone.now(),
        ended_at=timezone.now(),
    )  # fmt: skip
    page, other = fresh(looped).get_absolute_url(), fresh(failed).get_absolute_url()
    return [
        "/",
        "/?group=flow",
        "/?edit=flow",
        page,
        f"{page}?step=3&tab=gantt&var=0:Seen",
        f"{page}?tab=blocks&panel=io",
        f"{page}?tab=differences&from=1",
        f"{other}?panel=exceptions&tab=children",
        f"{paused.get_absolute_url()}?tab=audit",
        f"{other}?tab=logs",
        "/flows/",
        "/flows/loop/",
        f"/executions/compare/?b={looped.pk}",
        f"/executions/compare/?a={looped.pk}&b={paused.pk}",
        "/executions/all/stop/?is=live",
        "/executions/jobs/",
        f"/executions/jobs/{job.pk}/",
        "/views/",
        "/preferences/",
        "/help/",
        "/help/blocks/",
        "/help/queries/",
        "/help/permissions/",
        "/nothing/",
    ]


def violations(page: Page, options: dict[str, Any]) -> list[str]:
    response = Axe().run(page, options=options).response
    assert response["passes"], "no rule applied"
    return [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary'][:200]}"
        for violation in response["violations"]
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("width", [1440, 390])
def test_axe_finds_nothing_on_any_page(
    signed_in_page: Page, addresses: list[str], width: int
) -> None:
    """In the dark theme only colours differ, so only their contrast is looked at again."""
    page = signed_in_page
    page.set_viewport_size({"width": width, "height": 900})
    found = []
    for address in [*addresses, "/login/"]:
        if address == "/login/":
            page.context.clear_cookies()
        page.emulate_media(color_scheme="light")
        page.goto(address)
        if page.locator("[data-live][data-socket]").count():
            expect(page.locator(LIVE)).to_be_visible()
        found += [f"{address}: {one}" for one in violations(page, RULES)]
        page.emulate_media(color_scheme="dark")
        found += [f"{address}, dark: {one}" for one in violations(page, CONTRAST)]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(f"{address}: wider than the window")
    assert not found, "\n".join(found)
