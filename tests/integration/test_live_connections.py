"""A page whose connection fails, and what stays in place while rows change, in a real browser."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from playwright.sync_api import BrowserContext, Page, expect

from executions.states import Status
from tests.browsers import becomes
from tests.conftest import LiveApp, sign_in
from tests.executions_in_tests import event_of, make_execution
from tests.grids import LIVE, expect_shown, row, shown, tell
from tests.proxies import refusing_proxy
from tests.servers import free_port, web_server

STALE = '[data-live][data-state="stale"]'
POLL = '[data-live][data-state="poll"]'

Opener = Callable[..., Page]


@pytest.fixture
def tab(browser_context: BrowserContext, live_app: LiveApp) -> Iterator[Opener]:
    """A tab in which a user is signed in. The second one, and one that leads elsewhere, is of a
    profile of its own."""
    profiles: list[BrowserContext] = []

    def opening(user: Any, address: str = "/", url: str = live_app.url) -> Page:
        profile = browser_context
        if url != live_app.url or profile.cookies():
            profile = browser_context.browser.new_context(base_url=url)  # type: ignore[union-attr]
            profiles.append(profile)
            profile.set_default_timeout(10_000)
        sign_in(profile, url, user)
        page = profile.new_page()
        page.goto(address)
        return page

    yield opening
    for profile in profiles:
        profile.close()


# Connections that fail ------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [403, 404])
def test_where_a_proxy_refuses_sockets_the_page_polls(
    tab: Opener, live_app: LiveApp, admin_user: User, answer: int
) -> None:
    port = int(live_app.url.rpartition(":")[2])
    execution = make_execution(admin_user)
    with refusing_proxy(port, answer) as proxy:
        page = tab(admin_user, url=f"http://127.0.0.1:{proxy}")
        expect(page.locator(POLL)).to_have_text("Polling every 5 s")
        tell(execution, status=Status.PAUSED)
        new = make_execution(admin_user, age=0)
        expect(row(page, new)).to_be_visible(timeout=20_000)
        expect(row(page, execution).locator(".c-status")).to_have_text("Paused")
        page.context.close()


def test_a_server_that_restarts_is_said_and_caught_up(
    tab: Opener, admin_user: User, product_environment: dict[str, str], tmp_path: Path
) -> None:
    port = free_port()
    server = web_server(tmp_path / "web.log", product_environment, port)
    execution = make_execution(admin_user)
    page = tab(admin_user, url=f"http://127.0.0.1:{port}")
    try:
        expect(page.locator(LIVE)).to_be_visible()
        server.kill()
        expect(page.locator(STALE)).to_have_text(re.compile(r"Stale since \d\d:\d\d:\d\d"))
        tell(execution, status=Status.PAUSED)
        new = make_execution(admin_user, age=0)
        tell(new)
        server = web_server(tmp_path / "web.log", product_environment, port)
        expect(page.locator(LIVE)).to_be_visible(timeout=30_000)
        expect(row(page, execution).locator(".c-status")).to_have_text("Paused")
        expect(row(page, new)).to_be_visible()
        tell(new, block_description="Heard again")
        expect(row(page, new).locator(".c-description")).to_have_text("Heard again")
    finally:
        page.close()
        server.stop()


def test_a_server_that_hangs_makes_the_page_stale_within_ten_seconds(
    tab: Opener, admin_user: User, product_environment: dict[str, str], tmp_path: Path
) -> None:
    """A dead page never looks alive: the line is open, and nothing comes."""
    port = free_port()
    server = web_server(tmp_path / "web.log", product_environment, port)
    page = tab(admin_user, url=f"http://127.0.0.1:{port}")
    try:
        expect(page.locator(LIVE)).to_be_visible()
        os.kill(server.pid, signal.SIGSTOP)
        expect(page.locator(STALE)).to_be_visible(timeout=20_000)
        os.kill(server.pid, signal.SIGCONT)
        expect(page.locator(LIVE)).to_be_visible(timeout=30_000)
    finally:
        os.kill(server.pid, signal.SIGCONT)
        page.close()
        server.stop()


def test_a_lost_network_is_said_at_once_and_caught_up(tab: Opener, admin_user: User) -> None:
    execution = make_execution(admin_user)
    page = tab(admin_user)
    expect(page.locator(LIVE)).to_be_visible()
    page.context.set_offline(True)
    expect(page.locator(STALE)).to_be_visible(timeout=8_000)
    tell(execution, status=Status.PAUSED)
    page.context.set_offline(False)
    expect(page.locator(LIVE)).to_be_visible()
    expect(row(page, execution).locator(".c-status")).to_have_text("Paused")


def test_a_page_that_slept_catches_up(tab: Opener, admin_user: User) -> None:
    """Timers that jump: what came meanwhile is fetched, whatever the socket says."""
    execution = make_execution(admin_user)
    page = tab(admin_user)
    expect(page.locator(LIVE)).to_be_visible()
    page.evaluate(
        "() => { window.fetches = 0; document.body.addEventListener('live:catchup', "
        "() => window.fetches += 1); const now = Date.now; Date.now = () => now() + 60_000; }"
    )
    assert becomes(page, lambda: page.evaluate("window.fetches") == 1)
    tell(execution, status=Status.PAUSED)
    expect(row(page, execution).locator(".c-status")).to_have_text("Paused")
    page.wait_for_timeout(2500)
    assert page.evaluate("window.fetches") == 1


# Who sees what --------------------------------------------------------------------------------


def test_two_users_see_different_rows_of_the_same_changes(tab: Opener, admin_user: User) -> None:
    ada = User.objects.create_user("ada")
    watcher = User.objects.create_user("watcher")
    watcher.user_permissions.add(Permission.objects.get(codename="view_execution"))
    hers, all_of_them = tab(ada), tab(watcher)
    for page in (hers, all_of_them):
        expect(page.locator(LIVE)).to_be_visible()
    her_run, other_run = make_execution(ada, age=2), make_execution(admin_user, age=1)
    tell(her_run, other_run)
    expect(row(all_of_them, other_run)).to_be_visible()
    expect(row(hers, her_run)).to_be_visible()
    expect_shown(all_of_them, [str(other_run.pk), str(her_run.pk)])
    expect_shown(hers, [str(her_run.pk)])
    for page in (hers, all_of_them):
        expect(page.locator('[data-count=""]')).to_have_text("1" if page is hers else "2")


# What stays where it is -----------------------------------------------------------------------


def test_a_row_that_leaves_the_filter_says_why(tab: Opener, admin_user: User) -> None:
    execution = make_execution(admin_user)
    page = tab(admin_user, "/?status=Running")
    expect(page.locator(LIVE)).to_be_visible()
    tell(execution, status=Status.PAUSED)
    expect(row(page, execution).locator(".why")).to_contain_text("it is Paused")
    tell(execution, status=Status.RUNNING)
    expect(row(page, execution).locator(".why")).to_have_count(0)
    expect(row(page, execution)).not_to_have_attribute("data-mismatch", "")


def test_nothing_moves_while_the_reader_has_scrolled(tab: Opener, admin_user: User) -> None:
    executions = [make_execution(admin_user, age=100 + age) for age in range(40)]
    page = tab(admin_user)
    page.set_viewport_size({"width": 1280, "height": 500})
    expect(page.locator(LIVE)).to_be_visible()
    page.locator(".scroller").evaluate("element => element.scrollTop = 300")
    seen = row(page, executions[20])
    before = seen.bounding_box()
    new = [make_execution(admin_user, age=age) for age in (3, 2, 1)]
    tell(*new)
    expect(page.locator("[data-pill]")).to_have_text("3 new executions")
    between = make_execution(admin_user, age=112.5)
    tell(between)
    expect(page.locator("[data-pill]")).to_have_text("4 new executions")
    tell(executions[20], block_description="Still here")
    expect(seen.locator(".c-description")).to_have_text("Still here")
    assert seen.bounding_box() == before
    page.locator("[data-pill]").click()
    expect(page.locator("[data-pill]")).to_be_hidden()
    assert shown(page)[:3] == [str(one.pk) for one in reversed(new)]
    expect(row(page, between)).to_have_count(1)


def test_focus_and_selection_survive_a_storm(tab: Opener, admin_user: User) -> None:
    executions = [make_execution(admin_user, age=age) for age in range(10)]
    page = tab(admin_user)
    expect(page.locator(LIVE)).to_be_visible()
    for one in executions[2:5]:
        row(page, one).locator("input").check()
    row(page, executions[3]).focus()
    for number in range(20):
        tell(*executions, block_description=f"step {number}")
    expect(page.locator("#rows .c-description", has_text="step 19")).to_have_count(10)
    expect(row(page, executions[3])).to_be_focused()
    for one in executions[2:5]:
        expect(row(page, one)).to_have_attribute("aria-selected", "true")
        expect(row(page, one).locator("input")).to_be_checked()
    expect(page.locator("[data-selected-count]")).to_have_text("3 selected")


def test_a_change_is_calm(tab: Opener, admin_user: User) -> None:
    executions = [make_execution(admin_user, age=age) for age in range(10)]
    page = tab(admin_user)
    expect(page.locator(LIVE)).to_be_visible()
    animation = "element => getComputedStyle(element).animationName"
    tell(executions[0])
    expect(row(page, executions[0])).to_have_attribute("data-fresh", "")
    assert row(page, executions[0]).evaluate(animation) == "fresh"
    expect(row(page, executions[0])).not_to_have_attribute("data-fresh", "")
    # Where much changes at once only the dot tells, and no surface flickers.
    tell(*executions[:5])
    expect(row(page, executions[4])).to_have_attribute("data-fresh", "")
    assert row(page, executions[4]).evaluate(animation) == "none"
    expect(page.locator("#rows > tr[data-fresh]")).to_have_count(0)
    page.emulate_media(reduced_motion="reduce")
    tell(executions[0])
    expect(row(page, executions[0])).to_have_attribute("data-fresh", "")
    assert row(page, executions[0]).evaluate(animation) == "none"


def test_a_row_that_another_revision_is_of_is_asked_for_whole(
    tab: Opener, admin_user: User
) -> None:
    """A difference is never applied to another revision than the one that it was made from."""
    execution = make_execution(admin_user)
    page = tab(admin_user)
    expect(page.locator(LIVE)).to_be_visible()
    tell(execution, block_description="first")
    expect(row(page, execution).locator(".c-description")).to_have_text("first")
    row(page, execution).evaluate(
        "row => { row.dataset.revision = 1; row.querySelector('.c-flow').textContent = 'wrong'; }"
    )
    tell(execution, block_description="second")
    expect(row(page, execution).locator(".c-description")).to_have_text("second")
    expect(row(page, execution).locator(".c-flow")).to_have_text("orders")
    event = event_of(execution)
    expect(row(page, execution)).to_have_attribute("data-revision", str(event.revision - 1))
