"""The grid in a browser: rows made by the ORM, their changes published as workers do."""

import re
from typing import Any

from django.utils import timezone
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from executions.alerts import personal
from executions.models import Execution, Watch
from executions.publishing import announce
from executions.states import Status
from tests.accessibility import axe_finds_nothing
from tests.browsers import fits
from tests.executions_in_tests import make_execution
from tests.grids import LIVE, expect_shown, row, tell


def test_a_new_execution_appears_on_top_and_moves(grid: Any, admin_user: Any) -> None:
    old = make_execution(admin_user, age=90)
    page = grid()
    new = make_execution(admin_user, age=0, status=Status.QUEUED, block_type="Start Flow")
    tell(new)
    expect(row(page, new)).to_be_visible()
    expect_shown(page, [str(new.pk), str(old.pk)])
    tell(new, status=Status.RUNNING, block_description="Sort the mail")
    expect(row(page, new).locator(".c-description")).to_have_text("Sort the mail")
    expect(row(page, new)).to_have_attribute("data-fresh", "")
    expect(page.locator('[data-count="Running"]')).to_have_text("2")
    tell(new, status=Status.ENDED, ended_at=timezone.now())
    expect(row(page, new).locator(".c-status")).to_have_text("Ended")
    expect(row(page, new).locator("[data-since]")).to_have_count(0)
    expect(page.locator("[data-live]")).to_have_text(re.compile(r"^Live · \d+ ms$"))


def test_new_rows_wait_while_the_reader_is_busy(grid: Any, admin_user: Any) -> None:
    chosen = make_execution(admin_user, age=50)
    page = grid()
    row(page, chosen).locator(".c-workspace").click()
    first, second = make_execution(admin_user, age=2), make_execution(admin_user, age=1)
    tell(first, second)
    pill = page.locator("[data-pill]")
    expect(pill).to_have_text("2 new executions")
    expect_shown(page, [str(chosen.pk)])
    # What is selected still changes, stays selected, and its buttons follow.
    expect(page.locator("[data-command=continue]")).to_have_attribute("aria-disabled", "true")
    tell(chosen, status=Status.PAUSED)
    expect(row(page, chosen).locator(".c-status")).to_have_text("Paused")
    expect(row(page, chosen)).to_have_attribute("aria-selected", "true")
    expect(page.locator("[data-command=continue]")).not_to_have_attribute("aria-disabled", "true")
    expect(page.locator("[data-command=pause]")).to_have_attribute(
        "title", "None of the selected executions is Queued or Running"
    )
    page.keyboard.press(".")
    expect(pill).to_be_hidden()
    expect_shown(page, [str(second.pk), str(first.pk), str(chosen.pk)])
    expect(row(page, chosen)).to_have_attribute("aria-selected", "true")


def test_what_leaves_the_filter_is_struck_until_the_next_refresh(
    grid: Any, admin_user: Any
) -> None:
    running = make_execution(admin_user)
    page = grid("/?status=Running")
    tell(running, status=Status.PAUSED)
    expect(row(page, running)).to_have_attribute("data-mismatch", "")
    late = make_execution(admin_user, status=Status.PAUSED, age=1)
    tell(late)
    came = make_execution(admin_user, status=Status.QUEUED, age=1)
    tell(came)
    tell(came, status=Status.RUNNING)
    expect(row(page, came)).to_be_visible()
    expect(row(page, late)).to_have_count(0)
    page.reload()
    expect(row(page, running)).to_have_count(0)


