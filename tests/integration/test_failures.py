"""A failure looks like a failure: what ends by an exception that nothing handles, what stands on
its exception port, and what failed below an execution. Run on real PostgreSQL and Redis."""

import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from executions import appearance, recovery, runner
from executions.bulk import preview as previews
from executions.bulk import targets
from executions.commands.request import CommandRequest
from executions.commands.run import run_command, run_commands
from executions.grid.paging.groups import group_executions
from executions.grid.paging.page_query import PageQuery
from executions.grid.query.filters import Filters
from executions.grid.table.row import GridRow
from executions.grid.table.row_events import read_events
from executions.models import Execution, UncountedFailure
from executions.states import Status
from executions.store.lifecycle import failures
from executions.store.read import block_counts
from tests.driving import ACTOR, begin, drive, fresh
from tests.executions_in_tests import make_execution, why
from tests.flows_in_tests import publish
from tests.integration.test_export import downloaded

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

#: Divides A by B; nothing handles an exception.
DIVIDE = """
a: {type: Start Flow, bottom: d}
d:
  type: Set Variable
  description: Divide
  properties: {Value: =A / B, Variable: ($)Result}
  bottom: e
e: {type: End Flow}
"""
DIVIDE_VARIABLES = """
A: {input: true, default: 1}
B: {input: true, default: 0}
Result: {output: true, default: 0}
"""
#: The same in a nested workspace.
NESTED = """
a: {type: Start Flow, bottom: w}
w:
  type: Workspace
  description: Work
  bottom: e
  blocks:
    s: {type: Start Workspace, bottom: d}
    d:
      type: Set Variable
      description: Divide
      properties: {Value: =A / B, Variable: ($)Result}
      bottom: x
    x: {type: End Workspace}
e: {type: End Flow}
"""
#: Catches the exception of a block and goes on.
CAUGHT = """
a: {type: Start Flow, bottom: d}
d:
  type: Set Variable
  properties: {Value: =A / B, Variable: ($)Result}
  bottom: e
  exception: c
c: {type: Handle Block Exception, bottom: e}
e: {type: End Flow}
"""
#: Throws, waits in a handler (so that a checkpoint lies between), throws again twice.
AGAIN = """
a: {type: Start Flow, bottom: w}
w:
  type: Workspace
  description: Work
  bottom: e
  blocks:
    s: {type: Start Workspace, bottom: t}
    t:
      type: Throw New Flow Exception
      description: Refuse it
      properties: {Message: No such order}
      exception: c
    c: {type: Handle Block Exception, properties: {Exception: ($)E}, bottom: p}
    p: {type: Wait For Duration, properties: {Duration: {Milliseconds: 1}}, bottom: r}
    r: {type: Rethrow Exception, description: Throw it again, properties: {Exception: ($)E}}
e: {type: End Flow}
h:
  type: Handle Flow Exception
  properties: {Exception: ($)E}
  blocks:
    s: {type: Start Workspace, bottom: r}
    r: {type: Rethrow Exception, description: And again, properties: {Exception: ($)E}}
"""


@pytest.fixture
def divide(tmp_path: Path) -> Any:
    return publish(tmp_path, "divide", DIVIDE, DIVIDE_VARIABLES)


def found(typed: str) -> set[Any]:
    """The executions that a typed query finds, in the database and by their events alike."""
    filters = Filters.parse_text(typed)
    assert not filters.invalid_parts, filters.problems
    rows = set(Execution.objects.filter(filters.condition()).values_list("pk", flat=True))
    matched = {e.id for e in read_events(Execution.objects.all()) if filters.matches(e)}
    assert {str(pk) for pk in rows} == matched
    return rows


