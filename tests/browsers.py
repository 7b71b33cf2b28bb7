"""What a page comes to show, however busy the machine is."""

import time
from collections.abc import Callable

from playwright.sync_api import Page


def becomes(page: Page, is_so: Callable[[], bool], seconds: float = 20) -> bool:
    """Return whether something about a page is so, now or in a while."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            return False
        page.wait_for_timeout(20)
    return True


def fits(page: Page, width: int) -> bool:
    """Return whether a page comes to be no wider than that."""
    return becomes(page, lambda: page.evaluate("document.documentElement.scrollWidth") <= width)
