"""An execution of 100,000 steps in a browser: its page opens, its steps are scrolled and paged, and
slider and keyboard lead through them, each within a bound."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from executions import runner
from executions.models import Execution
from executions.retention.trimming import trimmed_steps
from tests.driving import begin, fresh
from tests.flows_in_tests import publish
from tests.integration.test_history_long import LONG, LONG_VARIABLES

#: Seconds that anything may take, until it is shown. docs/time.md says what was measured; this
#: machine may be busy with other tests.
BOUND = 10.0


@pytest.fixture
def execution(live_app: object, tmp_path: Path) -> Execution:
    found = begin(publish(tmp_path, "long", LONG, LONG_VARIABLES), Last=25_000)
    runner.run(found.pk)
    while (found := fresh(found)).status == "Queued":
        runner.run(found.pk)
    assert found.step_count > 100_000
    return found


class Timed:
    """Does something and waits for what it shows; keeps how long that took, in seconds."""

    def __init__(self) -> None:
        self.took: dict[str, list[float]] = {}

    def __call__(self, name: str, do: Callable[[], object], shown: Callable[[], object]) -> None:
        began = time.perf_counter()
        do()
        shown()
        seconds = time.perf_counter() - began
        self.took.setdefault(name, []).append(seconds)
        assert seconds < BOUND, (name, seconds)

    def tell(self) -> None:
        for name, took in self.took.items():
            median, worst = 1000 * statistics.median(took), 1000 * max(took)
            print(f"{name}: median {median:.0f} ms, at worst {worst:.0f} ms, of {len(took)}")


def test_a_hundred_thousand_steps(signed_in_page: Page, execution: Execution) -> None:
    page, timed = signed_in_page, Timed()
    count, lacking = execution.step_count, trimmed_steps(execution.step_count)
    slider, bottom = page.locator("[data-slider]"), page.locator("#part-bottom")
    rows = bottom.locator('tr[data-key^="s"]')
    keys = page.keyboard

    def shows(step: int) -> Callable[[], None]:
        return lambda: expect(slider).to_have_attribute("aria-valuenow", str(step))

    def row(step: int) -> Callable[[], None]:
        return lambda: expect(bottom.locator(f'tr[data-key="s{step}"]')).to_be_attached()

    def arrived() -> None:
        """The page shows the step to which the thumb was moved."""
        wanted = page.locator("[data-step-count] b").text_content() or ""
        expect(slider).to_have_attribute("aria-valuenow", wanted)

    def link(name: str) -> Locator:
        return bottom.locator(".pager").get_by_role("link", name=name, exact=True)

    timed("open", lambda: page.goto(execution.get_absolute_url()), shows(count))
    # The table has a page of them, whatever the number; what is not kept is told.
    expect(rows).to_have_count(50)
    expect(bottom).to_contain_text(f"Steps 9,001 to {lacking[-1]:,} of {count:,} are not kept.")
    assert page.locator("*").count() < 4_000
    pane = bottom.locator(".pane")
    # The newest steps are in view, and scrolling reaches the others of the page.
    expect(rows.last).to_be_in_viewport()
    pane.evaluate("pane => pane.scrollTop = 0")
    expect(rows.first).to_be_in_viewport()

    # Paged back over what is not kept, and from the first step on.
    newest = lacking.stop + (count - lacking.stop + 1) % 50
    timed("page", lambda: link("first").click(), row(1))
    for first in (51, 101, 151):
        timed("page", lambda: link("newer").click(), row(first))
    page.goto(f"{execution.get_absolute_url()}?at={newest}")
    timed("page", lambda: link("older").click(), row(9_000))
    timed("page", lambda: link("newest").click(), row(count))

    # By the slider: to the middle, of which nothing is kept, and near both ends.
    box = slider.bounding_box()
    assert box is not None
    for part in (0.02, 0.5, 0.08, 0.999, 0.05):
        x, y = box["x"] + box["width"] * part, box["y"] + 8
        page.mouse.move(x, y)
        timed("jump by the slider", lambda: (page.mouse.down(), page.mouse.up()), arrived)
        shown = int(slider.get_attribute("aria-valuenow") or "")
        assert abs(shown - part * count) < count / 100  # a pixel is some hundred steps
        if shown in lacking:
            expect(page.locator(".viewing")).to_contain_text("is not kept")
            expect(page.locator("[data-token]")).to_have_count(0)
        else:
            expect(bottom.locator(f'tr[data-key="s{shown}"]')).to_have_class("current")

    # By keyboard, from both ends and across the gap.
    slider.focus()
    keys.press("Home")
    shows(0)()
    for step in range(1, 9):
        timed("step by keyboard", lambda: keys.press("]"), shows(step))
    page.goto(f"{execution.get_absolute_url()}?step=9000")
    slider.focus()
    timed("step by keyboard", lambda: keys.press("]"), shows(lacking.stop))
    timed("step by keyboard", lambda: keys.press("["), shows(9_000))
    timed("jump by keyboard", lambda: keys.press("PageDown"), shows(9_000 - round(count / 20)))
    timed("jump by keyboard", lambda: keys.press("End"), shows(count))
    timed("jump by keyboard", lambda: keys.press("Home"), shows(0))
    # A held key asks no more than one thing at a time, and ends where it was let go.
    slider.focus()
    asked: list[str] = []
    page.on(
        "request", lambda request: asked.append(request.url) if "/live/" in request.url else None
    )

    def held() -> None:
        for _ in range(40):
            keys.press("ArrowRight")

    timed("forty steps by a held key", held, shows(40))
    assert len(asked) < 40
    timed.tell()