def test_what_nothing_handles_ends_as_a_failure(
    divide: Any, admin_client: Client, admin_user: User
) -> None:
    """Semantics 44: the status stays Ended, and everything beside it says that it failed."""
    failed, fine = drive(begin(divide).pk), drive(begin(divide, B=2).pk)
    assert (failed.status, failed.unhandled) == (Status.ENDED, True)
    assert (fine.status, fine.unhandled, fine.error_type) == (Status.ENDED, False, "")
    assert failed.error_type == "InvalidPropertyValueException"
    assert failed.error_message
    assert failed.block_description == "Divide"
    word = "Ended · unhandled exception"
    assert word in (html := admin_client.get("/").content.decode())
    assert "#ended-unhandled" in html
    assert "st-unhandled" in html
    assert failed.error_message in why(failed)
    page = admin_client.get(failed.get_absolute_url()).content.decode()
    assert word in page
    assert failed.error_message.replace("'", "&#x27;") in page
    flow = admin_client.get("/flows/divide/").content.decode()
    assert ">1</a></dd>" in flow.partition("Errors, 24 h")[2][:200]
    assert "is=failed" in flow
    assert word in async_to_sync(downloaded)(admin_user, "/executions/export/csv/")
    assert word in admin_client.get("/admin/executions/execution/").content.decode()
    assert (
        word
        in admin_client.get(
            f"{reverse('executions-compare')}?a={failed.pk}&b={fine.pk}"
        ).content.decode()
    )


@pytest.mark.parametrize(
    "typed", ["is:unhandled", "is:failed", "has:exception", "error:invalidprop*"]
)
def test_filters_find_what_nothing_handled(divide: Any, typed: str) -> None:
    failed = drive(begin(divide).pk)
    drive(begin(divide, B=2).pk)
    assert found(typed) == {failed.pk}


def test_filters_find_every_exception_also_a_caught_one(tmp_path: Path, divide: Any) -> None:
    caught = drive(begin(publish(tmp_path, "caught", CAUGHT, DIVIDE_VARIABLES)).pk)
    again = drive(begin(publish(tmp_path, "again", AGAIN, "{E: {}}")).pk)
    fine = drive(begin(divide, B=2).pk)
    assert (caught.status, caught.unhandled, caught.error_type) == (Status.ENDED, False, "")
    assert caught.exception_types == "InvalidPropertyValueException"
    assert found("has:exception") == {caught.pk, again.pk}
    assert found("error:InvalidPropertyValueException") == {caught.pk}
    assert found("error:FlowException") == found("error:flow*") == {again.pk}
    assert found("-has:exception") == {fine.pk}
    assert found("-error:FlowException") == {caught.pk, fine.pk}
    assert found("is:failed") == {again.pk}
    assert found("is:unhandled") == set()


def test_groups_by_exception_hold_what_their_links_find(tmp_path: Path, admin_user: User) -> None:
    make_execution(admin_user, exception_types="A\nB")
    make_execution(admin_user, exception_types="B")
    make_execution(admin_user)
    shown = group_executions(admin_user, PageQuery(group="error"))
    assert [(one.name, one.count) for one in shown.listed] == [("B", "2"), ("A", "1")]
    assert shown.grouped == 2
    for one in shown.listed:
        assert len(found(f"error:{one.name}")) == int(one.count)


def test_an_error_names_the_block_that_threw_first(tmp_path: Path, admin_client: Client) -> None:
    failed = drive(begin(publish(tmp_path, "again", AGAIN, "{E: {}}")).pk)
    assert failed.status == Status.ERROR
    assert (failed.block_type, failed.block_description) == (
        "Throw New Flow Exception",
        "Refuse it",
    )
    assert failed.workspace_name == "Work"
    row = GridRow(
        read_events(Execution.objects.filter(pk=failed.pk))[0], layout=PageQuery().layout
    ).html()
    assert row.index("No such order") < row.index("FlowException</a>")
    head = admin_client.get(failed.get_absolute_url()).content.decode().partition('class="why"')[2]
    assert head.index("No such order") < head.index("FlowException") < head.index("Refuse it")
    assert "And again" not in head.partition("</p>")[0]


def test_an_exception_in_a_nested_workspace_is_told_where_it_was_thrown(tmp_path: Path) -> None:
    failed = drive(begin(publish(tmp_path, "nested", NESTED, DIVIDE_VARIABLES)).pk)
    assert failed.unhandled
    assert (failed.block_description, failed.workspace_name) == ("Divide", "Work")


