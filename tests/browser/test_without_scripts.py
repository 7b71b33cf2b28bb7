"""Debugging in a browser that runs no scripts: each form is sent, says what came of it, and keeps
what was typed when it is refused."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.models import Execution, Watch
from flows.models import FlowVersion
from tests.browser.test_debug_walk import WALK, WALK_VARIABLES
from tests.conftest import LiveApp
from tests.flows_in_tests import publish

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
def opened(browser: Browser, live_app: LiveApp) -> Iterator[Callable[[User], Page]]:
    """A tab without scripts in which somebody is signed in."""
    contexts = []

    def opening(user: User) -> Page:
        client = Client()
        client.force_login(user)
        context = browser.new_context(base_url=live_app.url, java_script_enabled=False)
        contexts.append(context)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_app.url}]
        )
        return context.new_page()

    yield opening
    for context in contexts:
        context.close()


@pytest.fixture
def execution(transactional_db: None, tmp_path: Path, admin_user: User) -> Execution:
    version: FlowVersion = publish(tmp_path, "walk", WALK, WALK_VARIABLES)
    actor = Actor(admin_user.pk, "admin", "page")
    options: dict[str, Any] = {"paused": True, "debug": True, "break_on_exception": True}
    return start(version, {}, actor, Execution.Trigger.PAGE, **options)


def until(page: Page, text: str) -> None:
    """Load the page until the worker has done it."""
    deadline = time.monotonic() + 15
    while text not in (page.locator("#part-head").text_content() or ""):
        assert time.monotonic() < deadline, page.locator("#part-head").text_content()
        page.wait_for_timeout(200)
        page.reload()


def says(page: Page, text: str) -> None:
    expect(page.locator("#notices .notice")).to_contain_text(text)


def test_a_debug_session(execution: Execution, admin_user: User, opened: Any) -> None:
    page: Page = opened(admin_user)
    page.goto(f"{execution.get_absolute_url()}?tab=blocks")
    until(page, "Paused before 'Start Flow'")

    # A breakpoint from the list of blocks, and another with a condition from the form.
    page.get_by_role("button", name="Breakpoint at Check").click()
    says(page, "Breakpoint: walk, ")
    expect(page).to_have_url(re.compile(r"\?tab=blocks$"))
    expect(page.get_by_role("button", name="Breakpoint at Check")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.locator("summary", has_text="Breakpoints, next block").click()
    page.locator("#debug").get_by_label("Block", exact=True).select_option(
        label="End Flow (Top-level)"
    )
    page.get_by_label("Condition").fill("Limit +")
    page.get_by_role("button", name="Set breakpoint").click()
    says(page, "walk: ")  # refused, with the reason
    expect(page.locator("#notices .error")).to_be_visible()
    page.locator("summary", has_text="Breakpoints, next block").click()
    page.locator("#debug").get_by_label("Block", exact=True).select_option(
        label="End Flow (Top-level)"
    )
    page.get_by_label("Condition").fill("Limit > 1")
    page.get_by_role("button", name="Set breakpoint").click()
    says(page, "Breakpoint: walk, ")

    page.get_by_role("button", name="Continue").click()
    says(page, "Continue: walk, done")
    until(page, "Paused at the breakpoint above 'Check'")

    # A variable: refused with what was typed, previewed, saved, and told.
    page.goto(f"{execution.get_absolute_url()}?var=0:Order.Total")
    page.locator("#edit-value").click()
    expect(page.locator("#edit-title")).to_be_visible()
    page.get_by_label("Value").fill("a lot")
    page.get_by_role("button", name="Show changes").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Value")).to_have_value("a lot")
    page.get_by_label("Value").fill("42")
    page.get_by_role("button", name="Show changes").click()
    expect(page.locator("del")).to_have_text("11")
    expect(page.locator("ins")).to_have_text("42")
    page.get_by_role("button", name="Save").click()
    says(page, "Order.Total: 11 → 42")
    expect(page).to_have_url(re.compile(r"\?var=0:Order\.Total$"))
    expect(page.locator(".value-view")).to_contain_text("42")

    # Found by its name: the form is sent with Enter.
    page.get_by_label("Find variable").fill("lim")
    page.keyboard.press("Enter")
    expect(page.locator("#part-side a.line")).to_have_count(1)

    # Into the workspace, and another block next: what comes of it is shown before.
    page.get_by_role("button", name="Step", exact=True).click()
    says(page, "Step: walk, done")
    until(page, "Paused before 'Start Workspace' in Check")
    page.goto(f"/executions/set-next/?id={execution.pk}")
    page.get_by_label("Next block of").select_option(label="End Flow (Top-level)")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".move")).to_contain_text("Check: Inside is lost")
    page.get_by_label("Next block of").select_option(label="Refuse (Check)")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".move")).to_contain_text("It stays in its workspaces")
    page.get_by_role("button", name="Move the token").click()
    says(page, "Set next")
    until(page, "Paused before 'Refuse'")
    page.get_by_role("button", name="Continue").click()
    until(page, "Paused on the exception port of 'Refuse'")

    # Watched, a switch, and the end.
    page.get_by_role("button", name="Watch").click()
    says(page, "You watch 1 execution")
    assert Watch.objects.filter(user=admin_user, execution=execution).exists()
    page.get_by_role("switch", name="Break on exception").click()
    says(page, "Break on exception: walk")
    expect(page.locator("#breaks")).to_have_attribute("aria-checked", "false")
    page.get_by_role("button", name="Stop", exact=True).click()
    says(page, "Stop: walk, done")
    until(page, "Stopped")
    page.get_by_role("button", name="More of this moment").click()
    page.get_by_role("link", name="Compare with the previous execution").click()
    expect(page.get_by_role("status").first).to_contain_text("There is no earlier execution")


def test_the_lease_goes_from_one_to_the_other(
    execution: Execution, admin_user: User, opened: Any
) -> None:
    mine, theirs = opened(admin_user), opened(User.objects.create_superuser("grace"))
    for page in (mine, theirs):
        page.goto(execution.get_absolute_url())
        until(page, "Paused before 'Start Flow'")
    expect(mine.locator("#debugged")).to_contain_text("Debugged by you")
    expect(theirs.locator("#do-step")).to_be_disabled()
    theirs.get_by_role("button", name="Take over").click()
    says(theirs, "Take over: walk, ")
    expect(theirs.locator(".takeover-request")).to_contain_text(
        "You have asked admin to hand over debugging"
    )
    mine.reload()
    expect(mine.locator(".takeover-request")).to_contain_text("grace asks to take over debugging")
    mine.get_by_role("button", name="Keep control").click()
    says(mine, "walk, ")
    theirs.reload()
    expect(theirs.locator(".takeover-request")).to_contain_text("admin keeps control")
    theirs.get_by_role("button", name="Take over").click()
    mine.reload()
    mine.get_by_role("button", name="Hand over").click()
    says(mine, "walk, ")
    theirs.reload()
    expect(theirs.locator("#debugged")).to_contain_text("Debugged by you")
    theirs.get_by_role("button", name="Release").click()
    says(theirs, "walk, ")
    expect(theirs.locator("#debugged")).to_have_count(0)
