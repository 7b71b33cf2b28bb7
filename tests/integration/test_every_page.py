"""Every address of the product, as its URLs declare it: who is let in, what odd requests are
answered, and that nothing that people or flows have written becomes markup."""

import re
from collections.abc import Collection, Iterator
from datetime import timedelta
from html.parser import HTMLParser
from http import HTTPStatus
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import SlugConverter
from django.utils import timezone
from django.utils.html import escape

from executions.alerts.kind import Finding
from executions.alerts.messages import alert_message
from executions.models import (
    Alert,
    AlertChannel,
    BulkJob,
    BulkResult,
    Chain,
    ChainStart,
    Delivery,
    ExceptionRecord,
    FailureActivity,
    FailureGroup,
    LogEntry,
    Question,
    SavedView,
    Schedule,
    ScheduleRun,
    Signal,
    StorageCollection,
    StorageItem,
    Waiter,
    Webhook,
    WebhookRequest,
)
from executions.states import Status
from flows import questions, values
from flows.models import Folder, Label
from flows.values import ExceptionValue
from tests.alerts_in_tests import make_rule
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import WAIT, WAIT_VARIABLES, publish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

#: In everything that belongs to somebody else; a slash would end the name of a flow.
HOSTILE = "unseen'\"><img src=x onerror=alert(1)><svg onload=alert(2)>"
GROUP = UUID("07c40000-0000-4000-8000-000000000001")
DELIVERY = UUID("07c40000-0000-4000-8000-000000000002")
JOB = UUID("07c40000-0000-4000-8000-000000000003")
EXECUTION = UUID("07c40000-0000-4000-8000-000000000004")
REQUEST = UUID("07c40000-0000-4000-8000-000000000005")
QUESTION = UUID("07c40000-0000-4000-8000-000000000006")
#: Not the first id that the database gives to a new one.
COLLECTION = 1_000
#: The parts of addresses: what there is, and what there is not.
PARTS: dict[str, tuple[Any, Any]] = {
    "group_id": (GROUP, UUID(int=1)),
    "delivery_id": (DELIVERY, UUID(int=1)),
    "job_id": (JOB, UUID(int=1)),
    "execution_id": (EXECUTION, UUID(int=1)),
    "name": (HOSTILE, "no\0body"),
    "question_id": (QUESTION, UUID(int=1)),
    "command": ("comment", "no\0ne"),
    "control": ("cancel", "no\0ne"),
    "tab": ("logs", "no\0ne"),
    "record_id": (1, 10**30),
    "format": ("csv", "no\0ne"),
    "alert_id": (1, 10**30),
    "rule_id": (1, 10**30),
    "channel_id": (1, 10**30),
    "webhook_id": (1, 10**30),
    "schedule_id": (1, 10**30),
    "selected": (1, 10**30),
    "collection_id": (COLLECTION, 10**30),
    "item_id": (1, 10**30),
    "signal_id": (1, 10**30),
    "request_id": (REQUEST, UUID(int=1)),
    "chain_id": (1, 10**30),
    "key": ("no-key-" * 5, "no\0ne"),
    "folder_id": (1, 10**30),
    "view_id": (1, 10**30),
    "link_id": (1, 10**30),
    "token_id": (1, 10**30),
    "user_id": (1, 10**30),
    "secret": ("of-no-link", "no\0ne"),
    "number": (1, 10**30),
    "rail_number": ("failures", "no\0ne"),
    "session_id": (1, 10**30),
    "pk": (1, 10**30),
    "uidb64": ("MQ", "no\0ne"),
    "token": ("set-password", "no\0ne"),
    "guide": ("semantics", "nothing"),
}
#: Pages for people who have not signed in: `metrics` knows machines by their address.
PUBLIC = {
    "healthz", "readyz", "metrics", "login", "account_login", "mfa_authenticate", "forgot-password",
    "mfa_login_webauthn", "openid_connect_login", "openid_connect_callback",
    "password_reset_confirm", "hook", "shared-execution",
}  # fmt: skip
FIELDS = (
    "a", "action", "after", "b", "before", "block", "channel", "children", "columns", "compare",
    "ended", "flow", "folder", "form", "id", "is", "kind", "label", "labels", "last", "message",
    "name", "next", "on", "outcome", "owner", "page", "parameters", "q", "quiet_from", "reason",
    "revision", "rule", "seen", "show", "sort", "span", "started", "state", "status", "step", "tab",
    "text", "until", "users", "value", "var", "version", "view", "where", "with", "zone",
)  # fmt: skip
ODD = {
    "negative": "-1",
    "more digits than a number may have": "9" * 5_000,
    "NUL": "\0",
    "long": "x" * 10_000,
    "no UTF-8": b"\xff\xfe",
    "superscript": "²",
}