def test_what_is_watched_comes_and_goes_with_the_watch(grid: Any, admin_user: Any) -> None:
    one, other = make_execution(admin_user, age=5), make_execution(admin_user, age=9)
    Watch.objects.create(user=admin_user, execution=one, read_revision=1)
    page = grid("/?is=watched")
    expect_shown(page, [str(one.pk)])
    expect(page.locator(".filter-chip", has_text="Watched by you")).to_be_visible()
    said = {"type": "watches.changed", "user": admin_user.pk, "ids": [str(other.pk)], "on": True}
    Watch.objects.create(user=admin_user, execution=other, read_revision=1)
    announce(said)
    expect(row(page, other)).to_be_visible()
    # What changes is held against what is watched without a query.
    tell(other, block_description="Further on")
    expect(row(page, other).locator(".c-description")).to_have_text("Further on")
    expect(row(page, other)).not_to_have_attribute("data-mismatch", "")
    row(page, one).locator("input[name=id]").check()
    page.locator("[data-watch]").click()
    expect(row(page, one)).to_have_attribute("data-mismatch", "")
    expect(row(page, one).locator(".why")).to_have_text("you no longer watch it")
    # Of what is over there is no more to come: being told of it, by every channel, ends the watch.
    with page.expect_response(lambda got: got.status == 204):  # it is read
        tell(other, status=Status.ENDED, ended_at=timezone.now())
    expect(row(page, other).locator(".why")).to_have_text("you no longer watch it")
    personal.notify_watchers()
    assert not Watch.objects.exists()
    page.reload()
    expect(page.locator("[data-empty]")).to_be_visible()


def test_a_cell_that_is_cut_off_says_all_of_it_to_the_keyboard(grid: Any, admin_user: Any) -> None:
    long = "Send every invoice of the last quarter to whoever has not paid it yet"
    one = make_execution(admin_user, age=5, block_description=long)
    other = make_execution(admin_user, age=9, block_description="Short")
    page = grid()
    tip = page.locator(".tooltip")
    page.keyboard.press("j")
    page.keyboard.press("ArrowRight")
    cell = page.locator("#rows td:focus")
    expect(cell).to_have_class(re.compile("c-icon"))
    page.keyboard.press("ArrowRight")
    expect(cell).to_have_class(re.compile("c-flow"))
    page.keyboard.press("ArrowRight")
    expect(cell).to_have_class(re.compile("c-started"))
    # Not cut, but a time has more to say: in UTC, and how long ago.
    expect(tip).to_contain_text(re.compile(r"UTC\s+\d+ seconds ago"))
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(cell).to_have_class(re.compile("c-description"))
    expect(tip).to_have_text(long)
    box, below = cell.bounding_box(), tip.bounding_box()
    assert box["y"] + box["height"] <= below["y"] <= box["y"] + box["height"] + 8
    # It follows what changes, and leaves the focus where it is.
    tell(one, block_description=f"{long}: 3 of 7")
    expect(tip).to_have_text(f"{long}: 3 of 7")
    expect(cell).to_have_class(re.compile("c-description"))
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    page.keyboard.press("ArrowDown")
    expect(row(page, other).locator("td.c-description")).to_be_focused()
    expect(tip).to_be_hidden()
    page.keyboard.press("x")
    expect(row(page, other)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")
    expect(row(page, other)).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")  # the initiator's cell leads to what they have started
    expect(page).to_have_url(re.compile(r"\?initiator=admin$"))


def test_keys_that_are_pressed_before_the_scripts_are_there_wait(
    signed_in_page: Page, admin_user: Any
) -> None:
    page = signed_in_page
    one = make_execution(admin_user, age=5)
    arrived: list[Route] = []
    page.route("**/js/grid.js", lambda route: arrived.append(route))
    page.goto("/", wait_until="commit")
    expect(row(page, one)).to_be_visible()
    for key in ("j", "x", "/", *"flow:"):  # the start of a field is not sent by itself
        page.keyboard.press(key)
    expect(row(page, one)).to_have_attribute("aria-selected", "false")
    for _ in range(100):
        if arrived:
            break
        page.wait_for_timeout(50)
    arrived[0].continue_()
    expect(row(page, one)).to_have_attribute("aria-selected", "true")
    expect(page.locator("#search")).to_be_focused()
    expect(page.locator("#search")).to_have_value("flow:")


def test_children_come_and_go_with_their_parent(grid: Any, admin_user: Any) -> None:
    parent = make_execution(admin_user, child_count=1)
    first = make_execution(admin_user, parent=parent, age=20)
    page = grid()
    row(page, parent).locator("[data-toggle]").click()
    expect(row(page, first)).to_have_attribute("aria-level", "2")
    expect(page).to_have_url(re.compile(re.escape(f"open={parent.pk}")))
    second = make_execution(admin_user, parent=parent, age=5)
    tell(second)
    tell(parent, child_count=2)
    expect(row(page, second)).to_be_visible()
    expect_shown(page, [str(one.pk) for one in (parent, second, first)])
    page.reload()
    expect(row(page, second)).to_be_visible()
    row(page, parent).locator("[data-toggle]").click()
    expect(row(page, first)).to_have_count(0)
    expect(row(page, parent).locator(".count")).to_have_text("2")


def test_filters_pages_and_back_are_in_the_address(grid: Any, admin_user: Any) -> None:
    for age in range(60):
        make_execution(admin_user, age=age, status=Status.PAUSED if age % 20 else Status.ERROR)
    page = grid()
    page.locator("#chip-error").click()
    expect(page.locator("#rows > tr")).to_have_count(3)
    page.locator("#search").fill("no such thing")
    expect(page.locator("[data-empty]")).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape("q=no")))
    assert page.evaluate("document.activeElement.id") == "search"
    page.go_back()
    expect(page.locator("#rows > tr")).to_have_count(3)
    expect(page.locator("#chip-error")).to_have_attribute("aria-pressed", "true")
    page.go_back()
    expect(page.locator("#rows > tr")).to_have_count(50)
    # Back loads the page anew: its rows are there before its scripts listen.
    expect(page.locator(LIVE)).to_be_visible()
    page.keyboard.press("n")
    expect(page.locator("#rows > tr")).to_have_count(10)
    page.keyboard.press("p")
    expect(page.locator("#rows > tr")).to_have_count(50)


