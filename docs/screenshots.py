"""`python -m docs.screenshots`: takes the pictures in docs/images anew, from the running product.

It starts `manage.py up --demo` in a folder of its own, gives it two weeks of history, lets the demo
run for a while, pauses one of its executions as a person would, and looks at the pages in Chromium:
1440 and 390 pixels wide, light and dark. Needs the `test` extra, and a Chromium on the PATH.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
SIZES = {1440: 900, 390: 844}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STARTS_WITHIN = 180.0


def grid(page: Page) -> None:
    """The grid with a family opened, live, and two of those selected that can be commanded."""
    page.goto("/?view=all")
    page.locator('[data-live][data-state="live"]').wait_for()
    page.locator("[data-toggle]").nth(1).click()
    page.locator('#rows > [aria-level="2"]').first.wait_for()
    live = page.locator('#rows > [data-status="Running"] input[name=id]')
    for number in range(min(2, live.count())):
        live.nth(number).click()
    page.mouse.move(4, 4)


def newest(page: Page, query: str) -> str | None:
    """The id of the newest execution that a query finds."""
    page.goto(f"/?{urlencode({'q': query})}")
    return page.locator("#rows > tr").first.get_attribute("data-id")


def columns(page: Page) -> None:
    """The chooser of columns over the grid."""
    page.goto("/?view=all")
    page.locator("#rows > tr").first.wait_for()
    if (more := page.locator("[data-filter-toggle]")).is_visible():
        more.click()  # on a phone it is behind a button
    page.get_by_role("button", name="Columns").click()


def execution(page: Page) -> None:
    """An execution that has come far, with its token on the diagram."""
    page.goto("/?flow=nightly-tour&status=Running")
    page.locator("#rows [data-open]").last.click()
    page.locator("[data-token]").first.wait_for()


def compare(page: Page) -> None:
    """An order that failed, held against one that did not."""
    first, second = (newest(page, f"flow:check-order status:{one}") for one in ("Ended", "Error"))
    page.goto(f"/executions/compare/?a={first}&b={second}")
    page.locator(".compare").first.wait_for()


def flow(page: Page) -> None:
    page.goto("/flows/check-orders/")


def flows(page: Page) -> None:
    page.goto("/flows/")
    page.locator('[data-live][data-state="live"]').wait_for()


def overview(page: Page) -> None:
    """The last 7 days, so that charts and heat strips show days and nights."""
    page.goto("/overview/?span=7d")
    page.locator('[data-live][data-state="live"]').wait_for()


def failures(page: Page) -> None:
    page.goto("/failures/")
    page.locator('[data-live][data-state="live"]').wait_for()


def failure(page: Page) -> None:
    """A failure that was resolved, and is back."""
    page.goto("/failures/")
    page.locator("a.what[href^='/failures/']").filter(has_text="names no customer").first.click()
    page.locator('[data-live][data-state="live"]').wait_for()


PAGES: dict[str, Callable[[Page], None]] = {
    "executions": grid,
    "columns": columns,
    "execution": execution,
    "compare": compare,
    "flow": flow,
    "flows": flows,
    "overview": overview,
    "failures": failures,
    "failure": failure,
}


@contextmanager
def product(port: int) -> Iterator[str]:
    """The product with its demo and two weeks of history; yields its administrator's password."""
    with tempfile.TemporaryDirectory(prefix="cortexweb-pictures-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103 - root's servers run as another user
        log = Path(folder, "up.log")
        command = [sys.executable, str(ROOT / "manage.py"), "up", "--demo"]
        command += ["--port", str(port), "--data", str(Path(folder, "data"))]
        with log.open("w") as output:
            process = subprocess.Popen(  # noqa: S603
                command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT
            )
        try:
            deadline = time.monotonic() + STARTS_WITHIN
            while "CortexWeb is running at" not in log.read_text():
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"The product did not start:\n{log.read_text()}")
                time.sleep(0.2)
            found = re.search(r"password (\S+)", log.read_text())
            assert found, log.read_text()
            subprocess.run(  # noqa: S603
                [sys.executable, str(ROOT / "manage.py"), "fill_demo_history", "--yes"],
                cwd=ROOT,
                env={**os.environ, "CORTEXWEB_DATA": str(Path(folder, "data"))},
                check=True,
            )
            yield found[1]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def sign_in(browser: Browser, url: str, password: str) -> dict[str, object]:
    """The cookies of the administrator."""
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto("/login/")
    page.fill("[name=username]", "admin")
    page.fill("[name=password]", password)
    page.click("button[type=submit]")
    page.locator(".rail").wait_for()
    state = dict(context.storage_state())
    context.close()
    return state


def pause_one(page: Page) -> None:
    """So that the pictures show one that waits for a person."""
    page.goto("/?status=Running&flow=nightly-tour")
    page.locator('[data-live][data-state="live"]').wait_for()
    page.locator("#rows input[name=id]").last.check()
    page.locator("[data-command=pause]").click()
    page.wait_for_timeout(2000)


def take(browser: Browser, url: str, state: dict[str, object], names: list[str]) -> None:
    for scheme in ("light", "dark"):
        for width, height in SIZES.items():
            context = browser.new_context(
                base_url=url,
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                storage_state=state,
                has_touch=width < 720,
            )
            context.set_default_timeout(30_000)
            for name in names:
                page = context.new_page()
                PAGES[name](page)
                page.wait_for_timeout(1500)  # until what moves has come to rest
                page.screenshot(path=IMAGES / f"{name}-{scheme}-{width}.png")
                page.close()
            context.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(PAGES)}; all when none is named")
    parser.add_argument("--seconds", type=float, default=60, help="how long the demo runs first")
    options = parser.parse_args()
    if unknown := set(options.names) - set(PAGES):
        parser.error(f"there is no picture {', '.join(sorted(unknown))}")
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        sys.exit(f"No Chromium on the PATH (looked for {', '.join(CHROMIUM)}).")
    flags = ["--no-sandbox"] if os.geteuid() == 0 else []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    url = f"http://127.0.0.1:{port}"
    with product(port) as password, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        state = sign_in(browser, url, password)
        time.sleep(options.seconds)
        context = browser.new_context(base_url=url, storage_state=state)
        pause_one(context.new_page())
        context.close()
        IMAGES.mkdir(exist_ok=True)
        take(browser, url, state, options.names or list(PAGES))
        browser.close()


if __name__ == "__main__":
    main()
