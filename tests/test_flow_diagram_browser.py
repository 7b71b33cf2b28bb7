"""The page of a flow in a browser: its counts move with the executions."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from executions.commands.actor import Actor
from executions.commands.control import control
from executions.commands.start import start
from executions.models import Execution
from tests.flows_in_tests import WAIT, WAIT_VARIABLES, publish
from tests.servers import Process

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_counts_are_live_and_axe_finds_nothing(
    tmp_path: Path, admin_user: User, worker: Process, signed_in_page: Page, scheme: Any
) -> None:
    version = publish(tmp_path, "nap", WAIT, WAIT_VARIABLES)
    actor = Actor(admin_user.pk, "admin", "page")
    page = signed_in_page
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto("/flows/nap/")
    expect(page.locator("[data-live]")).to_have_attribute("data-state", "live")
    page.evaluate("window.stays = document.querySelector('svg[data-workspace]')")
    paused = start(version, {}, actor, Execution.Trigger.PAGE, paused=True)
    pill = page.get_by_role("link", name="1 paused at Start Flow")
    expect(pill).to_be_visible()
    start(version, {"Seconds": 60}, actor, Execution.Trigger.PAGE)
    expect(page.get_by_role("link", name="1 running at Nap")).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert control("stop", admin_user, paused, actor).done
    expect(pill).to_have_count(0)
    assert page.evaluate("stays === document.querySelector('svg[data-workspace]')")
    page.get_by_role("link", name="1 running at Nap").click()
    page.get_by_role("link", name="1 running at Sleep").click()
    rows = page.locator("tr[data-id]")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Sleep")
