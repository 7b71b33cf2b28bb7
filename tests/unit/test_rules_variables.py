"""Rules of variables (docs/semantics.md, 15 to 30), as example flows."""

from typing import Any

import pytest

from executions.engine.interpreter import Interpreter
from executions.engine.state import Budget, Continue, Snapshot
from flows.files import FlowFileError
from flows.graph import build
from flows.validation import check_inputs
from tests.flows_in_memory import Run, messages

DIRECT = "{a: {type: Start Flow, bottom: b}, b: {type: End Flow}}"


def test_variables_of_siblings_are_not_seen() -> None:
    """Semantics 15."""
    (found,) = messages(
        """
        a: {type: Start Flow, bottom: w}
        w:
          type: Workspace
          variables: {Inner: {default: 1}}
          blocks: {s: {type: Start Workspace, bottom: e}, e: {type: End Workspace}}
          bottom: v
        v:
          type: Workspace
          blocks:
            s: {type: Start Workspace, bottom: set}
            set: {type: Set Variable, properties: {Value: =Inner}, bottom: e}
            e: {type: End Workspace}
          bottom: end
        end: {type: End Flow}
        """
    )
    assert found.summary.startswith("Value reads Inner, which is not a variable here")


def test_structure_keys_are_case_sensitive_and_names_are_not() -> None:
    """Semantics 18."""
    run = Run(
        """
        a: {type: Start Flow, bottom: s}
        s: {type: Set Variable, properties: {Value: "=ORDER.key", Variable: ($)out}, bottom: e}
        e: {type: End Flow}
        """,
        "{Order: {default: {key: low, Key: high}}, Out: {output: true}}",
    )
    assert run.outputs() == {"Out": "low"}


@pytest.mark.parametrize("name", ["a b", "a-b", "1a"])
def test_names_of_variables_are_identifiers(name: str) -> None:
    """Semantics 19: no hyphens either, as an expression reads them as a minus."""
    with pytest.raises(FlowFileError, match="letters, digits and underscores"):
        messages(DIRECT, f"{{{name}: {{}}}}")


def test_a_variable_changes_its_type_and_properties_check_it() -> None:
    """Semantics 20."""
    run = Run(
        """
        a: {type: Start Flow, bottom: s}
        s: {type: Set Variable, properties: {Value: text, Variable: ($)X}, bottom: if}
        if: {type: If True Exit Right, properties: {Value: =X}, bottom: e, right: e}
        e: {type: End Flow}
        """,
        "{X: {default: true, output: true}}",
    )
    assert run.outputs() == {"X": "text"}
    assert run.thrown == ["InvalidPropertyValueException"]


def test_null_is_a_value_and_nothing_is_not() -> None:
    """Semantics 21, 23."""
    blocks = """
    a: {type: Start Flow, bottom: if}
    if: {type: If Null Exit Right, properties: {Value: =X}, bottom: e, right: e}
    e: {type: End Flow}
    """
    assert messages(blocks, "{X: {default: null}}") == []
    (found,) = messages(blocks, "{X: {}}")
    assert found.summary == "Variable is not initialised: X."


def test_a_start_whose_defaults_fail_ends() -> None:
    """Semantics 22, 44: nothing of the flow runs."""
    run = Run(DIRECT, '{X: {default: "=1/0"}}')
    run.go()
    assert run.path == ["a"]
    assert run.thrown == ["InvalidDefaultValuesException"]


def test_an_input_that_is_also_an_output() -> None:
    """Semantics 26, 28."""
    assert Run(DIRECT, "{X: {input: true, output: true}}", X=[1]).outputs() == {"X": [1]}


def test_the_default_of_an_input_counts_wherever_it_is_left_out() -> None:
    """Semantics 25, 27: also in a start that is to be debugged."""
    graph, _ = build({"flow": "f", "variables": {"X": {"input": True, "default": 1}}, "blocks": {}})
    assert check_inputs(graph, {}) == []
    assert check_inputs(graph, {"X": None}) == []


def test_what_is_read_and_saved_is_one_variable() -> None:
    """Semantics 29."""
    run = Run(
        """
        a: {type: Start Flow, bottom: add}
        add: {type: Add Item At End, properties: {List: ($)Seen, Item: x}, bottom: e}
        e: {type: End Flow}
        """,
        "{Seen: {default: [w], output: true}}",
    )
    assert run.outputs() == {"Seen": ["w", "x"]}


# Parts of variables --------------------------------------------------------------------------


def set_part(target: str, value: str = "new", **variables: Any) -> Run:
    """One Set Variable that saves to a part of Order."""
    return Run(
        f"""
        a: {{type: Start Flow, bottom: s}}
        s: {{type: Set Variable, properties: {{Value: "{value}", Variable: "{target}"}}, bottom: e}}
        e: {{type: End Flow}}
        """,
        "{Order: {input: true, output: true}, Key: {input: true, default: Id}}",
        **{"Order": {"Id": 7, "Items": [{"Name": "old"}, 2]}} | variables,
    )