def test_everything_by_keyboard(grid: Any, admin_user: Any) -> None:
    parent = make_execution(admin_user, age=1, child_count=1)
    child = make_execution(admin_user, parent=parent)
    make_execution(admin_user, age=10)
    page = grid()
    for key in ("j", "ArrowRight"):
        page.keyboard.press(key)
    expect(row(page, child)).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(row(page, child)).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator("[data-selected-count]")).to_have_text("2 selected")
    page.keyboard.press("Control+a")
    expect(page.locator("[data-selected-count]")).to_have_text("3 selected")
    page.keyboard.press("Escape")
    expect(page.locator("[data-selected]")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(str(parent.pk)))


def test_stopping_asks_first_and_tells_what_was_over(grid: Any, admin_user: Any) -> None:
    make_execution(admin_user, status=Status.PAUSED)
    make_execution(admin_user, status=Status.ENDED)
    page = grid()
    page.locator("[data-select-all]").check()
    expect(page.locator("[data-command=stop]")).to_have_text(re.compile(r"Stop\s*1 of 2"))
    page.locator("[data-command=stop]").click()
    expect(page.locator("#confirm h2")).to_have_text("Stop 1 execution?")
    page.locator("#confirm [value='']").click()
    assert Execution.objects.filter(status=Status.PAUSED).count() == 1
    page.locator("[data-command=stop]").click()
    page.locator("[data-confirm-yes]").click()
    expect(page.locator("#notices")).to_contain_text("1 was already Ended")
    expect(page.locator('tr[data-status="Stopped"]')).to_have_count(1)


