"""The page of one execution: what it shows to whom, at what price, live and without JavaScript."""

import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from executions import runner
from executions.commands.actor import Actor
from executions.commands.start import start
from executions.models import AuditEntry, ExceptionRecord, Execution, LogEntry, Step, Token, Value
from executions.states import APPLIES, Place, Reason, Status
from executions.store import reads
from executions.views.drilldown import COMMANDS
from flows import values
from flows.models import FlowVersion
from flows.values import ExceptionValue
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import (
    LOOP,
    LOOP_VARIABLES,
    SQUARE,
    SQUARE_VARIABLES,
    WAIT,
    WAIT_VARIABLES,
    publish,
)

pytestmark = pytest.mark.django_db

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


@pytest.fixture
def person() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def loop(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "loop", LOOP, LOOP_VARIABLES)


@pytest.fixture
def nap(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "nap", WAIT, WAIT_VARIABLES)


def run(version: FlowVersion, user: User, **inputs: Any) -> Execution:
    """Start it and give it one turn of a worker."""
    actor = Actor(user_id=user.pk, name=user.get_username(), source="page")
    execution = start(version, inputs, actor, Execution.Trigger.PAGE)
    runner.run(execution.pk)
    execution.refresh_from_db()
    return execution


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(user: User, execution: Execution, query: str = "") -> str:
    response = client_of(user).get(f"/executions/{execution.pk}/{query}")
    assert response.status_code == 200
    return response.content.decode()


def refresh(user: User, execution: Execution, query: str = "", held: str = "") -> Any:
    return client_of(user).get(f"/executions/{execution.pk}/live/{query}", headers={"X-Held": held})


def held_by(html: str) -> str:
    """What a browser says that it holds."""
    return " ".join(
        f"{name}:{digest}"
        for name, digest in re.findall(r'id="part-(\w+)"[^>]*data-part="(\w+)"', html)
    )


# What it shows --------------------------------------------------------------------------------


def test_an_ended_execution_is_read_without_javascript(loop: FlowVersion, person: User) -> None:
    execution = run(loop, person, Last=2)
    html = page(person, execution)
    assert execution.status == Status.ENDED
    assert 'href="/flows/loop/?version=1"' in html
    assert "Ended at <b>End Flow</b>" in html
    assert str(execution.pk) in html
    for key in ("a", "l", "add", "e"):
        assert f'data-block="{key}"' in html
    assert 'data-token="0" data-block="e"' in html
    assert "\u00d73" in html  # the loop was visited three times
    assert html.count('<tr data-key="s') == execution.step_count
    assert "Seen" in html
    assert "List with 2 items" in html


def test_the_way_taken_is_drawn_as_visited(person: User, tmp_path: Path) -> None:
    square = publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    html = page(person, run(square, person, N=3))
    assert 'class="b dim" data-block="t"' in html
    assert 'class="b" data-block="s"' in html
    assert 'class="w hot" data-wire="if bottom"' in html
    assert 'class="w" data-wire="if right"' in html


def test_a_token_stands_in_every_open_workspace(nap: FlowVersion, person: User) -> None:
    execution = run(nap, person, Seconds=60)
    assert (execution.status, execution.reason) == (Status.RUNNING, Reason.TIME)
    html = page(person, execution)
    assert 'data-workspace="w"' in html  # the innermost is followed
    assert 'data-token="1" data-block="w/wait"' in html
    assert "Waiting at &#x27;Sleep&#x27; until" in html
    side = html[html.index('id="part-side"') :]
    assert side.index("Inside") < side.index("Woke")  # the innermost scope first
    outer = page(person, execution, "?workspace=")
    assert 'data-workspace=""' in outer
    assert 'class="tok outer" data-key="token-0" data-token="0" data-block="w"' in outer
    assert 'href="?workspace=w"' in outer


def test_the_old_version_is_drawn(loop: FlowVersion, person: User, tmp_path: Path) -> None:
    execution = run(loop, person)
    publish(tmp_path, "loop", "{a: {type: Start Flow, bottom: z}, z: {type: End Flow}}")
    html = page(person, execution)
    assert 'data-block="add"' in html
    assert 'data-block="z"' not in html