def addresses(resolver: Any = None) -> Iterator[tuple[str, frozenset[str]]]:
    """The name of every address outside of the admin and the API, and the names of its parts; those
    of guides are names of another kind."""
    for one in (resolver or get_resolver()).url_patterns:
        if isinstance(one, URLResolver):
            if str(one.pattern) not in ("admin/", "api/"):
                yield from addresses(one)
        elif isinstance(one, URLPattern) and one.name:
            parts = one.pattern.converters
            slugs = any(isinstance(part, SlugConverter) for part in parts.values())
            yield one.name, frozenset({"guide"} if slugs else parts)


#: Those that delete something come last.
ADDRESSES = sorted(
    set(addresses()), key=lambda pair: ("delete" in pair[0], pair[0], sorted(pair[1]))
)


def address_of(name: str, parts: frozenset[str], *, there: bool = True) -> str:
    values = {part: PARTS[part][not there] for part in parts}
    return reverse(name, args=values.values()) if "guide" in parts else reverse(name, kwargs=values)


def allowed(name: str, *codenames: str) -> Client:
    user = User.objects.create_user(name)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client = Client(raise_request_exception=False, enforce_csrf_checks=False)
    client.force_login(user)
    return client


@pytest.fixture
def world(db: None, tmp_path: Path) -> User:
    """One of everything, all of it somebody's whom nobody else may see, with names that would be
    markup."""
    # Refusals name the administrator, so the name is told from all others.
    name = f"admin {HOSTILE}"[:150]
    owner = User.objects.create_user(name, is_superuser=True, is_staff=True)
    now = timezone.now()
    folder, label = (
        Folder.objects.create(id=1, name="Shop <b>"),
        Label.objects.create(name="vital <b>"),
    )
    version = publish(tmp_path, "hostile", WAIT, WAIT_VARIABLES)
    flow = version.flow
    flow.name = HOSTILE
    flow.description, flow.folder = HOSTILE, folder
    flow.save()
    flow.labels.add(label)
    group = FailureGroup.objects.create(
        id=GROUP, flow=flow, block=HOSTILE, block_type=HOSTILE, block_description=HOSTILE,
        type=HOSTILE, template=HOSTILE + " {number}", first_seen_at=now, first_version=1,
        last_seen_at=now, last_version=1, changed_at=now, is_known=True, owner=owner, count=867_531,
    )  # fmt: skip
    for kind in FailureActivity.Kind.values:
        FailureActivity.objects.create(
            group=group, at=now, kind=kind, user=owner, actor=HOSTILE, text=HOSTILE,
            mentions=[HOSTILE], version=1,
        )  # fmt: skip
    execution = make_execution(
        owner, HOSTILE, version=version, id=EXECUTION, status=Status.ERROR, failure=GROUP,
        error_type=HOSTILE, error_message=HOSTILE, block=HOSTILE, block_description=HOSTILE,
        last_worker=HOSTILE, inputs={HOSTILE: values.encode(HOSTILE)},
    )  # fmt: skip
    make_execution(owner, HOSTILE, version=version, status=Status.ENDED)
    waiting = make_execution(
        owner, HOSTILE, version=version, status=Status.RUNNING, reason="person",
        waiting_for=f"{QUESTION} {HOSTILE}",
    )  # fmt: skip
    Question.objects.create(
        id=QUESTION, execution=waiting, flow_name=HOSTILE, initiator_id=owner.pk, block="ask",
        block_title=HOSTILE, text=HOSTILE, details=HOSTILE, asked_at=now, due_at=now, user=owner,
        form=[questions.Field("A", description=HOSTILE, choices=(HOSTILE,)).as_json()],
    )  # fmt: skip
    scope = f"/default/default/*/default/*/{HOSTILE}/"
    collection = StorageCollection.objects.create(
        id=COLLECTION, scope=scope, name=HOSTILE, folded_name=HOSTILE.casefold(), flow_name=HOSTILE
    )
    StorageItem.objects.create(
        id=1, collection=collection, key=HOSTILE, value=values.encode({HOSTILE: HOSTILE}), at=now,
        by=HOSTILE, by_execution_id=EXECUTION,
    )  # fmt: skip
    Signal.objects.create(
        id=1, name=HOSTILE, key=HOSTILE, value=values.encode({HOSTILE: HOSTILE}), at=now,
        by=HOSTILE, by_execution_id=EXECUTION,
    )  # fmt: skip
    signalled = make_execution(
        owner, HOSTILE, version=version, status=Status.RUNNING, reason="signal", waiting_for=HOSTILE
    )
    with connection.cursor() as cursor:  # the next signal has another id
        cursor.execute("SELECT setval(pg_get_serial_sequence('executions_signal', 'id'), 1)")
    Waiter.objects.create(execution=signalled, name=HOSTILE, key=HOSTILE, at=now)
    Waiter.objects.create(
        execution=waiting, scope=scope, name=HOSTILE.casefold(), key=HOSTILE, at=now,
        condition="be set",
    )  # fmt: skip
    thrown = ExceptionValue(HOSTILE, HOSTILE, help_link="javascript:alert(1)", details=HOSTILE)
    ExceptionRecord.objects.create(
        id=1, execution=execution, step=1, at=now, block=HOSTILE, type=HOSTILE, message=HOSTILE,
        data=values.encode(thrown), traceback=HOSTILE,
    )  # fmt: skip
    LogEntry.objects.create(
        execution=execution, step=1, at=now, block=HOSTILE, severity="Info", event_type=HOSTILE,
        details=values.encode({HOSTILE: HOSTILE}), flow_name=HOSTILE, initiator_id=owner.pk,
    )  # fmt: skip
    job = BulkJob.objects.create(
        id=JOB, user=owner, command="stop", filters="q=" + quote(HOSTILE), created_at=now
    )
    BulkResult.objects.create(
        job=job, execution_id=EXECUTION, flow_name=HOSTILE, outcome="refused", detail=HOSTILE
    )
    channel = AlertChannel.objects.create(
        id=1, kind="webhook", name=HOSTILE[:80], address=f"https://user:pass-word@{HOSTILE}"
    )
    rule = make_rule("long-run", id=1, name=HOSTILE, users=[owner], channels=[channel])
    finding = Finding(
        group="1", text=HOSTILE, address="/", flow=HOSTILE, execution_id=str(EXECUTION)
    )
    alert = Alert.objects.create(
        id=1, rule=rule, opened_at=now - timedelta(hours=1), found_at=now, count=1, most=1,
        findings=[finding.as_json()],
    )  # fmt: skip
    Delivery.objects.create(
        id=DELIVERY,
        alert=alert,
        user=owner,
        number=1,
        via="mail",
        recipient="1",
        destination="mail",
        message=alert_message(alert, Delivery.Step.OPENED, [finding], 1).as_json(),
        step=Delivery.Step.OPENED,
    )
    hook = Webhook.objects.create(
        id=1, flow=flow, owner=owner, name=HOSTILE[:80], key="no-key-" * 5, condition=HOSTILE,
        token_header="X-Token", scheme="token", inputs={HOSTILE: HOSTILE, "Until": HOSTILE},
    )  # fmt: skip
    content = {"headers": {HOSTILE: HOSTILE}, "query": HOSTILE, "body": HOSTILE}
    WebhookRequest.objects.create(
        id=REQUEST, webhook=hook, at=now, method=HOSTILE[:10], content=content, status=422,
        outcome="failed", why=HOSTILE, replayed_by=HOSTILE, execution_id=EXECUTION,
    )  # fmt: skip
    chain = Chain.objects.create(
        id=1, flow=flow, target=flow, owner=owner, condition=HOSTILE, inputs={HOSTILE: HOSTILE}
    )
    ChainStart.objects.create(
        chain=chain, source_id=EXECUTION, at=now, outcome="failed", why=HOSTILE
    )
    SavedView.objects.create(id=1, owner=owner, name=HOSTILE[:50], query="q=1")
    schedule = Schedule.objects.create(
        id=1, flow=flow, owner=owner, name=HOSTILE[:120], description=HOSTILE, cron=HOSTILE[:200],
        calendar=HOSTILE, calendar_name=HOSTILE[:120], inputs={HOSTILE: HOSTILE}, problem=HOSTILE,
        problem_at=now, switched_by=HOSTILE[:150], switched_at=now, next_at=now,
    )  # fmt: skip
    ScheduleRun.objects.create(
        schedule=schedule, scheduled_at=now, at=now, outcome="failed", detail=HOSTILE,
        started_by=HOSTILE[:150], execution_id=EXECUTION,
    )  # fmt: skip
    return owner


