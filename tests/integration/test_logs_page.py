"""Searching the logs of all executions: what is found, by whom, in which order, by which index."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.utils import timezone
from redis import Redis

from executions import runner
from executions.access import EVERY_EXECUTION, ExecutionSet
from executions.logs import search
from executions.logs.query import LogQuery
from executions.models import Execution, LogEntry
from executions.states import Status
from executions.store.read import log_lines
from flows.values import MASK
from tests.driving import begin
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import publish

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
Log = Callable[..., LogEntry]


@pytest.fixture
def log(admin_user: User) -> Log:
    """Write a line as a checkpoint does."""
    executions: dict[tuple[str, int], Execution] = {}

    def write(
        event: str = "", details: Any = None, *, user: User = admin_user, flow: str = "orders",
        severity: str = "Information", at: datetime | None = None,
    ) -> LogEntry:  # fmt: skip
        key = (flow, user.pk)
        if key not in executions:
            executions[key] = make_execution(user, flow=flow, status=Status.ENDED)
        return LogEntry.objects.create(
            execution=executions[key], step=7, at=at or timezone.now(), block="log",
            severity=severity, event_type=event, details=details, flow_name=flow,
            initiator_id=user.pk,
        )  # fmt: skip

    return write


def events(page: str) -> list[str]:
    return re.findall(r'<td class="c-event">([^<]*)</td>', page)


def found(client: Client, **asked: str) -> list[str]:
    answer = client.get("/logs/", asked)
    assert answer.status_code == 200
    return events(answer.content.decode())


# What is found ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["three", "two", "Order 17 paid"]),
        ({"q": "order"}, ["Order 17 paid"]),
        ({"q": "PAID ord"}, ["Order 17 paid"]),  # by beginnings, in any order and case
        ({"q": "rder"}, []),
        ({"q": "customer.name"}, ["two"]),  # within details: keys
        ({"q": "a-da@example"}, ["two"]),  # and values
        ({"q": "paid two"}, []),
        ({"q": "' & | ! :* \\"}, ["three", "two", "Order 17 paid"]),
        ({"severity": "Warning"}, ["three", "two"]),
        ({"severity": "Fatal"}, []),
        ({"severity": "nonsense"}, ["three", "two", "Order 17 paid"]),
        ({"flow": "billing"}, ["three"]),
        ({"flow": "bill"}, []),
        ({"at": ">-90m"}, ["three", "two"]),
        ({"at": "<=-90m"}, ["Order 17 paid"]),
        ({"at": ">-90m", "severity": "Error", "flow": "billing", "q": "three"}, ["three"]),
        ({"q": "x\0y"}, []),
    ],
)
def test_search(admin_client: Client, log: Log, asked: dict[str, str], expected: list[str]) -> None:
    now = timezone.now()
    log("Order 17 paid", at=now - timedelta(hours=2))
    details = {"customer": {"name": "Ada", "mail": "a-da@example.com"}}
    log("two", details, severity="Warning", at=now - timedelta(hours=1))
    log("three", severity="Error", flow="billing", at=now)
    assert found(admin_client, **asked) == expected


def test_a_span_that_cannot_be_read_is_told(admin_client: Client, log: Log) -> None:
    log("one")
    page = admin_client.get("/logs/", {"at": "soon", "q": "kept"}).content.decode()
    assert "“soon” is not a time" in page
    assert 'value="kept"' in page
    assert 'aria-invalid="true"' in page
    assert not events(page)


def test_each_line_leads_to_its_execution_step_and_flow(admin_client: Client, log: Log) -> None:
    entry = log("<b>bold</b>", {"list": [1, 2]}, flow="a flow")
    page = admin_client.get("/logs/").content.decode()
    execution = f"/executions/{entry.execution_id}/"
    assert f'href="{execution}?tab=logs"' in page
    assert f'href="{execution}?step=7"' in page
    assert 'href="/flows/a%20flow/"' in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    for address in (f"{execution}?tab=logs", f"{execution}?step=7", "/flows/a%20flow/"):
        assert admin_client.get(address).status_code == 200


def test_long_details_show_their_beginning(admin_client: Client, log: Log) -> None:
    log("long", [f"{n:x}-{n * 7919:x}" for n in range(100_000)])
    page = admin_client.get("/logs/").content.decode()
    assert "all of it" in page
    assert len(page) < 40_000
    assert found(admin_client, q="1-1eef") == ["long"]


def test_no_line_is_too_long_for_the_index(admin_client: Client, log: Log) -> None:
    log("w" * 200, "v" * 3_000_000)
    log("many", [f"w{n}" for n in range(400_000)])
    assert found(admin_client, q="v" * 200) == ["w" * 200]


# Pages ------------------------------------------------------------------------------------------


def test_pages_follow_one_another(admin_client: Client, log: Log) -> None:
    same = timezone.now()
    for number in range(search.PAGE_SIZE + 30):
        log(f"line {number}", at=same + timedelta(seconds=number // 7))
    first = admin_client.get("/logs/", {"q": "line"}).content.decode()
    older = re.findall(r'data-older href="([^"]+)"', first)[0].replace("&amp;", "&")
    assert "q=line" in older
    second = admin_client.get(older).content.decode()
    whole = [*events(first), *events(second)]
    assert len(events(first)) == search.PAGE_SIZE
    assert len(whole) == len({*whole}) == search.PAGE_SIZE + 30
    assert whole[0] == f"line {search.PAGE_SIZE + 29}"
    assert re.search(r'data-older href="[^"]+" hidden', second)
    assert "data-live" in first
    assert "data-live" not in second  # an older page is not live


@pytest.mark.parametrize("before", ["nonsense", "~", "2026-11-27~1", "2026-11-27T00:00:00Z~-1"])
def test_an_address_that_is_no_key_is_ignored(admin_client: Client, log: Log, before: str) -> None:
    log("one")
    assert found(admin_client, before=before) == ["one"]


def test_new_lines(admin_client: Client, log: Log) -> None:
    log("old")
    page = admin_client.get("/logs/").content.decode()
    key = re.findall(r'data-key="([^"]+~\d+)"', page)[0]

    def new(**asked: str) -> Any:
        return admin_client.get("/logs/new/", {"after": key, **asked})

    assert new().status_code == 204
    for number in range(3):
        log(f"new {number}", severity="Error" if number else "Verbose")
    assert events(new().content.decode()) == ["new 2", "new 1", "new 0"]
    assert events(new(severity="Error").content.decode()) == ["new 2", "new 1"]
    assert new(q="nothing").status_code == 204
    for number in range(search.PAGE_SIZE):
        log(f"more {number}")
    assert new()["X-Reload"] == "1"
    assert admin_client.get("/logs/new/")["X-Reload"] == "1"


# Who may ----------------------------------------------------------------------------------------


def test_people_find_the_lines_of_executions_that_they_may_see(
    client: Client, log: Log, person: User
) -> None:
    assert client.get("/logs/").status_code == 302
    assert client.get("/logs/new/").status_code == 302
    log("of somebody else", "shared")
    mine = log("mine", "shared", user=person)
    client.force_login(person)
    assert found(client, q="shared") == ["mine"]
    assert found(client) == ["mine"]
    after = {"after": f"{(mine.at - timedelta(days=1)).isoformat()}~1"}
    assert events(client.get("/logs/new/", after).content.decode()) == ["mine"]
    person.user_permissions.add(Permission.objects.get(codename="view_execution"))
    assert found(client, q="shared") == ["mine", "of somebody else"]


# What a flow writes -----------------------------------------------------------------------------

SECRETIVE = """
a: {type: Start Flow, bottom: l}
l:
  type: Log Event
  properties: {Event Details: =Password, Event Type: '="for " + Password', Event Severity: Warning}
  bottom: e
