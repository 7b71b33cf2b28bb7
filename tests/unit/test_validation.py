"""What is wrong with a flow, rule by rule."""

from datetime import UTC, datetime
from textwrap import indent
from typing import Any

import pytest

from flows.graph import FlowGraph, Message, build
from flows.validation import check_inputs, validate
from tests.quick_yaml import load_yaml


def graph(blocks: str, variables: str = "{}") -> FlowGraph:
    """A flow that starts at `start` and has an `end`, with the given blocks and variables."""
    text = f"flow: f\nvariables: {variables}\nblocks:\n  end: {{type: End Flow}}\n"
    document = load_yaml(text + indent(blocks, "  "))
    document["blocks"].setdefault("start", {"type": "Start Flow", "bottom": "a"})
    built, found = build(document)
    assert found == []
    return built


def messages(blocks: str, variables: str = "{}") -> list[Message]:
    found = validate(graph(blocks, variables))
    assert all(m.location and m.summary and m.details and m.path for m in found)
    return found


def only(blocks: str, variables: str = "{}") -> Message:
    found = messages(blocks, variables)
    assert len(found) == 1, found
    return found[0]


NESTED = """\
a:
  type: Workspace
  bottom: end
  blocks:
    begin: {type: Start Workspace, bottom: done}
    done: {type: End Workspace}
"""


def test_a_whole_flow_has_no_messages() -> None:
    assert messages(NESTED) == []


# Multiplicity --------------------------------------------------------------------------------


def test_there_is_a_start_flow() -> None:
    """Semantics 2."""
    built, _ = build({"flow": "f", "blocks": {"end": {"type": "End Flow"}}})
    (found,) = validate(built)
    assert found == Message(
        "Workspace Top-level",
        "There is no Start Flow.",
        "Add the one Start Flow block at which the workspace begins.",
        ("blocks",),
    )


def test_there_is_one_start_flow() -> None:
    """Semantics 2."""
    found = only("a: {type: Start Flow, bottom: end}\nstart: {type: Start Flow, bottom: end}")
    assert found.summary == "There can be only one Start Flow in the top-level workspace."


def test_start_flow_is_top_level_only() -> None:
    """Semantics 2."""
    found = only(NESTED + "    more: {type: Start Flow, bottom: done}")
    assert found.summary == "There can be no Start Flow in a nested workspace."
    assert found.path == ("blocks", "a", "blocks", "more")


def test_a_nested_workspace_has_one_start_workspace() -> None:
    """Semantics 11, 41."""
    found = only("a: {type: Workspace, bottom: end, blocks: {done: {type: End Workspace}}}")
    assert found.summary == "There is no Start Workspace."
    found = only(NESTED + "    more: {type: Start Workspace, bottom: done}")
    assert found.summary == "There can be only one Start Workspace in a nested workspace."


def test_the_flow_handlers_workspace_has_one_start_workspace() -> None:
    """Semantics 42, 43."""
    found = only("a: {type: Handle Flow Exception, blocks: {}}\nstart: {type: Start Flow}")
    assert (found.summary, found.path) == (
        "There is no Start Workspace.",
        ("blocks", "a", "blocks"),
    )


def test_start_workspace_is_nested_only() -> None:
    """Semantics 41."""
    found = only("a: {type: Set Variable, bottom: end}\nmore: {type: Start Workspace, bottom: end}")
    assert found.summary == "There can be no Start Workspace in the top-level workspace."


def test_there_is_one_flow_handler_at_most_and_top_level_only() -> None:
    """Semantics 2; none is the default one of 43, 44."""
    handler = "{type: Handle Flow Exception, blocks: {s: {type: Start Workspace, bottom: e}, "
    handler += "e: {type: End Flow}}}"
    assert messages(NESTED + f"h: {handler}") == []
    found = only(NESTED + f"h: {handler}\ni: {handler}")
    assert found.summary == (
        "There can be only one Handle Flow Exception in the top-level workspace."
    )
    found = only(NESTED + f"    h: {handler}")
    assert found.summary == "There can be no Handle Flow Exception in a nested workspace."


