"""Fixtures: real PostgreSQL, Redis, Celery worker, web server and browser.

`worker`, `live_app` and `page` work with committed data, so they bring `transactional_db` along:
the tables are emptied after each of their tests, once those processes rest.
"""

import gc
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.state import ProjectState
from django.template import Context, Template
from django.test import Client, TransactionTestCase
from django.test.signals import template_rendered
from hypothesis import settings as hypothesis_settings
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from cortexweb.celery import app
from executions import workers
from tests import thoroughness
from tests.grids import LIVE
from tests.servers import (
    Process,
    celery_beat,
    celery_worker,
    free_port,
    running_servers,
    web_server,
)
from tests.tables import emptying
from tests.thoroughness import examples

# How long an example takes says more of the machine than of the code.
hypothesis_settings.register_profile(
    "any machine",
    deadline=None,
    max_examples=examples(50),
    derandomize=not thoroughness.TIMES,
)
hypothesis_settings.load_profile("any machine")

# What a page shows in the end, it shows late where three processes of tests share two processors.
expect.set_options(timeout=20_000)

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: What Chromium does without: popups of its address bar, which are pages in a process of their own
#: for each tab; and what Playwright turns off, since only the last list of these counts.
CHROMIUM_LACKS = (
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup",
    "AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades",
    "LensOverlay", "MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints",
    "PaintHolding", "PreconnectToSearch", "ThirdPartyStoragePartitioning",
)  # fmt: skip
CHROMIUM_FLAGS = [
    f"--disable-features={','.join(CHROMIUM_LACKS)}",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # All tabs of a profile share one process.
    "--renderer-process-limit=1",
]


def pytest_xdist_auto_num_workers() -> int:
    """Three processes for two cores: tests wait for other processes a third of their time."""
    return (os.cpu_count() or 2) * 3 // 2


#: Modules that take half a minute and more, the longest first: one that came last would run alone,
#: on one processor.
LONGEST = (
    "browser/test_secrets", "integration/test_up", "browser/test_accessibility",
    "integration/test_every_page", "integration/test_faults", "integration/test_up_disk",
    "integration/test_access_matrix", "browser/test_names",
    "integration/test_worker_limits", "integration/test_start_flow",
    "integration/test_writing_blocks", "integration/test_admin_nonsense", "browser/test_layout",
    "browser/test_bar", "browser/test_live", "integration/test_live_connections",
    "integration/test_block_cases", "integration/test_runaways",
)  # fmt: skip
_PLACES = {module: place for place, module in enumerate(LONGEST)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        return _PLACES.get(f"{item.path.parent.name}/{item.path.stem}", len(_PLACES))

    items.sort(key=place)


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
    with pytest.MonkeyPatch.context() as patch, emptying() as empty_tables:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield


@pytest.fixture(scope="session", autouse=True)
def contexts_of_whole_pages(django_test_environment: None) -> Iterator[None]:
    """`response.context` holds those of whole pages: Django would copy that of each part too, and
    a page has twenty."""

    def render(template: Template, context: Context) -> str:
        if context.template is template:
            template_rendered.send(sender=template, template=template, context=context)
        return template.nodelist.render(context)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Template, "_render", render)
        yield


@pytest.fixture(scope="session")
def servers() -> Iterator[None]:
    """PostgreSQL and Redis, running until the session ends."""
    with running_servers(settings.DATA):
        yield


@pytest.fixture(scope="session")
def quick_migrations() -> Iterator[pytest.MonkeyPatch]:
    """A step makes anew only the models beside the one that it changes, as Django does where the
    change is none of a relation; all others look the same. That halves what migrations take.

    tests/integration/test_squashed_migrations.py compares what comes of it with what Django makes.
    """
    whole = ProjectState.reload_model

    def reload_model(
        state: ProjectState, app_label: str, model_name: str, delay: bool = False
    ) -> None:
        whole(state, app_label, model_name, delay=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProjectState, "reload_model", reload_model)
        yield patch


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers: None, quick_migrations: pytest.MonkeyPatch) -> None:
    """pytest-django's hook before it creates the test database."""


@pytest.fixture(scope="session")
def django_db_setup(quick_migrations: pytest.MonkeyPatch, django_db_setup: None) -> None:
    """Create the test database. Tests of migrations take Django's own way."""
    quick_migrations.undo()


@pytest.fixture
def redis(servers: None) -> Iterator[Redis]:
    """A client of the session's Redis, emptied of messages (producers remember the bindings)."""
    with Redis.from_url(settings.REDIS_URL) as client:
        keys = client.scan_iter(count=1000)
        if left := [key for key in keys if not key.startswith(b"_kombu.binding.")]:
            client.delete(*left)
        yield client


