"""One secret through everything, as people and programs meet it: the real server, worker, sockets
and commands. Its text occurs in nothing that comes out."""

import html
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, WebSocket, expect

from executions.models import Execution
from executions.states import Status
from executions.views.address import PANELS, TABS
from flows.models import Flow
from tests.accessibility import axe_finds_nothing
from tests.conftest import LiveApp
from tests.flows_in_tests import publish
from tests.secrets_in_tests import (
    CHILD,
    CHILD_VARIABLES,
    OTHER,
    PARENT,
    PARENT_VARIABLES,
    SECRET,
    where,
)
from tests.servers import PROJECT, Process

#: Addresses that are followed from page to page: of executions, flows, jobs, the admin.
FOLLOWED = re.compile(
    r"/(executions/|flows/|views/|preferences/|help/|admin/(executions|flows)/|\?|$)"
)
#: What changes something, or answers with the same rows in another order for ever.
LEFT = re.compile(r"/(logout|delete|history)/|[?&](sort|o|older|newer|all|p|e|status|_facets)\b")
ADDRESSES = re.compile(
    r'(?:href|hx-get|data-copy-url|data-live-url|data-url|data-exception|action)="([^"]+)"'
)
COLUMNS = "column=started&column=var.Token&column=var.Copy&column=var.Deep&column=error"
#: So many pages of a kind are asked for that links lead to.
OF_A_KIND = 2


class Watched:
    """What a tab gets to hear and to see."""

    def __init__(self, page: Page) -> None:
        self.frames: list[str] = []
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda said: self.frames.append(str(said)))


@pytest.fixture
def watched(signed_in_page: Page) -> Watched:
    return Watched(signed_in_page)


@pytest.fixture
def flows(transactional_db: None, tmp_path: Path) -> None:
    publish(tmp_path, "secret-child", CHILD, CHILD_VARIABLES)
    publish(tmp_path, "secret-flow", PARENT, PARENT_VARIABLES)


def kind(address: str) -> str:
    """What an address has in common with those that show the same of other objects."""
    return re.sub(r"[0-9a-f-]{36}|\d+", "*", urlsplit(address).path)


def links(reader: httpx.Client, address: str, text: str) -> Iterator[str]:
    """Where a crawl goes on from a page."""
    for found in ADDRESSES.findall(text):
        there = urljoin(address, html.unescape(found)).partition("#")[0]
        path = there.removeprefix(f"{reader.base_url}".rstrip("/"))
        if path != there and FOLLOWED.match(path) and not LEFT.search(path):
            yield there


def read(reader: httpx.Client, address: str) -> str:
    answer = reader.get(address)
    assert answer.status_code < 500, f"{address}: {answer.status_code}"
    return answer.text


def crawl(reader: httpx.Client, starts: list[str]) -> Iterator[tuple[str, str]]:
    """These pages and, of each kind, some that their links lead to: address and text."""
    waiting = [str(reader.base_url.join(start)) for start in starts]
    seen, kinds = set(waiting), Counter[str]()
    while waiting:
        address = waiting.pop(0)
        text = read(reader, address)
        yield address, text
        for there in links(reader, address, text):
            if there not in seen and kinds[kind(there)] < OF_A_KIND:
                kinds[kind(there)] += 1
                seen.add(there)
                waiting.append(there)


def hidden(name: str, text: str) -> None:
    for secret in (SECRET, OTHER):
        if secret in text:
            around = text[max(0, text.index(secret) - 200) : text.index(secret) + 60]
            raise AssertionError(f"{name} tells it: …{around}…")


NAMES = ("Token", "Copy", "Deep", "Left", "Problem", "_executionContext")


def pages(execution: Execution) -> list[str]:
    """Where an execution is shown as it is now: what scripts and forms ask for too."""
    own = f"/executions/{execution.pk}/"
    return [
        "/", f"/?{COLUMNS}", f"/?{COLUMNS}&q=var.token%3D{'x'}&open={execution.pk}",
        f"/executions/export/csv/?{COLUMNS}", f"/executions/export/json/?{COLUMNS}",
        own, f"{own}live/", f"{own}times/", f"{own}children/",
        *(f"{own}?panel={panel}" for panel in PANELS),
        *(f"{own}?tab={tab}" for tab in TABS),
        *(f"{own}?var={scope}:{name}" for name in NAMES for scope in ("0", "in", "out")),
    ]  # fmt: skip