def test_there_is_one_workspace_handler_at_most_and_nested_only() -> None:
    """Semantics 41."""
    handler = "{type: Handle Workspace Exception, bottom: done}"
    assert messages(NESTED + f"    h: {handler}") == []
    found = only(NESTED + f"    h: {handler}\n    i: {handler}")
    assert (
        found.summary == "There can be only one Handle Workspace Exception in a nested workspace."
    )
    found = only(NESTED + "h: {type: Handle Workspace Exception, bottom: end}")
    assert found.summary == (
        "There can be no Handle Workspace Exception in the top-level workspace."
    )


# Connections ---------------------------------------------------------------------------------


def test_ports_are_those_of_the_type() -> None:
    """Semantics 3, 4."""
    found = only("a: {type: Set Variable, bottom: end, right: end}")
    assert (found.summary, found.details) == (
        "Set Variable has no right port.",
        "Its ports: bottom and exception.",
    )


def test_ports_lead_to_blocks_of_the_same_workspace() -> None:
    """Semantics 5."""
    found = only(NESTED.replace("bottom: done", "bottom: end"))
    assert found.summary == "There is no block 'end' in this workspace."
    found = only("a: {type: Set Variable, bottom: ned}")
    assert found.summary == "There is no block 'ned' in this workspace; did you mean 'end'?"


def test_what_is_entered_by_itself_takes_no_connections() -> None:
    """Semantics 2, 38."""
    found = only("a: {type: Set Variable, bottom: start}")
    assert found.summary == "No connection can lead to Start Flow."


def test_red_ports_lead_to_handlers_only() -> None:
    """Semantics 32."""
    found = only("a: {type: Set Variable, bottom: end, exception: end}")
    assert found.summary == "An exception port cannot lead to End Flow."


def test_handlers_are_reached_by_red_ports_only() -> None:
    """Semantics 32."""
    handler = "h: {type: Handle Block Exception, bottom: end}"
    assert messages(f"a: {{type: Set Variable, bottom: end, exception: h}}\n{handler}") == []
    found = only(f"a: {{type: Set Variable, bottom: h}}\n{handler}")
    assert found.summary == "Handle Block Exception takes exceptions only."


# Variables -----------------------------------------------------------------------------------


def test_names_are_unique_in_a_scope_whatever_their_case() -> None:
    """Semantics 17, 18."""
    found = only(NESTED, "{Total: {}, TOTAL: {}}")
    assert found.summary == "There is another variable Total in this workspace."
    assert found.path == ("variables", "TOTAL")


def test_names_in_expressions_are_defined_in_scope() -> None:
    """Semantics 15, 18, 91: in the workspace or around it, in any case."""
    read = "{type: Set Variable, properties: {Value: =total + 1}, bottom: done}"
    inner = NESTED.replace("bottom: done", "bottom: r") + f"    r: {read}"
    assert messages(inner, "{Total: {default: 1}}") == []
    found = only(inner, "{Totals: {default: 1}}")
    assert (
        found.summary == "Value reads total, which is not a variable here; did you mean 'Totals'?"
    )
    assert found.path == ("blocks", "a", "blocks", "r", "properties", "Value")


def test_variables_of_a_nested_workspace_are_not_seen_outside() -> None:
    """Semantics 15."""
    outside = "b: {type: Set Variable, properties: {Value: =Inner}, bottom: end}"
    blocks = NESTED.replace("bottom: end", "bottom: b\n  variables: {Inner: {default: 1}}")
    assert "Value reads Inner, which is not a variable here" in only(blocks + outside).summary


def test_the_closest_scope_wins() -> None:
    """Semantics 17: the inner variable is not initialised, though the outer one is."""
    read = "    r: {type: Set Variable, properties: {Value: =V}, bottom: done}"
    blocks = NESTED.replace("bottom: done", "bottom: r").replace(
        "bottom: end", "bottom: end\n  variables: {V: {}}"
    )
    assert only(blocks + read, "{V: {default: 1}}").summary == "Variable is not initialised: V."


def test_built_in_variables_need_no_definition() -> None:
    """Semantics 10, 30."""
    blocks = """\
a:
  type: Set Variable
  properties: {Value: =_executionContext.Initiator.Name, Variable: ($)_}
  bottom: end
"""
    assert messages(blocks) == []
    found = only(blocks.replace("_executionContext.Initiator.Name", "_"))
    assert "reads _, which discards" in found.summary


