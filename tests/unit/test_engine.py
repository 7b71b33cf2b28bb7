"""The interpreter runs small example flows: tokens, scopes, loops, exceptions."""

from typing import Any

import pytest

from executions.engine.state import (
    Failed,
    Finished,
    Perform,
    Performed,
    Resumed,
    Yielded,
)
from flows.blocks.base import RunChild, WaitUntil
from tests.flows_in_memory import Run


def test_an_execution_begins_at_start_flow_and_ends_at_end_flow() -> None:
    """Semantics 1, 2, 13."""
    run = Run("{a: {type: Start Flow, bottom: b}, b: {type: End Flow}}")
    assert run.outputs() == {}
    assert run.path == ["a", "b"]


def test_an_unconnected_port_throws() -> None:
    """Semantics 6, and 43/44: without a handler the flow just ends."""
    run = Run("{a: {type: Start Flow}}")
    assert isinstance(run.go(), Finished)
    assert run.thrown == ["OutputPortNotConnectedException"]


@pytest.mark.parametrize(
    ("block", "value", "port"),
    [
        ("If True Exit Right", "=true", "right"),
        ("If True Exit Right", "=false", "bottom"),
        ("If True Exit Bottom", "=true", "bottom"),
        ("If Null Exit Right", "=null", "right"),
        ("If Null Exit Right", "text", "bottom"),
        ("If Null Exit Bottom", "=null", "bottom"),
    ],
)
def test_decisions_leave_by_their_ports(block: str, value: str, port: str) -> None:
    """Semantics 7."""
    run = Run(
        f"""
        a: {{type: Start Flow, bottom: if}}
        if: {{type: {block}, properties: {{Value: "{value}"}}, bottom: bottom, right: right}}
        bottom: {{type: End Flow}}
        right: {{type: End Flow}}
        """
    )
    run.go()
    assert run.path[-1] == port


def test_if_null_of_a_number_throws_to_the_workspace() -> None:
    """Semantics 4, 8: a decision has no exception port."""
    run = Run(
        """
        a: {type: Start Flow, bottom: w}
        w:
          type: Workspace
          blocks:
            s: {type: Start Workspace, bottom: if}
            if: {type: If Null Exit Right, properties: {Value: =1}, bottom: e, right: e}
            h: {type: Handle Workspace Exception, bottom: e}
            e: {type: End Workspace}
          bottom: end
        end: {type: End Flow}
        """
    )
    run.go()
    assert run.thrown == ["PropertyNotNullableException"]
    assert run.path[-3:] == ["w/h", "w/e", "end"]


NESTED = """
a: {type: Start Flow, bottom: w}
w:
  type: Workspace
  variables: {Inner: {default: 1}, Name: {default: inner}}
  blocks:
    s: {type: Start Workspace, bottom: set}
    set: {type: Set Variable, properties: {Value: "=Inner + 1", Variable: ($)Inner}, bottom: out}
    out: {type: Add Item At End, properties: {List: ($)Seen, Item: "=[Inner, NAME]"}, bottom: e}
    e: {type: End Workspace}
  bottom: again
again: {type: If True Exit Right, properties: {Value: "=size(Seen) < 2"}, right: w, bottom: end}
end: {type: End Flow}
"""


def test_a_workspace_is_a_scope_that_begins_anew() -> None:
    """Semantics 11, 12, 15 to 18, 21: closest scope, any letter case, defaults at each entry."""
    run = Run(NESTED, "{Seen: {default: [], output: true}, name: {default: outer, output: true}}")
    assert run.outputs() == {"Seen": [[2, "inner"], [2, "inner"]], "name": "outer"}
    assert len(run.interpreter.frames) == 1


def test_inputs_win_over_defaults_and_nested_flags_are_ignored() -> None:
    """Semantics 25, 28."""
    blocks = "{a: {type: Start Flow, bottom: b}, b: {type: End Flow}}"
    variables = "{A: {default: 1, input: true, output: true}, B: {output: true}}"
    assert Run(blocks, variables, a=5).outputs() == {"A": 5, "B": None}
    assert Run(blocks, variables).outputs() == {"A": 1, "B": None}


def test_variables_own_their_values() -> None:
    """Design: assigning copies."""
    run = Run(
        """
        a: {type: Start Flow, bottom: copy}
        copy: {type: Set Variable, properties: {Value: =A, Variable: ($)B}, bottom: add}
        add: {type: Add Item At End, properties: {List: ($)B, Item: =B}, bottom: add2}
        add2: {type: Add Item At End, properties: {List: ($)B, Item: 9}, bottom: e}
        e: {type: End Flow}
        """,
        "{A: {default: [1], output: true}, B: {output: true}}",
    )
    assert run.outputs() == {"A": [1], "B": [1, [1], 9]}


