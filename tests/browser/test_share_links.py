"""A link to one execution in a browser: made, opened without an account, revoked."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from executions.models import ShareLink
from flows.values import MASK
from tests.accessibility import PHONE, violations
from tests.browser.conftest import OpenAs
from tests.conftest import LiveApp
from tests.driving import begin, drive
from tests.flows_in_tests import publish
from tests.integration.test_share_links import BLOCKS, VARIABLES

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_link_shows_one_execution_until_it_is_revoked(
    open_as: OpenAs, live_app: LiveApp, admin_user: User, tmp_path: Path
) -> None:
    version = publish(tmp_path, "letters", BLOCKS, VARIABLES)
    execution = drive(begin(version, Customer="Ada <b>Lovelace</b>", Pin="hush-4711").pk)
    other = drive(begin(version, Customer="Somebody else", Pin="hush-4712").pk)
    page = open_as(admin_user, f"{execution.get_absolute_url()}share/")
    page.get_by_label("Greeting").check()
    page.get_by_role("button", name="Make a link").dblclick()
    address = page.locator(".new-link code").inner_text()
    assert ShareLink.objects.count() == 1, "a second press makes no other one"
    page.locator(".new-link").get_by_role("button", name="Copy").click()

    theirs = open_as(None, address)
    expect(theirs.get_by_role("heading", name="letters")).to_be_visible()
    shown = theirs.locator("#shared")
    expect(shown).to_contain_text("Ada <b>Lovelace</b>")
    expect(shown).to_contain_text(MASK)
    for hidden in ("hush-4711", "Dear", "Somebody else"):
        expect(shown).not_to_contain_text(hidden)
    assert violations(theirs) == []
    theirs.set_viewport_size({"width": PHONE, "height": 844})
    assert theirs.evaluate("document.documentElement.scrollWidth") <= PHONE
    # The link opens nothing else: neither another execution, nor another page of this one.
    secret = address.rstrip("/").rpartition("/")[2]
    for closed in (
        execution.get_absolute_url(), other.get_absolute_url(), "/", "/audit/",
        f"{execution.get_absolute_url()}share/",
    ):  # fmt: skip
        theirs.goto(closed)
        expect(theirs.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    wrong = theirs.goto(address.replace(secret, secret[::-1]))
    assert wrong is not None
    assert wrong.status == 404

    page.get_by_role("button", name="Revoke").press("Enter")
    expect(page.locator("#notices")).to_contain_text("shows nothing any more")
    ended = theirs.goto(address)
    assert ended is not None
    assert ended.status == 410
    expect(theirs.get_by_role("heading", name="This link has ended.")).to_be_visible()
    expect(theirs.locator("body")).not_to_contain_text("Ada")