def test_what_breaks_on_an_exception_shows_it(divide: Any, admin_user: User) -> None:
    execution = begin(divide, paused=True)
    runner.run(execution.pk)
    actor = ACTOR
    assert run_command(
        "break-on-exception", CommandRequest(fresh(execution), admin_user, actor, {"on": "1"})
    ).done
    assert run_command("continue", CommandRequest(fresh(execution), admin_user, actor)).done
    runner.run(execution.pk)
    assert fresh(execution).status == Status.EXCEPTION
    assert execution.error_type == "InvalidPropertyValueException"
    assert execution.error_message
    assert execution.error_message[:50] in why(execution)
    # On its way again it has none, until it comes to one.
    assert run_command(
        "set-next", CommandRequest(execution, admin_user, actor, {"block": "e"})
    ).done
    assert (fresh(execution).status, execution.error_type) == (Status.PAUSED, "")
    assert run_command("continue", CommandRequest(fresh(execution), admin_user, actor)).done
    runner.run(execution.pk)
    assert (fresh(execution).status, execution.unhandled, execution.error_type) == (
        "Ended",
        False,
        "",
    )
    assert found("has:exception") == {execution.pk}


def test_continuing_from_an_exception_that_nothing_handles_is_a_failure(
    divide: Any, admin_user: User
) -> None:
    execution = begin(divide, paused=True)
    runner.run(execution.pk)
    assert run_command(
        "break-on-exception", CommandRequest(fresh(execution), admin_user, ACTOR, {"on": "1"})
    ).done
    assert run_command("continue", CommandRequest(fresh(execution), admin_user, ACTOR)).done
    runner.run(execution.pk)
    assert run_command("continue", CommandRequest(fresh(execution), admin_user, ACTOR)).done
    runner.run(execution.pk)
    assert (fresh(execution).status, execution.unhandled) == (Status.ENDED, True)
    assert execution.block_description == "Divide"


# Retry ----------------------------------------------------------------------------------------


def test_retry_begins_at_the_block_that_threw(divide: Any, admin_user: User) -> None:
    failed, fine = drive(begin(divide).pk), drive(begin(divide, B=2).pk)
    done = run_command("retry", CommandRequest(failed, admin_user, ACTOR, {"paused": "on"}))
    assert done.done, done.detail
    assert "'Divide'" in done.detail
    refused = run_command("retry", CommandRequest(fine, admin_user, ACTOR))
    assert refused.detail == (
        "Retry applies to executions that are Stopped, Error or Ended · unhandled exception; "
        "this one is Ended."
    )
    retried = Execution.objects.get(origin=failed)
    assert drive_paused(retried).block == "d"


def drive_paused(execution: Execution) -> Execution:
    runner.run(execution.pk)
    return fresh(execution)


def test_bulk_retry_takes_what_failed_and_leaves_the_rest(divide: Any, admin_user: User) -> None:
    failed, fine = drive(begin(divide).pk), drive(begin(divide, B=2).pk)
    now = timezone.now()
    for filters in (Filters(), Filters.parse_text("status:Ended"), Filters.parse_text("is:failed")):
        rows = targets.matching(admin_user, filters, "retry", now)
        assert [row.pk for row in rows] == [failed.pk]
    assert not targets.matching(admin_user, Filters.parse_text("status:Error"), "retry", now)
    told = previews.preview(admin_user, Filters(), "retry", now)
    assert told.expected == 1
    shares = [(share.word, share.count.number, bool(share.refusal)) for share in told.shares]
    assert shares == [("Ended · unhandled exception", 1, False), ("Ended", 1, True)]
    results = run_commands(
        "retry", [CommandRequest(one, admin_user, ACTOR) for one in (failed, fine)]
    )
    assert [result.done for result in results] == [True, False]


def test_retry_is_offered_on_the_page_of_a_failure_alone(divide: Any, admin_client: Client) -> None:
    failed, fine = drive(begin(divide).pk), drive(begin(divide, B=2).pk)
    for execution, offered in ((failed, True), (fine, False)):
        commands = {
            button["command"].name: button["refusal"]
            for button in admin_client.get(execution.get_absolute_url())
            .context["page"]
            .header.commands
        }
        assert (commands["retry"] == "") is offered


def test_somebody_else_may_not_retry_it(divide: Any, client: Client) -> None:
    failed = drive(begin(divide).pk)
    other = User.objects.create_user("eve", password="x")
    assert not run_command("retry", CommandRequest(failed, other, ACTOR)).done
    client.force_login(other)
    assert client.post(f"/executions/{failed.pk}/retry/").status_code in (403, 404)
    assert not Execution.objects.filter(origin=failed).exists()


