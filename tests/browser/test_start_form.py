"""The form that starts an execution, in a real browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.flows_in_tests import WAIT, WAIT_VARIABLES, publish

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_refused_start_is_mended_in_place_and_back_leads_back(
    signed_in_page: Page, tmp_path: Path
) -> None:
    publish(tmp_path, "wait", WAIT, WAIT_VARIABLES)
    page = signed_in_page
    page.goto("/flows/wait/")
    page.get_by_label(re.compile("^Seconds")).fill("[1,")
    page.get_by_role("button", name="Start and open").click()
    expect(page.locator(".form .problem")).to_be_focused()
    expect(page.get_by_label(re.compile("^Seconds"))).to_have_value("[1,")
    expect(page).to_have_url(re.compile("/flows/wait/$"))

    page.get_by_label(re.compile("^Seconds")).fill("600")
    page.get_by_role("button", name="Start and open").click()
    expect(page).to_have_url(re.compile("/executions/"))
    page.go_back()
    expect(page).to_have_url(re.compile("/flows/wait/$"))
    expect(page.get_by_role("button", name="Start and open")).to_be_visible()
