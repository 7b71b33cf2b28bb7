"""/metrics and /readyz: who may read them, what they say, and that every process says the same."""

import json
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings
from redis import Redis

from executions import queues, workers
from executions.live import measurements
from executions.models import Delivery
from executions.states import Status
from executions.statistics import aggregation
from tests.conftest import LiveApp
from tests.executions_in_tests import make_execution
from tests.servers import Process, free_port, web_server

DASHBOARD = project.BASE_DIR / "docs" / "grafana-dashboard.json"
#: Samples by name, each with its labels.
Samples = dict[str, list[tuple[dict[str, str], float]]]


def parse(text: str) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def value(samples: Samples, name: str, **labels: str) -> float:
    (number,) = [number for found, number in samples[name] if found.items() >= labels.items()]
    return number


@pytest.fixture
def read(client: Client, settings: Settings, redis: Redis, db: None) -> Client:
    """A client that may read metrics."""
    settings.METRICS_ADDRESSES = ["127.0.0.1"]
    return client


def metrics(client: Client) -> Samples:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return parse(answer.content.decode())


def online(name: str = "celery@here", **changes: object) -> workers.Worker:
    now = time.time()
    told = {"slots": 4, "busy": 3, "queues": queues.ALL, "started_at": now, "seen_at": now}
    worker = workers.Worker(name=name, **{**told, **changes})  # type: ignore[arg-type]
    workers.record(worker)
    return worker


# Who may read -----------------------------------------------------------------------------------


def test_nobody_finds_metrics_that_are_not_configured(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN, settings.METRICS_ADDRESSES = "", []
    assert client.get("/metrics").status_code == 404
    settings.METRICS_ADDRESSES = ["10.0.0.0/8"]
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 200


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Bearer s3cret", 200),
        ("bearer s3cret", 200),
        ("Bearer s3cre", 401),
        ("Bearer ", 401),
        ("Basic s3cret", 401),
        ("Bearer s3cr\u00e9t", 401),
        ("", 401),
    ],
)
@pytest.mark.django_db
def test_a_token_opens_metrics(
    client: Client, settings: Settings, redis: Redis, header: str, status: int
) -> None:
    settings.METRICS_TOKEN, settings.METRICS_ADDRESSES = "s3cret", []
    answer = client.get("/metrics", headers={"Authorization": header})
    assert answer.status_code == status
    if status == 401:
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert b"cortexweb" not in answer.content


def test_metrics_are_only_read(read: Client) -> None:
    assert read.post("/metrics").status_code == 405


def test_addresses_have_to_be_networks(product_environment: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="METRICS_ADDRESSES contains"):
        web_server(
            tmp_path / "web.log", {**product_environment, "METRICS_ADDRESSES": "prometheus"}, 1
        )


# What they say ----------------------------------------------------------------------------------


def test_live_executions_and_queues(read: Client, admin_user: User) -> None:
    for status in (Status.QUEUED, Status.QUEUED, Status.PAUSED, Status.ENDED):
        make_execution(admin_user, status=status, age=100)
    make_execution(admin_user, flow='say "hi"\n\\', status=Status.RUNNING)
    samples = metrics(read)
    live = "cortexweb_live_executions"
    assert value(samples, live, flow="orders", status="Queued") == 2
    assert value(samples, live, flow="orders", status="Paused") == 1
    assert value(samples, live, flow='say "hi"\n\\') == 1
    assert len(samples[live]) == 3
    assert 98 < value(samples, "cortexweb_queue_oldest_seconds", queue="executions") < 130
    assert value(samples, "cortexweb_queue_oldest_seconds", queue="jobs") == 0


def test_messages_in_the_broker(read: Client, redis: Redis) -> None:
    redis.lpush("executions.1.0", "{}", "{}")
    redis.lpush("executions.5.long", "{}")
    redis.lpush("upkeep", "{}")
    samples = metrics(read)
    lengths = {labels["queue"]: number for labels, number in samples["cortexweb_queue_messages"]}
    others = dict.fromkeys({*queues.ALL} - {*queues.EXECUTIONS, "upkeep"}, 0)
    assert lengths == {**others, "executions": 3, "upkeep": 1}


def test_workers(read: Client) -> None:
    online("celery@busy")
    online("celery@gone", seen_at=time.time() - 100)
    online("celery@long-gone", seen_at=time.time() - 100_000)
    samples = metrics(read)
    assert value(samples, "cortexweb_worker_slots", worker="celery@busy") == 4
    assert value(samples, "cortexweb_worker_busy_slots", worker="celery@busy") == 3
    assert value(samples, "cortexweb_worker_up", worker="celery@busy") == 1
    assert value(samples, "cortexweb_worker_up", worker="celery@gone") == 0
    assert value(samples, "cortexweb_worker_busy_slots", worker="celery@gone") == 0
    assert len(samples["cortexweb_worker_up"]) == 2


