"""Failure groups: the first failure writes its group in its own transaction, the others find it."""

import threading
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from executions import runner
from executions.models import Execution, FailureGroup
from executions.states import Status
from tests.driving import begin, drive
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import publish
from tests.integration.test_failures import AGAIN, CAUGHT, DIVIDE_VARIABLES

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

#: Refuses its order; nothing handles that.
REFUSE = """
a: {type: Start Flow, bottom: t}
t:
  type: Throw New Flow Exception
  description: Refuse the line
  properties: {Message: '="Line " + string(Line) + " of order A-" + string(Order) + " is taken"'}
h:
  type: Handle Flow Exception
  properties: {Exception: ($)E}
  blocks:
    s: {type: Start Workspace, bottom: r}
    r: {type: Rethrow Exception, properties: {Exception: ($)E}}
"""
REFUSE_VARIABLES = """
Line: {input: true, default: 1}
Order: {input: true, default: 70415}
E: {}
"""


@pytest.fixture
def refuse(tmp_path: Path) -> Any:
    return publish(tmp_path, "refuse", REFUSE, REFUSE_VARIABLES)


def test_failures_that_differ_in_what_varies_are_one_group(refuse: Any) -> None:
    first, second = (drive(begin(refuse, Line=n, Order=n * 1000).pk) for n in (1, 2))
    assert first.status == Status.ERROR
    assert first.failure == second.failure
    group = FailureGroup.objects.get()
    assert group.pk == first.failure
    assert (group.flow.name, group.block, group.block_description) == (
        "refuse",
        "t",
        "Refuse the line",
    )
    assert group.short_type == "FlowException"
    assert group.template == "Line {number} of order {text} is taken"
    assert (group.first_seen_at, group.first_version) == (first.ended_at, 1)
    assert (group.state, group.owner, group.is_known) == ("open", None, False)


def test_the_block_that_threw_first_counts(tmp_path: Path) -> None:
    """Not the one that threw it again."""
    failed = drive(begin(publish(tmp_path, "again", AGAIN, "E: {}")).pk)
    assert FailureGroup.objects.get(pk=failed.failure).block_description == "Refuse it"


def test_what_is_handled_or_goes_well_has_no_group(tmp_path: Path, refuse: Any) -> None:
    caught = drive(begin(publish(tmp_path, "caught", CAUGHT, DIVIDE_VARIABLES)).pk)
    assert (caught.status, caught.unhandled) == (Status.ENDED, False)
    assert caught.failure
    assert not FailureGroup.objects.exists()


def test_only_the_first_failure_writes(refuse: Any) -> None:
    """The others only read the group: one that is locked by somebody keeps nobody waiting."""
    drive(begin(refuse).pk)
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            FailureGroup.objects.select_for_update().get()
            locked.set()
            done.wait(20)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    locked.wait(10)
    try:
        other = begin(refuse, Line=3)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        runner.run(other.pk)
        other.refresh_from_db()
        assert other.status == Status.ERROR
    finally:
        done.set()
        holder.join()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")


def test_a_message_with_a_secret_shows_none(tmp_path: Path) -> None:
    flow = publish(
        tmp_path,
        "hush",
        """
a: {type: Start Flow, bottom: t}
t:
  type: Throw New Flow Exception
  properties: {Message: '="The key is " + Key'}
""",
        "Key: {input: true, default: '', secret: true}",
    )
    failed = drive(begin(flow, Key="swordfish").pk)
    assert "swordfish" not in FailureGroup.objects.get(pk=failed.failure).template


def test_what_failed_before_gets_its_group(admin_user: Any, refuse: Any) -> None:
    """By a command, which may be run again."""
    new = drive(begin(refuse, Line=9).pk)
    FailureGroup.objects.all().delete()
    Execution.objects.filter(pk=new.pk).update(failure=None)
    old = make_execution(
        admin_user,
        status=Status.ERROR,
        block="pay",
        error_type="HttpRequestException",
        error_message="No route to 10.0.0.1",
    )
    for _ in range(2):
        out = StringIO()
        call_command("group_failures", stdout=out)
        assert out.getvalue().startswith("2 failed executions read")
        groups = {group.template: group for group in FailureGroup.objects.all()}
        assert set(groups) == {"Line {number} of order {text} is taken", "No route to {address}"}
        assert [(one.count, one.is_known) for one in groups.values()] == [(1, True)] * 2
        old.refresh_from_db()
        assert old.failure == groups["No route to {address}"].pk
        assert groups["No route to {address}"].first_seen_at == old.ended_at
        new.refresh_from_db()
        assert new.failure == groups["Line {number} of order {text} is taken"].pk
