"""Flows that run away meet a limit with a name; those that would take their worker along are ended.

The last tests have real workers: their processes are killed by the kernel, and others go on.
"""

import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis

from executions import limits, processes, recovery, runner
from executions.engine import overruns, sizes
from executions.models import ExceptionRecord, Execution
from executions.states import Status
from executions.store.lifecycle.claims import claim
from flows.blocks.errors import unexpected
from flows.models import FlowVersion
from tests.driving import begin, drive, expire_leases, fresh, outputs
from tests.flows_in_memory import Run
from tests.flows_in_tests import LOOP, LOOP_VARIABLES, SQUARE, SQUARE_VARIABLES, publish
from tests.servers import PROJECT, Process, celery_beat, celery_worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

#: Handles whatever it throws, and goes round again.
ENDLESS = """
a: {type: Start Flow, bottom: s}
s: {type: Set Variable, properties: {Value: =N + 1, Variable: ($)N}, bottom: s, exception: h}
h: {type: Handle Block Exception, bottom: s}
"""
#: Doubles a text for ever; handles the exception.
DOUBLING = """
a: {type: Start Flow, bottom: s}
s:
  type: Set Variable
  properties: {Value: =Text + Text, Variable: ($)Text}
  bottom: s
  exception: h
h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: l}
l: {type: Set Variable, properties: {Value: =size(Text), Variable: ($)Length}, bottom: e}
e: {type: End Flow}
"""
DOUBLING_VARIABLES = (
    "{Text: {default: TEN LETTER}, Length: {output: true}, Problem: {output: true}}"
)
#: More than a thousand million comparisons in native code: a quarter of a minute or more.
HANGING = """
a: {type: Start Flow, bottom: f}
f:
  type: For Loop
  properties: {Start Index: 1, End Index: 9000, Current Index: ($)I}
  right: add
  bottom: join
add: {type: Add Item At End, properties: {List: ($)L, Item: =I}, bottom: f}
join: {type: Set Variable, properties: {Value: =L + L + L + L, Variable: ($)M}, bottom: more}
more: {type: Set Variable, properties: {Value: =M + M + M + M, Variable: ($)M}, bottom: hang}
hang:
  type: Set Variable
  properties: {Value: "=L.all(a, !((a - 99999) in M))", Variable: ($)N}
  bottom: e
  exception: h
h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: e}
e: {type: End Flow}
"""
HANGING_VARIABLES = (
    "{I: {default: 0}, L: {default: []}, M: {default: []}, N: {}, Problem: {output: true}}"
)


@pytest.fixture
def square(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)


