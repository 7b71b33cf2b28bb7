"""The page of one execution: what it shows to whom, at what price, live and without JavaScript."""

import re
from datetime import datetime, timedelta
from html import unescape as html_text
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from executions import runner
from executions.commands import registry
from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.models import AuditEntry, ExceptionRecord, Execution, LogEntry, Token
from executions.states import Place, Reason, Status
from executions.store.read import pages, records
from flows import values
from flows.models import FlowVersion
from flows.values import ExceptionValue
from tests.debugging import may_debug
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import (
    SQUARE,
    SQUARE_VARIABLES,
    publish,
)

pytestmark = pytest.mark.django_db

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


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
    assert 'class="block dim" data-block="t"' in html
    assert 'class="block" data-block="s"' in html
    assert 'class="wire taken" data-wire="if bottom"' in html
    assert 'class="wire" data-wire="if right"' in html


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
    assert 'class="token outer" data-key="token-0" data-token="0" data-block="w"' in outer
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
        "?panel=exceptions&amp;step=2",
        "nowhere else",
    ):
        assert expected in html, expected
    record = ExceptionRecord.objects.get()
    address = f"/executions/{execution.pk}/exceptions/{record.pk}/"
    assert f'data-copy-url="{address}?as=text"' in html
    told = client_of(person).get(f"{address}?as=text").content.decode()
    for line in ("Cortex.HttpException: 502 Bad Gateway", "caused by", "Help: https://example.com"):
        assert line in told
    assert client_of(person).get(address).json()["Details"] == thrown.details
    stranger = client_of(User.objects.create_user("eve"))
    assert stranger.get(address).status_code == 404
    other = run(loop, person)
    elsewhere = f"/executions/{other.pk}/exceptions/{record.pk}/"
    assert client_of(person).get(elsewhere).status_code == 404


def test_the_same_failure_is_counted_and_listed(person: User, tmp_path: Path) -> None:
    """Numbers and ids of the message don't count; only what the user may see does."""
    blocks = """
        a: {type: Start Flow, bottom: t}
        t: {type: Throw New Flow Exception, properties: {Message: ="order " + string(N)}}
        """
    version = publish(tmp_path, "fails", blocks, "{N: {input: true}}")
    first, *others = [run(version, person, N=n) for n in (1, 22, 333)]
    run(version, User.objects.create_user("eve"), N=4)
    html = page(person, first, "?panel=exceptions")
    assert ">3 executions</a>" in html
    link = re.search(r'href="(/\?failure=[^"]+)"', html)
    assert link
    listed = client_of(person).get(link[1]).content.decode()
    assert len(set(re.findall(r'data-id="([^"]+)"', listed))) == 3
    # When it was first seen, and how often lately.
    old = timezone.now() - timedelta(days=8)
    Execution.objects.filter(pk=first.pk).update(started_at=old)
    html = page(person, first, "?panel=exceptions")
    assert ">2 executions</a>" in html
    seen = re.search(r'href="(/\?failure=[^"]+sort=started)"[^>]*><time datetime="([^"]+)"', html)
    assert seen
    assert datetime.fromisoformat(seen[2]).replace(microsecond=0) == old.replace(microsecond=0)
    lately = re.search(r'href="(/\?failure=[^"]+started=[^"]+)"', html)
    assert lately
    for address, ids in ((seen[1], [first, *others]), (lately[1], others)):
        listed = client_of(person).get(html_text(address)).content.decode()
        found = list(dict.fromkeys(re.findall(r'data-id="([^"]+)"', listed)))
        assert set(found) == {str(one.pk) for one in ids}
    oldest = client_of(person).get(html_text(seen[1])).content.decode()
    assert re.findall(r'data-id="([^"]+)"', oldest)[0] == str(first.pk)
    alone = run(publish(tmp_path, "alone", blocks, "{N: {input: true}}"), person, N=1)
    assert "only here" in page(person, alone, "?panel=exceptions")


def test_each_exception_has_an_address(loop: FlowVersion, person: User) -> None:
    execution = run(loop, person)
    for step in range(1, 131):
        ExceptionRecord.objects.create(
            execution=execution,
            step=min(step, execution.step_count),
            at=timezone.now(),
            block="add",
            type="X",
            message=f"number {step}",
            data=values.encode(ExceptionValue("X", f"number {step}")),
        )
    html = page(person, execution, "?panel=exceptions")
    assert '<p class="msg">number 130</p>' in html
    assert html.count('data-key="x') == records.EXCEPTIONS_SHOWN - 1
    assert "Older ones" in html
    oldest = ExceptionRecord.objects.order_by("id").first()
    assert oldest
    html = page(person, execution, f"?panel=exceptions&exception={oldest.pk}")
    assert '<p class="msg">number 1</p>' in html
    assert "no such exception" in page(person, execution, "?panel=exceptions&exception=1")


@pytest.mark.parametrize("status", Status)
def test_commands_are_enabled_where_they_apply(
    loop: FlowVersion, person: User, status: Status
) -> None:
    execution = make_execution(
        person, "loop", version=loop, status=status, block="a", place=_place(status)
    )
    html = page(may_debug(person), execution)
    for command in registry.toolbar():
        button = re.search(rf'<button[^>]*id="do-{command.name}"[^>]*>', html)
        assert button
        assert ("disabled title=" in button[0]) is (not command.applies(status)), command.name
    assert 'action="/executions/commands/continue/"' in html
    assert f'name="id" value="{execution.pk}:{execution.status}"' in html


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
    port = re.search(
        r'class="port exception" data-port="exception" cx="([\d.]+)" cy="([\d.]+)"', html
    )
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
    assert f'data-key="s{count - pages.PAGE_SIZE + 1}"' in newest
    assert f'data-key="s{count - pages.PAGE_SIZE}"' not in newest
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
        for n in range(pages.PAGE_SIZE + 3)
    ]
    first = page(person, execution, "?tab=children")
    assert str(children[-1].pk) in first
    assert str(children[0].pk) not in first
    older = re.search(r'href="(\?tab=children&amp;at=[\w-]+)"', first)
    assert older
    second = page(person, execution, older[1].replace("&amp;", "&"))
    assert str(children[0].pk) in second
    assert str(children[-1].pk) not in second
