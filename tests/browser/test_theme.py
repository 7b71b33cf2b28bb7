"""The theme that a reader chooses, beside the one that Django's admin keeps in the same storage."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

CHOSEN = "localStorage.getItem('cortexweb.theme')"


def is_shown_in(page: Page, theme: str) -> None:
    expect(page.locator("html")).to_have_attribute("data-theme", theme)
    scheme = page.evaluate("getComputedStyle(document.documentElement).colorScheme")
    assert scheme == theme
    # The button leads to the other one, so exactly one of its icons is shown.
    expect(page.locator("[data-theme-toggle] svg:visible")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_visiting_the_admin_changes_nothing(signed_in_page: Page, scheme: Any) -> None:
    page = signed_in_page
    page.emulate_media(color_scheme=scheme)
    for address in ("/admin/", "/help/"):
        page.goto(address)
    is_shown_in(page, scheme)
    other = {"light": "dark", "dark": "light"}[scheme]
    page.locator("[data-theme-toggle]").click()
    is_shown_in(page, other)
    page.goto("/admin/")
    for _ in range(3):  # through all of the admin's own
        page.locator(".theme-toggle:visible").first.click()
        theme = page.evaluate("localStorage.theme")
        page.goto("/help/")
        is_shown_in(page, other)
        page.goto("/admin/")
        expect(page.locator("html")).to_have_attribute("data-theme", theme)


def test_the_admin_keeps_its_own(signed_in_page: Page) -> None:
    page = signed_in_page
    page.emulate_media(color_scheme="light")
    page.goto("/admin/")
    page.locator(".theme-toggle:visible").first.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.goto("/help/")
    page.locator("[data-theme-toggle]").click()
    page.locator("[data-theme-toggle]").click()
    page.goto("/admin/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize(
    ("old", "shown", "kept"),
    [
        ("dark", "dark", "dark"),
        ("light", "light", "light"),
        ("auto", "light", "system"),
        ("solarized", "light", "system"),
        ("", "light", "system"),
        (None, "light", "system"),
    ],
)
def test_what_was_chosen_before_is_taken_over_once(
    signed_in_page: Page, old: str | None, shown: str, kept: str
) -> None:
    page = signed_in_page
    page.emulate_media(color_scheme="light")
    page.goto("/healthz")
    if old is not None:
        page.evaluate("old => localStorage.setItem('theme', old)", old)
    page.goto("/help/")
    is_shown_in(page, shown)
    assert page.evaluate(CHOSEN) == kept
    page.evaluate("localStorage.setItem('theme', 'dark')")
    page.reload()
    is_shown_in(page, shown)


@pytest.mark.parametrize("broken", ["auto", "", "null", "DARK"])
def test_a_value_that_is_no_theme_leaves_it_to_the_system(
    signed_in_page: Page, broken: str
) -> None:
    page = signed_in_page
    page.emulate_media(color_scheme="dark")
    page.goto("/healthz")
    page.evaluate("broken => localStorage.setItem('cortexweb.theme', broken)", broken)
    page.goto("/help/")
    is_shown_in(page, "dark")
    page.emulate_media(color_scheme="light")
    is_shown_in(page, "light")