def test_reading_what_is_not_initialised_throws() -> None:
    """Semantics 23, 52."""
    run = Run(
        """
        a: {type: Start Flow, bottom: s}
        s: {type: Set Variable, properties: {Value: =Missing, Variable: ($)X}, exception: h}
        h: {type: Handle Block Exception, properties: {Exception: ($)X}, bottom: e}
        e: {type: End Flow}
        """,
        "{X: {output: true}, Missing: {}}",
    )
    caught = run.outputs()["X"]
    assert caught.short_type == "InvalidPropertyValueException"
    assert caught.extra == {"PropertyId": "Value"}


def for_loop(start: int, end: int, increment: int) -> Run:
    return Run(
        f"""
        a: {{type: Start Flow, bottom: l}}
        l:
          type: For Loop
          properties: {{Start Index: {start}, End Index: {end}, Increment: {increment},
            Current Index: ($)I}}
          right: add
          bottom: e
        add: {{type: Add Item At End, properties: {{List: ($)Seen, Item: =I}}, bottom: l}}
        e: {{type: End Flow}}
        """,
        "{I: {default: 0, output: true}, Seen: {default: [], output: true}}",
    )


@pytest.mark.parametrize(
    ("start", "end", "increment", "seen"),
    [(0, 1, 1, [0, 1]), (20, 10, -5, [20, 15, 10]), (3, 3, 1, [3]), (0, 5, 4, [0, 4])],
)
def test_for_loop_includes_both_ends_and_resets(
    start: int, end: int, increment: int, seen: list[int]
) -> None:
    """Semantics 54, 55."""
    assert for_loop(start, end, increment).outputs() == {"I": 0, "Seen": seen}


@pytest.mark.parametrize(
    ("start", "end", "increment", "code"), [(2, 0, 0, 100), (2, 0, 1, 102), (0, 2, -1, 101)]
)
def test_for_loop_refuses_to_run_for_ever(start: int, end: int, increment: int, code: int) -> None:
    """Semantics 56."""
    run = for_loop(start, end, increment)
    run.go()
    (thrown,) = run.interpreter.progress.thrown
    assert (
        thrown.exception.short_type,
        thrown.exception.category,
        thrown.exception.error_code,
    ) == (
        "InfiniteLoopException",
        "Increment",
        code,
    )


@pytest.mark.parametrize(
    ("collection", "seen"),
    [
        ("[x, y]", [{"Index": 0, "Value": "x"}, {"Index": 1, "Value": "y"}]),
        ("{k: 1}", [{"Index": 0, "Value": {"Key": "k", "Value": 1}}]),
        ("[]", []),
        ("{}", []),
    ],
)
def test_for_each_gives_index_and_value(collection: str, seen: list[Any]) -> None:
    """Semantics 58 to 60: what the body does to the collection does not change the loop."""
    run = Run(
        """
        a: {type: Start Flow, bottom: l}
        l:
          type: For Each Loop
          properties: {Collection: =Items, Current Iteration: ($)It}
          right: add
          bottom: e
        add: {type: Add Item At End, properties: {List: ($)Seen, Item: =It}, bottom: clear}
        clear: {type: Set Variable, properties: {Value: [], Variable: ($)Items}, bottom: l}
        e: {type: End Flow}
        """,
        f"{{Items: {{default: {collection}}}, It: {{output: true}}, "
        "Seen: {default: [], output: true}}",
    )
    assert run.outputs() == {"It": {}, "Seen": seen}
    assert run.interpreter.frames[0].variables.keys() == {"items", "it", "seen"}


def test_a_workspace_handler_takes_the_first_exception_only() -> None:
    """Semantics 38 to 40: the second leaves by the Workspace block's red port."""
    run = Run(
        """
        a: {type: Start Flow, bottom: w}
        w:
          type: Workspace
          blocks:
            s: {type: Start Workspace, bottom: t}
            t: {type: Throw New Flow Exception, properties: {Message: first}}
            h: {type: Handle Workspace Exception, properties: {Exception: ($)E}, bottom: t2}
            t2: {type: Rethrow Exception, properties: {Exception: =E}}
          exception: outer
        outer: {type: Handle Block Exception, properties: {Exception: ($)E}, bottom: e}
        e: {type: End Flow}
        """,
        "{E: {output: true}}",
    )
    assert run.outputs()["E"].message == "first"
    assert run.path == ["a", "w", "w/s", "w/t", "w/h", "w/t2", "outer", "e"]
    assert run.interpreter.progress.handled == {4: "w/h", 6: "outer"}


