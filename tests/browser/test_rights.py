"""Rights in a browser: a role on a flow and on a folder is given and taken, and the page that
somebody else has open follows, rows and all."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import expect

from executions.models import AuditEntry
from executions.states import Status
from flows.models import Flow, FlowVersion, Folder, Grant
from flows.roles import Role
from tests.accessibility import PHONE, violations
from tests.browser.conftest import OpenAs
from tests.conftest import LiveApp
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import WAIT, WAIT_VARIABLES, publish
from tests.grids import LIVE, row


@pytest.fixture
def shop(live_app: LiveApp, tmp_path: Path) -> FlowVersion:
    version = publish(tmp_path, "shop", WAIT, WAIT_VARIABLES)
    Flow.objects.filter(pk=version.flow_id).update(folder=Folder.objects.create(name="Commerce"))
    return version


def test_a_role_given_and_taken_reaches_the_page_of_the_other(
    open_as: OpenAs, shop: FlowVersion
) -> None:
    ada, bob, root = (User.objects.create_user(name) for name in ("ada", "bob", "root"))
    group = Group.objects.create(name="Sales <b>")
    bob.groups.add(group)
    Grant.objects.create(user=ada, flow=shop.flow, role=Role.ADMINISTER)
    execution = make_execution(root, "shop", version=shop, status=Status.RUNNING)

    his = open_as(bob, "/?view=all")
    expect(his.locator(LIVE)).to_be_visible()
    expect(row(his, execution)).to_have_count(0)
    hers = open_as(ada, "/flows/shop/rights/")
    holder = hers.get_by_label("Group or person")

    # By the keyboard: nonsense keeps what was typed, and a name gives the role.
    holder.fill("nobody <b>")
    holder.press("Enter")
    expect(hers.get_by_role("alert")).to_contain_text("There is no group or active person called")
    expect(hers.get_by_label("Group or person")).to_have_value("nobody <b>")
    hers.get_by_label("Group or person").fill("bob")
    hers.get_by_label("Group or person").press("Enter")
    see = hers.get_by_label("bob: See", exact=True)
    expect(see).to_be_checked()
    expect(row(his, execution)).to_be_visible()

    # Two clicks on one cell end where they began; a higher role gives all below it.
    hers.get_by_label("bob: Operate", exact=True).check()
    expect(hers.get_by_label("bob: Start", exact=True)).to_be_checked()
    expect(hers.locator(".rights-message")).to_contain_text("bob")
    see = hers.get_by_label("bob: See", exact=True)
    see.focus()
    hers.keyboard.press("Space")
    expect(hers.get_by_label("bob: See", exact=True)).to_have_count(0)
    expect(row(his, execution)).to_have_count(0)
    assert not Grant.objects.filter(user=bob).exists()
    his.goto(execution.get_absolute_url())
    expect(his.get_by_role("heading", name="There is nothing here")).to_be_visible()
    assert violations(hers) == []

    # On the folder, for a group: the flow below it comes, and goes when the role is taken.
    root.is_superuser = True
    root.save()
    his.goto("/?view=all")
    expect(his.locator(LIVE)).to_be_visible()
    folder = open_as(root, f"/rights/folders/{Folder.objects.get().pk}/")
    folder.get_by_label("Group or person").fill("Sales <b>")
    folder.locator("select[name=role]").select_option("See")
    folder.get_by_role("button", name="Give role").dblclick()
    expect(folder.get_by_label("Sales <b>: See", exact=True)).to_be_checked()
    expect(row(his, execution)).to_be_visible()
    hers.reload()
    expect(hers.locator("tr.inherited")).to_contain_text("Sales <b>")
    folder.set_viewport_size({"width": PHONE, "height": 844})
    assert folder.evaluate("document.documentElement.scrollWidth") <= PHONE
    # Not `uncheck`, which waits for a box that the answer takes away.
    folder.get_by_label("Sales <b>: See", exact=True).click()
    expect(row(his, execution)).to_have_count(0)

    # Whoever gives up their own role is led away, and the trail says who did what.
    hers.get_by_label("ada: See", exact=True).click()
    expect(hers).to_have_url("/flows/shop/", timeout=10_000)
    assert AuditEntry.objects.filter(actor="ada", outcome="done", flow_name="shop").count() >= 4