def test_a_loop_that_never_ends_ends_in_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be handled, also not by a handler that leads back into the loop."""
    monkeypatch.setattr(runner, "MAX_BLOCKS", 5_000)
    monkeypatch.setattr(overruns, "MAX_BLOCKS", 5_000)
    execution = begin(publish(tmp_path, "endless", ENDLESS, "{N: {default: 0}}"))
    ended = drive(execution.pk)
    assert (ended.status, ended.error_type) == (Status.ERROR, "TooManyBlocksException")
    assert (ended.step_count, ended.block) == (5_000, "s")
    assert "5,000 blocks" in ended.error_message
    assert ExceptionRecord.objects.get(execution=ended).type.endswith("TooManyBlocksException")


def test_an_execution_starts_so_many_children_and_no_more(
    square: FlowVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("executions.children.MAX_CHILDREN", 3)
    blocks = """
    a: {type: Start Flow, bottom: run}
    run:
      type: Run Flow Async
      properties: {Flow: square, Inputs: {N: 1}, Execution Task: ($)T}
      bottom: run
      exception: h
    h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: e}
    e: {type: End Flow}
    """
    flow = publish(tmp_path, "many", blocks, "{T: {}, Problem: {output: true}}")
    execution = begin(flow)
    assert drive(execution.pk).child_count == 3
    assert outputs(execution)["Problem"].short_type == "TooManyChildrenException"
    assert Execution.objects.filter(parent=execution).count() == 3


# Variables -----------------------------------------------------------------------------------


@pytest.fixture
def small_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "MAX_VARIABLE_BYTES", 10_000)
    monkeypatch.setattr(sizes, "MAX_VARIABLES_BYTES", 25_000)


def one(properties: str, variables: str, block: str = "Set Variable") -> Run:
    """A block that is visited until it throws."""
    text = f"""
    a: {{type: Start Flow, bottom: s}}
    s: {{type: {block}, properties: {{{properties}}}, bottom: s, exception: h}}
    h: {{type: Handle Block Exception, properties: {{Exception: ($)Problem}}, bottom: e}}
    e: {{type: End Flow}}
    """
    return Run(text, f"{{Problem: {{output: true}}, {variables}}}")


@pytest.mark.parametrize(
    ("properties", "variables", "block", "last"),
    [
        ("Value: =V + V, Variable: ($)V", "V: {output: true, default: xy}", "Set Variable", 8_192),
        ("Value: =V + V, Variable: ($)V", "V: {output: true, default: [1]}", "Set Variable", 512),
        ("List: ($)V, Item: =V", "V: {output: true, default: [1]}", "Add Item At End", 10),
        ("List: ($)V, Item: 12345678", "V: {output: true, default: []}", "Add Item At End", 555),
    ],
)
@pytest.mark.usefixtures("small_variables")
def test_a_variable_that_grows_keeps_what_it_held(
    properties: str, variables: str, block: str, last: int
) -> None:
    run = one(properties, variables, block)
    outputs = run.outputs()
    assert outputs["Problem"].short_type == "VariableTooLargeException"
    assert len(outputs["V"]) == last


@pytest.mark.usefixtures("small_variables")
def test_a_part_that_grows_keeps_what_it_held() -> None:
    run = one("Value: =V.a + V.a, Variable: ($)V.a", "V: {output: true, default: {a: xy, b: 1}}")
    outputs = run.outputs()
    assert outputs["Problem"].short_type == "VariableTooLargeException"
    assert len(outputs["V"]["a"]) == 8_192
    run = one(
        "List: ($)V.a, Item: 12345678", "V: {output: true, default: {a: []}}", "Add Item At End"
    )
    outputs = run.outputs()
    assert outputs["Problem"].short_type == "VariableTooLargeException"
    assert len(outputs["V"]["a"]) == 555


@pytest.mark.usefixtures("small_variables")
def test_a_part_may_be_replaced_as_often_as_one_likes() -> None:
    """What it held before does not count any more."""
    text = """
    a: {type: Start Flow, bottom: l}
    l:
      type: For Loop
      properties: {Start Index: 1, End Index: 50, Current Index: ($)I}
      right: s
      bottom: e
    s: {type: Set Variable, properties: {Value: =Text, Variable: ($)V.a}, bottom: l}
    e: {type: End Flow}
    """
    variables = f"I: {{default: 0}}, V: {{default: {{a: x}}}}, Text: {{default: {'x' * 6_000}}}"
    run = Run(text, f"{{{variables}}}")
    run.outputs()
    assert run.thrown == []


@pytest.mark.usefixtures("small_variables")
def test_all_variables_together_have_a_limit() -> None:
    text = """
    a: {type: Start Flow, bottom: x}
    x: {type: Set Variable, properties: {Value: =Text, Variable: ($)X}, bottom: y}
    y: {type: Set Variable, properties: {Value: =Text, Variable: ($)Y}, bottom: z}
    z: {type: Set Variable, properties: {Value: =Text, Variable: ($)Z}, bottom: e}
    e: {type: End Flow}
    """
    run = Run(text, f"{{Text: {{default: {'x' * 8_000}}}, X: {{}}, Y: {{}}, Z: {{}}}}")
    run.go()
    assert [
        (e.short_type, "together" in e.message or "With" in e.message) for e in run.exceptions
    ] == [("VariableTooLargeException", True)]
    assert run.path[-1] == "z"


@pytest.mark.usefixtures("small_variables")
def test_what_is_loaded_counts_too(tmp_path: Path) -> None:
    text = "a: {type: Start Flow, bottom: w}\nw: {type: Wait For Duration, properties: {Duration: {Milliseconds: 1}}, bottom: e}\ne: {type: End Flow}"  # noqa: E501
    flow = publish(
        tmp_path, "kept", text, f"{{V: {{default: {'x' * 2_000}}}, W: {{default: [1]}}}}"
    )
    execution = begin(flow)
    runner.run(execution.pk)
    while fresh(execution).status != Status.QUEUED:
        recovery.recover()
        time.sleep(0.01)
    claimed = claim(execution.pk, "someone")
    assert claimed is not None
    assert claimed.frames[0].sizes == {"v": (2_002, 0)}


def test_too_many_iterations_of_an_expression_say_so() -> None:
    run = one('Value: "=L.map(a, a)", Variable: ($)V', f"V: {{}}, L: {{default: {[0] * 10_000}}}")
    problem = run.outputs()["Problem"]
    assert problem.short_type == "InvalidPropertyValueException"
    assert "it needs 10,000 iterations or more" in problem.message


def test_a_block_without_memory_says_so() -> None:
    assert unexpected(MemoryError()).short_type == "OutOfMemoryException"


# Deaths of workers ---------------------------------------------------------------------------


def die(execution: Execution, *, late: bool = False) -> None:
    """A worker claims it and dies at once, as its main process tells."""
    assert claim(execution.pk, "host:1:ab:the-task") is not None
    recovery.reclaim(execution.pk, "another-task", killed_by_alarm=late)
    assert fresh(execution).status == Status.RUNNING
    recovery.reclaim(execution.pk, "the-task", killed_by_alarm=late)
    assert fresh(execution).status == Status.QUEUED


def test_a_block_at_which_worker_after_worker_dies_throws(tmp_path: Path) -> None:
    flow = publish(tmp_path, "doubling", DOUBLING.replace("bottom: s\n  exc", "bottom: l\n  exc"),
                   DOUBLING_VARIABLES)  # fmt: skip
    execution = begin(flow)
    for _ in range(limits.MAX_WORKER_DEATHS):
        die(execution)
    ended = drive(execution.pk)
    assert ended.status == Status.ENDED
    thrown = ExceptionRecord.objects.get(execution=ended)
    assert (thrown.type.rpartition(".")[2], thrown.block) == ("WorkerLostException", "a")


def test_a_few_deaths_change_nothing(tmp_path: Path) -> None:
    """By lease or by report: it goes on, a block at a time until the batch is passed."""
    execution = begin(publish(tmp_path, "loop", LOOP, LOOP_VARIABLES), Last=5)
    die(execution)
    claim(execution.pk, "someone")
    expire_leases()
    recovery.recover()
    die(execution)
    revision = fresh(execution).revision
    assert drive(execution.pk).status == Status.ENDED
    assert outputs(execution) == {"Seen": [1, 2, 3, 4, 5]}
    assert execution.step_count == 13
    assert fresh(execution).revision > revision + 13
    assert fresh(execution).state == {}


def test_the_alarm_is_for_processes_of_a_pool_only() -> None:
    processes.limit_process()  # as a solo pool does, in the worker's main process
    with processes.alarm(0.001):
        time.sleep(0.05)
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@pytest.fixture
def quick_worker(
    redis: Redis, product_environment: dict[str, str], tmp_path: Path
) -> Iterator[Process]:
    """One process, quick to lose patience, with little memory; and a scheduler."""
    quick = {"BLOCK_SECONDS": "1", "EFFECT_SECONDS": "1", "WORKER_MEMORY_BYTES": "400000000"}
    quick["HTTP_PRIVATE_ADDRESSES"] = "127.0.0.0/8"
    environment = {**product_environment, **quick}
    process = celery_worker(tmp_path / "worker.log", environment, concurrency=1)
    scheduler = celery_beat(tmp_path / "beat.log", environment, tmp_path)
    yield process
    process.stop(signal.SIGQUIT)
    scheduler.stop()
    print(process.output)


def ends(process: Process, *executions: Execution, seconds: float = 40) -> None:
    process.wait_until(
        lambda: all(Status(fresh(each).status).is_terminal for each in executions), seconds
    )


def test_an_expression_that_hangs_is_ended_and_others_go_on(
    quick_worker: Process, square: FlowVersion, tmp_path: Path
) -> None:
    hanging = begin(publish(tmp_path, "hanging", HANGING, HANGING_VARIABLES))
    others = [begin(square, N=n) for n in range(5)]
    ends(quick_worker, hanging, *others)
    assert [outputs(each) for each in others] == [{"Square": n * n} for n in range(5)]
    assert fresh(hanging).status == Status.ENDED
    problem = outputs(hanging)["Problem"]
    assert problem.short_type == "BlockTimeoutException"
    assert problem.extra["BlockId"] == "hang"
    assert quick_worker.output.count("SIGALRM") >= 2
    after = begin(square, N=7)
    ends(quick_worker, after)
    assert outputs(after) == {"Square": 49}


def test_an_effect_that_hangs_is_ended(quick_worker: Process, tmp_path: Path) -> None:
    """A server that takes the request and never answers; what must not be done twice is not."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"http://127.0.0.1:{server.getsockname()[1]}/"
        text = f"""
        a: {{type: Start Flow, bottom: r}}
        r:
          type: Execute Http Request
          properties:
            Http Request: {{Verb: POST, Uri: "{uri}", Body: x}}
          bottom: e
          exception: h
        h: {{type: Handle Block Exception, properties: {{Exception: ($)Problem}}, bottom: e}}
        e: {{type: End Flow}}
        """
        execution = begin(publish(tmp_path, "silence", text, "{Problem: {output: true}}"))
        ends(quick_worker, execution)
    assert outputs(execution)["Problem"].short_type == "BlockTimeoutException"
    assert quick_worker.output.count("exited with 'signal 14 (SIGALRM)'") == 1