def starts(execution: Execution) -> list[str]:
    """Where a crawl begins: all of that, each step, and each value at some of them."""
    own = f"/executions/{execution.pk}/"
    steps = range(execution.step_count + 1)
    return [
        *pages(execution),
        *(f"{own}?step={step}" for step in steps),
        *(f"{own}?tab=differences&step={step}&from=0" for step in steps),
        *(f"{own}?panel=io&var={scope}:{name}" for name in NAMES for scope in ("in", "out")),
        *(f"{own}value/?var={scope}:{name}" for name in NAMES for scope in ("0", "in", "out")),
        *(f"{own}value/?var=0:{name}&step={step}" for name in NAMES for step in steps),
        *(f"{own}steps/{step}/change/?name={name}" for name in NAMES for step in steps),
        *(f"{own}variable/?var=0:{name}" for name in NAMES),
        "/executions/complete/?q=var.t&caret=5", f"/executions/groups/?group=error&{COLUMNS}",
        "/admin/executions/execution/", "/admin/executions/auditentry/",
        f"/admin/executions/execution/{execution.pk}/change/",
        "/admin/executions/logentry/", "/admin/executions/exceptionrecord/",
        "/flows/secret-flow/", "/flows/secret-child/", "/admin/flows/flow/",
    ]  # fmt: skip