def test_outputs_are_saved_to_variables_in_scope() -> None:
    """Semantics 24."""
    found = only("a: {type: Set Variable, properties: {Variable: ($)Totl}, bottom: end}")
    assert found.summary == "Variable is saved to Totl, which is not a variable here."
    found = only(
        "a: {type: Set Variable, properties: {Variable: ($)Totl}, bottom: end}", "{Total: }"
    )
    assert found.summary.endswith("did you mean 'Total'?")


def test_the_flow_handlers_exception_is_saved_in_its_own_workspace() -> None:
    """Semantics 42."""
    blocks = """\
h:
  type: Handle Flow Exception
  properties: {Exception: ($)Thrown}
  variables: {Thrown: {}}
  blocks:
    begin: {type: Start Workspace, bottom: again}
    again: {type: Rethrow Exception, properties: {Exception: ($)Thrown}}
"""
    assert messages(NESTED + blocks) == []


def test_defaults_refer_to_no_variables() -> None:
    """Semantics 21."""
    found = only(NESTED, "{A: {default: 1}, B: {default: =A + 1}}")
    assert (found.summary, found.path) == (
        "Its default refers to A.",
        ("variables", "B", "default"),
    )
    assert messages(NESTED, "{B: {default: =1 + 1}}") == []


def test_defaults_have_the_variables_type() -> None:
    """Semantics 20, 25."""
    found = only(NESTED, "{A: {type: Integer, default: one}}")
    assert found.summary == "Its default is a Text, not an Integer."
    assert messages(NESTED, "{A: {type: Number, default: 1}, B: {type: Text, default: null}}") == []


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("File Path: 12", "File Path is an Integer, not a String."),
        ("File Path: [a]", "File Path is a List, not a String."),
        ("File Path: [=V]", "File Path is a List, not a String."),
        ("{File Path: a, Overwrite: 'yes'}", "Overwrite is a Text, not a Boolean."),
        ("File Path: null", None),
        ("File Path: ''", None),
        ("File Path: =12", None),
    ],
)
def test_literals_have_the_propertys_type(properties: str, expected: str | None) -> None:
    """Semantics 20; null and empty values are thrown when the block runs (50)."""
    body = properties if properties.startswith("{") else f"{{{properties}}}"
    found = messages(
        f"a: {{type: Write All Text, properties: {body}, bottom: end}}", "{V: {default: 1}}"
    )
    assert [m.summary for m in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("block", "properties", "expected"),
    [
        ("Wait For All Tasks", "Tasks: [($)V, ($)V.Task]", None),
        ("Wait For All Tasks", "Tasks: [($)V, =V]", None),
        (
            "Wait For All Tasks",
            "Tasks: [($)V, soon]",
            "Tasks is a List, not an IList<ITask<TResult>>.",
        ),
        ("Wait For All Tasks", "Tasks: [[($)V]]", "Tasks is a List, not an IList<ITask<TResult>>."),
        (
            "Lists/Get Items At Indexes",
            "{List: [1], Indexes: [($)V, 0], Items: ($)V}",
            None,
        ),
        (
            "Lists/Get Items At Indexes",
            "{List: [1], Indexes: [($)V, first], Items: ($)V}",
            "Indexes is a List, not an IEnumerable<Int32>.",
        ),
        ("Run Flow", "{Flow: f, Inputs: {N: ($)V, M: [($)V]}}", None),
        ("Run Flow", "{Flow: f, Inputs: [($)V]}", "Inputs is a List, not an InputVariables."),
    ],
)
def test_lists_and_structures_may_hold_variables(
    block: str, properties: str, expected: str | None
) -> None:
    """Of what the flow's run alone knows, nothing is said before it."""
    body = properties if properties.startswith("{") else f"{{{properties}}}"
    found = messages(f"a: {{type: {block}, properties: {body}, bottom: end}}", "{V: {default: 1}}")
    assert [m.summary for m in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("variable", "initialised"),
    [
        ("{}", False),
        ("{default: null}", True),
        ("{input: true}", True),
        ("{output: true}", False),
    ],
)
def test_read_variables_are_initialised(variable: str, initialised: bool) -> None:
    """Semantics 23: by a default, as an input, or by a block."""
    read = "a: {type: Set Variable, properties: {Value: ($)V}, bottom: %s}\n"
    found = messages(read % "end", f"{{V: {variable}}}")
    expected = [] if initialised else ["Variable is not initialised: V."]
    assert [m.summary for m in found] == expected
    write = "b: {type: Set Variable, properties: {Variable: ($)v}, bottom: end}"
    assert messages(read % "b" + write, f"{{V: {variable}}}") == []
    assert [m.summary for m in messages(read % "end" + write, f"{{V: {variable}}}")] == expected