def test_start_flow_tells_it_and_exits_with_0(divide: Any, capsys: Any) -> None:
    threads = [threading.Thread(target=_work)]
    threads[0].start()
    call_command("start_flow", "divide", wait=20)
    threads[0].join()
    assert "Ended · unhandled exception at Divide" in capsys.readouterr().out


def _work() -> None:
    for _ in range(200):
        queued = Execution.objects.filter(status=Status.QUEUED).values_list("pk", flat=True).first()
        if queued:
            runner.run(queued)
            break
        threading.Event().wait(0.05)
    connection.close()


# Descendants ------------------------------------------------------------------------------------

#: Runs the flow `below` so often, as tasks; catches nothing of them.
TASKS = """
a: {type: Start Flow, bottom: l}
l:
  type: For Loop
  properties: {Start Index: 1, End Index: =Times, Current Index: ($)I}
  right: r
  bottom: e
r: {type: Run Flow Async, properties: {Flow: =Below}, bottom: l}
e: {type: End Flow}
"""
TASKS_VARIABLES = (
    "{I: {default: 0}, Times: {input: true, default: 3}, Below: {input: true, default: divide}}"
)
#: Runs `divide`, whose exception does not come back (semantics 44), then fails itself.
MIDDLE = """
a: {type: Start Flow, bottom: r}
r: {type: Run Flow, properties: {Flow: divide}, bottom: t}
t: {type: Throw New Flow Exception, properties: {Message: middle}}
"""


def run_all() -> None:
    while queued := list(
        Execution.objects.filter(status=Status.QUEUED).values_list("pk", flat=True)
    ):
        for pk in queued:
            runner.run(pk)


def exact() -> Iterator[tuple[int, int]]:
    """What each execution counts, and what is so."""
    rows = list(
        Execution.objects.values("pk", "parent_id", "status", "unhandled", "failed_descendants")
    )
    children: dict[Any, list[Any]] = {}
    for row in rows:
        children.setdefault(row["parent_id"], []).append(row)

    def below(pk: Any) -> int:
        return sum(
            (one["status"] == "Error" or one["unhandled"]) + below(one["pk"])
            for one in children.get(pk, [])
        )

    for row in rows:
        yield row["failed_descendants"], below(row["pk"])


def test_every_ancestor_counts_what_failed_below_it(tmp_path: Path, divide: Any) -> None:
    publish(tmp_path, "middle", MIDDLE)
    root = begin(publish(tmp_path, "tasks", TASKS, TASKS_VARIABLES), Times=3, Below="middle")
    before = fresh(root).revision
    run_all()
    counted = list(exact())
    assert all(told == real for told, real in counted), counted
    assert fresh(root).failed_descendants == 6  # 3 of middle, 3 of divide
    assert root.revision > before
    assert found("has:failed-children") == {
        root.pk,
        *Execution.objects.filter(flow_name="middle").values_list("pk", flat=True),
    }
    assert not UncountedFailure.objects.exists()


def test_a_worker_that_ends_a_child_waits_for_no_ancestor(tmp_path: Path, divide: Any) -> None:
    """While somebody holds the rows of the root and of who counts, a failing child ends; nothing of
    it is lost."""
    root = begin(publish(tmp_path, "tasks", TASKS, TASKS_VARIABLES), Times=4)
    runner.run(root.pk)
    children = list(Execution.objects.filter(parent=root).values_list("pk", flat=True))

    def end_one() -> None:
        runner.run(children[0])
        connection.close()

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [failures._COUNTING])
        cursor.execute("SELECT 1 FROM executions_execution WHERE id = %s FOR UPDATE", [root.pk])
        worker = threading.Thread(target=end_one)
        worker.start()
        worker.join(10)
        assert not worker.is_alive(), "the worker waits for the root"
    assert Execution.objects.get(pk=children[0]).unhandled
    assert fresh(root).failed_descendants == 0
    recovery.recover()
    assert fresh(root).failed_descendants == 1


