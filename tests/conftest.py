"""Fixtures: real PostgreSQL, Redis, Celery worker, web server and browser.

`worker`, `live_app` and `page` work with committed data, so they bring `transactional_db` along:
the tables are emptied after each of their tests, once those processes rest.
"""

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client, TransactionTestCase
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from redis import Redis

from tests.database import end_test
from tests.grids import LIVE
from tests.servers import (
    Process,
    celery_beat,
    celery_worker,
    free_port,
    running_servers,
    web_server,
)
from tests.tables import empty_tables

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM_FLAGS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def pytest_xdist_auto_num_workers() -> int:
    """One process more than processors, since tests also wait: for servers, browsers and time."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector need not look through it again."""
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """The database ends with its server: nobody has to be out of it before."""
    return True


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """How Django empties the tables after each test that commits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield


@pytest.fixture(scope="session")
def servers() -> Iterator[None]:
    """PostgreSQL and Redis, running until the session ends."""
    with running_servers(settings.DATA):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers: None) -> None:
    """pytest-django's hook before it creates the test database."""


@pytest.fixture(scope="session", autouse=True)
def quick_ends() -> Iterator[None]:
    """Tests that commit empty the database in a quick way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", end_test)
        yield


@pytest.fixture
def redis(servers: None) -> Iterator[Redis]:
    """A client of the session's Redis, emptied of messages (producers remember the bindings)."""
    with Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter():
            if not key.startswith(b"_kombu.binding."):
                client.delete(key)
        yield client


@pytest.fixture(scope="session")
def product_environment(django_db_setup: None) -> dict[str, str]:
    """The environment in which a process of the product works on the test database."""
    database = connection.settings_dict["NAME"]
    url = f"postgresql://postgres@/{database}?host={settings.DATA.sockets}"
    return {**os.environ, "DATABASE_URL": url, "HTTPS_ONLY": "false", "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def worker(
    transactional_db: None, redis: Redis, product_environment: dict[str, str], tmp_path: Path
) -> Iterator[Process]:
    """A Celery worker with two processes on the test database. Its log shows when a test fails.

    `worker.kill()` is SIGKILL to all of it; `celery_worker` starts another one.
    """
    process = celery_worker(tmp_path / "worker.log", product_environment)
    yield process
    process.kill()  # its own ways to end take two seconds
    print(process.output)


@pytest.fixture
def beat(
    transactional_db: None, redis: Redis, product_environment: dict[str, str], tmp_path: Path
) -> Iterator[Process]:
    """The scheduler: it wakes what is due and takes over what a worker left."""
    process = celery_beat(tmp_path / "beat.log", product_environment, tmp_path)
    yield process
    process.stop()


@pytest.fixture
def examples(transactional_db: None) -> None:
    """The example flows, published, and the files that they read."""
    folder = settings.BASE_DIR / "flows" / "examples"
    call_command("import_flows", str(folder), publish=True, verbosity=0)
    shutil.copytree(folder / "data", settings.FILES_ROOT, dirs_exist_ok=True)


@dataclass(frozen=True)
class LiveApp:
    """The product's web server on the test database."""

    url: str
    process: Process


@pytest.fixture(scope="session")
def web_process(
    product_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveApp]:
    """The web server of the session; tests take `live_app`."""
    port = free_port()
    process = web_server(tmp_path_factory.mktemp("web") / "web.log", product_environment, port)
    yield LiveApp(f"http://127.0.0.1:{port}", process)
    process.stop()


@pytest.fixture
def live_app(transactional_db: None, redis: Redis, web_process: LiveApp) -> Iterator[LiveApp]:
    """A real uvicorn on loopback (`live_app.url`). Its log shows when a test fails."""
    said = len(web_process.process.output)
    yield web_process
    print(web_process.process.output[said:])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium from PATH.

    One a module, because Playwright keeps an event loop running in this thread for as long as
    it lives: asynchronous tests couldn't run, and Django takes the ORM for called from it.
    """
    program = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if program is None:
        reason = f"no Chromium on PATH (looked for {', '.join(CHROMIUM_NAMES)})"
        if os.environ.get("CORTEXWEB_REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    flags = [*CHROMIUM_FLAGS, "--no-sandbox"] if os.geteuid() == 0 else CHROMIUM_FLAGS
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        chromium = playwright.chromium.launch(executable_path=program, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def browser_context(browser: Browser, live_app: LiveApp) -> Iterator[BrowserContext]:
    """A fresh profile whose relative addresses lead to `live_app`."""
    context = browser.new_context(base_url=live_app.url)
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(browser_context: BrowserContext) -> Iterator[Page]:
    """A tab that nobody is signed in to: `page.goto("/")`. An uncaught script error fails."""
    page = browser_context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert not errors, errors


@pytest.fixture
def signed_in_page(page: Page, live_app: LiveApp, admin_user: object) -> Page:
    """A tab in which the superuser `admin` is signed in."""
    client = Client()
    client.force_login(admin_user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_app.url}]
    )
    return page


@pytest.fixture
def grid(signed_in_page: Page) -> Callable[..., Page]:
    """Open the executions page at an address and wait until it is live."""

    def opening(address: str = "/") -> Page:
        signed_in_page.goto(address)
        expect(signed_in_page.locator(LIVE)).to_be_visible()
        return signed_in_page

    return opening