def test_a_post_without_its_token_is_refused(world: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world)
    for name, parts in ADDRESSES:
        if name not in PUBLIC or name == "login":
            answer = client.post(address_of(name, parts), {"form": "1"})
            assert answer.status_code in (403, 405), name
    assert BulkJob.objects.get(pk=JOB).status == BulkJob.Status.QUEUED


class Markup(HTMLParser):
    """Collects attributes that would run something, and titles."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "style" or re.match("on[a-z]+$", name) or (value or "").startswith("javasc"):
                self.found.append(f"{tag} {name}")


def markup(html: str) -> list[str]:
    reader = Markup()
    reader.feed(html)
    return reader.found


def requests(
    client: Client, *, there: bool = True, data: str = "", without: Collection[str] = ()
) -> Iterator[tuple[str, Any]]:
    """Ask for every address, by POST twice as a form that is sent again. Those without parts are
    the same whether there is something or not."""
    for name, parts in ADDRESSES if there else filter(itemgetter(1), ADDRESSES):
        address = address_of(name, parts, there=there)
        if f"GET {name}" not in without:
            yield f"GET {name}", client.get(f"{address}?{data}")
        if not data:
            yield f"part of {name}", client.get(address, headers={"HX-Request": "true"})
        if name not in ("logout", "login", "account_login") and f"POST {name}" not in without:
            for _ in range(1 if data else 2):
                form = data or "form=1&revision=1"
                answer = client.post(
                    address, form, content_type="application/x-www-form-urlencoded"
                )
                yield f"POST {name}", answer
                if answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
                    break


def has_read_fields(request: Any) -> bool:
    """Return whether anybody has looked at the fields of a request: it reads them when it is asked
    for them."""
    return bool({"GET", "_post", "_body"} & vars(request).keys())


def body_of(answer: Any) -> bytes:
    async def collected() -> bytes:
        return b"".join([part async for part in answer])

    if not answer.streaming:
        return bytes(answer.content)
    return async_to_sync(collected)() if answer.is_async else b"".join(answer)


def failed(asked: Iterator[tuple[str, Any]]) -> list[str]:
    """The requests to which the answer is a defect; whether the site is ready is no request's."""
    return [
        f"{what}: {answer.status_code} {getattr(answer, 'exc_info', None)}"
        for what, answer in asked
        if answer.status_code >= 500 and not what.endswith(("readyz", "healthz"))
    ]


