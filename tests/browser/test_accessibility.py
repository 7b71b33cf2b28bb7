"""Every page, in both themes, on a desktop and a phone: nothing that axe finds, with the rules on
that it leaves off, nothing wider than the window, and no text too small for a phone."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from executions import runner
from executions.models import (
    BulkJob,
    BulkResult,
    LogEntry,
    SavedView,
    StorageCollection,
    StorageItem,
)
from executions.states import Status
from tests.accessibility import LAID_OUT, PHONE, SMALL, STRICT, violations
from tests.driving import begin, fresh
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import LOOP, LOOP_VARIABLES, publish
from tests.grids import LIVE
from tests.integration.test_help import FAILING
from tests.people import APPROVAL, APPROVAL_VARIABLES, question_of

WIDTHS = (1440, PHONE)


@pytest.fixture
def addresses(admin_user: User, tmp_path: Path, live_app: object) -> list[str]:
    """Every kind of page."""
    asked = begin(publish(tmp_path, "approval", APPROVAL, APPROVAL_VARIABLES), User="admin")
    runner.run(asked.pk)
    stored = StorageItem.objects.create(
        collection=StorageCollection.objects.create(
            scope="/default/default/*/default/*/*/", name="users", folded_name="users"
        ),
        key="ada", value={"Born": 1815, "Tags": ["a"]}, at=timezone.now(), by="loop",
    )  # fmt: skip
    looped = begin(publish(tmp_path, "loop", LOOP, LOOP_VARIABLES), Last=3)
    runner.run(looped.pk)
    paused = begin(publish(tmp_path, "loop", LOOP, LOOP_VARIABLES), paused=True)
    failed = begin(publish(tmp_path, "failing", FAILING, "{Zero: {default: 0}, Out: {}}"))
    runner.run(failed.pk)
    make_execution(admin_user, flow="orders", status=Status.RUNNING)
    for severity in ("Information", "Warning", "Error"):
        LogEntry.objects.create(
            execution=looped, step=1, at=timezone.now(), block="a", severity=severity,
            event_type="Order paid", details={"number": 17}, flow_name="loop",
        )  # fmt: skip
    SavedView.objects.create(owner=admin_user, name="Mine", query="is=live", shared=True)
    job = BulkJob.objects.create(
        user=admin_user, command="stop", filters="is=live", status=BulkJob.Status.DONE,
        expected=3, done=1, refused=2, created_at=timezone.now(), started_at=timezone.now(),
        ended_at=timezone.now(),
    )  # fmt: skip
    for one in (looped, paused):
        BulkResult.objects.create(
            job=job, execution_id=one.pk, flow_name="loop", detail="It is already Ended."
        )
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
        "/questions/",
        question_of(asked).get_absolute_url(),
        fresh(asked).get_absolute_url(),
        "/storage/",
        f"/storage/{stored.collection_id}/",
        f"/storage/items/{stored.pk}/",
        "/logs/",
        "/logs/?q=none&at=soon",
        "/overview/",
        "/overview/?compare=week&span=7d",
        "/workers/",
        "/workers/celery@nowhere/",
        "/flows/",
        "/flows/loop/",
        f"/executions/compare/?b={looped.pk}",
        f"/executions/compare/?a={looped.pk}&b={paused.pk}",
        "/executions/all/stop/?is=live",
        "/executions/jobs/",
        f"/executions/jobs/{job.pk}/",
        f"/executions/jobs/{job.pk}/results/",
        "/views/?at=status%3DError",
        "/account/",
        "/help/",
        "/help/blocks/",
        "/help/queries/",
        "/help/permissions/",
        "/nothing/",
    ]


def test_axe_finds_nothing_on_any_page(signed_in_page: Page, addresses: list[str]) -> None:
    page = signed_in_page
    found = []
    for address in [*addresses, "/login/"]:
        if address == "/login/":
            page.context.clear_cookies()
        page.goto(address)
        if page.locator("[data-live][data-socket]").count():
            expect(page.locator(LIVE)).to_be_visible()
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate(LAID_OUT)
            said = violations(page, STRICT, dark=width != PHONE)
            if page.evaluate("document.documentElement.scrollWidth") > width:
                said.append("wider than the window")
            if width == PHONE:
                said += page.evaluate(SMALL)
            found += [f"{address} at {width}: {one}" for one in said]
    assert not found, "\n".join(found)
