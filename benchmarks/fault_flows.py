"""The flows that are disturbed, and what must come of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.flows_in_tests import (
    LOOP,
    LOOP_VARIABLES,
    PARENT,
    PARENT_VARIABLES,
    SQUARE,
    SQUARE_VARIABLES,
    WAIT,
    WAIT_VARIABLES,
)

#: Appends a line for each I, which must not be done twice; notes where it may not be done at all.
ONCE = """
a: {type: Start Flow, bottom: l}
l:
  type: For Loop
  properties: {Start Index: 1, End Index: 5, Current Index: ($)I}
  right: write
  bottom: e
write:
  type: Write All Text
  properties: {File Path: =Path, Text: '=string(I) + ";"', Overwrite: false}
  bottom: l
  exception: h
h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: note}
note:
  type: Add Item At End
  properties: {List: ($)Noted, Item: '=string(I) + Problem.Message'}
  bottom: l
e: {type: End Flow}
"""
ONCE_VARIABLES = (
    "{Path: {input: true}, I: {default: 0}, Problem: {}, Noted: {default: [], output: true}}"
)

#: Writes and reads what may be done again.
AGAIN = """
a: {type: Start Flow, bottom: l}
l:
  type: For Loop
  properties: {Start Index: 1, End Index: 5, Current Index: ($)I}
  right: write
  bottom: e
write:
  type: Write All Text
  properties: {File Path: =Path, Text: '=Text + string(I)', Overwrite: true}
  bottom: read
read: {type: Read All Text, properties: {File Path: =Path, Text: ($)Text}, bottom: l}
e: {type: End Flow}
"""
AGAIN_VARIABLES = '{Path: {input: true}, I: {default: 0}, Text: {default: "", output: true}}'

#: Enters and leaves, one at a time, what all of them share: an effect that is not done twice at
#: each door. One that cannot know whether it has entered goes away again.
GATE = """
a: {type: Start Flow, bottom: w}
w:
  type: Workspace
  properties: {Semaphore: {Name: gate, ConcurrencyLimit: 1, Queue: {Priority: 0}}}
  blocks:
    s: {type: Start Workspace, bottom: in}
    in:
      type: Write All Text
      properties: {File Path: gate, Text: "='+' + Me + ';'", Overwrite: false}
      bottom: wait
      exception: h
    wait: {type: Wait For Duration, properties: {Duration: {Milliseconds: 20}}, bottom: out}
    out:
      type: Write All Text
      properties: {File Path: gate, Text: "='-' + Me + ';'", Overwrite: false}
      bottom: x
      exception: h
    h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: x}
    x: {type: End Workspace}
  bottom: e
e: {type: End Flow}
"""
GATE_VARIABLES = "{Me: {input: true}, Problem: {output: true}}"

#: Starts a task for each of Ns, and waits for all of them.
TASKS = """
a: {type: Start Flow, bottom: l}
l:
  type: For Each Loop
  properties: {Collection: =Ns, Current Iteration: ($)It}
  right: run
  bottom: all
run:
  type: Run Flow Async
  properties: {Flow: square, Inputs: {N: =It.Value}, Execution Task: ($)Task}
  bottom: add
add: {type: Add Item At End, properties: {List: ($)Tasks, Item: ($)Task}, bottom: l}
all:
  type: Wait For All Tasks
  properties: {Tasks: ($)Tasks, Results: ($)Results}
  bottom: e
  exception: h
h:
  type: Handle Block Exception
  properties: {Exception: ($)Problem}
  bottom: seen
seen:
  type: Set Variable
  properties: {Value: "=Tasks.map(t, t.Status)", Variable: ($)Results}
  bottom: e
e: {type: End Flow}
"""
TASKS_VARIABLES = """
Ns: {input: true}
It: {}
Task: {}
Tasks: {default: []}
Results: {output: true}
Problem: {output: true}
"""

#: Starts a task that takes an hour, and cancels it.
CANCEL = """
a: {type: Start Flow, bottom: run}
run:
  type: Run Flow Async
  properties: {Flow: wait, Inputs: {Seconds: 3600}, Execution Task: ($)Task}
  bottom: cancel
cancel: {type: Cancel Task, properties: {Task: ($)Task}, bottom: seen}
seen:
  type: Set Variable
  properties: {Value: =Task.Status, Variable: ($)Seen}
  bottom: e
e: {type: End Flow}
"""
CANCEL_VARIABLES = "{Task: {}, Seen: {output: true}}"

#: Runs `wait` for Seconds, at most for Limit.
TIMEOUT = """
a: {type: Start Flow, bottom: run}
run:
  type: Run Flow
  properties:
    Flow: wait
    Inputs: {Seconds: =Seconds}
    Outputs: ($)Result
    Block Timeout: {Seconds: =Limit}
  bottom: e
  exception: h
