"""Rules of tokens, ports and workspaces (docs/semantics.md, 1 to 14), as example flows."""

import pytest

from executions.engine.state import Failed, Finished, Perform, Performed
from flows.files import FlowFileError
from flows.graph import build
from tests.flows_in_memory import Run, messages


def test_each_execution_has_variables_of_its_own() -> None:
    """Semantics 1."""
    blocks = """
    a: {type: Start Flow, bottom: add}
    add: {type: Add Item At End, properties: {List: ($)Seen, Item: 1}, bottom: e}
    e: {type: End Flow}
    """
    first, second = (Run(blocks, "{Seen: {default: [], output: true}}") for _ in range(2))
    assert first.outputs() == second.outputs() == {"Seen": [1]}


@pytest.mark.parametrize(
    ("path", "port", "next_block"), [("a.txt", "bottom", "e"), ("", "exception", "h")]
)
def test_an_action_leaves_by_bottom_or_by_its_red_port(
    path: str, port: str, next_block: str
) -> None:
    """Semantics 3."""
    run = Run(
        f"""
        a: {{type: Start Flow, bottom: r}}
        r: {{type: Read All Text, properties: {{File Path: "{path}"}}, bottom: e, exception: h}}
        h: {{type: Handle Block Exception, bottom: e}}
        e: {{type: End Flow}}
        """
    )
    decision = run.go()
    if port == "bottom":
        assert isinstance(decision, Perform)
        run.go(Performed({"Text": ""}))
    (visit,) = run.visits("r")
    assert visit.port == port
    assert run.path[run.path.index("r") + 1] == next_block


def test_decisions_and_loops_have_no_red_port() -> None:
    """Semantics 4."""
    for block in ("If True Exit Right", "For Loop", "For Each Loop"):
        with pytest.raises(FlowFileError, match="exception"):
            messages(
                f"""
                a: {{type: Start Flow, bottom: b}}
                b: {{type: {block}, exception: h, bottom: e}}
                h: {{type: Handle Block Exception, bottom: e}}
                e: {{type: End Flow}}
                """
            )


def test_many_connections_may_lead_to_one_block() -> None:
    """Semantics 5."""
    run = Run(
        """
        a: {type: Start Flow, bottom: if}
        if: {type: If True Exit Right, properties: {Value: =N > 1}, bottom: s, right: s}
        s: {type: Set Variable, properties: {Value: =N, Variable: ($)M}, bottom: e}
        e: {type: End Flow}
        """,
        "{N: {input: true}, M: {output: true}}",
        N=2,
    )
    assert run.outputs() == {"M": 2}


def test_an_unconnected_port_throws_what_can_be_handled() -> None:
    """Semantics 6."""
    run = Run(
        """
        a: {type: Start Flow, bottom: s}
        s: {type: Set Variable, exception: h}
        h: {type: Handle Block Exception, properties: {Exception: ($)E}, bottom: e}
        e: {type: End Flow}
        """,
        "{E: {output: true}}",
    )
    caught = run.outputs()["E"]
    assert caught.short_type == "OutputPortNotConnectedException"
    assert caught.message.startswith("Block output port isn't connected.")


# Wireless ------------------------------------------------------------------------------------

SENDERS = """
a: {{type: Start Flow, bottom: one}}
one: {{type: Wireless Sender, properties: {{Wireless Receiver Block: {to}}}, exception: h}}
two: {{type: Wireless Sender, properties: {{Wireless Receiver Block: end}}}}
near: {{type: Wireless Receiver, description: By the door, bottom: s}}
s: {{type: Set Variable, properties: {{Value: arrived, Variable: ($)Out}}, bottom: two}}
end: {{type: Wireless Receiver, bottom: e}}
h: {{type: Handle Block Exception, properties: {{Exception: ($)Out}}, bottom: e}}
e: {{type: End Flow}}
"""


