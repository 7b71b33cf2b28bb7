"""Every page, in both themes, on a desktop and a phone: nothing that axe finds, with the rules on
that it leaves off, nothing wider than the window, and no text too small for a phone."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from playwright.sync_api import Page, expect

from executions import api_tokens, machine_accounts, runner, share_links
from executions.commands.actor import Actor
from executions.models import (
    BulkJob,
    BulkResult,
    Chain,
    LogEntry,
    SavedView,
    StorageCollection,
    StorageItem,
    Webhook,
    WebhookRequest,
)
from executions.states import Status
from flows.models import Folder, Grant
from flows.roles import Role
from tests.accessibility import LAID_OUT, PHONE, SMALL, STRICT, violations
from tests.driving import begin, fresh
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import LOOP, LOOP_VARIABLES, publish
from tests.grids import LIVE
from tests.integration.test_help import FAILING
from tests.people import APPROVAL, APPROVAL_VARIABLES, question_of
from tests.schedules_in_tests import make_schedule

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
        "/storage/signals/",
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


@pytest.fixture
def administered(admin_user: User, tmp_path: Path, live_app: object) -> list[str]:
    """Every kind of page of rights, of what starts executions, of tokens and of the trail."""
    flow = publish(tmp_path, "loop", LOOP, LOOP_VARIABLES).flow
    flow.folder = folder = Folder.objects.create(name="Commerce")
    flow.save()
    actor = Actor(admin_user.pk, "admin", "page")
    group = Group.objects.create(name="Operators")
    Grant.objects.create(group=group, folder=folder, role=Role.OPERATE)
    Grant.objects.create(group=group, flow=flow, role=Role.START)
    execution = make_execution(admin_user, version=flow.versions.get(), status=Status.ENDED)
    other = User.objects.create_user("maya")
    for user, scopes in ((admin_user, ["see", "start"]), (other, ["see"])):
        api_tokens.issue(actor, user, api_tokens.Wanted("laptop", scopes))
    machine_accounts.make(actor, "deploy", "Deploys")
    schedule = make_schedule(flow, admin_user, name="Nightly")
    hook = Webhook.objects.create(name="Shop", flow=flow, owner=admin_user)
    request = WebhookRequest.objects.create(
        webhook=hook, at=timezone.now(), method="POST", status=422, outcome="failed",
        why="The input Last is missing.", content={"headers": {}, "query": "", "body": "{}"},
    )  # fmt: skip
    chain = Chain.objects.create(flow=flow, target=flow, owner=admin_user)
    _, secret = share_links.make(actor, execution, 7, ["Last"])
    return [
        "/schedules/",
        "/schedules/new/?flow=loop",
        schedule.get_absolute_url(),
        "/webhooks/",
        "/webhooks/new/?flow=loop",
        hook.get_absolute_url(),
        f"{hook.get_absolute_url()}requests/{request.pk}/",
        "/chains/",
        "/chains/new/?flow=loop&target=loop",
        chain.get_absolute_url(),
        "/rights/",
        f"/rights/folders/{folder.pk}/",
        "/flows/loop/rights/",
        "/tokens/",
        "/machine-accounts/",
        "/account/",
        "/audit/",
        "/audit/?at=soon",
        f"{execution.get_absolute_url()}share/",
        f"/shared/{secret}/",
        "/flows/import/files/",
        "/api/docs",
    ]


def test_axe_finds_nothing_on_any_page(signed_in_page: Page, addresses: list[str]) -> None:
    _crawl(signed_in_page, [*addresses, "/login/"])


def test_axe_finds_nothing_where_work_is_administered(
    signed_in_page: Page, administered: list[str]
) -> None:
    _crawl(signed_in_page, administered)


def _crawl(page: Page, addresses: list[str]) -> None:
    found = []
    for address in addresses:
        if address == "/login/":
            page.context.clear_cookies()
        answer = page.goto(address)
        assert answer is not None
        assert answer.status != 404 or address == "/nothing/", address
        if page.locator("[data-live][data-socket]").count():
            expect(page.locator(LIVE)).to_be_visible()
        expect(page.locator("#loading:not([hidden])")).to_have_count(0)
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