h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: e}
e: {type: End Flow}
"""
TIMEOUT_VARIABLES = """
Seconds: {input: true}
Limit: {input: true}
Result: {output: true}
Problem: {output: true}
"""

FLOWS: dict[str, tuple[str, str]] = {
    "square": (SQUARE, SQUARE_VARIABLES),
    "loop": (LOOP, LOOP_VARIABLES),
    "once": (ONCE, ONCE_VARIABLES),
    "again": (AGAIN, AGAIN_VARIABLES),
    "parent": (PARENT, PARENT_VARIABLES),
    "wait": (WAIT, WAIT_VARIABLES),
    "gate": (GATE, GATE_VARIABLES),
    "tasks": (TASKS, TASKS_VARIABLES),
    "cancel": (CANCEL, CANCEL_VARIABLES),
    "timeout": (TIMEOUT, TIMEOUT_VARIABLES),
}

#: What is wrong with the outputs, and with the files.
Check = Callable[[int, Any, Path], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Case:
    """A flow with inputs, the status in which it ends, how many children it has had, and what
    must hold then."""

    flow: str
    inputs: Callable[[int], dict[str, Any]]
    wrong: Check
    status: str = "Ended"
    children: int = 0


def _equals(expected: Callable[[int], Any]) -> Check:
    def check(number: int, outputs: Any, files: Path) -> Iterator[str]:
        if outputs != expected(number):
            yield f"{str(outputs)[:200]} instead of {str(expected(number))[:200]}"

    return check


def _once(number: int, outputs: Any, files: Path) -> Iterator[str]:
    path = files / f"once-{number}"
    done = path.read_text().split(";")[:-1] if path.exists() else []
    if len(done) != len(set(done)):
        yield f"done twice: {done}"
    noted = {line[0] for line in outputs["Noted"]}
    if not all("which must not be done twice" in line for line in outputs["Noted"]):
        yield f"noted {outputs['Noted']}"
    if missing := {str(i) for i in range(1, 6)} - set(done) - noted:
        yield f"not done, and nobody was told: {missing}"


def _failed(number: int, outputs: Any, files: Path) -> Iterator[str]:
    if outputs["Problem"] is None or outputs["Problem"].message != "negative":
        yield f"Problem is {outputs['Problem']}"


def _gate(number: int, outputs: Any, files: Path) -> Iterator[str]:
    """Whoever has both entered and left was alone in between."""
    path = files / "gate"
    lines = path.read_text().split(";")[:-1] if path.exists() else []
    mine = [line for line in lines if line[1:] == str(number)]
    if outputs["Problem"] is not None:
        # Where it was interrupted, its line may come at any time, once, or never.
        if outputs["Problem"].short_type != "BlockInterruptedException":
            yield f"Problem is {outputs['Problem']}"
    elif mine != [f"+{number}", f"-{number}"]:
        yield f"went through the gate like this: {mine}"
    if len(mine) != len(set(mine)):
        yield f"done twice: {mine}"
    elif len(mine) == 2:
        inside = lines[lines.index(mine[0]) + 1 : lines.index(mine[1])]
        others = {line for line in inside if line[0] == "+" and f"-{line[1:]}" in lines}
        if others:
            yield f"was not alone: {others}"


def _aggregate(number: int, outputs: Any, files: Path) -> Iterator[str]:
    problem, states = outputs["Problem"], outputs["Results"]
    if problem is None or list(problem.extra["TaskExceptions"]) != [1]:
        yield f"Problem is {problem}"
    if states != ["RanToCompletion", "Faulted", "RanToCompletion"]:
        yield f"tasks are {states}"


def _timed_out(number: int, outputs: Any, files: Path) -> Iterator[str]:
    if outputs["Problem"] is None or outputs["Problem"].short_type != "BlockTimeoutException":
        yield f"Problem is {outputs['Problem']}"


CASES = (
    Case("loop", lambda n: {"Last": 400 + n}, _equals(lambda n: {"Seen": list(range(1, n + 401))})),
    Case("once", lambda n: {"Path": f"once-{n}"}, _once),
    Case("again", lambda n: {"Path": f"again-{n}"}, _equals(lambda n: {"Text": "12345"})),
    Case(
        "parent",
        lambda n: {"N": n},
        _equals(lambda n: {"Result": {"Square": n * n}, "Problem": None}),
        children=1,
    ),
    Case("parent", lambda n: {"N": -1 - n}, _failed, children=1),
    Case("wait", lambda n: {"Seconds": (n % 7) * 0.3}, _equals(lambda n: {"Woke": 7})),
    Case("gate", lambda n: {"Me": str(n)}, _gate),
    Case(
        "tasks",
        lambda n: {"Ns": [n, n + 1, n + 2, n + 3]},
        _equals(
            lambda n: {"Results": [{"Square": (n + i) ** 2} for i in range(4)], "Problem": None}
        ),
        children=4,
    ),
    Case("tasks", lambda n: {"Ns": [n, -1, n]}, _aggregate, children=3),
    Case("cancel", lambda n: {}, _equals(lambda n: {"Seen": "Cancelled"}), children=1),
    Case("timeout", lambda n: {"Seconds": 3600, "Limit": 0.3}, _timed_out, children=1),
    Case(
        "timeout",
        lambda n: {"Seconds": 0.1, "Limit": 3600},
        _equals(lambda n: {"Result": {"Woke": 7}, "Problem": None}),
        children=1,
    ),
)
