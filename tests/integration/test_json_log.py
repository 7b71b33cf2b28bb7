"""The log as JSON: every process writes one line for each event, with what it is about."""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils.log import log_response
from redis import Redis

from cortexweb.json_log import LogFormatter
from cortexweb.log_filters import WithoutSecretPaths
from executions import log_context
from executions.models import Execution
from executions.states import Status
from flows.models import FlowVersion
from tests.conftest import LiveApp
from tests.executions_in_tests import make_execution
from tests.servers import PROJECT, Process, free_port, web_server

Line = dict[str, Any]


def lines(process: Process) -> list[Line]:
    """What a process has written; every line has to be JSON."""
    return [json.loads(line) for line in process.output.splitlines()]


def line(process: Process, **told: object) -> Line:
    """The first line that tells this, once it is there."""
    found: list[Line] = []

    def is_there() -> bool:
        whole = process.output.rpartition("\n")[0].splitlines()
        found[:] = [one for one in map(json.loads, whole) if one.items() >= told.items()]
        return bool(found)

    process.wait_until(is_there)
    return found[0]


@pytest.fixture
def environment(product_environment: dict[str, str]) -> dict[str, str]:
    return {**product_environment, "LOG_FORMAT": "json"}


@pytest.fixture
def app(
    transactional_db: None, redis: Redis, environment: dict[str, str], tmp_path: Path
) -> Iterator[LiveApp]:
    port = free_port()
    process = web_server(tmp_path / "web.log", environment, port)
    yield LiveApp(f"http://127.0.0.1:{port}", process)
    process.stop()
    print(process.output)


@pytest.fixture
def celery(
    transactional_db: None, redis: Redis, environment: dict[str, str], tmp_path: Path
) -> Iterator[dict[str, Process]]:
    """A worker and beat, without their banners."""
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "cortexweb"]
    schedule = ["--schedule", str(tmp_path / "schedule"), "--pidfile", ""]
    commands = {
        "worker": [*command, "worker", "--concurrency", "1", "--loglevel", "info"],
        "beat": [*command, "beat", "--loglevel", "info", *schedule],
    }
    started = {
        name: Process(name, one, tmp_path / f"{name}.log", environment, cwd=PROJECT)
        for name, one in commands.items()
    }
    yield started
    for process in started.values():
        process.kill()
        print(process.output)


def test_from_the_request_to_the_worker(
    app: LiveApp, celery: dict[str, Process], loop: FlowVersion, admin_user: User
) -> None:
    client = Client()
    client.force_login(admin_user)
    cookies = {
        project.SESSION_COOKIE_NAME: client.cookies[project.SESSION_COOKIE_NAME].value,
        project.CSRF_COOKIE_NAME: "a" * 32,
    }
    answer = httpx.post(
        f"{app.url}/flows/loop/start/?token=hidden",
        data={"form": ""},
        cookies=cookies,
        headers={"X-CSRFToken": "a" * 32, "X-Request-ID": "from-the-proxy.1"},
        timeout=60,
    )
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (302, "from-the-proxy.1")
    execution = Execution.objects.get()
    about = {"flow": "loop", "user": admin_user.pk, "request_id": "from-the-proxy.1"}

    asked = line(app.process, logger="cortexweb.requests", status=302)
    assert asked["message"] == "POST /flows/loop/start/ 302"
    assert (asked["level"], asked["user"]) == ("INFO", admin_user.pk)
    assert asked["request_id"] == "from-the-proxy.1"
    assert asked["timestamp"].endswith("+00:00")
    assert "hidden" not in app.process.output

    started = line(app.process, logger="executions.audit", execution=str(execution.pk))
    assert started.items() >= {"command": "start", **about}.items()

    turn = line(celery["worker"], logger="executions.turns", status=Status.ENDED.value)
    assert turn.items() >= {"execution": str(execution.pk), **about}.items()
    assert turn["block"]

    line(celery["beat"], logger="celery.beat")
    line(celery["worker"], logger="celery.apps.worker")
    # Celery has a logger of its own for the pool.
    psutil.Process(celery["worker"].pid).children()[0].kill()
    line(celery["worker"], logger="multiprocessing")
    assert all(lines(process) for process in celery.values())
    assert all(one["level"] for one in lines(app.process))


def test_ids_that_are_not_plain_are_replaced(app: LiveApp) -> None:
    for given in ("short", "with space in it", "x" * 65, 'quote"quote"', "slash/slash/"):
        answer = httpx.get(f"{app.url}/healthz", headers={"X-Request-ID": given})
        made = answer.headers.get_list("X-Request-ID")
        assert len(made) == 1
        assert len(made[0]) == 32
        assert made[0] != given
    missing = httpx.get(f"{app.url}/nowhere/")
    told = line(app.process, request_id=missing.headers["X-Request-ID"])
    assert told["path"] == "/nowhere/"


#: Addresses that open something to whoever has them.
SECRET = ("/shared/{}/", "/hooks/{}", "/password/reset/{}/x/")


def test_no_address_that_opens_something_is_told(app: LiveApp) -> None:
    for one in SECRET:
        httpx.post(app.url + one.format("opens-" * 8), timeout=60)
    line(app.process, path="/hooks/…", status=404)
    assert "opens-" not in app.process.output


def test_uvicorn_tells_no_such_address_either(live_app: LiveApp) -> None:
    """Its line about each request is the one in a log that is not JSON."""
    for one in SECRET:
        httpx.get(f"{live_app.url}{one.format('opens-' * 8)}?q=opens-", timeout=60)
    process = live_app.process
    process.wait_until(lambda: process.output.count("/password/reset/… HTTP") > 0)
    assert "opens-" not in process.output
    assert '"GET /shared/… HTTP/1.1" 404' in process.output


def test_what_django_says_of_a_defect_names_no_such_address(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LogFormatter())
    handler.addFilter(WithoutSecretPaths())
    logger = logging.getLogger("tests.defects")
    logger.addHandler(handler)
    request = RequestFactory().get("/shared/opens-it/", {"q": "opens-it"})
    answer = HttpResponse(status=500)
    log_response("%s: %s", "Failed", request.path, response=answer, request=request, logger=logger)
    told = capsys.readouterr().out
    assert json.loads(told)["message"] == "Failed: /shared/…"
    assert "opens-" not in told


def test_exceptions_stay_on_one_line(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(LogFormatter())
    logger = logging.getLogger("tests.json")
    logger.addHandler(handler)
    logger.propagate = False
    with log_context.bound(execution="e", flow="f", user=None), log_context.bound(block="b"):
        try:
            raise ValueError("two\nlines")
        except ValueError:
            logger.exception("It\nfailed", extra={"status": 7})
    logger.warning("after")
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["message"] == "It\nfailed"
    assert first["exc_info"].endswith("ValueError: two\nlines")
    assert first.items() >= {"execution": "e", "flow": "f", "block": "b", "status": 7}.items()
    assert "user" not in first
    assert not {"execution", "block"} & second.keys()


def test_the_format_is_one_of_two(environment: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="Write text or json"):
        web_server(tmp_path / "web.log", {**environment, "LOG_FORMAT": "yaml"}, 1)


@pytest.mark.django_db(transaction=True)
def test_children_keep_the_request_of_their_parent(admin_user: User) -> None:
    with log_context.bound(request_id="r" * 8, traceparent="00-t", execution="not kept"):
        assert log_context.start_context() == {"request_id": "r" * 8, "traceparent": "00-t"}
    assert log_context.start_context() is None
    assert make_execution(admin_user).start_context is None
