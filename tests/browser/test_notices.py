"""What pages say after an action: one notice at a time, and none for a step that was done."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.models import AuditEntry, Execution, Watch
from executions.states import Status
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import LOOP, LOOP_VARIABLES, publish
from tests.grids import LIVE, row, tell

NOTICES = "#notices .notice"


@pytest.fixture
def paused(tmp_path: Path, admin_user: User, worker: object) -> Execution:
    version = publish(tmp_path, "loop", LOOP, LOOP_VARIABLES)
    actor = Actor(admin_user.pk, "admin", "page")
    return start(version, {}, actor, Execution.Trigger.PAGE, paused=True)


def shows_one(page: Page, text: str) -> None:
    expect(page.locator(f"{NOTICES}:visible")).to_have_count(1)
    expect(page.locator(f"{NOTICES}:visible")).to_contain_text(text)


def change(execution: Execution, status: Status) -> None:
    """Without a word to the page."""
    ended_at = timezone.now() if status.is_terminal else None
    Execution.objects.filter(pk=execution.pk).update(status=status, ended_at=ended_at)


def notify(page: Page, text: str, *, passing: bool = False) -> None:
    page.evaluate(
        """async ([text, passing]) => {
            (await import("/static/js/shell.js")).notify(text, { passing });
        }""",
        [text, passing],
    )


def test_stepping_is_silent_unless_it_is_refused(paused: Execution, signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto(paused.get_absolute_url())
    expect(page.locator(LIVE)).to_be_visible()
    head = page.locator("#part-head")
    for key, command, block in (
        ("s", "step", "For Loop"),
        ("o", "step-over", "Add Item At End"),
        ("s", "step", "For Loop"),
    ):
        with page.expect_response(f"**/commands/{command}/"):
            page.keyboard.press(key)
        expect(head).to_contain_text(f"Paused before '{block}'")
        expect(page.locator(NOTICES)).to_have_count(0)
        # Screen readers hear it.
        expect(page.locator("#announce")).to_contain_text("loop, ")
    assert AuditEntry.objects.filter(outcome="done").count() >= 3

    # Stopped without a word to the page: the step is refused, and says so.
    change(paused, Status.STOPPED)
    page.keyboard.press("s")
    shows_one(page, "Step was refused")


def test_a_command_that_is_done_takes_away_that_it_was_refused(
    paused: Execution, signed_in_page: Page
) -> None:
    page = signed_in_page
    page.goto(paused.get_absolute_url())
    expect(page.locator(LIVE)).to_be_visible()
    change(paused, Status.STOPPED)
    page.locator("#do-step").click()
    shows_one(page, "Step was refused")
    change(paused, Status.PAUSED)
    with page.expect_response("**/commands/step/"):
        page.locator("#do-step").click()
    expect(page.locator(NOTICES)).to_have_count(0)


def test_the_newest_notice_is_seen_and_no_problem_is_lost(signed_in_page: Page) -> None:
    page = signed_in_page
    page.goto("/help/")
    notify(page, "First problem")
    notify(page, "Second problem")
    notify(page, "First problem")  # again
    shows_one(page, "First problem")
    expect(page.locator(NOTICES)).to_have_count(2)
    notify(page, "Copied", passing=True)
    notify(page, "Copied again", passing=True)
    shows_one(page, "Copied again")
    expect(page.locator(NOTICES)).to_have_count(3)
    close = page.locator(f"{NOTICES}:visible [data-dismiss]")
    expect(close).to_have_accessible_name("Dismiss; 2 more below")
    close.click()
    shows_one(page, "First problem")
    expect(close).to_have_accessible_name("Dismiss; 1 more below")
    close.click()
    shows_one(page, "Second problem")
    expect(close).to_have_accessible_name("Dismiss")
    close.click()
    expect(page.locator(NOTICES)).to_have_count(0)


def test_news_of_several_watched_executions_come_one_by_one(grid: Any, admin_user: User) -> None:
    watched = [make_execution(admin_user, flow=f"orders-{n}") for n in range(3)]
    for one in watched:
        Watch.objects.create(user=admin_user, execution=one, read_revision=1)
    page: Page = grid()
    for one in watched:
        expect(row(page, one)).to_be_visible()
        tell(one, status=Status.ENDED, ended_at=timezone.now())
        shows_one(page, f"{one.flow_name} is over")
    for one in reversed(watched):
        shows_one(page, f"{one.flow_name} is over")
        page.locator(f"{NOTICES}:visible [data-dismiss]").click()


def test_what_a_page_brings_along_is_shown_one_by_one(admin_client: Any, grid: Any) -> None:
    page: Page = grid()
    page.evaluate(
        """() => {
            const box = document.getElementById("notices");
            const close = "<button data-dismiss>x</button>";
            for (const text of ["One", "Two", "Three"]) {
                const html = `<div class="notice error"><span>${text}</span>${close}</div>`;
                box.insertAdjacentHTML("beforeend", html);
            }
        }"""
    )
    shows_one(page, "Three")