@pytest.mark.parametrize("to", ["By the door", "near", '="ne" + "ar"'])
def test_a_sender_goes_on_at_its_receiver(to: str) -> None:
    """Semantics 9: named by key or description, also by an expression."""
    blocks = SENDERS.format(to=to)
    run = Run(blocks, "{Out: {output: true}}")
    assert run.outputs() == {"Out": "arrived"}
    assert run.path == ["a", "one", "near", "s", "two", "end", "e"]
    assert messages(blocks, "{Out: {output: true}}") == []


@pytest.mark.parametrize(("to", "code"), [("null", 101), ('""', 101), ("gone", 100)])
def test_a_sender_without_receiver_throws(to: str, code: int) -> None:
    """Semantics 9."""
    run = Run(SENDERS.format(to=to), "{Out: {output: true}}")
    caught = run.outputs()["Out"]
    assert (caught.short_type, caught.category, caught.error_code) == (
        "WirelessReceiverBlockNotFoundException",
        "NotFound",
        code,
    )


def test_a_sender_does_not_reach_into_another_workspace() -> None:
    """Semantics 9."""
    run = Run(
        """
        a: {type: Start Flow, bottom: w}
        far: {type: Wireless Receiver, bottom: e}
        w:
          type: Workspace
          blocks:
            s: {type: Start Workspace, bottom: send}
            send: {type: Wireless Sender, properties: {Wireless Receiver Block: far}}
          bottom: e
        e: {type: End Flow}
        """
    )
    run.go()
    assert run.exceptions[0].error_code == 100


def test_receivers_of_one_description_are_told_apart_by_their_keys() -> None:
    """Semantics 9."""
    blocks = """
    a: {type: Start Flow, bottom: send}
    send: {type: Wireless Sender, properties: {Wireless Receiver Block: %s}}
    one: {type: Wireless Receiver, description: Door, bottom: e}
    two: {type: Wireless Receiver, description: Door, bottom: e}
    e: {type: End Flow}
    """
    (found,) = messages(blocks % "Door")
    assert found.summary == "There is another Wireless Receiver called 'Door' in this workspace."
    assert messages(blocks % "two") == []


def test_nothing_is_wired_to_a_receiver() -> None:
    """Semantics 9."""
    (found,) = messages(
        """
        a: {type: Start Flow, bottom: r}
        r: {type: Wireless Receiver, bottom: e}
        e: {type: End Flow}
        """
    )
    assert found.summary == "No connection can lead to Wireless Receiver."


@pytest.mark.parametrize("target", ["", ", Variable: ($)_"])
def test_an_output_may_be_discarded(target: str) -> None:
    """Semantics 10: by the built-in `_`, or by leaving the property out."""
    run = Run(
        f"""
        a: {{type: Start Flow, bottom: s}}
        s: {{type: Set Variable, properties: {{Value: 1{target}}}, bottom: e}}
        e: {{type: End Flow}}
        """
    )
    assert run.outputs() == {}
    assert run.visits("s")[0].changes is None


def test_end_workspace_on_the_top_level_ends_the_flow() -> None:
    """Semantics 14."""
    blocks = "{a: {type: Start Flow, bottom: b}, b: {type: End Workspace}}"
    assert Run(blocks).outputs() == {}
    assert messages(blocks) == []


def test_end_flow_ends_at_any_depth() -> None:
    """Semantics 13."""
    run = Run(
        """
        a: {type: Start Flow, bottom: w}
        w:
          type: Workspace
          blocks:
            s: {type: Start Workspace, bottom: v}
            v:
              type: Workspace
              blocks: {s: {type: Start Workspace, bottom: e}, e: {type: End Flow}}
              bottom: never
            never: {type: End Workspace}
          bottom: never
        never: {type: End Flow}
        """
    )
    assert isinstance(run.go(), Finished)
    assert run.path == ["a", "w", "w/s", "w/v", "w/v/s", "w/v/e"]


APART = """
a: {{type: Start Flow, bottom: s}}
s:
  type: Set Variable
  properties: {{Value: "{value}", Variable: {target}}}
  bottom: e
  exception: h
h: {{type: Handle Block Exception, properties: {{Exception: ($)_}}, bottom: e}}
e: {{type: End Flow}}
"""
APART_VARIABLES = "{One: {output: true, default: 0}, Two: {output: true, default: {}}, Out: {}}"