def test_a_cut_socket_is_said_and_caught_up(grid: Any, page: Page, admin_user: Any) -> None:
    sockets: list[WebSocketRoute] = []

    def relay(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    page.route_web_socket("**/ws/executions/**", relay)
    execution = make_execution(admin_user)
    grid()
    page.route_web_socket("**/ws/executions/**", lambda socket: socket.close())
    sockets[-1].close()
    expect(page.locator('[data-live][data-state="stale"]')).to_have_text(
        re.compile(r"Stale since \d\d:\d\d:\d\d")
    )
    tell(execution, status=Status.PAUSED)
    new = make_execution(admin_user, age=0)
    tell(new)
    # While sockets are refused it asks by HTTP, and says so.
    expect(page.locator('[data-live][data-state="poll"]')).to_contain_text("Polling")
    expect(row(page, new)).to_be_visible()
    page.unroute_all() if hasattr(page, "unroute_all") else None
    page.route_web_socket("**/ws/executions/**", relay)
    expect(page.locator(LIVE)).to_be_visible(timeout=20_000)
    expect(row(page, execution).locator(".c-status")).to_have_text("Paused")
    tell(new, block_description="Heard again")
    expect(row(page, new).locator(".c-description")).to_have_text("Heard again")


def test_after_a_storm_the_page_is_what_the_server_has(grid: Any, admin_user: Any) -> None:
    executions = [make_execution(admin_user, age=age) for age in range(8)]
    page = grid()
    for number in range(25):
        for execution in executions:
            status = Status.PAUSED if (number + execution.pk.int) % 3 else Status.RUNNING
            tell(execution, status=status, block_description=f"step {number}")
    expect(page.locator("#rows .c-description", has_text="step 24")).to_have_count(8)
    cells = "rows => rows.map(r => [...r.cells].slice(5, 9).map(c => c.textContent))"
    live = page.locator("#rows > tr").evaluate_all(cells)
    page.reload()
    assert page.locator("#rows > tr").evaluate_all(cells) == live


def test_axe_finds_nothing(grid: Any, admin_user: Any) -> None:
    parent = make_execution(admin_user, child_count=1)
    make_execution(admin_user, parent=parent, error_type="SomeException")
    for age, status in enumerate(Status):
        make_execution(admin_user, age=age, status=status, error_message="It broke")
    page = grid(f"/?open={parent.pk}")
    page.locator("#rows input").first.check()
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 844})
        axe_finds_nothing(page, dark=width > 390)
        assert fits(page, width)


def test_the_theme_is_remembered(grid: Any) -> None:
    page = grid()
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "light")
    page.locator("[data-theme-toggle]").click()
    expect(root).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(root).to_have_attribute("data-theme", "dark")


def test_a_page_at_rest_is_silent(signed_in_page: Page, admin_user: Any) -> None:
    """What it says of its rows brings no answer that would make it say so again."""
    page = signed_in_page
    frames: list[str] = []
    page.on("websocket", lambda ws: ws.on("framereceived", lambda text: frames.append(str(text))))
    execution = make_execution(admin_user)
    page.goto("/")
    expect(page.locator(LIVE)).to_be_visible()
    tell(execution, block_description="Sort the mail")
    expect(row(page, execution).locator(".c-description")).to_have_text("Sort the mail")
    page.wait_for_timeout(1500)
    assert len([text for text in frames if '"type": "rows"' in text]) == 1


def test_more_new_rows_than_can_wait_are_fetched(grid: Any, admin_user: Any) -> None:
    chosen = make_execution(admin_user, age=900)
    page = grid()
    row(page, chosen).locator(".c-workspace").click()
    new = [make_execution(admin_user, age=300 - number) for number in range(230)]
    tell(*new)
    expect(page.locator("[data-pill]")).to_have_text("200+ new executions")
    page.keyboard.press(".")
    expect(row(page, new[-1])).to_be_visible()
    newest = [str(one.pk) for one in reversed(new[-50:])]
    expect(page.locator("#rows > tr")).to_have_count(51)
    expect_shown(page, [*newest, str(chosen.pk)])  # what is selected stays


def test_a_page_that_reaches_nothing_does_not_say_that_it_polls(
    grid: Any, signed_in_page: Page
) -> None:
    page = signed_in_page
    sockets: list[WebSocketRoute] = []

    def relay(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    page.route_web_socket("**/ws/executions/**", relay)
    grid()
    page.evaluate(
        "() => { window.states = []; document.body.addEventListener('live:state', "
        "event => window.states.push(event.detail)); }"
    )
    page.route("**/*", lambda route: route.abort())
    page.route_web_socket("**/ws/executions/**", lambda socket: socket.close())
    sockets[-1].close()
    page.wait_for_timeout(3500)  # by then it has tried both ways
    assert page.evaluate("states") == ["stale"]
    page.unroute("**/*")
    expect(page.locator('[data-live][data-state="poll"]')).to_be_visible(timeout=20_000)
