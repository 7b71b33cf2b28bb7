"""A debug session as one has it in a browser: from the start with break on exception to the stop;
two people and the control lease; values with addresses of their own; nothing that axe finds."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from executions import control_transfer
from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.limits import DEBUG_TRANSFER_ANSWER_SECONDS
from executions.models import Execution
from flows.models import FlowVersion
from tests.accessibility import axe_finds_nothing
from tests.browser.conftest import OpenAs
from tests.flows_in_tests import publish
from tests.servers import Process

pytestmark = pytest.mark.usefixtures("worker")

#: A structure, a workspace, and in it an exception that nothing handles, unless all is well.
WALK = """
a: {type: Start Flow, bottom: set}
set:
  type: Set Variable
  description: Raise
  properties: {Value: =Limit + 1, Variable: '($)Order.Total'}
  bottom: w
w:
  type: Workspace
  description: Check
  variables: {Inside: {default: 7}}
  blocks:
    s: {type: Start Workspace, bottom: q}
    q: {type: If True Exit Right, properties: {Value: =Bad}, right: t, bottom: x}
    t: {type: Throw New Flow Exception, description: Refuse, properties: {Message: too much}}
    x: {type: End Workspace}
  bottom: e
e: {type: End Flow}
"""
WALK_VARIABLES = """
Bad: {input: true, default: true}
Limit: {default: 10}
Order: {default: {Total: 1, Lines: [{Sku: a}, {Sku: b}]}}
Big: {default: []}
"""


@pytest.fixture
def walk(transactional_db: None, tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "walk", WALK, WALK_VARIABLES)


def test_a_debug_session(walk: FlowVersion, admin_user: User, signed_in_page: Page) -> None:
    page = signed_in_page
    actor = Actor(admin_user.pk, "admin", "page")
    good = start(walk, {"Bad": False}, actor, Execution.Trigger.PAGE)
    execution = start(
        walk, {}, actor, Execution.Trigger.PAGE, paused=True, debug=True, break_on_exception=True
    )
    page.goto(f"/executions/{execution.pk}/?tab=blocks")
    head, side = page.locator("#part-head"), page.locator("#part-side")
    expect(head).to_contain_text("Paused before 'Start Flow'")
    expect(page.locator("#breaks")).to_have_attribute("aria-checked", "true")
    expect(page.locator("#debugged")).to_contain_text("Debugged by you since")

    # A breakpoint is hit; the token stands there, and what the last step changed is marked.
    page.get_by_role("button", name="Breakpoint at Check").click()
    page.locator("#do-continue").click()
    expect(head).to_contain_text("Paused at the breakpoint above 'Check'")
    expect(page.locator('[data-token="0"]')).to_have_attribute("data-block", "w")
    order = side.locator("a.line", has_text="Order")
    expect(order).to_contain_text("changed")
    side.locator("#changed-only").click()
    expect(side.locator("a.line", has_text="Limit")).to_have_count(0)
    order.click()
    look = side.locator(".value-view")
    expect(look.locator(".changed")).to_contain_text('"Total": 11')
    look.get_by_role("link", name="Before").click()
    expect(look).to_contain_text('"Total": 1')
    expect(look.locator(".changed")).to_have_count(0)
    look.get_by_role("link", name="After").click()
    expect(look.locator(".changed")).to_have_count(1)
    side.locator("#changed-only").click()
    # Typed while what was asked before is still under way.
    side.locator("#find").fill("lim")
    expect(side.locator("a.line", has_text="Limit")).to_have_count(1)
    expect(side.locator("a.line", has_text="Order")).to_have_count(0)
    side.locator("#find").fill("")

    # A part of it is edited: what differs is shown before it is saved.
    look.get_by_role("link", name='"Sku"').first.click()
    expect(look.locator("h3")).to_contain_text(re.compile("Order.Lines.0.Sku"))
    look.locator("#edit-value").click()
    dialog = page.locator("#value-edit")
    dialog.get_by_label("Value").fill("42")
    dialog.get_by_label("Change its type").check()
    dialog.get_by_role("button", name="Show changes").click()
    expect(dialog).to_contain_text("Its type changes from Text to Integer")
    expect(dialog.locator("del")).to_have_text('"a"')
    expect(dialog.locator("ins")).to_have_text("42")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("#notices")).to_contain_text('Order.Lines.0.Sku: "a" → 42')
    expect(dialog).not_to_be_visible()
    expect(look.locator(".collapsible-json")).to_contain_text("42")

    # Into the workspace, its variables beside the outer ones; then another block is next.
    page.locator("#do-step").click()
    expect(head).to_contain_text("Paused before 'Start Workspace' in Check")
    expect(side.locator(".scope h3").first).to_contain_text("Check")
    expect(side.locator("a.line", has_text="Inside")).to_contain_text("7")
    page.locator('[data-key="b-w/t"]').get_by_role("button", name="Set next").click()
    expect(head).to_contain_text("Paused before 'Refuse'")

    # It breaks on the exception port; the exception is there, and stays after the end.
    page.locator("#do-continue").click()
    expect(head).to_contain_text("Paused on the exception port of 'Refuse'")
    page.locator("#panel-exceptions").click()
    expect(side).to_contain_text("too much")
    expect(side).to_contain_text("not yet: it waits on the exception port")
    page.locator("#do-stop").click()
    page.locator("#confirm [data-confirm-yes]").click()
    expect(head).to_contain_text("Stopped")
    expect(side).to_contain_text("too much")
    expect(side).to_contain_text("only here")
    replayed(page)
    compared(page, good, execution)


def replayed(page: Page) -> None:
    """The same execution by the slider: token, values and exceptions as they were."""
    slider, side = page.locator("[data-slider]"), page.locator("#part-side")
    order = side.locator("a.line", has_text="Order")
    inner = page.locator(".token:not(.outer)")
    slider.focus()
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "Step 0 of 4")
    expect(inner).to_have_attribute("data-block", "a")
    expect(side).to_contain_text("No exception was thrown.")
    side.locator("#panel-variables").click()
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "Step 1 of 4, Start Flow")
    expect(inner).to_have_attribute("data-block", "set")
    order.click()
    expect(side.locator(".value-view .collapsible-json")).to_contain_text('"Total": 1')
    expect(side.locator(".value-view .collapsible-json")).not_to_contain_text('"Total": 11')
    slider.focus()
    page.keyboard.press("ArrowRight")
    # With what was edited before the next step.
    expect(slider).to_have_attribute("aria-valuetext", "Step 2 of 4, Raise")
    expect(inner).to_have_attribute("data-block", "w")
    expect(side.locator(".value-view .collapsible-json")).to_contain_text('"Total": 11')
    expect(side.locator(".value-view .collapsible-json")).to_contain_text('"Sku": 42')
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "Step 3 of 4, Check")
    expect(inner).to_have_attribute("data-block", "w/t")
    expect(side.locator("a.line", has_text="Inside")).to_contain_text("7")
    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "Step 4 of 4, Refuse, live")


def compared(page: Page, good: Execution, execution: Execution) -> None:
    """Held against the execution before it, in which all was well."""
    page.get_by_role("button", name="More of this moment").click()
    page.get_by_role("link", name="Compare with the previous execution").click()
    expect(page).to_have_url(re.compile(rf"/executions/compare/\?a={good.pk}&b={execution.pk}$"))
    expect(page.get_by_label("Execution A", exact=True)).to_contain_text("Ended")
    expect(page.get_by_label("Execution B", exact=True)).to_contain_text("Stopped")
    parting = page.get_by_label("Where they diverge")
    expect(parting).to_contain_text("Step 4: Start Workspace")
    expect(parting).to_contain_text("Step 4: Refuse threw")
    # It opens in the workspace in which they diverge.
    expect(page.locator('svg[data-workspace="w"] g.block[data-block="w/t"]')).to_be_visible()
    variables = page.get_by_role("table", name="Variables")
    expect(variables).to_contain_text("Order.Lines[0].Sku")
    parting.get_by_role("link").last.click()
    expect(page).to_have_url(re.compile(rf"/executions/{execution.pk}/\?step=4$"))


def test_a_link_opens_exactly_what_it_names(
    walk: FlowVersion, admin_user: User, signed_in_page: Page
) -> None:
    """Deep in a list of 100,000 items; copied with the button and opened in another tab."""
    page = signed_in_page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    execution = start(
        walk,
        {},
        Actor(admin_user.pk, "admin", "page"),
        Execution.Trigger.PAGE,
        paused=True,
    )
    expect_paused(page, execution)
    page.locator("#do-step").click()
    expect(page.locator("#part-head")).to_contain_text("Paused before 'Raise'")
    big = [{"er": number} for number in range(100_000)]
    execution.values.filter(level=0, name="big").update(value=big)
    page.goto(f"/executions/{execution.pk}/?var=0:Big&item=77777")
    look = page.locator(".value-view")
    expect(look.locator(".pages")).to_contain_text("77700 to 77799 of 100000 items")
    assert len(page.locator("#part-side").inner_html()) < 120_000
    look.get_by_role("link", name="Open 77777").click()
    expect(look.locator("h3")).to_contain_text(re.compile("Big.77777"))
    look.get_by_role("link", name='"er"').click()
    expect(look.locator("h3")).to_contain_text(re.compile("Big.77777.er"))
    look.get_by_role("button", name="Copy link").click()
    expect(look.locator("[data-copy-link]")).to_have_class("btn small subtle copy done")
    link = page.evaluate("navigator.clipboard.readText()")
    other = page.context.new_page()
    other.goto(link)
    expect(other.locator(".value-view h3")).to_contain_text(re.compile("Big.77777.er"))
    expect(other.locator(".value-view .collapsible-json")).to_contain_text("77777")
    other.locator(".value-view h3 a", has_text="Big").click()
    expect(other.locator(".value-view .pages")).to_contain_text("77700 to 77799", timeout=15_000)


def expect_paused(page: Page, execution: Execution) -> None:
    page.goto(f"/executions/{execution.pk}/")
    expect(page.locator("#part-head")).to_contain_text("Paused before 'Start Flow'")


def test_two_people(
    walk: FlowVersion,
    admin_user: User,
    signed_in_page: Page,
    open_as: OpenAs,
    worker: Process,
) -> None:
    grace = User.objects.create_superuser("grace")
    actor = Actor(admin_user.pk, "admin", "page")
    execution = start(walk, {}, actor, Execution.Trigger.PAGE, paused=True)
    mine, theirs = signed_in_page, open_as(grace, "/healthz")
    expect_paused(mine, execution)
    expect_paused(theirs, execution)
    expect(mine.locator("#looks")).to_have_attribute("title", "grace")
    expect(theirs.locator("#looks")).to_have_attribute("title", "admin")

    mine.locator("#do-step").click()
    expect(mine.locator("#debugged")).to_contain_text("Debugged by you")
    expect(theirs.locator("#debugged")).to_contain_text("Debugged by admin since")
    expect(theirs.locator("#do-step")).to_be_disabled()
    assert "Take over first" in (theirs.locator("#do-step").get_attribute("title") or "")
    theirs.get_by_role("button", name="Take over").click()
    expect(mine.locator(".takeover-request")).to_contain_text("grace asks to take over debugging")
    expect(mine.locator("[data-until]")).to_contain_text("in ")
    mine.get_by_role("button", name="Keep control").click()
    expect(theirs.locator(".takeover-request")).to_contain_text("admin keeps control")
    expect(theirs.locator("#do-step")).to_be_disabled()

    # Asked again, and not answered: the scheduler's round passes it on.
    theirs.get_by_role("button", name="Take over").click()
    expect(mine.locator(".takeover-request")).to_contain_text("grace asks")
    asked = Execution.objects.get(pk=execution.pk).asked_at
    assert asked is not None
    Execution.objects.filter(pk=execution.pk).update(
        asked_at=asked - timedelta(seconds=DEBUG_TRANSFER_ANSWER_SECONDS)
    )
    assert control_transfer.transfer_leases() == 1
    expect(theirs.locator("#debugged")).to_contain_text("Debugged by you")
    expect(mine.locator("#do-step")).to_be_disabled()
    theirs.locator("#do-step").click()
    expect(mine.locator("#part-head")).to_contain_text("Paused before 'Check'")
    theirs.close()
    expect(mine.locator("#looks")).to_have_count(0, timeout=15_000)


def test_axe_finds_nothing(
    walk: FlowVersion, admin_user: User, signed_in_page: Page, worker: Process
) -> None:
    page = signed_in_page
    grace = User.objects.create_superuser("grace")
    execution = start(
        walk,
        {},
        Actor(grace.pk, "grace", "page"),
        Execution.Trigger.PAGE,
        debug=True,
        break_on_exception=True,
    )
    address = execution.get_absolute_url()
    page.goto(f"{address}?var=0:Order")
    expect(page.locator("#part-head")).to_contain_text("Paused on the exception port")
    expect(page.locator("#debugged")).to_contain_text("Debugged by grace")
    page.get_by_role("button", name="Take over").click()
    expect(page.locator(".takeover-request")).to_be_visible()
    for query in ("?var=0:Order", "?panel=exceptions&tab=audit", "?panel=io&tab=logs"):
        page.goto(address + query)
        expect(page.locator("#debugged")).to_be_visible()
        # What is around the panels and lists is the same for all of them.
        axe_finds_nothing(page, within="#part-side, #part-bottom" if "tab" in query else None)