@pytest.mark.parametrize(
    ("value", "target", "one", "two"),
    [
        ("={'A': 1, 'B': [2, 3]}", "{A: ($)One, B: ($)Two}", 1, [2, 3]),
        ("={'A': 1, 'B': [2, 3]}", "{B: [($)_, ($)One]}", 3, {}),
        ("=[1, {'A': 2}]", "[($)One, {A: ($)Two.Part}]", 1, {"Part": 2}),
        ("=['first', 'second']", '["($)_", "($)Two[One]"]', 0, {0: "second"}),
    ],
)
def test_an_output_is_taken_apart(value: str, target: str, one: object, two: object) -> None:
    """Semantics 10: into several variables, by key or by index."""
    blocks = APART.format(value=value, target=target)
    assert messages(blocks, APART_VARIABLES) == []
    assert Run(blocks, APART_VARIABLES).outputs() == {"One": one, "Two": two}


@pytest.mark.parametrize("value", ["={'A': 1}", "=null", "=[1, 2]", "=7"])
def test_a_part_that_an_output_lacks_throws_and_nothing_is_saved(value: str) -> None:
    """Semantics 10, 52."""
    run = Run(APART.format(value=value, target="{A: ($)One, B: ($)Two}"), APART_VARIABLES)
    assert run.outputs() == {"One": 0, "Two": {}}
    (thrown,) = run.exceptions
    assert (thrown.short_type, thrown.extra) == (
        "InvalidPropertyValueException",
        {"PropertyId": "Variable"},
    )


def test_an_exception_is_taken_apart_by_its_handler() -> None:
    """Semantics 10."""
    run = Run(
        """
        a: {type: Start Flow, bottom: t}
        t: {type: Throw New Flow Exception, properties: {Message: m, Error Code: 3}, exception: h}
        h:
          type: Handle Block Exception
          properties: {Exception: {Message: ($)Text, ErrorCode: ($)Code}}
          bottom: e
        e: {type: End Flow}
        """,
        "{Text: {output: true}, Code: {output: true}}",
    )
    assert run.outputs() == {"Text": "m", "Code": 3}


def test_an_exception_that_the_flows_handler_cannot_save_is_an_error() -> None:
    """Semantics 10, 45."""
    run = Run(
        """
        a: {type: Start Flow, bottom: t}
        t: {type: Throw New Flow Exception, properties: {Message: m}}
        h:
          type: Handle Flow Exception
          properties: {Exception: {Part: ($)X}}
          variables: {X: {}}
          blocks:
            s: {type: Start Workspace, bottom: e}
            e: {type: End Flow}
        """
    )
    failed = run.go()
    assert isinstance(failed, Failed)
    assert failed.exception.short_type == "InvalidPropertyValueException"


@pytest.mark.parametrize(
    ("blocks", "path", "summary"),
    [
        (
            APART.format(value="=[1]", target="[($)Missing]"),
            ("blocks", "s", "properties", "Variable", 0),
            "Variable[0] is saved to Missing, which is not a variable here",
        ),
        (
            APART.format(value="=[1]", target="{A: ($)Out.Part}").replace("($)Out}", "($)_}"),
            ("blocks", "s", "properties", "Variable", "A"),
            "Variable is not initialised: Out.",
        ),
    ],
)
def test_each_variable_of_an_output_that_is_taken_apart_is_validated(
    blocks: str, path: tuple[str | int, ...], summary: str
) -> None:
    """Semantics 10, 23."""
    (found,) = messages(blocks, APART_VARIABLES)
    assert found.path == path
    assert found.summary.startswith(summary)


def test_what_is_read_and_saved_back_is_not_taken_apart() -> None:
    """Semantics 10, 29."""
    document = {
        "flow": "test",
        "variables": {"X": {"default": 0}},
        "blocks": {
            "a": {
                "type": "For Loop",
                "properties": {"Current Index": {"A": "($)X"}},
            }
        },
    }
    _, found = build(document)
    assert [m.summary for m in found] == [
        "Current Index is read and written. It needs one variable."
    ]