@pytest.fixture(scope="session")
def product_environment(django_db_setup: None) -> dict[str, str]:
    """The environment in which a process of the product works on the test database."""
    database = connection.settings_dict["NAME"]
    url = f"postgresql://postgres@/{database}?host={settings.DATA.sockets}"
    own = {"DATABASE_URL": url, "HTTPS_ONLY": "false", "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **own, "SHARE_LINKS": "true"}


#: The test that runs after the one that ends.
NEXT_TEST = pytest.StashKey[pytest.Item | None]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    item.stash[NEXT_TEST] = nextitem


def next_test_needs(request: pytest.FixtureRequest, fixture: str) -> bool:
    """Return whether the test after the one that ends asks for the fixture.

    No module may have one of the same name: what rests for it would run beside it, and after it.
    """
    return fixture in getattr(request.node.stash[NEXT_TEST], "fixturenames", ())


@dataclass(frozen=True)
class RestingWorker:
    """A worker between two tests, and what Redis held of its heartbeats."""

    process: Process
    heartbeats: dict[Any, Any]


@pytest.fixture(scope="session")
def resting_worker() -> Iterator[list[RestingWorker]]:
    """The worker of the last test, if the next test needs one too: to start one takes seconds."""
    resting: list[RestingWorker] = []
    yield resting
    for one in resting:
        one.process.kill()


def is_at_rest(process: Process) -> bool:
    """Return whether a worker that runs has finished its tasks, or does within two seconds."""
    deadline = time.monotonic() + 2
    inspect = app.control.inspect(timeout=0.5, limit=1)
    while process.popen.poll() is None and time.monotonic() < deadline:
        try:
            # In this order: what has been reserved becomes active.
            answers = [inspect.reserved(), inspect.active()]
        except RedisConnectionError:  # Redis was restarted, or ended the idle connection
            continue
        if all(answers) and not any(tasks for answer in answers for tasks in answer.values()):
            return True
    return False


@pytest.fixture
def worker(
    request: pytest.FixtureRequest,
    transactional_db: None,
    redis: Redis,
    product_environment: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    resting_worker: list[RestingWorker],
) -> Iterator[Process]:
    """A Celery worker with two processes on the test database. Its log shows when a test fails.

    `worker.kill()` is SIGKILL to all of it; `celery_worker` starts another one.
    """
    if resting_worker:
        rested = resting_worker.pop()
        process = rested.process
        if rested.heartbeats:  # Redis has been emptied
            redis.hset(workers.KEY, mapping=rested.heartbeats)
    else:
        folder = tmp_path_factory.mktemp("worker")
        process = celery_worker(folder / "worker.log", product_environment)
    said = len(process.output)
    yield process
    print(process.output[said:])
    # A scheduler that still runs always has something for it to do.
    *_, last = [name for name in request.fixturenames if name in ("worker", "beat")]
    alone = last == "beat" or "beat" not in request.fixturenames
    rests = False
    try:
        rests = next_test_needs(request, "worker") and alone and is_at_rest(process)
    finally:
        # One that is left behind would run the executions of every test after it.
        if rests:
            resting_worker.append(RestingWorker(process, redis.hgetall(workers.KEY)))
        else:
            process.kill()  # its own ways to end take two seconds


@pytest.fixture(scope="session")
def resting_beat() -> Iterator[list[Process]]:
    """The scheduler of the last test, frozen, if the next test needs one too."""
    resting: list[Process] = []
    yield resting
    for process in resting:
        process.kill()


@pytest.fixture
def beat(
    request: pytest.FixtureRequest,
    transactional_db: None,
    redis: Redis,
    product_environment: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    resting_beat: list[Process],
) -> Iterator[Process]:
    """The scheduler: it wakes what is due and takes over what a worker left."""
    if resting_beat:
        process = resting_beat.pop()
        process.popen.send_signal(signal.SIGCONT)
    else:
        folder = tmp_path_factory.mktemp("beat")
        process = celery_beat(folder / "beat.log", product_environment, folder)
    yield process
    if next_test_needs(request, "beat") and process.popen.poll() is None:
        process.popen.send_signal(signal.SIGSTOP)
        resting_beat.append(process)
    else:
        process.kill()


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


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start the Chromium that is on PATH."""
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


@contextmanager
def open_profile(browser: Browser, url: str) -> Iterator[BrowserContext]:
    """A profile whose relative addresses lead to `url`.

    A tab stays open in it. Its process serves the tabs of each test and keeps the scripts that it
    has compiled, which halves what a page costs.
    """
    context = browser.new_context(base_url=url)
    context.set_default_timeout(20_000)
    context.new_page().goto("/healthz")
    yield context
    context.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium.

    One a module, because Playwright keeps an event loop running in this thread for as long as
    it lives: asynchronous tests couldn't run, and Django takes the ORM for called from it.
    """
    with open_browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def profile(browser: Browser, web_process: LiveApp) -> Iterator[BrowserContext]:
    """The profile of the module; tests take `browser_context`."""
    with open_profile(browser, web_process.url) as context:
        yield context


@pytest.fixture
def browser_context(profile: BrowserContext, live_app: LiveApp) -> Iterator[BrowserContext]:
    """An empty profile whose relative addresses lead to `live_app`."""
    yield profile
    empty_profile(profile, live_app.url)


def empty_profile(profile: BrowserContext, url: str) -> None:
    """Leave nothing in a profile but the tab that stays open, and what it has compiled."""
    first, *others = profile.pages
    for tab in others:
        tab.close()
    profile.clear_cookies()
    profile.clear_permissions()
    profile.set_offline(False)
    session = profile.new_cdp_session(first)
    session.send("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "all"})
    session.detach()


def sign_in(profile: BrowserContext, url: str, user: Any) -> None:
    """Sign `user` in, for all tabs of a profile."""
    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    profile.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": url}])


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
    sign_in(page.context, live_app.url, admin_user)
    return page


@pytest.fixture
def grid(signed_in_page: Page) -> Callable[..., Page]:
    """Open the executions page at an address and wait until it is live."""

    def opening(address: str = "/") -> Page:
        signed_in_page.goto(address)
        expect(signed_in_page.locator(LIVE)).to_be_visible()
        return signed_in_page

    return opening