def test_whoever_has_not_signed_in_is_asked_to(world: User) -> None:
    for what, answer in requests(Client()):
        if what.split()[-1] not in PUBLIC:
            assert answer.status_code == 302, what
            assert answer["Location"].startswith("/login/?next="), what


@pytest.mark.parametrize("permissions", [(), ("handle_failure", "edit_alert_rules")])
def test_who_may_see_nothing_learns_nothing(world: User, permissions: tuple[str, ...]) -> None:
    client = allowed("eve", *permissions)
    told = []
    for what, answer in requests(client):
        if what.endswith("metrics"):
            continue
        assert answer.status_code < 500, what
        # A page may repeat its address.
        body = body_of(answer).replace(quote(HOSTILE, safe="'()").encode(), b"")
        body = body.replace(escape(quote(HOSTILE, safe="'()")).encode(), b"")
        body = body.replace(escape(world.username).encode(), b"")
        if b"unseen" in body or b"onerror" in body or str(EXECUTION).encode() in body:
            told.append(what)
    assert not told
    assert BulkJob.objects.get(pk=JOB).status == BulkJob.Status.QUEUED
    assert FailureGroup.objects.get(pk=GROUP).revision == 1


def test_who_sees_flows_learns_nothing_of_their_executions(world: User) -> None:
    client = allowed("eve", "view_flow")
    for what, answer in requests(client):
        assert answer.status_code < 500, what
        body = body_of(answer)
        assert str(EXECUTION).encode() not in body, what
        assert not re.search(rb"867,?531", body), what


def markup_in(answer: Any) -> list[str]:
    """What would run in a page: nothing of what people and flows have written may."""
    if answer.streaming or "html" not in answer.headers.get("Content-Type", ""):
        return []
    html = answer.content.decode()
    return [*markup(html), *re.findall("<img src=x|<svg onload", html)]


def test_no_name_of_what_is_not_there_becomes_markup(world: User) -> None:
    """What is there: tests/integration/test_markup.py."""
    client = Client(raise_request_exception=False)
    client.force_login(world)
    found = {}
    for what, answer in requests(client, there=False):
        assert answer.status_code < 500, (what, answer.exc_info)
        if bad := markup_in(answer):
            found[what] = bad
    assert not found


@pytest.fixture(scope="module")
def unread() -> set[str]:
    """The requests of which no field has been read: what else stands in these changes nothing."""
    return set()


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_odd_fields_are_answered(world: User, value: Any, unread: set[str]) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(world)

    def asked() -> Iterator[tuple[str, Any]]:
        data = urlencode(dict.fromkeys(FIELDS, value))
        for what, answer in requests(client, data=data, without=unread):
            if not has_read_fields(answer.wsgi_request):
                unread.add(what)
            yield what, answer

    assert not failed(asked())