e: {type: End Flow}
"""


@pytest.mark.django_db(transaction=True)
def test_lines_of_a_flow_are_found_and_secrets_are_not(
    admin_client: Client, redis: Redis, tmp_path: Path
) -> None:
    version = publish(
        tmp_path, "secretive", SECRETIVE, "{Password: {type: Text, input: true, secret: true}}"
    )
    execution = begin(version, Password="hunter2hunter2")
    runner.run(execution.pk)
    assert found(admin_client, flow="secretive", severity="Warning") == [f"for {MASK}"]
    assert found(admin_client, q="hunter2") == []
    entry = LogEntry.objects.get()
    assert (entry.flow_name, entry.initiator_id) == ("secretive", execution.initiator_id)


# Plans ------------------------------------------------------------------------------------------


@pytest.fixture
def many(log: Log) -> int:
    """20,000 lines, one in a thousand with a rare word; few are severe."""
    entry = log("seed", {"a": 1})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO executions_logentry (execution_id, step, at, block, severity, event_type,
                details, flow_name, initiator_id)
            SELECT execution_id, n, at - make_interval(secs => n), block,
                CASE WHEN n %% 100 = 0 THEN 'Error' ELSE 'Information' END,
                CASE WHEN n %% 1000 = 0 THEN 'rare' ELSE 'common' END || ' event ' || n, details,
                'flow ' || n %% 200, initiator_id + n %% 50
            FROM executions_logentry, generate_series(1, 20000) AS n WHERE id = %s
            """,
            [entry.pk],
        )
        cursor.execute("ANALYZE executions_logentry")
    return entry.initiator_id or 0


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({}, "log_entry_by_time"),
        ({"at": ">-1h"}, "log_entry_by_time"),
        ({"flow": "flow 7"}, "log_entry_by_flow"),
        ({"severity": "Error"}, "log_entry_most_severe"),
        ({"q": "rare"}, "log_entry_found"),
        ({"own": "1"}, "log_entry_by_initiator"),
        ({"flows": "3"}, "log_entry_by_flow"),
        ({"flows": "100"}, "log_entry_by_time"),
    ],
)
def test_searches_use_their_index(many: int, asked: dict[str, str], index: str) -> None:
    query = LogQuery.parse(asked, UTC)
    flows = frozenset(f"flow {n}" for n in range(int(asked.get("flows", "0"))))
    seen = ExecutionSet(flows, many + 3) if {"own", "flows"} & asked.keys() else EVERY_EXECUTION
    conditions = query.conditions(seen, timezone.now()).parts(search.BRANCHES)
    for part in conditions:
        sql, params = log_lines.statement(part, search.PAGE_SIZE)
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
            plan = json.dumps(cursor.fetchone()[0])
        assert index in plan or part.seen.flows == frozenset()
        assert "Seq Scan" not in plan


def test_a_search_that_takes_too_long_says_so(
    admin_client: Client, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "FIRST_TRY_SECONDS", 0.001)
    monkeypatch.setattr(search, "SEARCH_SECONDS", 0.001)
    page = admin_client.get(f"/logs/?{urlencode({'q': 'event 19999 19998'})}").content.decode()
    assert "The search took too long" in page
    assert "data-live" not in page


def test_the_query_string_is_the_search() -> None:
    asked = {"q": "a b", "severity": "Error", "flow": "x", "at": ">-2h"}
    query = LogQuery.parse(asked, UTC)
    assert LogQuery.parse(dict(_pairs(query.query_string())), UTC) == query
    assert query.is_live(NOW)
    assert not LogQuery.parse({"at": "2020-01-01"}, UTC).is_live(NOW)
    assert LogQuery.parse({"at": "2026-11-27"}, UTC).is_live(NOW)


def _pairs(text: str) -> list[tuple[str, str]]:
    from urllib.parse import parse_qsl

    return parse_qsl(text)
