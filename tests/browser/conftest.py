"""Fixtures of the browser tests: one Chromium for all of them, since none is asynchronous."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.conftest import LiveApp, open_browser, open_profile


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with open_browser() as chromium:
        yield chromium


@pytest.fixture(scope="package")
def profile(browser: Browser, web_process: LiveApp) -> Iterator[BrowserContext]:
    with open_profile(browser, web_process.url) as context:
        yield context