@pytest.mark.parametrize(
    ("target", "value", "order"),
    [
        ("($)Order.Id", "new", {"Id": "new", "Items": [{"Name": "old"}, 2]}),
        ("($)Order.Items[1]", "new", {"Id": 7, "Items": [{"Name": "old"}, "new"]}),
        ("($)Order.Items[0].Name", "new", {"Id": 7, "Items": [{"Name": "new"}, 2]}),
        (
            "($)Order['More keys']",
            "new",
            {"Id": 7, "Items": [{"Name": "old"}, 2], "More keys": "new"},
        ),
        ("($)Order[Key]", "new", {"Id": "new", "Items": [{"Name": "old"}, 2]}),
        (
            "($)order.Items[size(Order.Items) - 1]",
            "new",
            {"Id": 7, "Items": [{"Name": "old"}, "new"]},
        ),
        (
            "($)Order.Id",
            "($)Order.Items[0]",
            {"Id": {"Name": "old"}, "Items": [{"Name": "old"}, 2]},
        ),
    ],
)
def test_a_part_of_a_variable_can_be_saved_to(target: str, value: str, order: Any) -> None:
    """Semantics 24."""
    assert set_part(target, value).outputs() == {"Order": order}


@pytest.mark.parametrize(
    "target",
    ["($)Order.Items[2]", "($)Order.Items[-1]", "($)Order.Id.Part", "($)Order.None.Part"],
)
def test_a_part_that_is_not_there_throws(target: str) -> None:
    """Semantics 24, 52: and the variable stays as it was."""
    run = set_part(target)
    assert run.outputs() == {"Order": {"Id": 7, "Items": [{"Name": "old"}, 2]}}
    (thrown,) = run.exceptions
    assert thrown.short_type == "InvalidPropertyValueException"
    assert thrown.extra == {"PropertyId": "Variable"}


def test_what_is_saved_to_a_part_is_a_copy() -> None:
    """Semantics 24: even of the variable itself."""
    run = set_part("($)Order.Items[1]", "($)Order", Order={"Items": [1, 2]})
    assert run.outputs() == {"Order": {"Items": [1, {"Items": [1, 2]}]}}


@pytest.mark.parametrize(
    ("target", "summary"),
    [
        ("($)Missing.Id", "Variable reads Missing, which is not a variable here"),
        ("($)Empty.Id", "Variable is not initialised: Empty."),
        ("($)Empty", ""),
        ("($)_.Id", "Variable reads _, which discards"),
        ("($)_executionContext.Initiator", "Variable is saved to a part of _executionContext"),
        ("($)_executionContext.Extensions.Mine", ""),
    ],
)
def test_targets_are_validated(target: str, summary: str) -> None:
    """Semantics 23, 24, 30."""
    found = messages(
        f"""
        a: {{type: Start Flow, bottom: s}}
        s: {{type: Set Variable, properties: {{Variable: "{target}"}}, bottom: e}}
        e: {{type: End Flow}}
        """,
        "{Empty: {}}",
    )
    assert [m.summary[: len(summary)] for m in found] == ([summary] if summary else [])


def test_a_value_is_null_when_it_is_left_out() -> None:
    """Semantics 24."""
    run = Run(
        """
        a: {type: Start Flow, bottom: s}
        s: {type: Set Variable, properties: {Variable: ($)X}, bottom: e}
        e: {type: End Flow}
        """,
        "{X: {default: 5, output: true}}",
    )
    assert run.outputs() == {"X": None}


def test_extensions_are_kept_and_given_to_children() -> None:
    """Semantics 30: a child begins with a copy of its parent's."""
    blocks = """
    a: {type: Start Flow, bottom: s}
    s:
      type: Set Variable
      properties: {Value: [1], Variable: ($)_executionContext.Extensions.Trace}
      bottom: add
    add:
      type: Add Item At End
      properties:
        List: ($)_executionContext.Extensions.Trace
        Item: =_executionContext.ExecutionId
      bottom: get
    get:
      type: Set Variable
      properties: {Value: =_executionContext.Extensions, Variable: ($)X}
      bottom: e
    e: {type: End Flow}
    """
    run = Run(blocks, "{X: {output: true}}")
    run.interpreter.restore(Snapshot(context={"ExecutionId": "parent"}))
    run.interpreter.begin({})
    assert run.outputs() == {"X": {"Trace": [1, "parent"]}}
    child = Interpreter(run.interpreter.graph, run.tick)
    child.restore(Snapshot(context={"ExecutionId": "child"}))
    child.begin({}, run.interpreter.extensions)
    child.advance(Continue(), Budget(1, run.now + 10))
    assert child.extensions == {"Trace": [1, "parent"]}
    child.advance(Continue(), Budget(100, run.now + 10))
    assert child.extensions == {"Trace": [1, "child"]}
    assert run.interpreter.extensions == {"Trace": [1, "parent"]}
