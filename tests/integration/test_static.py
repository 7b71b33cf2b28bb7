"""Scripts and styles in one file a page, what the pages send, and how often the grid is fetched."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client, override_settings
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect

from cortexweb.static import PAGES, CannotBundleError, script, style
from cortexweb.up.errors import CannotStartError
from cortexweb.up.preparation import build_static
from executions.models import Execution
from executions.states import Status
from tests.executions_in_tests import make_execution
from tests.grids import LIVE, row, tell
from tests.servers import free_port, web_server

STATIC = Path(settings.BASE_DIR) / "static"
NAMES = [str(file.relative_to(STATIC)) for file in STATIC.rglob("*") if file.is_file()]
PAGE_FILES = sorted(name for name in NAMES if PAGES.fullmatch(name))


def read(name: str) -> str:
    return (STATIC / name).read_text()


# Bundles ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGE_FILES)
def test_each_page_becomes_one_file(name: str) -> None:
    whole = (script if name.endswith(".js") else style)(name, read)
    assert not re.search(r"^(import|export)\b|@import", whole, re.M)


def test_every_script_and_style_belongs_to_a_page() -> None:
    alone = {"js/before-paint.js", "css/admin.css"}  # runs before the page is drawn; Django's admin
    named = "".join(read(name) for name in NAMES if name.endswith((".js", ".css")))
    for name in NAMES:
        if name.endswith((".js", ".css")) and name not in {*PAGE_FILES, *alone}:
            assert f"/{Path(name).name}" in named, f"{name}: no page in pages/ imports it"


def test_templates_ask_for_pages_only() -> None:
    """A module beside the page's own script would run its imports a second time."""
    for template in (Path(settings.BASE_DIR) / "templates").rglob("*.html"):
        text = template.read_text()
        asked = re.findall(r"static '((?:js|css)/[^']+)'", text)
        alone = {"js/before-paint.js", "css/admin.css"}
        odd = [one for one in asked if one not in {*PAGE_FILES, *alone}]
        assert not odd, f"{template.name}: import it in static/js/pages or static/css/pages"


def test_the_first_paint_waits_for_one_small_script() -> None:
    """Any other is deferred, or a module. The theme and early keys are in that one."""
    for template in (Path(settings.BASE_DIR) / "templates").rglob("*.html"):
        tags = re.findall(r"<script\b[^>]*>", template.read_text())
        waits = [tag for tag in tags if "src=" in tag and not re.search("defer|async|module", tag)]
        assert len(waits) == (template.name == "bare.html"), template.name
    assert len(read("js/before-paint.js").encode()) < 5000


MODULES = {
    "js/pages/p.js": 'import "../a.js";\nimport * as b from "../b.js";\nb.say("p");\n',
    "js/a.js": 'import { say as tell, NAMES } from "./b.js";\n\nexport function hear() {\n'
    '  tell("a");\n}\nhear();\ntell(NAMES[0]);\n',
    "js/b.js": 'export { twice } from "./c.js";\nimport { twice } from "./c.js";\n'
    "const said = [];\nexport const NAMES = [1];\nexport async function wait() {}\n"
    "export const say = (word) => said.push(twice(word));\nglobalThis.said = said;\n",
    "js/c.js": 'import { Word } from "./d.js";\n'
    "export const twice = (word) => new Word(word).twice();\n",
    "js/d.js": "export class Word {\n  constructor(word) {\n    this.word = word;\n  }\n"
    "  twice() {\n    return `${this.word}${this.word}`;\n  }\n}\n",
}


def test_a_bundle_does_what_its_modules_do(browser: Browser) -> None:
    page = browser.new_page()
    page.add_script_tag(content=script("js/pages/p.js", MODULES.__getitem__))
    assert page.evaluate("said") == ["aa", "11", "pp"]
    page.close()


@pytest.mark.parametrize(
    "source",
    [
        "export default function () {}\n",
        "export let count = 0;\n",
        'import one from "../a.js";\n',
        'const late = await import("../a.js");\n',
        'import "../a.js"\n',
        'import "somewhere";\n',
        'import "./p.js";\n',
    ],
)
def test_a_bundle_refuses_what_it_does_not_understand(source: str) -> None:
    with pytest.raises(CannotBundleError):
        script("js/pages/p.js", {**MODULES, "js/pages/p.js": source}.__getitem__)