@pytest.fixture
def reader(live_app: LiveApp, admin_user: User) -> Iterator[httpx.Client]:
    """What reads pages as a signed-in browser does, without running their scripts."""
    client = Client()
    client.force_login(admin_user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    with httpx.Client(
        base_url=live_app.url,
        cookies={settings.SESSION_COOKIE_NAME: session},
        headers={"Accept-Encoding": "identity", "Referer": f"{live_app.url}/"},
        follow_redirects=True,
        timeout=60,
    ) as reader:
        yield reader


@pytest.mark.usefixtures("flows")
def test_a_secret_comes_out_nowhere(
    signed_in_page: Page,
    watched: Watched,
    reader: httpx.Client,
    worker: Process,
    live_app: LiveApp,
    product_environment: dict[str, str],
) -> None:
    page = signed_in_page
    grid = page.context.new_page()
    grid_watched = Watched(grid)
    grid.goto(f"/?{COLUMNS}")
    expect(grid.locator('[data-live][data-state="live"]')).to_be_visible()

    # A start that is refused gives it back to nobody, one that is not begins paused.
    page.goto("/flows/secret-child/")
    page.locator("[name=input-Key]").fill(SECRET)
    page.locator("[name=input-Fails]").fill("{")
    page.get_by_role("button", name="Start and open").click()
    expect(page.locator(".form .problem")).to_be_visible()
    expect(page.locator("[name=input-Key]")).to_have_value("")
    hidden("the refused start", page.content())
    page.goto("/flows/secret-flow/")
    page.locator("[name=input-Token]").fill(SECRET)
    page.get_by_label("Pause at the first block").check()
    page.get_by_label("Break on exception").check()
    page.get_by_role("button", name="Start and open").click()
    page.wait_for_url(re.compile("/executions/"))
    execution = Execution.objects.get(flow_name="secret-flow")
    wait_for(execution, Status.PAUSED, worker)

    # Edited while it is paused.
    page.goto(f"/executions/{execution.pk}/?var=0:Token")
    expect(page.get_by_text("its value is never shown")).to_be_visible()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("New value, secret").fill(OTHER)
    page.locator("#value-edit").get_by_role("button", name="Save").click()
    expect(page.locator("#value-edit")).to_be_hidden()
    hidden("the page after the edit", page.content())

    # On the worker it breaks: in the child, where that throws and rethrows, where it runs the
    # child, and at a block of its own.
    crawled: dict[str, str] = {}
    command(reader, "continue", execution)
    broken = Execution.objects.filter(status=Status.EXCEPTION)
    breaks = 0
    while not over(execution):
        worker.wait_until(lambda: broken.exists() or over(execution))
        for one in broken.all():
            breaks += 1
            crawled |= {f"broken {at}": read(reader, at) for at in pages(one)}
            command(reader, "continue", one)
            assert breaks < 5
    assert breaks == 4
    grid.wait_for_timeout(500)
    crawled |= dict(crawl(reader, starts(execution)))

    # Another one by the command line, to compare it with.
    told = subprocess.run(
        [sys.executable, "manage.py", "start_flow", "secret-flow", "--json", "--wait", "60",
         "--input", f'Token="{SECRET}"'],
        cwd=PROJECT, env=product_environment, capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert json.loads(told.stdout)["outputs"]["Copy"] == "••••••"
    plain = subprocess.run(
        [sys.executable, "manage.py", "start_flow", "secret-child", "--wait", "60",
         "--input", f'Key="{SECRET}"'],
        cwd=PROJECT, env=product_environment, capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert "Result = ••••••" in plain.stdout
    mistyped = subprocess.run(
        [sys.executable, "manage.py", "start_flow", "secret-child", "--input", f"Key={SECRET}"],
        cwd=PROJECT, env=product_environment, capture_output=True, text=True, timeout=90,
    )  # fmt: skip
    assert mistyped.returncode == 2
    assert "--ask Key takes it as it is" in mistyped.stderr
    other = Execution.objects.filter(flow_name="secret-flow").latest("started_at")
    for address in (
        f"/executions/compare/?a={execution.pk}&b={other.pk}",
        f"/executions/compare/?a={other.pk}&b={execution.pk}",
    ):
        crawled[address] = read(reader, address)

    for name, text in {
        **crawled,
        "the page": page.content(),
        "the grid": grid.content(),
        **{f"frame {n} of the page": text for n, text in enumerate(watched.frames)},
        **{f"frame {n} of the grid": text for n, text in enumerate(grid_watched.frames)},
        "start_flow --json": told.stdout + told.stderr,
        "start_flow": plain.stdout + plain.stderr,
        "start_flow mistyped": mistyped.stdout + mistyped.stderr,
        "the worker's log": worker.output,
        "the server's log": live_app.process.output,
    }.items():
        hidden(name, text)
    assert where(SECRET, OTHER) == []

    # None of it was empty.
    assert len(crawled) > 200
    assert len(watched.frames) > 3
    assert sum('"type":"rows"' in f.replace(" ", "") for f in grid_watched.frames) > 0
    assert Flow.objects.count() == 2
    for address, shown in (
        (f"/executions/{execution.pk}/?var=0:Copy", "••••••"),
        (f"/executions/{execution.pk}/value/?var=0:Deep", "Bearer ••••••"),
        (f"/executions/{execution.pk}/?tab=logs", "with ••••••"),
        (f"/executions/{execution.pk}/?tab=audit", "Token: •••••• → ••••••"),
        (f"/executions/export/csv/?{COLUMNS}", ",••••••,••••••,"),
        (f"/?{COLUMNS}", '<span class="visually-hidden">secret</span>'),
        (f"/admin/executions/execution/{execution.pk}/change/", "$secret"),
    ):
        text = html.unescape(next(t for a, t in crawled.items() if a.endswith(address)))
        assert shown in text, address


def command(reader: httpx.Client, name: str, execution: Execution) -> None:
    page = read(reader, f"/executions/{execution.pk}/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    form = {"csrfmiddlewaretoken": token[1], "id": str(execution.pk)}
    answer = reader.post(f"/executions/commands/{name}/", data=form)
    assert answer.is_success, answer.status_code


def over(execution: Execution) -> bool:
    execution.refresh_from_db()
    return execution.status == Status.ENDED


def wait_for(execution: Execution, status: Status, worker: Process) -> None:
    def there() -> bool:
        execution.refresh_from_db()
        return execution.status == status

    worker.wait_until(there)


@pytest.mark.usefixtures("flows")
def test_the_start_form_of_a_secret_is_accessible(signed_in_page: Page) -> None:
    signed_in_page.goto("/flows/secret-flow/")
    axe_finds_nothing(signed_in_page)


def test_who_may_not_see_an_execution_gets_no_form_for_its_secret(
    client: Client, transactional_db: None, django_user_model: Any, flows: None
) -> None:
    from tests.driving import begin

    execution = begin(Flow.objects.get(name="secret-flow").versions.get(), Token=SECRET)
    client.force_login(django_user_model.objects.create_user("mallory"))
    answer = client.get(f"/executions/{execution.pk}/variable/?var=0:Token")
    assert answer.status_code == 404
    fields = {"id": str(execution.pk), "level": "0", "name": "Token", "value": OTHER}
    client.post("/executions/commands/set-variable/", fields)
    execution.refresh_from_db()
    assert execution.secrets["texts"] == [SECRET]