FLOW_HANDLER = """
a: {type: Start Flow, bottom: w}
w:
  type: Workspace
  variables: {Inner: {default: 1}}
  blocks:
    s: {type: Start Workspace, bottom: t}
    t: {type: Throw New Flow Exception, properties: {Message: boom, Error Code: 7}}
h:
  type: Handle Flow Exception
  properties: {Exception: ($)Caught}
  variables: {Caught: {}}
  blocks:
    s: {type: Start Workspace, bottom: keep}
    keep:
      type: Set Variable
      properties: {Value: =Caught.Message, Variable: ($)Result}
      bottom: %s
    e: {type: End Flow}
    w: {type: End Workspace}
    t: {type: Rethrow Exception, properties: {Exception: =Caught}}
"""


@pytest.mark.parametrize("end", ["e", "w"])
def test_the_flow_handler_ends_the_flow_normally(end: str) -> None:
    """Semantics 42, 43, 46 (End Workspace there ends the flow as End Flow does)."""
    run = Run(FLOW_HANDLER % end, "{Result: {output: true}}")
    assert run.outputs() == {"Result": "boom"}


def test_an_exception_that_leaves_the_flow_handler_is_an_error() -> None:
    """Semantics 45."""
    run = Run(FLOW_HANDLER % "t", "{Result: {output: true}}")
    decision = run.go()
    assert isinstance(decision, Failed)
    assert decision.exception.error_code == 7


def test_defaults_that_fail_are_thrown_together() -> None:
    """Semantics 21, 22."""
    run = Run(
        "{a: {type: Start Flow, bottom: e}, e: {type: End Flow}}",
        '{A: {default: "=1/0"}, B: {default: "=1"}, C: {default: "=int(\'x\')"}}',
    )
    run.go()
    (thrown,) = run.interpreter.progress.thrown
    assert thrown.exception.short_type == "InvalidDefaultValuesException"
    assert thrown.exception.extra["Variables"].keys() == {"A", "C"}


def test_steps_are_numbered_without_holes_and_carry_changes() -> None:
    run = for_loop(1, 2, 1)
    run.go()
    steps = run.interpreter.progress.steps
    assert [s.number for s in steps] == list(range(1, len(steps) + 1))
    assert steps[1].changes == {"I": {"value": 1}}
    assert steps[2].changes == {"Seen": {"value": [1]}}
    assert all(s.duration > 0 for s in steps)


def test_a_budget_of_one_block_is_a_step() -> None:
    """Semantics 86."""
    run = Run(NESTED, "{Seen: {default: []}, Name: {default: x}}")
    positions = []
    for _ in range(4):
        assert isinstance(run.go(blocks=1), Yielded)
        positions.append(run.interpreter.frames[-1].block)
    assert positions == ["w", "w/s", "w/set", "w/out"]


def test_what_needs_the_outside_is_asked_for() -> None:
    """Semantics 62, 77, and effects: the interpreter does none of them itself."""
    run = Run(
        """
        a: {type: Start Flow, bottom: read}
        read:
          type: Read All Text
          properties: {File Path: a.txt, Text: ($)X}
          bottom: child
        child:
          type: Run Flow
          properties: {Flow: other, Inputs: {N: =1 + 1}, Outputs: ($)X}
          bottom: wait
        wait: {type: Wait For Duration, properties: {Duration: {Seconds: 2}}, bottom: e}
        e: {type: End Flow}
        """,
        "{X: {output: true}}",
    )
    read = run.go()
    assert isinstance(read, Perform)
    assert (read.block, read.repeatable) == ("read", True)
    child = run.go(Performed({"Text": "hello"}))
    assert child == RunChild("other", {"N": 2})
    wait = run.go(Resumed({"Square": 4}))
    assert isinstance(wait, WaitUntil)
    assert wait.at.timestamp() == pytest.approx(run.now + 2, abs=0.1)
    assert run.go(Resumed()) == Finished({"X": {"Square": 4}})


def test_a_value_that_is_nested_too_deep_is_thrown_in_the_flow() -> None:
    """It must not come back at every attempt."""
    deep = "[" * 900 + "]" * 900
    run = Run(
        """
        a: {type: Start Flow, bottom: parse}
        parse:
          type: Convert Json To Object
          properties: {Json: =Text, Object: ($)X}
          exception: h
          bottom: e
        h: {type: Handle Block Exception, properties: {Exception: ($)X}, bottom: e}
        e: {type: End Flow}
        """,
        "{X: {output: true}, Text: {input: true}}",
        Text=deep,
    )
    assert run.outputs()["X"].short_type == "VariableTooLargeException"
