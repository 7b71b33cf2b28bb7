"""Fixtures of the browser tests: one Chromium for all of them, since none is asynchronous."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.conftest import LiveApp, empty_profile, open_browser, open_profile, sign_in
from tests.grids import LIVE

LendProfile = Callable[[], AbstractContextManager[BrowserContext]]
OpenAs = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with open_browser() as chromium:
        yield chromium


@pytest.fixture(scope="package")
def profile(browser: Browser, web_process: LiveApp) -> Iterator[BrowserContext]:
    with open_profile(browser, web_process.url) as context:
        yield context


@pytest.fixture(scope="package")
def lend_profile(browser: Browser, web_process: LiveApp) -> Iterator[LendProfile]:
    """Lend a profile beside `browser_context`. One that is given back is emptied and lent again:
    a new one has to fetch and compile every script."""
    at_rest: list[BrowserContext] = []
    with ExitStack() as stack:

        @contextmanager
        def lent() -> Iterator[BrowserContext]:
            url = web_process.url
            one = at_rest.pop() if at_rest else stack.enter_context(open_profile(browser, url))
            yield one
            empty_profile(one, url)
            at_rest.append(one)

        yield lent


@pytest.fixture
def open_as(lend_profile: LendProfile, live_app: LiveApp) -> Iterator[OpenAs]:
    """Open a page as a user, each in a browser of their own; as None, without signing in. An
    uncaught script error, and a script that the policy of the page stops, fail."""
    errors: list[str] = []
    with ExitStack() as stack:

        def opened(user: User | None, address: str) -> Page:
            context = stack.enter_context(lend_profile())
            if user is not None:
                sign_in(context, live_app.url, user)
            page = context.new_page()
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on(
                "console", lambda said: errors.append(said.text) if "-src" in said.text else None
            )
            page.goto(address)
            return page

        yield opened
    assert not errors, errors


@pytest.fixture
def open_live(open_as: OpenAs) -> OpenAs:
    """Open a page as a user, each in a browser of their own, and wait until it is live."""

    def opened(user: User | None, address: str) -> Page:
        page = open_as(user, address)
        expect(page.locator(LIVE)).to_be_visible()
        return page

    return opened