def test_a_text_that_doubles_takes_no_memory_to_speak_of(
    quick_worker: Process, tmp_path: Path
) -> None:
    execution = begin(publish(tmp_path, "doubling", DOUBLING, DOUBLING_VARIABLES))
    most = 0

    def seen() -> bool:
        nonlocal most
        for child in psutil.Process(quick_worker.pid).children():
            most = max(most, child.memory_info().rss)
        return Status(fresh(execution).status).is_terminal

    quick_worker.wait_until(seen)
    given = outputs(execution)
    assert given["Problem"].short_type == "VariableTooLargeException"
    assert limits.MAX_VARIABLE_BYTES / 2 <= given["Length"] < limits.MAX_VARIABLE_BYTES
    assert most < 400_000_000
    assert "SIGALRM" not in quick_worker.output


def test_an_expression_that_takes_all_memory_ends_no_worker_for_good(
    quick_worker: Process, square: FlowVersion, tmp_path: Path
) -> None:
    blocks = DOUBLING.replace("=Text + Text", '"=L.map(i, Text + Text + Text)"')
    variables = f"{{L: {{default: {list(range(9_000))}}}, {DOUBLING_VARIABLES[1:]}"
    variables = variables.replace("TEN LETTER", "x" * 100_000)
    execution = begin(publish(tmp_path, "hungry", blocks, variables))
    other = begin(square, N=3)
    ends(quick_worker, execution, other)
    assert outputs(other) == {"Square": 9}
    assert outputs(execution)["Problem"].short_type in (
        "OutOfMemoryException", "WorkerLostException", "BlockTimeoutException"
    )  # fmt: skip


# The table -----------------------------------------------------------------------------------


def test_the_table_of_limits_is_the_limits() -> None:
    text = (PROJECT / "docs" / "engine.md").read_text().partition("\n## Limits\n")[2]
    rows = re.findall(
        r"^\| `([A-Z_]+)` \| ([\d,.]+)[^|]* \| [^|]+ \|$", text.partition("\n## ")[0], re.M
    )
    values = {name: getattr(limits, name) for name in vars(limits) if name.isupper()}
    assert {name: float(value.replace(",", "")) for name, value in rows} == values
    assert [name for name, _ in rows] == list(values)
