"""The page of the logs in a browser: it is searched by keyboard and followed live, and nothing
moves while somebody reads."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from executions.models import Execution, LogEntry
from executions.states import Status
from tests.executions_in_tests import make_execution
from tests.grids import LIVE, tell

Write = Callable[..., None]


@pytest.fixture
def write(admin_user: User, live_app: object) -> Write:
    """Write a line, and tell of its execution as a worker does."""
    executions: dict[str, Execution] = {}

    def line(event: str, severity: str = "Information", flow: str = "orders") -> None:
        if flow not in executions:
            executions[flow] = make_execution(admin_user, flow=flow, status=Status.RUNNING)
        LogEntry.objects.create(
            execution=executions[flow], step=1, at=timezone.now(), block="log", severity=severity,
            event_type=event, details={"number": 1}, flow_name=flow, initiator_id=admin_user.pk,
        )  # fmt: skip
        tell(executions[flow])

    return line


def events(page: Page) -> list[str]:
    found: list[str] = page.locator("#log-rows .c-event").all_inner_texts()
    return found


def test_searched_and_followed(signed_in_page: Page, write: Write) -> None:
    page = signed_in_page
    write("first")
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page).to_have_url("/logs/")
    expect(page.locator('.rail a[aria-current="page"]')).to_have_text("Logs")
    expect(page.locator(LIVE)).to_be_visible()

    # A new line comes in by itself.
    write("second", "Error")
    expect(page.locator("#log-rows tr")).to_have_count(2)
    assert events(page) == ["second", "first"]

    # While the pointer is over the lines, they stay; the next one waits behind a button.
    page.locator("#log-rows tr").last.hover()
    write("third")
    button = page.get_by_role("button", name="1 new line")
    expect(button).to_be_visible()
    assert events(page) == ["second", "first"]
    page.keyboard.press(".")
    expect(page.locator("#log-rows tr")).to_have_count(3)
    expect(button).to_be_hidden()

    # By keyboard: the search, then what it leads to.
    page.mouse.move(0, 0)
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("sec")
    page.keyboard.press("Tab")
    page.keyboard.type("Err")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url("/logs/?q=sec&severity=Error&flow=&at=")
    assert events(page) == ["second"]
    expect(page.locator(LIVE)).to_be_visible()
    write("section of another severity")
    write("second again", "Fatal")
    expect(page.locator("#log-rows tr")).to_have_count(2)
    assert events(page) == ["second again", "second"]
    page.get_by_role("link", name="Step 1").first.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/executions/.+\?step=1$"))


def test_an_empty_page_fills(signed_in_page: Page, write: Write) -> None:
    page = signed_in_page
    page.goto("/logs/")
    expect(page.locator("[data-empty]")).to_contain_text("Nothing has been logged.")
    expect(page.locator(LIVE)).to_be_visible()
    write("<i>first</i>")
    expect(page.locator("#log-rows tr")).to_have_count(1)
    expect(page.locator("[data-empty]")).to_have_count(0)
    assert events(page) == ["<i>first</i>"]


def test_without_websockets_it_polls(signed_in_page: Page, write: Write) -> None:
    page = signed_in_page
    page.route_web_socket("**/ws/**", lambda socket: socket.close())
    write("first")
    page.goto("/logs/")
    expect(page.locator('[data-live][data-state="poll"]')).to_be_visible()
    write("second")
    expect(page.locator("#log-rows tr")).to_have_count(2, timeout=20_000)


def test_on_a_phone(signed_in_page: Page, write: Write) -> None:
    page = signed_in_page
    write("event " * 20, "Warning", flow="a-flow-with-a-long-name" * 4)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/logs/")
    expect(page.locator("#log-rows tr")).to_have_count(1)
    width = page.evaluate("[document.documentElement, ...document.querySelectorAll('.logs, .rail')]"
                          ".map((one) => one.scrollWidth - one.clientWidth)")  # fmt: skip
    assert width == [0, 0, 0]
