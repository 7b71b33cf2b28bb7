"""Back: pages come out of the browser's cache as they were left, live again, and not for others."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as SignIn
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from executions.states import Status
from tests.conftest import CHROMIUM_FLAGS, CHROMIUM_NAMES, LiveApp
from tests.executions_in_tests import make_execution
from tests.grids import LIVE, row, tell


@pytest.fixture(scope="module")
def caching_browser(browser: Browser) -> Iterator[Browser]:
    """Chromium with the cache that Playwright switches off."""
    other = browser.browser_type.launch(
        executable_path=next(filter(None, map(shutil.which, CHROMIUM_NAMES))),
        args=[*CHROMIUM_FLAGS, "--no-sandbox"] if os.geteuid() == 0 else CHROMIUM_FLAGS,
        ignore_default_args=["--disable-back-forward-cache"],
    )
    yield other
    other.close()


def sign_in(page: Page, live_app: LiveApp, user: Any) -> None:
    client = Client()
    client.force_login(user)
    cookie = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_app.url}])


@pytest.fixture
def tab(caching_browser: Browser, live_app: LiveApp, admin_user: User) -> Iterator[Page]:
    context = caching_browser.new_context(base_url=live_app.url)
    context.set_default_timeout(10_000)
    page = context.new_page()
    sign_in(page, live_app, admin_user)
    yield page
    context.close()


def leave(page: Page) -> None:
    """Go elsewhere, and mark the page, so that it is known whether it comes back or is loaded."""
    page.evaluate("window.mark = true; setTimeout(() => location.assign('/healthz'), 0)")
    page.wait_for_url("**/healthz")


def go_back(page: Page, *, mark: bool = True) -> None:
    page.evaluate("setTimeout(() => history.back(), 0)")
    page.wait_for_function("location.pathname !== '/healthz'")
    assert bool(page.evaluate("window.mark")) is mark


def test_every_page_comes_back_as_it_was(tab: Page, admin_user: User) -> None:
    execution = make_execution(admin_user)
    for address in (
        "/",
        "/flows/",
        "/flows/orders/",
        "/help/",
        "/views/",
        "/account/",
        "/executions/jobs/",
        "/executions/all/stop/",
        f"/executions/compare/?b={execution.pk}",
    ):
        response = tab.goto(address)
        assert response is not None
        assert response.headers["cache-control"] == "private, no-cache", address
        leave(tab)
        go_back(tab)
        if tab.locator("[data-live][data-socket]").count():
            expect(tab.locator(LIVE)).to_be_visible()


def test_the_grid_is_live_again_and_has_what_it_missed(tab: Page, admin_user: User) -> None:
    old = make_execution(admin_user)
    tab.goto("/")
    expect(tab.locator(LIVE)).to_be_visible()
    expect(row(tab, old)).to_contain_text("Running")
    # What the browser keeps says at no moment that it is live.
    tab.evaluate(
        """() => {
            window.words = [];
            addEventListener("pageshow", () => {
                words.push(document.querySelector("[data-live]").dataset.state);
            });
        }"""
    )
    leave(tab)
    tell(old, status=Status.ENDED, ended_at=timezone.now())
    new = make_execution(admin_user, age=0)
    go_back(tab)
    assert tab.evaluate("words") == ["waiting"]
    expect(tab.locator(LIVE)).to_be_visible()
    expect(row(tab, old)).to_contain_text("Ended")
    expect(row(tab, new)).to_be_visible()
    # And it goes on.
    tell(new, status=Status.PAUSED)
    expect(row(tab, new)).to_contain_text("Paused")
    for _ in range(2):  # as often as one likes
        leave(tab)
        go_back(tab)
        expect(tab.locator(LIVE)).to_be_visible()


def test_who_has_signed_out_sees_nothing_by_going_back(tab: Page, admin_user: User) -> None:
    make_execution(admin_user)
    for address in ("/", "/help/"):
        tab.goto(address)
        leave(tab)
        cookies = tab.context.cookies()
        tab.context.clear_cookies()
        tab.evaluate("setTimeout(() => history.back(), 0)")
        tab.wait_for_url(lambda url: "/login/" in url)
        tab.context.add_cookies(cookies)  # type: ignore[arg-type]


def test_another_account_sees_nothing_of_the_one_before(
    tab: Page, admin_user: User, live_app: LiveApp, django_user_model: Any
) -> None:
    mine = make_execution(admin_user)
    tab.goto("/")
    expect(row(tab, mine)).to_be_visible()
    leave(tab)
    sign_in(tab, live_app, django_user_model.objects.create_user("ada"))
    tab.evaluate("setTimeout(() => history.back(), 0)")
    expect(tab.locator(".rail .person")).to_contain_text("ada")
    expect(tab.locator("#rows > tr")).to_have_count(0)


def test_a_form_that_comes_back_is_another_one(tab: Page, admin_user: User) -> None:
    """As on a page that is loaded: what was sent before is not taken for it."""
    make_execution(admin_user)
    tab.goto("/executions/all/stop/")
    field = tab.locator('input[name="form"]').first
    before = field.input_value()
    leave(tab)
    go_back(tab)
    assert field.input_value() != before


def test_what_was_typed_outlives_the_session(signed_in_page: Page, live_app: LiveApp) -> None:
    """A form that is sent after the session has ended stays as it is, and is sent once somebody has
    signed in again, in another tab."""
    page = signed_in_page
    page.clock.install()
    page.goto("/storage/")
    name = page.get_by_label("Name", exact=True)
    name.fill("Suppliers of the north")
    SignIn.objects.all().delete()
    page.clock.fast_forward("05:00")
    create = page.get_by_role("button", name="Create")
    create.click()
    notices = page.locator("#notices")
    expect(notices).to_contain_text("this page keeps what you have typed")
    expect(notices.get_by_role("link", name="Sign in")).to_have_attribute("target", "_blank")
    assert name.input_value() == "Suppliers of the north"
    page.context.clear_cookies()  # signing in makes other ones
    sign_in(page, live_app, User.objects.get(username="admin"))
    create.click()
    expect(page.get_by_role("heading", name="Suppliers of the north")).to_be_visible()


def test_parts_and_data_are_not_kept(admin_client: Client, admin_user: User) -> None:
    execution = make_execution(admin_user)
    for address, headers in (
        ("/", {"HX-Request": "true"}),
        ("/flows/", {"HX-Request": "true", "HX-Target": "flows"}),
        (f"{execution.get_absolute_url()}live/", {}),
        (f"{execution.get_absolute_url()}times/", {}),
        ("/executions/watches/", {}),
        ("/executions/export/csv/", {}),
        ("/preferences/zones/", {"HX-Request": "true"}),
    ):
        response = admin_client.get(address, headers=headers)
        assert response["Cache-Control"] == "no-store", address
    whole = admin_client.get("/")
    assert whole["Cache-Control"] == "private, no-cache"
    # One address, two contents, and not for another session.
    assert {"HX-Request", "Cookie"} <= {name.strip() for name in whole["Vary"].split(",")}