def test_a_property_that_is_read_first_initialises_nothing() -> None:
    """Semantics 23, 29."""
    found = only("a: {type: Add Item At End, properties: {List: ($)V}, bottom: end}", "{V: }")
    assert found.summary == "Variable is not initialised: V."


def test_the_input_flag_of_a_nested_variable_is_ignored() -> None:
    """Semantics 25."""
    read = "    r: {type: Set Variable, properties: {Value: =V}, bottom: done}"
    blocks = NESTED.replace("bottom: done", "bottom: r").replace(
        "bottom: end", "bottom: end\n  variables: {V: {input: true}}"
    )
    assert only(blocks + read).summary == "Variable is not initialised: V."


def test_properties_count_where_a_path_leads() -> None:
    """Semantics 53, 91: what is not reached is no message."""
    bad = "b: {type: Set Variable, properties: {Value: =Nothing}, bottom: end}"
    assert messages(NESTED + bad) == []
    assert len(messages(NESTED.replace("bottom: end", "bottom: b") + bad)) == 1


def test_handlers_count_as_reached() -> None:
    """Semantics 38, 42: an exception may come from anywhere in their workspace."""
    bad = "{type: Set Variable, properties: {Value: =Nothing}, bottom: done}"
    handler = "    h: {type: Handle Workspace Exception, bottom: r}\n"
    assert len(messages(NESTED + handler + f"    r: {bad}")) == 1


# Inputs --------------------------------------------------------------------------------------

INPUTS = """{
  Name: {type: Text, input: true},
  Count: {input: true, default: 1},
  Ratio: {type: Number, input: true, default: 1.5},
  Since: {type: Date Time, input: true, default: null},
  Any: {input: true, default: null},
  Inner: {default: 1},
}"""


def inputs(given: dict[str, Any]) -> list[tuple[str, str]]:
    found = check_inputs(graph(NESTED, INPUTS), given)
    assert all(m.details and m.path[0] == "variables" for m in found)
    return [(m.location, m.summary) for m in found]


def test_inputs_that_fit() -> None:
    """Semantics 18, 25, 27: defaults apply, names are not case-sensitive, null is a value."""
    assert inputs({"name": "Ada"}) == []
    assert inputs({"Name": None, "COUNT": 3, "Ratio": 2, "Any": [1]}) == []
    assert inputs({"Name": "Ada", "Since": datetime.now(UTC)}) == []


def test_an_input_without_default_is_missing() -> None:
    """Semantics 25, 63."""
    assert inputs({}) == [("Input Name", "The input is missing.")]


@pytest.mark.parametrize("name", ["Nam", "Inner"])
def test_unknown_inputs(name: str) -> None:
    """Semantics 25, 63: what is no input of the flow, be it a variable of it."""
    ((location, summary),) = inputs({"Name": "Ada", name: 1})
    assert location == f"Input {name}"
    assert summary.startswith("This input does not exist")


def test_an_input_given_twice() -> None:
    """Semantics 18."""
    assert inputs({"Name": "Ada", "NAME": "Bob"}) == [("Input Name", "The input is given twice.")]


@pytest.mark.parametrize(
    ("name", "value", "summary"),
    [
        ("Name", 1, "The value is an Integer, not a Text."),
        ("Count", "1", "The value is a Text, not an Integer."),
        ("Count", True, "The value is a Boolean, not an Integer."),
        ("Ratio", "1.5", "The value is a Text, not a Number."),
        ("Since", "2026-01-01", "The value is a Text, not a Date Time."),
    ],
)
def test_inputs_of_another_type(name: str, value: object, summary: str) -> None:
    """Semantics 63: the declared type counts, else the default's."""
    assert inputs({"Name": "Ada", name: value}) == [(f"Input {name}", summary)]