def test_exceptions_tell_everything(loop: FlowVersion, person: User) -> None:
    execution = run(loop, person)
    inner = ExceptionValue("Cortex.SocketException", "Connection reset")
    thrown = ExceptionValue(
        "Cortex.HttpException",
        "502 Bad Gateway",
        help_link="https://example.com/help",
        category="Http",
        error_code=502,
        details={"url": "https://example.com/a"},
        inner=inner,
    )
    ExceptionRecord.objects.create(
        execution=execution,
        step=2,
        at=timezone.now(),
        block="add",
        type=thrown.type,
        message=thrown.message,
        data=values.encode(thrown),
        handled_by="e",
    )
    html = page(person, execution, "?panel=exceptions")
    for expected in (
        "HttpException",
        "502 Bad Gateway",
        "Http</span>",
        "code 502",
        'href="https://example.com/help"',
        "caused by",
        "SocketException",
        "Connection reset",
        "Add Item At End",
        "End Flow",
        "?panel=exceptions&amp;at=2",
        "data-copy=",
    ):
        assert expected in html, expected


@pytest.mark.parametrize("status", Status)
def test_commands_are_enabled_where_they_apply(
    loop: FlowVersion, person: User, status: Status
) -> None:
    execution = make_execution(
        person, "loop", version=loop, status=status, block="a", place=_place(status)
    )
    html = page(person, execution)
    for command in COMMANDS:
        statuses = APPLIES[command]
        button = re.search(rf'<button[^>]*id="do-{command}"[^>]*>', html)
        assert button
        assert ("disabled title=" in button[0]) is (status not in statuses), command
    assert 'action="/executions/commands/continue/"' in html
    assert f'name="id" value="{execution.pk}"' in html


def _place(status: Status) -> Place:
    return {Status.PAUSED: Place.BLOCK, Status.EXCEPTION: Place.EXCEPTION_PORT}.get(
        status, Place.NONE
    )


def test_a_token_at_an_exception_port_stands_on_it(loop: FlowVersion, person: User) -> None:
    execution = make_execution(
        person, "loop", version=loop, status=Status.EXCEPTION, block="add", place="exception"
    )
    Token.objects.create(execution=execution, level=0, workspace="", block="add")
    html = page(person, execution)
    token = re.search(r'data-block="add" data-x="([\d.]+)" data-y="([\d.]+)"', html)
    port = re.search(r'class="pd exc" cx="([\d.]+)" cy="([\d.]+)"', html)
    assert token
    assert port
    assert float(token[1]) == float(port[1]) + 16
    assert float(token[2]) == float(port[2])
    assert "because break on exception is on" in html


def test_children_logs_audit_and_blocks(loop: FlowVersion, person: User) -> None:
    execution = run(loop, person)
    child = make_execution(person, "part", parent=execution, status=Status.ERROR, error_type="Bad")
    LogEntry.objects.create(
        execution=execution,
        step=1,
        at=timezone.now(),
        block="add",
        severity="Warning",
        event_type="stock low",
        details=values.encode({"left": 2}),
    )
    AuditEntry.objects.create(
        execution=execution,
        flow_name="loop",
        actor="ada",
        command="pause",
        source="page",
        outcome="refused",
        detail="It is already Ended.",
    )
    assert str(child.pk) in page(person, execution, "?tab=children")
    logs = page(person, execution, "?tab=logs")
    assert "stock low" in logs
    assert "Warning" in logs
    assert "It is already Ended." in page(person, execution, "?tab=audit")
    blocks = page(person, execution, "?tab=blocks")
    assert "each → Add Item At End" in blocks


def test_inputs_and_outputs(loop: FlowVersion, person: User) -> None:
    html = page(person, run(loop, person, Last=2), "?panel=io")
    assert "Last" in html
    assert "List with 2 items" in html


# Paging ---------------------------------------------------------------------------------------


def test_steps_are_paged_by_number_with_the_newest_last(loop: FlowVersion, person: User) -> None:
    execution = run(loop, person, Last=70)
    count = execution.step_count
    assert count > 120
    newest = page(person, execution)
    assert f'data-key="s{count}"' in newest
    assert f'data-key="s{count - reads.PAGE + 1}"' in newest
    assert f'data-key="s{count - reads.PAGE}"' not in newest
    first = page(person, execution, "?at=1")
    assert 'data-key="s1"' in first
    assert 'data-key="s51"' not in first
    assert 'href="?at=51"' in first
    assert 'data-key="s1"' in page(person, execution, "?at=0")
    assert f'data-key="s{count}"' in page(person, execution, f"?at={10**12}")
    assert f'data-key="s{count}"' in page(person, execution, "?at=nonsense")