def test_children_that_fail_at_once_are_all_counted(tmp_path: Path, divide: Any) -> None:
    publish(tmp_path, "middle", MIDDLE)
    root = begin(publish(tmp_path, "tasks", TASKS, TASKS_VARIABLES), Times=24, Below="middle")
    runner.run(root.pk)
    problems: list[BaseException] = []

    def work(share: int) -> None:
        try:
            while queued := list(
                Execution.objects.filter(status=Status.QUEUED).values_list("pk", flat=True)
            ):
                for pk in queued[share::4] or queued[:1]:
                    runner.run(pk)
        except BaseException as problem:
            problems.append(problem)
        finally:
            connection.close()

    workers = [threading.Thread(target=work, args=(share,)) for share in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    run_all()
    recovery.recover()
    assert not problems
    assert all(told == real for told, real in exact())
    assert fresh(root).failed_descendants == 48


def test_a_stopped_child_has_not_failed_and_a_retry_leaves_the_failure(
    tmp_path: Path, divide: Any, admin_user: User
) -> None:
    root = begin(publish(tmp_path, "tasks", TASKS, TASKS_VARIABLES), Times=2)
    runner.run(root.pk)
    one, other = Execution.objects.filter(parent=root)
    assert run_command("stop", CommandRequest(one, admin_user, ACTOR)).done
    runner.run(other.pk)
    assert fresh(root).failed_descendants == 1
    assert run_command("retry", CommandRequest(fresh(other), admin_user, ACTOR)).done
    run_all()
    recovery.recover()
    assert fresh(root).failed_descendants == 1


def test_the_grid_shows_how_many_failed_below(admin_user: User, admin_client: Client) -> None:
    root = make_execution(admin_user, child_count=3, failed_descendants=2, status=Status.ENDED)
    html = admin_client.get("/").content.decode()
    assert "2 executions below it failed" in html
    assert f"root={root.pk}&amp;is=failed&amp;is=child" in html
    make_execution(admin_user, parent=root, status=Status.ERROR, error_type="E")
    make_execution(admin_user, parent=root, status=Status.ENDED, unhandled=True, error_type="E")
    address = QueryDict(f"root={root.pk}&is=failed&is=child")
    assert Execution.objects.filter(Filters.parse(address).condition()).count() == 2
    counts = admin_client.get(f"/executions/{root.pk}/children/counts/").content.decode()
    assert "1 Ended · unhandled exception" in counts
    assert "1 Error" in counts


def test_completion_and_the_filter_bar_know_the_filters(admin_client: Client) -> None:
    for typed, wanted in (
        ("is:un", "unhandled"),
        ("is:fail", "failed"),
        ("has:f", "failed-children"),
    ):
        told = admin_client.get("/executions/complete/", {"q": typed, "caret": len(typed)})
        assert wanted in told.content.decode()
    editor = admin_client.get("/?edit=has").content.decode()
    assert "failed-children" in editor
    assert "failed-children" in admin_client.get("/?has=failed-children").content.decode()


def test_words_and_icons() -> None:
    assert appearance.label("Ended", unhandled=True) == "Ended · unhandled exception"
    assert appearance.icon_name("Ended", unhandled=True) == "ended-unhandled"
    assert block_counts.ERROR_HOURS == 24


# What happened before -------------------------------------------------------------------------


def test_what_happened_before_is_derived_from_what_was_kept(
    tmp_path: Path, divide: Any, admin_user: User
) -> None:
    """The migration brings rows to what they would be, had they run since."""
    publish(tmp_path, "middle", MIDDLE)
    root = begin(publish(tmp_path, "tasks", TASKS, TASKS_VARIABLES), Times=2, Below="middle")
    drive(begin(publish(tmp_path, "caught", CAUGHT, DIVIDE_VARIABLES)).pk)
    broken = begin(divide, paused=True)
    runner.run(broken.pk)
    assert run_command(
        "break-on-exception", CommandRequest(fresh(broken), admin_user, ACTOR, {"on": "1"})
    ).done
    assert run_command("continue", CommandRequest(fresh(broken), admin_user, ACTOR)).done
    run_all()
    drive(root.pk)
    columns = ("pk", "unhandled", "error_type", "exception_types", "failed_descendants")
    wanted = set(Execution.objects.values_list(*columns))
    assert fresh(root).failed_descendants == 4
    rows = Execution.objects.exclude(status=Status.ERROR)
    rows.update(error_type="", error_message="")
    Execution.objects.update(unhandled=False, exception_types="", failed_descendants=0)
    derived = import_module("executions.migrations.0022_failures").DERIVED
    with connection.cursor() as cursor:
        cursor.execute(derived)
    assert set(Execution.objects.values_list(*columns)) == wanted
    assert fresh(broken).error_message
