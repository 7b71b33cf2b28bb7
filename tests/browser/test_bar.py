"""The action bar: whatever the width and the words, everything in it can be reached; what is asked
before; and what shows while a slow line is waited for."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from executions.models import AuditEntry, Execution
from executions.states import Status
from tests.accessibility import axe_finds_nothing
from tests.browsers import becomes, fits
from tests.executions_in_tests import make_execution, make_executions
from tests.grids import row

WIDTHS = (1920, 1440, 1200, 1024, 768, 720, 390, 320)
GERMAN = {
    "continue": "Fortsetzen lassen",
    "pause": "Vorübergehend anhalten",
    "step": "Einzelschrittausführung",
    "stop": "Endgültig abbrechen",
    "retry": "Wiederholungsversuch",
}


def cut_off(page: Page) -> list[str]:
    """What of the bar is not whole in the window."""
    found: list[str] = page.locator(".actions").evaluate(
        """bar => [...bar.querySelectorAll("button, a")]
            .filter((one) => !one.closest("[popover], noscript") && one.checkVisibility())
            .filter((one) => {
                const box = one.getBoundingClientRect();
                const own = bar.getBoundingClientRect();
                return box.left < own.left - 1 || box.right > Math.min(own.right, innerWidth) + 1;
            }).map((one) => one.textContent.trim())"""
    )
    return found


@pytest.fixture
def many(admin_user: Any) -> None:
    for first, status in enumerate((Status.RUNNING, Status.ENDED, Status.PAUSED), 1):
        make_executions(admin_user, range(first, 61, 3), status=status)


def select_all(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("Control+a")
    expect(page.locator("[data-selected-count]")).to_have_text("50 selected")


@pytest.mark.parametrize("words", ["English", "German"])
def test_what_does_not_fit_moves_into_the_menu(grid: Any, many: None, words: str) -> None:
    page = grid()
    select_all(page)
    if words == "German":
        for command, said in GERMAN.items():
            page.locator(f"[data-command={command}]").evaluate(
                "(button, said) => (button.childNodes[1].data = said)", said
            )
        page.locator("[data-select-match]").evaluate(
            "button => (button.textContent = 'Alle übereinstimmenden Ausführungen auswählen')"
        )
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert becomes(page, lambda: cut_off(page) == []), width
        assert fits(page, width)
        # All of it is there, in the bar or in the menu, in its order.
        page.locator("[data-more]").click()
        for name in ("continue", "pause", "step", "stop", "retry", "force-stop"):
            expect(page.locator(f"[data-command={name}]")).to_be_visible()
        for mark in ("set-next", "goto", "compare", "watch"):
            expect(page.locator(f".actions [data-{mark}]")).to_be_visible()
        expect(page.locator(".segments [name=children]").first).to_be_visible()
        page.keyboard.press("Escape")
    page.set_viewport_size({"width": 2600, "height": 900})
    expect(page.locator("[data-folded] > *")).to_have_count(0)
    for place, order in (
        (".button-group >", ["continue", "pause", "step", "stop"]),
        ("", ["retry", "delete"]),
    ):
        shown = page.locator(f".actions > {place} [data-command]")
        assert shown.evaluate_all("all => all.map(one => one.dataset.command)") == order


def test_nothing_is_cut_off_without_a_selection_or_with_a_filter(grid: Any, many: None) -> None:
    page = grid("/?status=Paused")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert becomes(page, lambda: cut_off(page) == []), width
    # Another page of the grid has another bar.
    page.set_viewport_size({"width": 900, "height": 900})
    page.locator("#chip-all").click()
    expect(page).to_have_url(re.compile(r"/$|view=all"))
    select_all(page)
    assert becomes(page, lambda: cut_off(page) == [])
    assert becomes(page, lambda: page.locator("[data-folded] > *").count() > 2)


def test_the_menu_is_used_by_keyboard(grid: Any, admin_user: Any) -> None:
    one = make_execution(admin_user, status=Status.PAUSED)
    page = grid()
    page.keyboard.press("j")
    page.keyboard.press("x")
    # What had the focus goes into the menu: its button takes the focus.
    page.locator("[data-watch]").focus()
    page.set_viewport_size({"width": 800, "height": 700})
    expect(page.locator("[data-more]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#more")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("[data-folded] > :first-child")).to_be_focused()
    while page.evaluate("!document.activeElement.matches('[data-watch]')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#more")).to_be_hidden()
    expect(page.locator("#notices")).to_contain_text("You watch")
    expect(row(page, one)).to_have_attribute("aria-selected", "true")


def test_a_command_out_of_the_menu_does_the_same(grid: Any, admin_user: Any) -> None:
    one = make_execution(admin_user, status=Status.PAUSED)
    page = grid()
    page.set_viewport_size({"width": 390, "height": 800})
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.locator("[data-more]").click()
    page.locator("#more [data-command=retry]").wait_for()
    expect(page.locator("#more [data-command=retry]")).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 240, "height": 800})
    page.locator("[data-more]").click()
    page.locator("#more [data-command=stop]").click()
    page.locator("#confirm [data-confirm-yes]").click()
    expect(page.locator("#notices")).to_contain_text("Stop")
    one.refresh_from_db()
    assert one.status == Status.STOPPED


@pytest.mark.parametrize("width", [1440, 768, 390])
def test_without_scripts_nothing_is_cut_off(
    browser: Browser, live_app: Any, admin_user: Any, width: int
) -> None:
    make_execution(admin_user, status=Status.PAUSED)
    client = Client()
    client.force_login(admin_user)
    name = settings.SESSION_COOKIE_NAME
    context = browser.new_context(
        base_url=live_app.url,
        viewport={"width": width, "height": 800},
        java_script_enabled=False,
    )
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_app.url}])
    page = context.new_page()
    page.goto("/")
    for name in ("continue", "pause", "step", "stop", "retry"):
        box = page.locator(f"[data-command={name}]").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width, name
    page.locator("[data-more]").click()
    expect(page.locator("#more [data-command=force-stop]")).to_be_visible()
    context.close()


# What is asked before ---------------------------------------------------------------------------


def test_force_stop_is_in_the_menu_and_asks_as_stop_does(grid: Any, admin_user: Any) -> None:
    one = make_execution(admin_user, status=Status.RUNNING)
    native: list[str] = []
    page = grid()
    page.on("dialog", lambda dialog: (native.append(dialog.message), dialog.dismiss()))
    row(page, one).locator("[name=id]").check()
    assert page.locator(".actions > .button-group [data-command=force-stop]").count() == 0
    page.locator("[data-more]").click()
    page.locator("#more [data-command=force-stop]").click()
    dialog = page.locator("#confirm")
    expect(dialog.locator("h2")).to_have_text("Force stop 1 execution?")
    expect(dialog).to_contain_text("outside stays done")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    axe_finds_nothing(page, within="#confirm")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert not AuditEntry.objects.exists()
    page.locator("[data-more]").click()
    page.locator("#more [data-command=force-stop]").click()
    page.locator("#confirm [data-confirm-yes]").click()
    expect(page.locator("#notices")).to_contain_text("Force stop")
    one.refresh_from_db()
    assert one.status == Status.STOPPED
    assert not native


def test_an_execution_asks_in_the_same_dialog(grid: Any, admin_user: Any) -> None:
    one = make_execution(admin_user, status=Status.RUNNING)
    native: list[str] = []
    page = grid(one.get_absolute_url())
    page.on("dialog", lambda dialog: (native.append(dialog.message), dialog.dismiss()))
    assert page.locator("#debug .button-group #do-force-stop").count() == 0
    page.keyboard.press("Shift+S")
    dialog = page.locator("#confirm")
    expect(dialog.locator("h2")).to_have_text("Stop this execution?")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.locator("#further-button").click()
    page.locator("#do-force-stop").click()
    expect(dialog.locator("h2")).to_have_text("Force stop this execution?")
    assert not AuditEntry.objects.exists()
    page.locator("#confirm [data-confirm-yes]").click()
    expect(page.locator(".status-pill")).to_contain_text("Stopped")
    assert not native


def test_no_template_asks_by_the_browsers_own_dialog() -> None:
    for file in settings.BASE_DIR.joinpath("templates").rglob("*.html"):
        assert "hx-confirm" not in file.read_text(), file
    for file in settings.BASE_DIR.joinpath("static", "js").rglob("*.js"):
        assert not re.search(r"(?<![\w.])(?:window\.)?(?:confirm|alert|prompt)\(", file.read_text())


# A slow line ------------------------------------------------------------------------------------


def slowly(page: Page, address: str) -> None:
    page.route(
        re.compile(address), lambda route: (page.wait_for_timeout(2000), route.continue_())[1]
    )


@pytest.mark.parametrize(
    "what", ["chip", "search", "piece", "older", "sort", "tree", "command", "views"]
)
def test_a_slow_line_shows_that_it_is_waited_for(grid: Any, admin_user: Any, what: str) -> None:
    parent = make_execution(admin_user, status=Status.PAUSED, age=1)
    make_execution(admin_user, parent=parent, age=2)
    Execution.objects.filter(pk=parent.pk).update(child_count=1)
    make_executions(admin_user, range(3, 60))
    page = grid()
    bar = page.get_by_role("progressbar", name="Loading")
    expect(bar).to_be_hidden()
    row(page, parent).locator("[name=id]").check()
    slowly(
        page, r"(status=|q=|edit=|older=|sort=|/children/|/command/|/executions/.*continue|menu)"
    )
    doing = {
        "chip": lambda: page.locator("#chip-paused").click(no_wait_after=True),
        "search": lambda: (page.locator("#search").fill("orders"), page.keyboard.press("Enter")),
        "piece": lambda: page.locator("#piece-flow").click(no_wait_after=True),
        "older": lambda: page.locator("[data-older]").click(no_wait_after=True),
        "sort": lambda: page.locator("#sort-status").click(no_wait_after=True),
        "tree": lambda: row(page, parent).locator("[data-toggle]").click(no_wait_after=True),
        "command": lambda: page.locator("[data-command=continue]").click(no_wait_after=True),
        "views": lambda: page.get_by_role("button", name="Saved view").click(no_wait_after=True),
    }
    doing[what]()
    expect(bar).to_be_visible()
    if what in {"chip", "search", "older", "sort"}:
        expect(page.locator("#executions")).to_have_attribute("aria-busy", "true")
    expect(bar).to_be_hidden()
    expect(page.locator("[aria-busy]")).to_have_count(0)


def test_a_fast_line_shows_no_bar(grid: Any, admin_user: Any) -> None:
    make_execution(admin_user)
    page = grid()
    page.evaluate(
        """() => {
            window.seen = 0;
            new MutationObserver(() => (window.seen += !document.getElementById("loading").hidden))
                .observe(document.getElementById("loading"), { attributes: true });
            const event = (name, xhr) => document.body.dispatchEvent(new CustomEvent(name, {
                detail: { xhr, target: null, requestConfig: { verb: "get" } } }));
            const xhr = new EventTarget();
            event("htmx:beforeSend", xhr);
            setTimeout(() => xhr.dispatchEvent(new Event("loadend")), 50);
        }"""
    )
    page.wait_for_timeout(500)
    assert page.evaluate("window.seen") == 0


def test_an_executions_page_shows_it_too(grid: Any, admin_user: Any) -> None:
    one = make_execution(admin_user)
    page = grid(one.get_absolute_url())
    slowly(page, r"tab=|/parts/|/live/")
    page.locator(".tabs a", has_text="Logs").first.click(no_wait_after=True)
    bar = page.get_by_role("progressbar", name="Loading")
    expect(bar).to_be_visible()
    expect(bar).to_be_hidden()


# What came of it --------------------------------------------------------------------------------


def test_what_was_over_already_is_no_refusal(grid: Any, admin_user: Any) -> None:
    make_executions(admin_user, range(1, 4), status=Status.RUNNING)
    make_executions(admin_user, range(4, 21), status=Status.ENDED)
    page = grid()
    page.keyboard.press("j")
    page.keyboard.press("Control+a")
    button = page.locator("[data-command=pause]")
    expect(button).to_contain_text("3 of 20")
    expect(button).to_have_attribute("title", "The other 17 are left out")
    button.click()
    notice = page.locator("#notices .notice")
    expect(notice).to_contain_text("3 executions, done")
    expect(notice.locator("p.muted")).to_have_text("17 were already Ended")
    expect(notice).not_to_contain_text("refused")
    expect(notice).not_to_have_class(re.compile("warning"))


def test_what_has_ended_since_it_was_seen_is_refused(grid: Any, admin_user: Any) -> None:
    one = make_execution(admin_user, age=1, status=Status.RUNNING)
    make_execution(admin_user, age=2, status=Status.RUNNING)
    page = grid()
    page.keyboard.press("j")
    page.keyboard.press("Control+a")
    Execution.objects.filter(pk=one.pk).update(status=Status.ENDED, ended_at=timezone.now())
    page.locator("[data-command=pause]").click()
    expect(page.locator("#notices .notice.warning")).to_contain_text("Pause was refused")
