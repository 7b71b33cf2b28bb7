"""Traces, as a receiver of OTLP gets them from a web server and a worker."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings as project
from django.contrib.auth.models import User
from django.test import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from redis import Redis

from executions.models import Execution
from tests.flows_in_tests import publish
from tests.servers import PROJECT, celery_worker, free_port, web_server

CALLS = """
a: {type: Start Flow, bottom: r}
r: {type: Execute Http Request, properties: {Http Request: {Uri: URI}}, bottom: e}
e: {type: End Flow}
"""
PARENT = """
a: {type: Start Flow, bottom: r}
r: {type: Run Flow, properties: {Flow: calls}, bottom: e}
e: {type: End Flow}
"""
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@dataclass
class Collected:
    """A span, the service that made it, and its attributes."""

    service: str
    span: Span
    attributes: dict[str, Any] = field(default_factory=dict)


class Receiver:
    """A server that takes traces by OTLP over HTTP, and answers other requests with a word."""

    def __init__(self) -> None:
        self.spans: list[Collected] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.path == "/v1/traces"
                receiver.take(ExportTraceServiceRequest.FromString(body))
                self.answer(ExportTraceServiceResponse().SerializeToString())

            def do_GET(self) -> None:
                self.answer(b"ok")

            def answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            names = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    attributes = {
                        one.key: getattr(one.value, str(one.value.WhichOneof("value")))
                        for one in span.attributes
                    }
                    self.spans.append(Collected(names["service.name"], span, attributes))

    def named(self, name: str, trace: str = TRACE) -> list[Collected]:
        return [
            one
            for one in list(self.spans)
            if one.span.name == name and one.span.trace_id.hex() == trace
        ]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_from_the_request_to_the_end_of_a_child(
    transactional_db: None, redis: Redis, receiver: Receiver, admin_user: User, tmp_path: Path,
    product_environment: dict[str, str],
) -> None:  # fmt: skip
    environment = {
        **product_environment,
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "HTTP_PRIVATE_ADDRESSES": "127.0.0.0/8",
    }
    publish(tmp_path, "calls", CALLS.replace("URI", f'"{receiver.url}/ok"'))
    publish(tmp_path, "outer", PARENT)
    publish(tmp_path, "broken", CALLS.replace("URI", '"http://127.0.0.1:9/"'))
    port = free_port()
    web = web_server(tmp_path / "web.log", environment, port)
    worker = celery_worker(tmp_path / "worker.log", environment, concurrency=1)
    try:
        client = Client()
        client.force_login(admin_user)
        name = project.SESSION_COOKIE_NAME
        cookies = {name: client.cookies[name].value, project.CSRF_COOKIE_NAME: "a" * 32}
        for flow in ("outer", "broken"):
            answer = httpx.post(
                f"http://127.0.0.1:{port}/flows/{flow}/start/",
                data={"form": ""},
                cookies=cookies,
                headers={"X-CSRFToken": "a" * 32, "traceparent": f"00-{TRACE}-{SPAN}-01"},
            )
            assert answer.status_code == 302
        # A span is sent after those within it. The parent has two turns.
        for name, number in (
            ("execute outer", 2),
            ("execute calls", 1),
            ("execute broken", 1),
            ("POST /flows/<str:name>/start/", 2),
        ):
            worker.wait_until(lambda n=name, k=number: len(receiver.named(n)) == k)
    finally:
        web.stop()
        worker.kill()
        print(web.output, worker.output)

    by_flow = {one.flow_name: one for one in Execution.objects.all()}
    starts = {one.attributes["cortexweb.flow"]: one for one in receiver.named("start")}
    requests = receiver.named("POST /flows/<str:name>/start/")
    assert {one.span.parent_span_id.hex() for one in requests} == {SPAN}
    assert {one.service for one in requests} == {"cortexweb-web"}
    assert {one.span.kind for one in requests} == {Span.SPAN_KIND_SERVER}
    assert requests[0].attributes["http.response.status_code"] == 302
    assert requests[0].attributes["user.id"] == admin_user.pk

    outer, inner = starts["outer"], starts["calls"]
    assert outer.span.parent_span_id in {one.span.span_id for one in requests}
    assert outer.attributes["cortexweb.execution"] == str(by_flow["outer"].pk)
    turns = receiver.named("execute outer")
    assert {one.span.parent_span_id for one in turns} == {outer.span.span_id}
    assert {one.service for one in turns} == {"cortexweb-worker"}
    assert inner.span.parent_span_id in {one.span.span_id for one in turns}

    (called,) = receiver.named("execute calls")
    assert called.span.parent_span_id == inner.span.span_id
    within = {
        one.span.name: one
        for one in receiver.spans
        if one.span.parent_span_id == called.span.span_id
    }
    assert within.keys() >= {"claim", "Execute Http Request", "end"}
    claim, effect, end = within["claim"], within["Execute Http Request"], within["end"]
    assert effect.attributes["cortexweb.block"] == "r"
    assert effect.span.status.code == Status.STATUS_CODE_UNSET
    assert end.attributes["cortexweb.status"] == "Ended"
    moments = [claim.span.end_time_unix_nano, effect.span.start_time_unix_nano]
    moments += [effect.span.end_time_unix_nano, end.span.start_time_unix_nano]
    assert moments == sorted(moments)

    (broken,) = receiver.named("execute broken")
    failed = {
        one.span.name: one
        for one in receiver.spans
        if one.span.parent_span_id == broken.span.span_id
    }
    assert failed["Execute Http Request"].span.status.code == Status.STATUS_CODE_ERROR
    assert failed["end"].attributes["error.type"].endswith(f".{by_flow['broken'].error_type}")


def test_nothing_is_imported_when_nobody_collects() -> None:
    """The client of Redis imports what it finds of OpenTelemetry; we add nothing to that."""
    script = (
        "import sys, redis.observability.providers; before = set(sys.modules);"
        "import cortexweb.asgi, cortexweb.celery, executions.tasks;"
        "new = set(sys.modules) - before;"
        "print([name for name in new if 'otel' in name or 'opentelemetry' in name])"
    )
    environment = {**os.environ, "DATABASE_POOL_SIZE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("[]\n", "")
