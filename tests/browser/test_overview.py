"""The overview in a browser: live parts, the crosshair, the filters, and the wall."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Browser, Page, WebSocket, expect

from executions.models import Execution
from executions.states import Status
from executions.statistics.aggregation import aggregate
from flows.models import Flow, Label
from tests.accessibility import COLOURS, PHONE, violations
from tests.conftest import sign_in
from tests.executions_in_tests import make_execution
from tests.grids import LIVE, tell
from tests.integration.test_failure_commands import make_group
from tests.servers import Process, free_port, web_server

MINUTE = 60
#: What on a wall is cut off, does not fit the screen, or covers something else.
OUT_OF_PLACE = """() => {
    const found = [];
    const check = (wrong, words) => wrong && found.push(words);
    const box = (element) => element.getBoundingClientRect();
    const name = (one) => `${one.tagName} ${one.getAttribute("class")}`;
    const all = (element, selector) => [...element.querySelectorAll(selector)];
    check(document.documentElement.scrollHeight > innerHeight + 2, "more than the screen");
    const parts = all(document, ".wall-grid > .part");
    check(box(parts.at(-1)).bottom < innerHeight - 4, "an empty end of the screen");
    for (const part of parts) {
        for (const one of all(part, ".wall-row, h2, .chart, text, p, .ellipsis")) {
            check(box(one).right > box(part).right + 1, `${name(one)} is cut off`);
            check(box(one).bottom > box(part).bottom + 1, `${name(one)} is cut off below`);
        }
        for (const plot of all(part, ".chart-plot")) {
            check(box(plot).width < innerWidth / 5, "a narrow chart");
            check(box(plot).height < innerHeight / 14, "a low chart");
        }
        for (const times of all(part, ".chart-times, .heat-times")) {
            const texts = all(times, "text");
            texts.slice(1).forEach((text, n) => {
                check(box(text).left < box(texts[n]).right, `${text.textContent} covers a time`);
            });
        }
        const rows = all(part, "section > *");
        rows.slice(1).forEach((row, n) => {
            check(box(row).top < box(rows[n]).bottom - 1, `${name(row)} covers a row`);
        });
    }
    for (const line of all(document, ".tile .sparkline")) {
        const number = line.closest(".tile").querySelector(".number");
        check(box(line).left < box(number).right, "a line covers a number");
    }
    return found;
}"""


@pytest.fixture
def filled(admin_user: User) -> Execution:
    """Executions of two flows over some hours; the one that runs."""
    for flow, status, count in [
        ("orders", Status.ENDED, 6),
        ("orders", Status.ERROR, 2),
        ("bills", Status.ENDED, 3),
    ]:
        for number in range(count):
            make_execution(admin_user, flow, MINUTE * (10 + 45 * number), status=status)
    Flow.objects.get(name="bills").labels.add(Label.objects.create(name="production"))
    return make_execution(admin_user, "orders", status=Status.RUNNING)


def number(page: Page, tile: str) -> str:
    return page.locator(f'[data-tile="{tile}"] .number .long').inner_text()


def test_parts_follow_what_happens_by_a_frame_a_second(
    signed_in_page: Page, admin_user: User, filled: Execution
) -> None:
    page, frames, asked = signed_in_page, [], []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: frames.append(str(frame)))

    page.on("websocket", listen)
    page.goto("/overview/")
    expect(page.locator(LIVE)).to_be_visible()
    assert number(page, "running") == "1"
    page.on("request", lambda request: asked.append(request.url))
    frames.clear()
    began = timezone.now()
    for _ in range(30):
        tell(filled, block="x")
    make_execution(admin_user, "orders", status=Status.RUNNING)
    tell(filled, block="y")
    running = page.locator('[data-tile="running"] .number .long')
    expect(running).to_have_text("2")
    tell(filled, status=Status.ENDED, ended_at=timezone.now())
    expect(running).to_have_text("1")
    expect(page.locator('[data-tile="ended"] .number .long')).to_have_text("12")
    seconds = (timezone.now() - began).total_seconds()
    assert len([frame for frame in frames if '"parts"' in frame]) <= seconds + 2
    assert not [url for url in asked if "/overview/" in url]


def test_one_crosshair_goes_through_all_charts_by_keyboard(
    signed_in_page: Page, filled: Execution
) -> None:
    page = signed_in_page
    page.goto("/overview/")
    expect(page.locator(LIVE)).to_be_visible()
    plots = page.locator("[data-plot]")
    page.get_by_role("link", name="6 h").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.locator('[data-chart="success"] [data-plot]:focus').count():
            break
    expect(page.locator("[data-crosshair] line")).to_have_count(3)
    page.keyboard.press("Home")
    first = page.locator("[data-readout]:visible")
    expect(first).to_have_count(1)
    expect(first).to_contain_text("nothing ended")
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    told = page.locator("body > [aria-live=polite].visually-hidden").last
    expect(told).to_contain_text(re.compile(r"\d\d:\d\d – \d\d:\d\d, "))
    # The mouse moves the same crosshair.
    box = plots.first.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    expect(page.locator('[data-chart="throughput"] [data-readout]')).to_be_visible()
    expect(page.locator("[data-readout]:visible")).to_have_count(1)
    # The table says the same, and leads to the executions.
    page.get_by_role("button", name="Success rate, as a table").click()
    table = page.locator("#table-success")
    expect(table.get_by_role("row")).to_have_count(98)
    table.get_by_role("link").last.click()
    expect(page).to_have_url(re.compile(r"/\?ended="))


def test_filters_stand_in_the_address_and_numbers_lead_to_the_grid(
    signed_in_page: Page, filled: Execution
) -> None:
    page = signed_in_page
    page.goto("/overview/")
    page.get_by_label("Label").select_option("production")
    expect(page).to_have_url(re.compile(r"/overview/\?label=production$"))
    assert number(page, "ended") == "3"
    page.get_by_role("link", name="7 d").click()
    expect(page).to_have_url(re.compile(r"label=production&span=7d"))
    page.locator('[data-tile="ended"] .number').click()
    expect(page.locator("#rows > tr")).to_have_count(3)
    page.go_back()
    page.get_by_label("Clear Label").click()
    expect(page).to_have_url(re.compile(r"/overview/\?span=7d$"))


def test_a_heat_strip_is_one_stop_of_the_tab_key(signed_in_page: Page, filled: Execution) -> None:
    page = signed_in_page
    page.goto("/overview/")
    strip = page.locator("[data-heat]").first
    assert strip.locator('a[tabindex="-1"]').count() == strip.locator("a").count() - 1
    strip.locator("a").last.focus()
    page.keyboard.press("Home")
    expect(strip.locator("a").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/\?flow=orders&"))


def test_a_failure_is_taken_and_retried_from_its_row(
    signed_in_page: Page, admin_user: User, filled: Execution
) -> None:
    group = make_group("orders", count=3, first_seen_at=timezone.now())
    make_execution(admin_user, "orders", 60, status=Status.ERROR, failure=group.pk)
    aggregate()
    page = signed_in_page
    page.goto("/overview/")
    expect(page.locator(LIVE)).to_be_visible()
    row = page.locator(f'tr[data-key="{group.pk}"]')
    row.get_by_role("button", name="Take it").press("Enter")
    page.mouse.move(0, 0)
    expect(row.locator(".c-owner")).to_have_text("admin")
    group.refresh_from_db()
    assert group.owner == admin_user
    # On a phone, dots say which chart is shown.
    page.set_viewport_size({"width": PHONE, "height": 844})
    dots = page.locator(".chart-dots span")
    expect(dots).to_have_count(3)
    expect(dots.nth(0)).to_have_class("on")
    page.locator(".overview-charts").evaluate("(charts) => charts.scrollBy(charts.clientWidth, 0)")
    expect(dots.nth(1)).to_have_class("on")
    assert not violations(page, COLOURS)
    page.set_viewport_size({"width": 1440, "height": 900})
    row.get_by_role("link", name="Retry group").click()
    expect(page.get_by_role("heading", name="Retry this group")).to_be_visible()
    # The page of a failure has what is done most at hand on a phone.
    page.set_viewport_size({"width": PHONE, "height": 844})
    page.goto(group.get_absolute_url())
    expect(page.locator("#retry-group")).to_contain_text("1 of 1")
    assert page.locator("#retry-group").bounding_box()["y"] > 700
    page.locator(".to-comment").click()
    expect(page.locator("#comment")).to_be_focused()


@pytest.fixture
def server(tmp_path: Path, product_environment: dict[str, str]) -> Iterator[list[Process]]:
    """A web server of its own, which a test may end and start again: the last one counts."""
    port = free_port()
    processes = [web_server(tmp_path / "web-0.log", product_environment, port)]

    class Servers(list[Process]):
        url = f"http://127.0.0.1:{port}"

        def again(self) -> None:
            log = tmp_path / f"web-{len(self)}.log"
            self.append(web_server(log, product_environment, port))

    servers = Servers(processes)
    yield servers
    servers[-1].kill()


@pytest.mark.usefixtures("transactional_db", "redis")
def test_a_wall_survives_its_server(
    browser: Browser, server: "list[Process]", admin_user: User, filled: Execution
) -> None:
    url: str = server.url  # type: ignore[attr-defined]
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    sign_in(context, url, admin_user)
    page = context.new_page()
    page.goto(f"{url}/overview/wall/")
    expect(page.locator(LIVE)).to_be_visible()
    assert not page.locator("main :is(a, button, input, select, [tabindex])").count()
    for width, height in ((1280, 720), (1440, 900), (3840, 2160), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        assert not page.evaluate(OUT_OF_PLACE), (width, height)
    ended = page.locator('[data-tile="ended"] .number')
    expect(ended).to_have_text("11")
    assert not violations(page, COLOURS)
    nodes = page.evaluate("document.querySelectorAll('*').length")
    server[-1].kill()
    expect(page.locator("body.stale-page")).to_be_visible(timeout=15_000)
    expect(page.locator("[data-live]")).to_contain_text("Stale since")
    make_execution(admin_user, "orders", 30, status=Status.ENDED)
    server.again()  # type: ignore[attr-defined]
    expect(page.locator(LIVE)).to_be_visible(timeout=30_000)
    expect(page.locator("body.stale-page")).to_have_count(0)
    expect(ended).to_have_text("12")
    # What changes is put in the place of what was there.
    for _ in range(20):
        tell(filled, block="x")
    shown = page.evaluate("document.querySelectorAll('*').length")
    assert abs(shown - nodes) < 40
    # A minute on, the picture stands a pixel elsewhere.
    moved = page.evaluate(
        """async () => {
            const script = document.querySelector("script[type=module]").src;
            const clock = script.replace(/pages.wall.*/, "clock.js");
            const { setServerNow, serverNow } = await import(clock);
            const main = document.getElementById("overview");
            const before = main.style.translate;
            for (let tries = 0; tries < 20 && before === main.style.translate; tries += 1) {
                setServerNow(serverNow() + 60_000); // a frame may have set the clock right
                await new Promise((resolve) => setTimeout(resolve, 600));
            }
            return before !== main.style.translate;
        }"""
    )
    assert moved
    context.close()


def test_a_page_of_a_worker_says_what_it_runs_now(
    signed_in_page: Page, admin_user: User, filled: Execution
) -> None:
    from executions import workers

    now = timezone.now().timestamp()
    workers.record(
        workers.Worker(
            name="celery@wk-07",
            slots=4,
            busy=1,
            queues=("celery",),
            started_at=now,
            seen_at=now,
            machine="wk-07",
            processes=(7,),
        )
    )
    page = signed_in_page
    page.goto("/overview/")
    page.get_by_role("link", name="celery@wk-07: 1 of 4 slots busy").click()
    expect(page.locator(LIVE)).to_be_visible()
    expect(page.get_by_text("It runs nothing")).to_be_visible()
    tell(filled, lease_owner="wk-07:7:abc:task", lease_expires_at=timezone.now() + timedelta(1))
    expect(page.get_by_role("row", name="orders")).to_be_visible()
