"""What the demo begins with: an execution of each kind, by the real commands."""

import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from executions.management import demo_scenes
from executions.models import AuditEntry, Execution
from executions.states import Place, Status
from tests.servers import Process


@pytest.fixture
def begun(examples: None, worker: Process, beat: Process) -> list[Execution]:
    return list(demo_scenes.run())


def comes(**wanted: Any) -> Execution:
    """The root of which that is so, within a minute."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if found := Execution.objects.filter(parent=None, **wanted).first():
            return found
        time.sleep(0.2)
    raise AssertionError(f"no root is {wanted}")


def test_it_begins_with_an_execution_of_each_kind(begun: list[Execution], client: Client) -> None:
    assert begun
    assert comes(status=Status.ERROR).error_type == "FlowException"
    assert comes(unhandled=True).error_type == "InfiniteLoopException"
    assert comes(status=Status.PAUSED, place=Place.BREAKPOINT).block == demo_scenes.GATE
    broken = comes(status=Status.EXCEPTION)
    assert (broken.error_type, broken.debugged_by) == ("FlowException", None)
    stopped = comes(status=Status.STOPPED)
    assert comes(origin=stopped).trigger == Execution.Trigger.RETRY
    assert {one.initiator_name for one in begun} == set(demo_scenes.PEOPLE)
    commands = set(AuditEntry.objects.filter(outcome="done").values_list("command", flat=True))
    assert {"start", "breakpoint", "continue", "stop", "retry", "release"} <= commands
    assert not AuditEntry.objects.exclude(outcome="done").exists()
    # Begun again while something of it is under way, it adds nothing.
    assert not list(demo_scenes.run())
    for name in demo_scenes.PEOPLE:
        assert not User.objects.get(username=name).has_usable_password()
        assert not client.login(username=name, password="")
