"""Defects: of a block, of its effect, of the runner and of the database. What failed is told, with
its traceback in the log and, for administrators only, on the execution's page."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from executions import recovery, runner
from executions.grid.query.filters import Filters
from executions.models import ExceptionRecord, Execution
from executions.states import Status
from flows.blocks import BY_TYPE
from flows.blocks.base import Block, Effect, Leave, Visit
from flows.blocks.clients import Clients
from flows.blocks.variables.set_variable import SetVariable
from tests.driving import begin, drive, fresh
from tests.flows_in_tests import publish

pytestmark = pytest.mark.django_db(transaction=True)

Begun = Callable[[Block], Execution]
SECRET = "the-inside-9f3"


class FailsInside(SetVariable):
    """Has a defect."""

    def run(self, visit: Visit) -> Leave:
        raise KeyError(SECRET)


class FailsOutside(SetVariable):
    """Has a defect in its effect."""

    effect = Effect.REPEATABLE

    def perform(self, given: Mapping[str, Any], clients: Clients) -> Mapping[str, Any]:
        raise RuntimeError(SECRET)


class GivesNoValue(SetVariable):
    """Gives what no variable can hold, which is found when it is written down."""

    def run(self, visit: Visit) -> Leave:
        return Leave(outputs={"Variable": object()})


class DoesNoValue(SetVariable):
    """As above, in an effect that must not be done twice."""

    effect = Effect.ONCE
    done = 0

    def perform(self, given: Mapping[str, Any], clients: Clients) -> Mapping[str, Any]:
        type(self).done += 1
        return {"Variable": object()}


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Begun:
    """Starts an execution of a flow in which the block stands at `fails`."""

    def begin_with(block: Block) -> Execution:
        version = publish(
            tmp_path,
            "defect",
            """
            start: {type: Start Flow, bottom: log}
            log: {type: Log Event, properties: {Event Details: 1}, bottom: fails}
            fails:
              type: Set Variable
              properties: {Value: 1, Variable: ($)Result}
              bottom: end
              exception: caught
            caught:
              {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: end}
            end: {type: End Flow}
            """,
            "{Problem: {output: true}, Result: {output: true}}",
        )
        monkeypatch.setitem(BY_TYPE, "set variable", block)
        return begin(version)

    return begin_with


@pytest.mark.parametrize("block", [FailsInside(), FailsOutside()])
def test_a_defect_of_a_block_is_logged_and_shown_to_administrators(
    block: Block,
    begun: Begun,
    caplog: pytest.LogCaptureFixture,
    client: Client,
) -> None:
    execution = begun(block)
    assert drive(execution.pk).status == Status.ENDED
    record = ExceptionRecord.objects.get(execution=execution)
    assert record.type.endswith(".UnexpectedException")
    assert SECRET not in record.message
    assert SECRET not in str(record.data)
    assert SECRET in record.traceback
    assert "in perform" in record.traceback or "in run" in record.traceback
    logged = [line.getMessage() for line in caplog.records if SECRET in line.getMessage()]
    assert len(logged) == 1
    assert str(execution.pk) in logged[0]
    assert "defect" in logged[0]
    assert "fails" in logged[0]
    page = f"/executions/{execution.pk}/?panel=exceptions"
    client.force_login(User.objects.create_superuser("root"))
    assert SECRET in client.get(page).content.decode()
    other = User.objects.create_user("ann", is_staff=True)
    Execution.objects.filter(pk=execution.pk).update(initiator=other)
    client.force_login(other)
    seen = client.get(page).content.decode()
    assert "UnexpectedException" in seen
    assert SECRET not in seen
    assert "Traceback" not in seen
    for form in ("text", "json"):
        told = client.get(f"/executions/{execution.pk}/exceptions/{record.pk}/?as={form}")
        assert SECRET not in told.content.decode()


def test_what_cannot_be_written_down_is_thrown_by_its_block(
    begun: Begun, caplog: pytest.LogCaptureFixture
) -> None:
    """F7: it is no dead worker, and nobody waits for a lease."""
    execution = begun(GivesNoValue())
    for _ in range(4):
        runner.run(execution.pk)
    assert fresh(execution).status == Status.ENDED
    record = ExceptionRecord.objects.get(execution=execution)
    assert (record.type.rpartition(".")[2], record.block) == ("UnexpectedException", "fails")
    assert "is not a type that variables can hold" in record.traceback
    assert "is not a type that variables can hold" in caplog.text


def test_an_effect_whose_result_cannot_be_written_down_is_not_done_twice(
    begun: Begun,
) -> None:
    execution = begun(DoesNoValue())
    before = DoesNoValue.done
    for _ in range(4):
        runner.run(execution.pk)
    assert fresh(execution).status == Status.ENDED
    assert DoesNoValue.done == before + 1
    record = ExceptionRecord.objects.get(execution=execution)
    assert (record.type.rpartition(".")[2], record.block) == ("UnexpectedException", "fails")


def test_an_execution_that_cannot_even_throw_ends_in_error(
    begun: Begun,
) -> None:
    execution = begun(FailsInside())
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE executions_step ADD CONSTRAINT none_fits CHECK (number < 0) NOT VALID"
        )
    try:
        for _ in range(6):
            runner.run(execution.pk)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE executions_step DROP CONSTRAINT none_fits")
    execution = fresh(execution)
    assert (execution.status, execution.error_type) == (Status.ERROR, "UnexpectedException")
    assert "none_fits" in ExceptionRecord.objects.get(execution=execution).traceback
    # It is found as every failure is.
    assert execution.failure is not None
    for typed in ("has:exception", "error:unexp*", "is:failed", f"failure:{execution.failure}"):
        assert Execution.objects.filter(Filters.parse_text(typed).condition()).get() == execution


def test_a_child_that_cannot_even_throw_counts_for_its_ancestors(
    tmp_path: Path, begun: Begun
) -> None:
    begun(FailsInside())
    Execution.objects.all().delete()
    root = begin(
        publish(
            tmp_path,
            "above",
            """
            start: {type: Start Flow, bottom: run}
            run: {type: Run Flow, properties: {Flow: defect}, bottom: end}
            end: {type: End Flow}
            """,
        )
    )
    runner.run(root.pk)
    child = Execution.objects.get(parent=root)
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE executions_step ADD CONSTRAINT none_fits CHECK (number < 0) NOT VALID"
        )
    try:
        for _ in range(6):
            runner.run(child.pk)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE executions_step DROP CONSTRAINT none_fits")
    assert fresh(child).status == Status.ERROR
    recovery.recover()
    assert fresh(root).failed_descendants == 1
    assert drive(root.pk).unhandled


def test_an_execution_whose_rows_cannot_be_read_ends_in_error(
    begun: Begun,
) -> None:
    execution = begun(FailsInside())
    Execution.objects.filter(pk=execution.pk).update(state={"waits": {"for": "nonsense"}})
    for _ in range(6):
        runner.run(execution.pk)
    assert fresh(execution).status in (Status.ENDED, Status.ERROR)
    assert "nonsense" in ExceptionRecord.objects.filter(execution=execution)[0].traceback


def test_a_database_that_was_away_costs_no_attempt(begun: Begun) -> None:
    """The lease is given back, and the execution goes on as if nothing had been."""
    execution = begun(SetVariable())
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE EXCEPTION 'away' USING ERRCODE = '57P01'; END$$"
        )
        cursor.execute(
            "CREATE TRIGGER away BEFORE INSERT ON executions_step "
            "FOR EACH ROW EXECUTE FUNCTION away()"
        )
    try:
        for _ in range(6):
            runner.run(execution.pk)
            assert fresh(execution).status == Status.QUEUED
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION away CASCADE")
    assert drive(execution.pk).status == Status.ENDED
    assert not ExceptionRecord.objects.filter(execution=execution).exists()


NAMES = ['"a\\u0000b"', '"caf\\ud83d"']


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("block", "properties", "expected"),
    [
        ("Run Flow", "Flow: ($)Name", "FlowNotFoundException"),
        ("Run Flow Async", "Flow: ($)Name", "FlowNotFoundException"),
        ("Run Flow", "Flow: defect, Inputs: ($)Named", "InvalidInputVariablesException"),
        (
            "Set Variable",
            "Value: 1, Semaphore: {Name: ($)Name, ConcurrencyLimit: 1}",
            "PropertyValueOutOfRangeException",
        ),
        (
            "Set Variable",
            "Value: 1, Semaphore: {Name: a, ConcurrencyLimit: 1, Scope: {Flow: ($)Name}}",
            "ArgumentException",
        ),
        ("Read All Text", "File Path: ($)Name", "OperationFailedException"),
        ("Log Event", "Event Details: ($)Name, Event Severity: ($)Name", "ArgumentException"),
        ("Throw New Flow Exception", "Message: ($)Name, Category: ($)Name", "FlowException"),
        ("Log Event", "Event Details: ($)Named, Event Type: ($)Name", ""),
        ("Convert Object To Json", "Object: ($)Named", ""),
        ("Set Variable", "Value: ($)Named, Variable: ($)_executionContext.Extensions.Key", ""),
    ],
)
def test_texts_that_the_database_cannot_take_are_told_at_once(
    name: str, block: str, properties: str, expected: str, tmp_path: Path
) -> None:
    version = publish(
        tmp_path,
        "defect",
        f"""
        start: {{type: Start Flow, bottom: read}}
        read: {{type: Convert Json To Object,
                properties: {{Json: '{name}', Object: ($)Name}}, bottom: named}}
        named: {{type: Convert Json To Object,
                properties: {{Json: '{{{name}: {name}}}', Object: ($)Named}}, bottom: asks}}
        asks: {{type: {block}, properties: {{{properties}}},
                {"" if block == "Throw New Flow Exception" else "bottom: end,"} exception: caught}}
        caught: {{type: Handle Block Exception, properties: {{Exception: ($)Problem}}, bottom: end}}
        end: {{type: End Flow}}
        """,
        "{Name: {output: true}, Named: {output: true}, Problem: {output: true}}",
    )
    execution = begin(version)
    runner.run(execution.pk)
    assert fresh(execution).status == Status.ENDED
    types = ExceptionRecord.objects.filter(execution=execution).values_list("type", flat=True)
    assert [kind.rpartition(".")[2] for kind in types] == ([expected] if expected else [])
