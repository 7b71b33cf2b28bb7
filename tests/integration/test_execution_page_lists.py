"""The lists below an execution's diagram, and the links of the sentence that tells why it waits."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from executions.models import Execution, LogEntry
from executions.states import Place, Reason, Status
from flows.models import FlowVersion
from tests.executions_in_tests import make_execution
from tests.integration.test_execution_page import page, run

pytestmark = pytest.mark.django_db


def test_logs_are_filtered_by_severity_and_searched(loop: FlowVersion, person: User) -> None:
    execution = run(loop, person)
    for number, (severity, event) in enumerate(
        [("Debug", "Started"), ("Warning", "Slow"), ("Error", "Refused"), ("Fatal", "Lost")]
    ):
        LogEntry.objects.create(
            execution=execution,
            step=1,
            at=timezone.now(),
            block="add",
            severity=severity,
            event_type=event,
            details={"Number": f"n{number}"},
        )

    def shown(query: str) -> list[str]:
        html = page(person, execution, f"?tab=logs{query}")
        return [
            event for event in ("Started", "Slow", "Refused", "Lost") if f">{event}</td>" in html
        ]

    assert shown("") == ["Started", "Slow", "Refused", "Lost"]
    assert shown("&severity=Warning") == ["Slow", "Refused", "Lost"]
    assert shown("&severity=Fatal") == ["Lost"]
    assert shown("&severity=Nonsense") == ["Started", "Slow", "Refused", "Lost"]
    assert shown("&search=refu") == ["Refused"]
    assert shown("&search=N1") == ["Slow"]
    assert shown("&severity=Error&search=slow") == []
    assert "No log entry matches the filter" in page(person, execution, "?tab=logs&search=nothing")


def test_children_are_counted_by_status(loop: FlowVersion, person: User) -> None:
    parent = make_execution(person, "loop", version=loop)
    for status in (Status.RUNNING, Status.ENDED, Status.ENDED):
        make_execution(person, "child", version=loop, parent=parent, status=status)
    make_execution(User.objects.create_user("eve"), "child", version=loop, parent=parent)
    html = page(person, parent, "?tab=children")
    assert f"parent={parent.pk}&amp;status=Ended" in html
    assert "2 Ended</a>" in html
    assert "1 Running</a>" in html


def test_the_reason_leads_to_what_it_names(loop: FlowVersion, person: User) -> None:
    parent = make_execution(person, "loop", version=loop, reason=Reason.CHILDREN)
    mine = make_execution(person, "mine", version=loop, parent=parent)
    theirs = make_execution(User.objects.create_user("eve"), "theirs", version=loop, parent=parent)
    Execution.objects.filter(pk=parent.pk).update(
        state={"waits": {"tasks": [str(mine.pk), str(theirs.pk)]}}
    )
    html = page(person, parent)
    assert f'<a href="{mine.get_absolute_url()}">mine</a>' in html
    assert f'href="{theirs.get_absolute_url()}"' not in html
    assert "Show children</a>" in html
    paused = make_execution(
        person, "loop", version=loop, status=Status.PAUSED, place=Place.BREAKPOINT, block="add"
    )
    assert "Show the breakpoint</a>" in page(person, paused)