def deliver(status: str, via: str = "mail", age: float = 0) -> Delivery:
    """A message of an alert that was written, and due, so many seconds ago."""
    at = timezone.now() - timedelta(seconds=age)
    return Delivery.objects.create(
        step=Delivery.Step.TEST, via=via, recipient="user 1", destination="mail", message={},
        status=status, created_at=at, due_at=at,
    )  # fmt: skip


def test_deliveries(read: Client) -> None:
    deliver("waiting", age=90)
    deliver("sending", age=20)
    deliver("waiting", "webhook", age=-500)  # held, or tried again later
    deliver("failed")
    deliver("sent", age=5_000)
    samples = metrics(read)
    assert samples["cortexweb_deliveries_waiting"] == [({"via": "mail"}, 2)]
    assert 89 < value(samples, "cortexweb_delivery_oldest_seconds", via="mail") < 120
    lately = "cortexweb_deliveries_last_hour"
    assert value(samples, lately, via="mail", status="failed") == 1
    assert value(samples, lately, via="webhook", status="waiting") == 1
    assert not [one for one, _ in samples[lately] if one["status"] == "sent"]


def test_hubs(read: Client) -> None:
    delays = [0] * (len(measurements.BOUNDS) + 1)
    delays[0], delays[3], delays[-1] = 5, 2, 1
    told = measurements.Measurements(process="web:1", viewers=7, frames=9, delays=delays)
    told.delay_sum = 12.5
    measurements.report(told)
    samples = metrics(read)
    assert value(samples, "cortexweb_hub_viewers", process="web:1") == 7
    assert value(samples, "cortexweb_hub_frames_total", process="web:1") == 9
    bucket = "cortexweb_hub_delay_seconds_bucket"
    assert value(samples, bucket, process="web:1", le="0.01") == 5
    assert value(samples, bucket, process="web:1", le="0.1") == 7
    assert value(samples, bucket, process="web:1", le="+Inf") == 8
    assert value(samples, "cortexweb_hub_delay_seconds_count", process="web:1") == 8
    assert value(samples, "cortexweb_hub_delay_seconds_sum", process="web:1") == 12.5