def test_children_are_paged(loop: FlowVersion, person: User) -> None:
    execution = run(loop, person)
    children = [
        make_execution(person, "part", age=200 - n, parent=execution, version=loop)
        for n in range(reads.PAGE + 3)
    ]
    first = page(person, execution, "?tab=children")
    assert str(children[-1].pk) in first
    assert str(children[0].pk) not in first
    older = re.search(r'href="(\?tab=children&amp;at=[\w-]+)"', first)
    assert older
    second = page(person, execution, older[1].replace("&amp;", "&"))
    assert str(children[0].pk) in second
    assert str(children[-1].pk) not in second


# Who may ------------------------------------------------------------------------------------


def test_what_one_may_not_see_does_not_exist(loop: FlowVersion, person: User) -> None:
    execution = run(loop, person)
    stranger = User.objects.create_user("grace")
    for path in ("", "live/", "value/?level=0&name=last"):
        address = f"/executions/{execution.pk}/{path}"
        assert client_of(stranger).get(address).status_code == 404
        assert client_of(person).get(address).status_code == 200
        assert Client().get(address).status_code == 302


def test_who_may_only_look_is_told_so(loop: FlowVersion, person: User) -> None:
    watcher = User.objects.create_user("watcher")
    watcher.user_permissions.add(Permission.objects.get(codename="view_execution"))
    execution = make_execution(person, "loop", version=loop, status=Status.RUNNING)
    html = page(watcher, execution)
    assert html.count("You may look at it, but not control it.") == len(COMMANDS)


def test_children_and_parents_that_one_may_not_see_are_not_told(
    loop: FlowVersion, person: User
) -> None:
    stranger = User.objects.create_user("grace")
    parent = make_execution(stranger, "secret-parent", version=loop)
    execution = make_execution(person, "loop", version=loop, parent=parent)
    make_execution(stranger, "secret-child", version=loop, parent=execution)
    html = page(person, execution, "?tab=children")
    assert "secret" not in html
    assert str(parent.pk) not in html


