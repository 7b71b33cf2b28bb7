"""Names as long as they may be, on every page: nothing lies over anything else, no page is wider
than its window, nothing is too small on a phone, and what is cut off can be read in full."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.models import BulkJob, Execution, SavedView
from flows.models import FlowVersion
from tests.accessibility import LAID_OUT, PHONE, SMALL
from tests.conftest import LiveApp
from tests.driving import drive
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import publish
from tests.grids import LIVE

#: Finds what is wrong with how a page is laid out, and says it in words.
FOUND = (Path(__file__).parent.parent / "data" / "overlaps.js").read_text()

WIDTHS = (1440, 1200, 768, PHONE)

CHILD = """
a: {{type: Start Flow, bottom: w}}
w:
  type: Workspace
  description: {said}
  variables: {{{name}: {{default: {said}}}}}
  blocks:
    s: {{type: Start Workspace, bottom: set}}
    set:
      type: Set Variable
      description: {said}
      properties: {{Value: =In{name}, Variable: ($)Out{name}}}
      bottom: t
    t:
      type: Throw New Flow Exception
      description: {said}
      properties: {{Message: {said}, Category: {said}}}
  bottom: e
e: {{type: End Flow}}
h:
  type: Handle Flow Exception
  description: {said}
  properties: {{Exception: ($)E}}
  variables: {{E: {{}}}}
  blocks:
    s: {{type: Start Workspace, bottom: r}}
    r: {{type: Rethrow Exception, description: {said}, properties: {{Exception: =E}}}}
"""
PARENT = """
a: {{type: Start Flow, bottom: run}}
run:
  type: Run Flow
  description: {said}
  properties: {{Flow: {flow}, Inputs: {{In{name}: =In{name}}}, Outputs: ($)Out{name}}}
  bottom: e
e: {{type: End Flow}}
"""
VARIABLES = """
In{name}: {{input: true, default: {said}, description: {said}}}
Out{name}: {{output: true}}
"""

#: The longest names: without a blank, with hyphens, and with blanks where those may be.
NAMES = {
    "45 of both": ("Wwwwm" * 9, "Wait for all of the goods of it now and then 4"),
    "120 in one word": ("Wwwwmmmmii" * 12, "Wwwwmmmmii" * 12),
    "120 in words": ("ten-of-it-" * 11 + "ten-of-it9", "ten of it " * 11 + "ten of it9"),
}  # fmt: skip


def begin(version: FlowVersion, user: User, **inputs: Any) -> Execution:
    actor = Actor(user_id=user.pk, name=user.username, source="page")
    return start(version, inputs, actor, Execution.Trigger.PAGE)


@pytest.fixture(params=list(NAMES))
def addresses(request: Any, admin_user: User, tmp_path: Path, live_app: object) -> list[str]:
    """Every kind of page that shows names."""
    flow, said = NAMES[request.param]
    name = flow[:110].replace("-", "_")
    User.objects.filter(pk=admin_user.pk).update(username=said.replace(" ", "."))
    admin_user.refresh_from_db()
    words = {"said": said, "name": name, "flow": flow}
    variables = VARIABLES.format(**words)
    publish(tmp_path, flow, CHILD.format(**words), variables)
    parent = publish(tmp_path, f"P{flow[1:]}", PARENT.format(**words), variables)
    run = begin(parent, admin_user)
    drive(run.pk)
    waiting = begin(parent, admin_user)
    child = Execution.objects.get(parent=run)
    view = SavedView.objects.create(owner=admin_user, name=said[:80], query="is=live", shared=True)
    make_execution(
        admin_user, flow=flow, workspace_name=said, block_description=said,
        lease_owner=f"{flow[:60]}:1:x:y", error_type=said, waiting_for=said, child_count=1234,
        debugged_by_name=said.replace(" ", "."), called_by=said,
    )  # fmt: skip
    job = BulkJob.objects.create(
        user=admin_user, command="stop", filters=f"flow={flow}", status=BulkJob.Status.DONE,
        expected=3, done=3, refused=0, created_at=timezone.now(), started_at=timezone.now(),
        ended_at=timezone.now(),
    )  # fmt: skip
    page, other = child.get_absolute_url(), run.get_absolute_url()
    shown = ["icon", "flow", "status", "workspace", "description"]
    shown += ["initiator", "error", "worker", "waiting", "debugger"]
    many = "&".join(f"column={one}" for one in [*shown, f"var.{name}", f"var.In{name}"])
    return [
        "/",
        f"/?{many}&open={run.pk}",
        f"/?group=flow&flow={flow}&initiator={admin_user.username}",
        f"/?edit=flow&view={view.pk}",
        page,
        f"{page}?panel=exceptions&tab=children",
        f"{page}?tab=blocks&panel=io",
        f"{page}?tab=differences&from=1",
        f"{page}?tab=gantt&step=2&ws=w",
        f"{page}?var=0:In{name}&tab=logs",
        f"{page}?tab=audit",
        f"{other}?tab=children",
        waiting.get_absolute_url(),
        "/flows/",
        f"/flows/{flow}/",
        f"/flows/{flow}/?ws=w",
        f"/flows/{parent.flow.name}/",
        f"/executions/compare/?b={run.pk}",
        f"/executions/compare/?a={run.pk}&b={waiting.pk}",
        f"/executions/all/stop/?flow={flow}",
        "/executions/jobs/",
        f"/executions/jobs/{job.pk}/",
        "/views/",
        "/account/",
        "/help/",
    ]


def test_long_names_neither_overlap_nor_widen_a_page(
    signed_in_page: Page, addresses: list[str], admin_user: User
) -> None:
    page = signed_in_page
    found = []
    for address in addresses:
        page.goto(address)
        if page.locator("[data-live][data-socket]").count():
            expect(page.locator(LIVE)).to_be_visible()
        if address == "/account/":
            page.locator(".token-form > summary").click()
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate(LAID_OUT)
            said = page.evaluate(FOUND)
            if width == PHONE:
                said += page.evaluate(SMALL)
            found += [f"{address} at {width}: {one}" for one in said]
    assert not found, "\n".join(found)


def test_what_is_cut_off_says_itself_in_full(
    signed_in_page: Page, admin_user: User, browser: Browser, live_app: LiveApp
) -> None:
    name = "Of-goods-that-wait-" * 6
    make_execution(admin_user, flow=name, block_description=name)
    page = signed_in_page
    page.set_viewport_size({"width": 800, "height": 900})
    page.goto(f"/flows/{name}/")
    # By pointing at it,
    page.locator("h1").hover()
    expect(page.locator("h1")).to_have_attribute("title", name)
    # beside what it says of itself,
    page.goto("/flows/")
    page.locator(".flow-name").hover()
    expect(page.locator(".flow-name")).to_have_attribute("title", name)
    # by keyboard,
    expect(page.locator(".tooltip")).to_have_count(0)
    page.locator("#search").focus()
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.closest('.flow-name') === null"):
        page.keyboard.press("Tab")
    expect(page.locator(".tooltip")).to_have_text(name)
    page.keyboard.press("Tab")
    expect(page.locator(".tooltip")).to_be_hidden()
    # and by touch.
    context = browser.new_context(
        base_url=live_app.url,
        has_touch=True,
        viewport={"width": 390, "height": 844},
        storage_state=page.context.storage_state(),
    )
    phone = context.new_page()
    phone.goto(f"/flows/{name}/")
    phone.locator("h1").tap()
    expect(phone.locator(".tooltip")).to_have_text(name)
    phone.locator("#flow h2").first.tap()
    expect(phone.locator(".tooltip")).to_be_hidden()
    context.close()