def test_without_redis_the_database_is_told_all_the_same(
    read: Client, settings: Settings, admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    away: Redis = Redis.from_url("unix:///nowhere/redis.sock")
    for module in (workers, measurements):
        monkeypatch.setattr(module, "_redis", lambda: away)
    make_execution(admin_user)
    samples = metrics(read)
    assert value(samples, "cortexweb_live_executions", flow="orders") == 1
    assert value(samples, "cortexweb_collector_ok", collector="executions") == 1
    assert value(samples, "cortexweb_collector_ok", collector="workers") == 0
    assert value(samples, "cortexweb_collector_ok", collector="hubs") == 0
    assert "cortexweb_worker_up" not in samples


def test_prometheus_gets_the_format_that_it_asks_for(read: Client) -> None:
    asked = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    answer = read.get("/metrics", headers={"Accept": asked})
    assert answer["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.content.endswith(b"# EOF\n")
    assert read.get("/metrics")["Content-Type"].startswith("text/plain; version=0.0.4")


def test_what_executions_did(read: Client, admin_user: User) -> None:
    make_execution(admin_user, status=Status.ENDED)
    make_execution(admin_user, status=Status.ENDED, unhandled=True)
    make_execution(admin_user, status=Status.ERROR)
    parent = make_execution(admin_user, status=Status.STOPPED)
    make_execution(admin_user, parent=parent)
    gone = make_execution(admin_user, status=Status.ENDED)
    gone.delete()  # as retention does
    samples = metrics(read)
    started, ended = "cortexweb_executions_started_total", "cortexweb_executions_ended_total"
    assert value(samples, started, flow="orders", trigger="page") == 5
    assert value(samples, started, flow="orders", trigger="parent") == 1
    outcomes = {
        labels["outcome"]: number
        for labels, number in samples[ended]
        if labels["trigger"] == "page"
    }
    assert outcomes == {"succeeded": 2, "unhandled": 1, "errors": 1, "stopped": 1}
    bucket = "cortexweb_execution_duration_seconds_bucket"
    assert value(samples, bucket, flow="orders", le="0.5") == 0
    assert value(samples, bucket, flow="orders", le="2.5") == 4  # each took a second
    assert value(samples, bucket, flow="orders", le="+Inf") == 4
    assert value(samples, "cortexweb_execution_duration_seconds_sum") == pytest.approx(4, 0.02)
    aggregation.aggregate()
    assert sorted(metrics(read)[ended], key=str) == sorted(samples[ended], key=str)


# With real processes ----------------------------------------------------------------------------


@pytest.fixture
def guarded(redis: Redis, product_environment: dict[str, str], tmp_path: Path) -> Iterator[LiveApp]:
    """A web server with a token."""
    port = free_port()
    environment = {**product_environment, "METRICS_TOKEN": "t" * 20}
    process = web_server(tmp_path / "web.log", environment, port)
    yield LiveApp(f"http://127.0.0.1:{port}", process)
    process.stop()
    print(process.output)


def test_every_process_says_the_same(
    read: Client, worker: Process, guarded: LiveApp, live_app: LiveApp
) -> None:
    assert httpx.get(f"{live_app.url}/metrics").status_code == 404
    assert httpx.get(f"{guarded.url}/metrics").status_code == 401
    headers = {"Authorization": f"Bearer {'t' * 20}"}
    there = parse(httpx.get(f"{guarded.url}/metrics", headers=headers).text)
    here = metrics(read)
    (labels, up), *_ = there["cortexweb_worker_up"]
    assert up == 1
    assert value(there, "cortexweb_worker_slots", **labels) == 2
    assert {*here} == {*there}
    told = [
        name for name in there
        if "seconds" not in name and not name.startswith(("python_", "process_"))
    ]  # fmt: skip
    assert {name: here[name] for name in told} == {name: there[name] for name in told}
    worker.stop()
    assert workers.read() == []  # it said goodbye


# The dashboard ----------------------------------------------------------------------------------


def test_the_dashboard_asks_for_metrics_that_exist(read: Client, admin_user: User) -> None:
    make_execution(admin_user)
    online()
    deliver("waiting")
    measurements.report(measurements.Measurements(process="web:1"))
    known = metrics(read)
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [
        target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())
    ]
    queries += [one["definition"] for one in dashboard["templating"]["list"] if "definition" in one]
    asked = {name for query in queries for name in re.findall(r"\bcortexweb_\w+", query)}
    assert len(queries) > 10
    assert asked <= {*known}
    for query in queries:
        labels = set(re.findall(r"(\w+)\s*(?:=~|!=|=)\s*\"", query))
        labels |= set(re.findall(r"by \((\w+)", query))
        names = re.findall(r"\bcortexweb_\w+", query)
        has = {label for name in names for found, _ in known[name] for label in found}
        assert labels <= has, query


def test_every_metric_is_documented(read: Client, admin_user: User) -> None:
    make_execution(admin_user)
    online()
    deliver("waiting")
    measurements.report(measurements.Measurements(process="web:1"))
    page = (project.BASE_DIR / "docs" / "monitoring.md").read_text()
    documented = set(re.findall(r"^\| `(cortexweb_\w+)`", page, re.MULTILINE))
    known = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in metrics(read)}
    assert documented == known


# /readyz ----------------------------------------------------------------------------------------


def readiness(client: Client) -> tuple[int, list[str]]:
    answer = client.get("/readyz")
    return answer.status_code, answer.content.decode().splitlines()


def test_ready(read: Client) -> None:
    online()
    workers.record_scheduled()
    assert readiness(read) == (200, ["ready"])
    assert value(metrics(read), "cortexweb_check_ok", check="queues") == 1


def test_what_is_wrong_with_workers_is_a_warning(read: Client) -> None:
    status, lines = readiness(read)
    assert (status, lines[0]) == (200, "ready")
    assert lines[1].startswith("warning: workers: no worker is online")
    assert lines[2].startswith("warning: scheduler: nothing has been scheduled")
    assert value(metrics(read), "cortexweb_check_ok", check="workers") == 0
    online("celery@part", queues=tuple(sorted({*queues.ALL} - {"jobs"})))
    online("celery@gone", seen_at=time.time() - 60)
    _, lines = readiness(read)
    assert "warning: workers: silent without having ended: celery@gone" in lines
    assert "warning: queues: no worker takes from jobs" in lines


def test_pending_migrations_are_an_error(read: Client) -> None:
    recorder = MigrationRecorder(connection)
    last = recorder.migration_qs.filter(app="sessions").get()
    recorder.record_unapplied("sessions", last.name)
    try:
        status, lines = readiness(read)
    finally:
        recorder.record_applied("sessions", last.name)
    assert (status, lines[0]) == (503, "not ready")
    assert lines[1] == (
        f"error: migrations: 1 pending, from sessions {last.name} on; run `manage.py migrate`"
    )


def test_redis_away_is_an_error(
    read: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    away: Redis = Redis.from_url(settings.REDIS_URL)
    monkeypatch.setattr(workers, "_redis", lambda: away)
    assert readiness(read) == (503, ["not ready", "error: redis: Redis doesn't answer"])


def test_a_worker_and_the_scheduler_make_it_ready(
    read: Client, worker: Process, beat: Process
) -> None:
    worker.wait_until(lambda: readiness(read) == (200, ["ready"]))