def test_styles_keep_their_media() -> None:
    sheets = {
        "css/pages/p.css": '@import url("../a.css");\n@import url("../b.css") (max-width: 9px);\n',
        "css/a.css": "a { top: 0 }\n",
        "css/b.css": "b { top: 0 }\n",
    }
    assert style("css/pages/p.css", sheets.__getitem__) == (
        "a { top: 0 }\n\n@media (max-width: 9px) {\nb { top: 0 }\n}\n\n"
    )
    with pytest.raises(CannotBundleError):
        style("css/pages/p.css", lambda name: '@import "elsewhere.css";')


def test_up_builds_them_when_they_have_changed(tmp_path: Path, settings: Any) -> None:
    source, built, record = tmp_path / "source", tmp_path / "static", tmp_path / "record"
    source.mkdir()
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATICFILES_DIRS = [source]
    settings.STATIC_ROOT = str(built)

    def build(content: str) -> str:
        (source / "a.css").write_text(content)
        return build_static(record).removeprefix("Scripts and styles: ")

    assert build("a { top: 0 }") == "built"
    assert build("a { top: 0 }") == "up to date"
    assert build("a { top: 1 }") == "built"
    assert len(list(built.glob("a.*.css"))) == 2
    shutil.rmtree(built)
    assert build("a { top: 1 }") == "built"
    # Another version has written its own in between.
    (source / "a.css").write_text("a { top: 2 }")
    call_command("collectstatic", interactive=False, verbosity=0)
    assert build("a { top: 1 }") == "built"
    assert build("a { top: 1 }") == "up to date"