def handlers(html: str) -> list[str]:
    """The attributes that would run something, or that a strict policy forbids."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(name for name, _ in attrs if name == "style" or name.startswith("on"))

    Reader().feed(html)
    return found


def test_nothing_that_is_shown_can_be_markup(
    loop: FlowVersion, person: User, tmp_path: Path
) -> None:
    hostile = publish(
        tmp_path,
        "hostile",
        json.dumps(
            {
                "a": {"type": "Start Flow", "description": HOSTILE, "bottom": "w"},
                "w": {
                    "type": "Workspace",
                    "description": HOSTILE,
                    "bottom": "e",
                    "blocks": {
                        "s": {"type": "Start Workspace", "bottom": "x"},
                        "x": {"type": "End Workspace"},
                    },
                },
                "e": {"type": "End Flow", "description": HOSTILE},
            }
        ),
        json.dumps({"V": {"input": True, "output": True, "description": HOSTILE}}),
    )
    execution = run(hostile, person, V={HOSTILE: [HOSTILE, "x" * 100]})
    thrown = ExceptionValue(
        HOSTILE,
        HOSTILE,
        help_link=f"javascript:{HOSTILE}",
        category=HOSTILE,
        details=HOSTILE,
        extra={HOSTILE: HOSTILE},
    )
    ExceptionRecord.objects.create(
        execution=execution,
        step=1,
        at=timezone.now(),
        block=HOSTILE,
        type=HOSTILE[:200],
        message=HOSTILE,
        data=values.encode(thrown),
        handled_by=HOSTILE,
    )
    LogEntry.objects.create(
        execution=execution,
        step=1,
        at=timezone.now(),
        block=HOSTILE,
        severity="Info",
        event_type=HOSTILE,
        details=values.encode([HOSTILE]),
    )
    Step.objects.filter(execution=execution, number=1).update(
        changes={HOSTILE: {"summary": HOSTILE}}, exception=HOSTILE
    )
    Execution.objects.filter(pk=execution.pk).update(
        status="Error", error_type=HOSTILE, error_message=HOSTILE
    )
    for tab in ("steps", "children", "logs", "audit", "blocks"):
        for panel in ("variables", "exceptions", "io"):
            html = page(person, execution, f"?tab={tab}&panel={panel}")
            assert "<img" not in html
            assert "<script>alert" not in html
            assert 'href="javascript' not in html
            assert not handlers(html)


# Values ---------------------------------------------------------------------------------------


def test_large_values_are_loaded_when_asked_for(loop: FlowVersion, person: User) -> None:
    execution = run(loop, person)
    large = [f"{n:x}-{n * 7919 % 99991:x}" for n in range(20_000)]
    Value.objects.filter(execution=execution, level=0, name="seen").update(value=large)
    html = page(person, execution)
    assert "List with 20000 items" in html
    assert large[-1] not in html
    address = f"/executions/{execution.pk}/value/?level=0&name=seen"
    assert f'hx-get="{address.replace("&", "&amp;")}"' in html
    assert json.loads(client_of(person).get(address).content) == large
    part = client_of(person).get(address, headers={"HX-Request": "true"}).content.decode()
    assert "the rest is left out" in part
    assert "<pre" in part


@pytest.mark.parametrize("query", ["", "?level=x&name=seen", "?level=9&name=seen", "?level=0"])
def test_a_value_that_is_not_there(loop: FlowVersion, person: User, query: str) -> None:
    execution = run(loop, person)
    response = client_of(person).get(f"/executions/{execution.pk}/value/{query}")
    assert response.status_code == 404


def test_what_a_loop_keeps_is_no_variable(loop: FlowVersion, person: User) -> None:
    execution = run(loop, person)
    Value.objects.create(execution=execution, level=0, name="items:l", value=[1])
    assert "items:" not in page(person, execution)


# Live -----------------------------------------------------------------------------------------


def test_a_refresh_brings_only_what_changed(nap: FlowVersion, person: User) -> None:
    execution = run(nap, person, Seconds=60)
    html = page(person, execution)
    held = held_by(html)
    assert len(held.split()) == 7
    response = refresh(person, execution, held=held)
    assert response.status_code == 200
    assert response.content.strip() == b""
    assert response["X-Revision"] == str(execution.revision)
    Execution.objects.filter(pk=execution.pk).update(status=Status.PAUSING, reason="")
    changed = refresh(person, execution, held=held).content.decode()
    parts = set(re.findall(r'id="part-(\w+)"', changed))
    assert {"head", "controls", "tokens"} <= parts
    assert not parts & {"diagram", "bottom", "side", "workspaces"}
    assert "Pauses as soon as &#x27;Sleep&#x27; is done" in changed


def test_what_ticks_is_no_change(loop: FlowVersion, person: User) -> None:
    execution = make_execution(person, "loop", 1.0, version=loop, block="a")
    html = page(person, execution)
    time.sleep(0.15)
    later = page(person, execution)
    told = re.compile(r'data-since="\d+">([^<]*)')
    assert told.findall(html) != told.findall(later)
    assert held_by(html) == held_by(later)


def test_the_first_page_and_a_refresh_are_the_same(nap: FlowVersion, person: User) -> None:
    execution = run(nap, person, Seconds=60)
    whole = page(person, execution, "?tab=blocks&panel=io&workspace=")
    parts = refresh(person, execution, "?tab=blocks&panel=io&workspace=").content.decode()
    assert set(held_by(parts).split()) == set(held_by(whole).split())


def test_steps_that_came_are_counted_on(loop: FlowVersion, person: User) -> None:
    execution = run(loop, person, Last=2)
    assert reads.visits(execution)["l", "right"] == 2
    number = execution.step_count + 1
    Step.objects.create(
        execution=execution,
        number=number,
        level=0,
        block="l",
        at=timezone.now(),
        duration=1,
        port="right",
    )
    execution.step_count = number
    assert reads.visits(execution)["l", "right"] == 3


# Price ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "?tab=children", "?tab=logs", "?tab=audit", "?tab=blocks"])
@pytest.mark.parametrize("panel", ["variables", "exceptions", "io"])
def test_the_number_of_queries(
    loop: FlowVersion,
    admin_user: User,
    query: str,
    panel: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    parent = make_execution(admin_user, "parent", version=loop)
    execution = run(loop, admin_user, Last=20)
    Execution.objects.filter(pk=execution.pk).update(
        parent=parent,
        root_id=parent.pk,
        depth=1,
        status="Running",
        reason="children",
        ended_at=None,
    )
    for _ in range(5):
        make_execution(admin_user, "part", version=loop, parent=execution)
    client = client_of(admin_user)
    address = f"/executions/{execution.pk}/{query or '?'}&panel={panel}"
    client.get(address)  # compiles the version once
    # Session, user, execution, tokens, relatives, waiting, visits, recent, counts, values, list.
    with django_assert_max_num_queries(11):
        assert client.get(address).status_code == 200


def test_an_execution_that_has_not_begun(loop: FlowVersion, person: User) -> None:
    execution = make_execution(person, "loop", version=loop, status=Status.QUEUED, block="a")
    html = page(person, execution)
    assert "Waiting for a worker" in html
    assert "No block has been run yet." in html
    assert "the execution has not begun" in html
