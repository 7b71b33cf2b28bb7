"""Fixtures of the browser tests: one Chromium for all of them, since none is asynchronous."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, BrowserContext, Page

from tests.conftest import LiveApp, open_browser, open_profile, sign_in

OpenAs = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with open_browser() as chromium:
        yield chromium


@pytest.fixture(scope="package")
def profile(browser: Browser, web_process: LiveApp) -> Iterator[BrowserContext]:
    with open_profile(browser, web_process.url) as context:
        yield context


@pytest.fixture
def open_as(browser: Browser, live_app: LiveApp) -> Iterator[OpenAs]:
    """Open a page as a user, each in a browser of their own; as None, without signing in. An
    uncaught script error, and a script that the policy of the page stops, fail."""
    errors: list[str] = []
    with ExitStack() as stack:

        def opened(user: User | None, address: str) -> Page:
            context = browser.new_context(base_url=live_app.url)
            stack.callback(context.close)
            context.set_default_timeout(20_000)
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