# As they are served -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(
    product_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a web server whose static files have been built."""
    folder = tmp_path_factory.mktemp("built")
    environment = {**product_environment, "STATIC_ROOT": str(folder / "static")}
    with override_settings(STATIC_ROOT=environment["STATIC_ROOT"]):
        call_command("collectstatic", interactive=False, verbosity=0)
    port = free_port()
    process = web_server(folder / "web.log", environment, port)
    yield f"http://127.0.0.1:{port}"
    process.stop()
    assert "Traceback" not in process.output, process.output


@pytest.fixture
def signed_in(browser: Browser, built: str, admin_user: Any) -> Iterator[BrowserContext]:
    client = Client()
    client.force_login(admin_user)
    name = settings.SESSION_COOKIE_NAME
    context = browser.new_context(base_url=built, viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": built}])
    yield context
    context.close()


class Traffic:
    """What Chromium says of its network."""

    def __init__(self, page: Page) -> None:
        self.requests: dict[str, str] = {}
        self.bytes: dict[str, int] = {}
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.loadingFinished", self._finished)

    def _sent(self, event: Any) -> None:
        self.requests[event["requestId"]] = event["request"]["url"]

    def _finished(self, event: Any) -> None:
        self.bytes[event["requestId"]] = event["encodedDataLength"]

    def fetched(self, path: str) -> int:
        return sum(httpx.URL(url).path == path for url in self.requests.values())


@pytest.mark.django_db(transaction=True)
def test_the_grid_is_fetched_once_and_small(signed_in: BrowserContext, admin_user: Any) -> None:
    for age in range(60):
        make_execution(admin_user, age=age, status=Status.ENDED if age % 3 else Status.PAUSED)
    page = signed_in.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    traffic = Traffic(page)
    page.goto("/")
    expect(page.locator(LIVE)).to_be_visible()
    expect(page.locator("#rows > tr")).to_have_count(50)
    page.wait_for_timeout(2500)  # whatever else would come
    assert traffic.fetched("/") == 1, traffic.requests
    assert len(traffic.requests) <= 14, traffic.requests
    assert sum(traffic.bytes.values()) <= 120_000, traffic.bytes
    # Another visit takes scripts and styles from the browser's own cache.
    again = Traffic(page)
    page.reload()
    expect(page.locator(LIVE)).to_be_visible()
    assert sum(again.bytes.values()) <= 40_000, again.bytes
    assert not errors


@pytest.mark.django_db(transaction=True)
def test_what_changes_while_the_grid_opens_is_told(
    signed_in: BrowserContext, admin_user: Any
) -> None:
    """Committed after the page was written and before anybody listened, and told by nobody."""
    old = make_execution(admin_user, age=30)
    for age in range(60, 120):
        make_execution(admin_user, age=age, flow="mail")
    page = signed_in.new_page()
    traffic = Traffic(page)
    late: list[Execution] = []

    def hold(route: Any) -> None:
        if not late:
            response = route.fetch()
            late.append(make_execution(admin_user, flow="late", updated_at=timezone.now()))
            Execution.objects.filter(pk=old.pk).update(
                block_description="Meanwhile", revision=7, updated_at=late[0].updated_at
            )
            route.fulfill(response=response)
        else:
            route.continue_()

    page.route(re.compile(r"/js/pages/grid\."), hold)
    page.goto("/")
    expect(page.locator(LIVE)).to_be_visible()
    expect(row(page, late[0])).to_be_visible()
    expect(row(page, old).locator(".c-description")).to_have_text("Meanwhile")
    expect(page.locator('[data-count=""]')).to_have_text("62")
    assert traffic.fetched("/") == 1
    # And what comes from then on.
    tell(old, block_description="Later")
    expect(row(page, old).locator(".c-description")).to_have_text("Later")
    # On an older page nothing of it comes in.
    page.goto(page.locator("[data-older]").get_attribute("href") or "")
    expect(page.locator(LIVE)).to_be_visible()
    tell(make_execution(admin_user, flow="later"))
    page.wait_for_timeout(500)
    assert "later" not in page.locator("#rows").inner_text()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/flows/", "/help/", "/views/", "/executions/jobs/", "/{id}"])
def test_other_pages_run_from_what_was_built(
    signed_in: BrowserContext, admin_user: Any, path: str
) -> None:
    one = make_execution(admin_user)
    page = signed_in.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    traffic = Traffic(page)
    page.goto(one.get_absolute_url() if "{id}" in path else path)
    page.wait_for_load_state("load")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    assert not errors
    assert len(traffic.requests) <= 14, traffic.requests


@pytest.mark.django_db(transaction=True)
def test_pages_are_compressed_and_exports_are_not_held_back(
    built: str, signed_in: BrowserContext, admin_user: Any
) -> None:
    for age in range(30):
        make_execution(admin_user, age=age)
    cookies = {one["name"]: one["value"] for one in signed_in.cookies()}
    with httpx.Client(base_url=built, cookies=cookies) as client:
        whole = client.get("/")
        assert whole.headers["content-encoding"] == "gzip"
        assert "Accept-Encoding" in whole.headers["vary"]
        lengths = {client.get("/help/").headers["content-length"] for _ in range(8)}
        assert len(lengths) > 1  # so that its length tells nothing of what is in it
        plain = client.get("/", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        for name in re.findall(r'(?:src|href)="(/static/[^"]+\.(?:js|css))"', whole.text):
            file = client.get(name)
            assert file.headers["content-encoding"] == "gzip", name
            assert "immutable" in file.headers["cache-control"], name
        with client.stream("GET", "/executions/export/csv/") as export:
            assert "content-encoding" not in export.headers
            assert "content-length" not in export.headers
            assert b"orders" in b"".join(export.iter_raw())


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("js/pages/odd.js", 'import "../gone.js";\n', "js/gone.js is imported, and is not there."),
        ("js/pages/odd.js", "export default 1;\n", "js/pages/odd.js: 'export default 1;' is not"),
        (
            "css/pages/odd.css",
            ".a { background: url(gone.png); }\n",
            "css/pages/odd.css names css/pages/gone.png, which is not there.",
        ),
    ],
)
def test_a_build_that_fails_says_what_and_what_to_do(
    tmp_path: Path, settings: Any, name: str, content: str, said: str
) -> None:
    (tmp_path / "static" / name).parent.mkdir(parents=True)
    (tmp_path / "static" / name).write_text(content)
    settings.STATICFILES_DIRS = [tmp_path / "static"]
    settings.STATIC_ROOT = str(tmp_path / "built")
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "cortexweb.static.Storage"},
    }
    with pytest.raises(CannotStartError) as failed:
        build_static(tmp_path / "record")
    told = str(failed.value)
    assert told.startswith(f"Scripts and styles can't be built: {said}")
    assert "install this version of CortexWeb again" in told
    assert not (tmp_path / "record").exists()
