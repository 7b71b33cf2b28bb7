"""The page of the audit trail: who sees what, its filters, pages and exports, and its plans."""

import csv
import json
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from executions import audit
from executions.audit import search
from executions.audit.search import AuditQuery
from executions.commands.actor import Actor
from executions.models import AuditEntry
from flows.models import Flow, Grant
from flows.roles import Role
from tests.executions_in_tests import make_execution

pytestmark = pytest.mark.django_db


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, "cortexweb.accounts.backend.AccountBackend")
    return client


async def downloaded(parts: Any) -> bytes:
    return b"".join([part async for part in parts])


def body(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    if answer.streaming:
        return async_to_sync(downloaded)(answer.streaming_content).decode()
    return answer.content.decode()


@pytest.fixture
def entries(admin_user: User) -> None:
    """One of each: on a flow's execution, on another flow, on an account."""
    maya = Actor(None, "maya", "page", "192.0.2.7")
    program = Actor(None, "deployer", "api", "192.0.2.8", "ci")
    audit.record(maya, "stop", execution=make_execution(admin_user))  # of the flow orders
    bills = Flow.objects.create(name="bills")
    audit.record(program, "publish", subject=bills, before={"v": 1}, after={"v": 2}, detail="v2")
    audit.record(maya, "sign-in", done=False, detail="wrong <b>password</b>")


def test_administrators_see_everything_and_markup_stays_text(
    entries: None, admin_user: User
) -> None:
    shown = body(client_of(admin_user), "/audit/")
    for text in ("maya", "deployer", "token ci", "bills", "192.0.2.8", "orders"):
        assert text in shown
    assert "<b>password" not in shown
    assert "1 field" in shown


@pytest.mark.parametrize(
    ("address", "commands"),
    [
        ("who=maya", {"stop", "sign-in"}),
        ("what=publish", {"publish"}),
        ("what=Sign in", {"sign-in"}),
        ("kind=flow&object=bills", {"publish"}),
        ("kind=execution", {"stop"}),
        ("flow=orders", {"stop"}),
        ("source=api", {"publish"}),
        ("outcome=refused", {"sign-in"}),
        ("at=today", {"stop", "publish", "sign-in"}),
        ("at=2001-01-01", set()),
        ("who=maya&outcome=done", {"stop"}),
    ],
)
def test_filters(entries: None, admin_user: User, address: str, commands: set[str]) -> None:
    rows = body(client_of(admin_user), f"/audit/export/jsonl/?{address}").splitlines()
    assert {json.loads(row)["command"] for row in rows} - {"export-audit"} == commands


def test_what_cannot_be_read_shows_nothing_and_says_why(entries: None, admin_user: User) -> None:
    client = client_of(admin_user)
    shown = body(client, "/audit/?at=soonish")
    assert "deployer" not in shown
    assert 'role="alert"' in shown
    assert "Say of which kind the object is" in body(client, "/audit/?object=7")
    assert client.get("/audit/export/csv/?at=soonish").status_code == 400
    assert client.get("/audit/export/xml/").status_code == 404


def test_who_administers_a_flow_sees_what_concerns_it(entries: None) -> None:
    user = User.objects.create_user("keeper")
    Grant.objects.create(user=user, flow=Flow.objects.get(name="bills"), role=Role.ADMINISTER)
    shown = body(client_of(user), "/audit/")
    assert "deployer" in shown
    assert "orders" not in shown
    assert ">Sign in<" not in shown
    exported = body(client_of(user), "/audit/export/jsonl/")
    assert {json.loads(row)["flow"] for row in exported.splitlines()} <= {"bills", ""}


def test_others_see_what_they_did_themselves(entries: None) -> None:
    user = User.objects.create_user("other")
    Grant.objects.create(user=user, flow=Flow.objects.get(name="bills"), role=Role.AUTHOR)
    audit.record(Actor(user.pk, "other", "page"), "make-token", object_name="mine")
    shown = body(client_of(user), "/audit/")
    assert "Make token" in shown
    assert "deployer" not in shown
    assert Client().get("/audit/").status_code == 302


def test_pages_follow_each_other(admin_user: User) -> None:
    audit.write(audit.entry(Actor(None, "maya", "page"), f"c{n}") for n in range(120))
    seen: list[str] = []
    query, now = AuditQuery(), timezone.now()
    while True:
        page = search.read_page(query, AuditQuery().condition(now), now)
        seen += [entry.command for entry in page.entries]
        if page.older is None:
            break
        query = AuditQuery(before=page.older)
    assert seen == [f"c{n}" for n in reversed(range(120))]
    shown = body(client_of(admin_user), "/audit/")
    assert "before=" in shown


def test_the_csv_file_is_safe_to_open(entries: None, admin_user: User) -> None:
    audit.record(Actor(None, "=cmd()", "page"), "sign-in", done=False)
    rows = list(csv.DictReader(body(client_of(admin_user), "/audit/export/csv/")[1:].splitlines()))
    assert "'=cmd()" in {row["actor"] for row in rows}
    assert {row["after"] for row in rows} >= {'{"v": 2}'}
    assert AuditEntry.objects.filter(command="export-audit").exists()


FILTERS = [
    AuditQuery(who="user7"),
    AuditQuery(what="command7"),
    AuditQuery(kind="flow", object="7"),
    AuditQuery(kind="flow", object="bills"),
    AuditQuery(kind="execution"),
    AuditQuery(flow="flow7"),
    AuditQuery(source="admin"),
    AuditQuery(outcome="refused"),
    AuditQuery(span="2026-01-02"),
    AuditQuery(who="user7", span="2026-01-02"),
]


@pytest.mark.parametrize("query", FILTERS, ids=lambda query: query.query_string())
def test_each_filter_has_an_index(query: AuditQuery) -> None:
    now = timezone.now()
    found = AuditEntry.objects.filter(query.condition(now)).order_by("-at", "-id")[:51]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        plan = found.explain()
    assert "Seq Scan" not in plan
    assert "Sort" not in plan, plan


def test_entries_of_one_moment_keep_their_order() -> None:
    moment = timezone.now() - timedelta(hours=1)
    made = [audit.entry(Actor(None, "maya", "page"), "x") for _ in range(60)]
    for entry in made:
        entry.at = moment
    audit.write(made)
    now = timezone.now()
    first = search.read_page(AuditQuery(), AuditQuery().condition(now), now)
    second = search.read_page(AuditQuery(before=first.older), AuditQuery().condition(now), now)
    assert len({entry.pk for entry in first.entries + second.entries}) == 60
