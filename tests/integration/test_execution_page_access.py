"""The page of an execution: who sees what, and that nothing shown is markup."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from executions.models import ExceptionRecord, Execution, LogEntry, Step
from executions.states import Status
from flows import values
from flows.models import FlowVersion
from flows.values import ExceptionValue
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import (
    publish,
)
from tests.integration.test_execution_page import client_of, page, run

pytestmark = pytest.mark.django_db
HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


def test_what_one_may_not_see_does_not_exist(loop: FlowVersion, person: User) -> None:
    execution = run(loop, person)
    stranger = User.objects.create_user("grace")
    for path in ("", "live/", "value/?var=0:Last", "variable/?var=0:Last"):
        address = f"/executions/{execution.pk}/{path}"
        assert client_of(stranger).get(address).status_code == 404
        assert client_of(person).get(address).status_code == 200
        assert Client().get(address).status_code == 302


def test_who_may_only_look_is_told_so(loop: FlowVersion, person: User) -> None:
    watcher = User.objects.create_user("watcher")
    watcher.user_permissions.add(Permission.objects.get(codename="view_execution"))
    execution = make_execution(person, "loop", version=loop, status=Status.RUNNING)
    html = page(watcher, execution)
    for command in ("continue", "pause", "stop", "force-stop", "retry"):
        button = re.search(rf'<button[^>]*id="do-{command}"[^>]*>', html)
        assert button
        assert "disabled" in button[0], command
        assert "You may see this execution, but not control it." in button[0], command


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
