"""One command for many executions at once: what applies, what is refused, families, semaphores."""

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions import runner
from executions.commands.actor import Actor
from executions.commands.registry import COMMANDS
from executions.commands.request import CommandRequest
from executions.commands.run import CommandResult, run_command, run_commands
from executions.models import AuditEntry, Execution, SemaphoreTicket
from executions.states import Status
from tests.driving import begin, drive, fresh
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import WAIT, WAIT_VARIABLES, publish
from tests.integration.test_semaphores import HOLD, HOLD_VARIABLES

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]
PARENT = """
a: {type: Start Flow, bottom: run}
run: {type: Run Flow, properties: {Flow: nap, Inputs: {Seconds: 60.0}}, bottom: e}
e: {type: End Flow}
"""


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss")


def give(
    command: str, user: User, *executions: Execution, seen: Mapping[UUID, Status] | None = None
) -> list[CommandResult]:
    actor = Actor(user.pk, user.username, "page", "10.0.0.1")
    seen = seen or {}
    return run_commands(
        command, [CommandRequest(one, user, actor, seen=seen.get(one.pk)) for one in executions]
    )


@pytest.mark.parametrize("command", [one.name for one in COMMANDS.values() if one.execute_batch])
def test_together_means_what_one_by_one_means(command: str, boss: User) -> None:
    """In every status: the same new status, the same refusal."""
    pairs = [(make_execution(boss, status=s), make_execution(boss, status=s)) for s in Status]
    together = give(command, boss, *(one for one, _ in pairs))
    actor = Actor(boss.pk, boss.username, "page")
    for result, (one, other) in zip(together, pairs, strict=True):
        alone = run_command(command, CommandRequest(other, boss, actor))
        assert (result.done, result.detail) == (alone.done, alone.detail)
        assert result.done == (one.status in COMMANDS[command].applies_to)
        for field in ("status", "place", "request", "steps_wanted", "revision", "ended_at"):
            same = field != "ended_at"
            ours, theirs = getattr(fresh(one), field), getattr(fresh(other), field)
            assert ours == theirs if same else bool(ours) == bool(theirs), field
    assert AuditEntry.objects.filter(command=command, actor="boss").count() == 2 * len(pairs)


def test_a_batch_costs_a_few_statements(boss: User) -> None:
    executions = [make_execution(boss, status=Status.PAUSED) for _ in range(200)]
    with CaptureQueriesContext(
        connection,
    ) as asked:
        results = give("stop", boss, *executions)
    assert all(result.done for result in results)
    assert len(asked) <= 13
    assert Execution.objects.filter(status=Status.STOPPED).count() == 200


def test_stopping_many_stops_their_children_and_wakes_who_waits(tmp_path: Path, boss: User) -> None:
    publish(tmp_path, "nap", WAIT, WAIT_VARIABLES)
    parent = publish(tmp_path, "parent", PARENT)
    first, second, third = begin(parent), begin(parent), begin(parent)
    children = {}
    for one in (first, second, third):
        runner.run(one.pk)
        child = Execution.objects.get(parent=one)
        runner.run(child.pk)
        children[one.pk] = child
    # The whole family, the child alone, and both.
    chosen = [first, children[second.pk], third, children[third.pk]]
    results = give("stop", boss, *chosen)
    assert [result.done for result in results] == [True] * 4
    assert fresh(first).status == fresh(children[first.pk]).status == Status.STOPPED
    assert fresh(third).status == fresh(children[third.pk]).status == Status.STOPPED
    assert fresh(second).status == Status.QUEUED  # woken by its child's end
    assert Status(drive(second.pk).status).is_terminal


def test_stopping_many_gives_their_semaphores_to_who_waits(tmp_path: Path, boss: User) -> None:
    flow = publish(tmp_path, "hold", HOLD, HOLD_VARIABLES)
    executions = [begin(flow, Queue={}) for _ in range(4)]
    for one in executions:
        runner.run(one.pk)
    assert SemaphoreTicket.objects.filter(stage="waiting").count() == 3
    give("stop", boss, *executions[:2])
    # The second never got it; the third has it now.
    assert [fresh(one).status for one in executions] == ["Stopped", "Stopped", "Queued", "Running"]
    stages = SemaphoreTicket.objects.order_by("id").values_list("execution_id", "stage")
    assert list(stages) == [(executions[2].pk, "granted"), (executions[3].pk, "waiting")]


def test_what_is_others_or_debugged_by_others_is_refused(boss: User) -> None:
    ada = User.objects.create_user("ada")
    ada.user_permissions.add(Permission.objects.get(codename="view_execution"))
    ada = User.objects.get(pk=ada.pk)
    mine = make_execution(ada, status=Status.PAUSED)
    foreign = make_execution(boss, status=Status.PAUSED)
    debugged = make_execution(ada, status=Status.PAUSED, debugged_by=boss)
    results = give("continue", ada, mine, foreign, debugged)
    assert [(result.done, result.detail) for result in results] == [
        (True, ""),
        (False, "You may see this execution, but not control it."),
        (False, "boss is debugging this. Take over first."),
    ]
    assert fresh(foreign).status == fresh(debugged).status == Status.PAUSED
    results = give("stop", ada, foreign, debugged)
    assert [result.done for result in results] == [False, True]
    entry = AuditEntry.objects.get(execution=debugged, outcome="done")
    assert (entry.user, entry.actor, entry.command) == (ada, "ada", "stop")
    assert (entry.source, entry.address) == ("page", "10.0.0.1")


def test_a_stale_command_is_refused_with_what_has_changed(boss: User) -> None:
    ada = User.objects.create_superuser("ada")
    continued = make_execution(boss, status=Status.PAUSED)
    give("continue", ada, continued)
    Execution.objects.filter(pk=continued.pk).update(
        status=Status.ENDED, ended_at=continued.updated_at
    )
    by_itself = make_execution(boss, status=Status.ENDED)
    stopped = make_execution(boss, status=Status.RUNNING)
    give("stop", ada, stopped)
    at = AuditEntry.objects.get(execution=stopped).at
    seen = {
        continued.pk: Status.PAUSED,
        by_itself.pk: Status.EXCEPTION,
        stopped.pk: Status.EXCEPTION,
    }
    told = [
        result.detail
        for result in give("continue", boss, *[continued, by_itself, stopped], seen=seen)
    ]
    assert told[0].startswith("It was Paused when you pressed Continue; ada continued it at ")
    assert told[0].endswith(" and it is Ended now.")
    assert told[1] == "It was Exception when you pressed Continue; it is Ended now."
    assert told[2].endswith(f"; ada stopped it at {at:%H:%M:%S}.")
    # The same when there is one only, which goes another way.
    assert give("continue", boss, continued, seen=seen)[0].detail == told[0]
    # It is not refused because it has moved, as long as the command applies.
    paused = make_execution(boss, status=Status.PAUSED, revision=7)
    assert give("continue", boss, paused, seen={paused.pk: Status.EXCEPTION})[0].done
    # Nobody is named for what they did before.
    running = make_execution(boss, status=Status.PAUSED)
    give("continue", ada, running)
    Execution.objects.filter(pk=running.pk).update(status=Status.ENDED, ended_at=running.updated_at)
    late = give("pause", boss, running, seen={running.pk: Status.RUNNING})[0]
    assert late.detail == "It was Running when you pressed Pause; it is Ended now."
    assert COMMANDS["pause"].refusal(Status.ENDED) == "It is already Ended."
