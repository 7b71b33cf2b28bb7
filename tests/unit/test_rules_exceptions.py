"""Rules of exceptions (docs/semantics.md, 31 to 53), as example flows."""

from typing import Any

import pytest

from executions.engine import moving
from executions.engine.state import Failed, Finished
from flows.values import ExceptionValue
from tests.flows_in_memory import Run, messages, thrown_form
from tests.quick_yaml import write_yaml

NULL = "'List' is null; it must be provided with a non-null value."


def chain(*handlers: dict[str, Any], thrown: Any = None) -> Run:
    """An exception that enters a chain of handlers; each writes its number to By, and what it
    caught to E. Where the chain ends without a handler, the workspace around it takes over."""
    inside: dict[str, Any] = {
        "s": {"type": "Start Workspace", "bottom": "t"},
        "t": {
            "type": "Rethrow Exception",
            "properties": {"Exception": thrown or thrown_form("PropertyNullException", NULL)},
            "exception": "h0",
        },
        "wh": {
            "type": "Handle Workspace Exception",
            "properties": {"Exception": "($)E"},
            "bottom": "by-w",
        },
        "by-w": {
            "type": "Set Variable",
            "properties": {"Value": "workspace", "Variable": "($)By"},
            "bottom": "e",
        },
        "e": {"type": "End Workspace"},
    }
    for number, handler in enumerate(handlers):
        inside[f"h{number}"] = handler | {
            "properties": handler["properties"] | {"Exception": "($)E"},
            "bottom": f"by{number}",
        }
        if number + 1 < len(handlers):
            inside[f"h{number}"]["exception"] = f"h{number + 1}"
        inside[f"by{number}"] = {
            "type": "Set Variable",
            "properties": {"Value": number, "Variable": "($)By"},
            "bottom": "e",
        }
    blocks = {
        "a": {"type": "Start Flow", "bottom": "w"},
        "w": {"type": "Workspace", "blocks": inside, "bottom": "end"},
        "end": {"type": "End Flow"},
    }
    variables = "{E: {output: true}, By: {output: true}}"
    text = write_yaml(blocks)
    assert messages(text, variables) == []
    return Run(text, variables)


def matching(what: str, value: Any, **properties: Any) -> dict[str, Any]:
    return {
        "type": f"Handle Block Exception Matching {what}",
        "properties": {what: value} | properties,
    }


PLAIN: dict[str, Any] = {"type": "Handle Block Exception", "properties": {}}


def test_a_handler_that_does_not_match_passes_the_same_exception_on() -> None:
    """Semantics 32, 33: no new exception comes of it."""
    run = chain(
        matching("Message", "empty"), matching("Type Name", "Null"), matching("Message", "null")
    )
    assert run.outputs()["By"] == 1
    assert run.path == ["a", "w", "w/s", "w/t", "w/h0", "w/h1", "w/by1", "w/e", "end"]
    assert [step.port for step in run.visits("w/h0")] == ["exception"]
    assert run.thrown == ["PropertyNullException"]
    assert run.interpreter.progress.handled == {4: "w/h1"}


def test_the_plain_handler_takes_everything() -> None:
    """Semantics 32: and has no red port."""
    outputs = chain(matching("Message", "empty"), PLAIN).outputs()
    assert outputs["By"] == 1
    assert outputs["E"].message == NULL


def test_an_exhausted_chain_goes_to_the_workspace() -> None:
    """Semantics 31, 34, 38."""
    run = chain(matching("Message", "empty"), matching("Type Name", "Empty"))
    assert run.outputs()["By"] == "workspace"
    assert run.thrown == ["PropertyNullException"]
    assert run.interpreter.progress.handled == {4: "w/wh"}


@pytest.mark.parametrize(
    ("handler", "takes"),
    [
        (matching("Message", "is null"), True),
        (matching("Message", "IS NULL"), False),
        (matching("Messages", ["nothing", "is null"]), True),
        (matching("Messages", ["nothing"]), False),
        (matching("Type Name", "Common.Property"), True),
        (matching("Type Name", "NullException2"), False),
        (matching("Type Names", ["Lists.", "PropertyNull"]), True),
        (matching("Type Names", ["Lists."]), False),
        *(
            (matching("Message", "IS NULL", **{"Comparison Type": comparison}), takes)
            for comparison, takes in {
                "Ordinal": False,
                "OrdinalIgnoreCase": True,
                "InvariantCulture": False,
                "InvariantCultureIgnoreCase": True,
                "CurrentCulture": False,
                "CurrentCultureIgnoreCase": True,
            }.items()
        ),
    ],
)
def test_what_matches(handler: dict[str, Any], takes: bool) -> None:
    """Semantics 35: a part of the message, or of the type's full name."""
    assert chain(handler, PLAIN).outputs()["By"] == (0 if takes else 1)


@pytest.mark.parametrize(
    ("message", "comparison", "takes"),
    [
        ("caf\u00e9", "Ordinal", False),
        ("caf\u00e9", "InvariantCulture", True),
        ("CAF\u00c9", "OrdinalIgnoreCase", False),
        ("CAF\u00c9", "CurrentCultureIgnoreCase", True),
        ("STRASSE", "InvariantCultureIgnoreCase", False),
    ],
)
def test_cultures_know_a_letter_however_it_is_written(
    message: str, comparison: str, takes: bool
) -> None:
    """Semantics 35."""
    handler = matching("Message", message, **{"Comparison Type": comparison})
    run = chain(handler, PLAIN, thrown=thrown_form("FlowException", "cafe\u0301 stra\u00dfe"))
    assert run.outputs()["By"] == (0 if takes else 1)


@pytest.mark.parametrize(("message", "by"), [("", 0), ("text", 1)])
@pytest.mark.parametrize(
    "handler",
    [
        matching("Message", ""),
        matching("Message", None),
        matching("Messages", ["other", ""]),
        matching("Messages", ["other", None]),
    ],
)
def test_an_empty_message_matches_only_an_empty_one(
    handler: dict[str, Any], message: str, by: int
) -> None:
    """Semantics 36."""
    run = chain(handler, PLAIN, thrown=thrown_form("FlowException", message))
    assert run.outputs()["By"] == by


@pytest.mark.parametrize(
    ("handler", "thrown"),
    [
        (matching("Messages", None), "PropertyNullException"),
        (matching("Messages", []), "PropertyEmptyException"),
        (matching("Type Name", None), "PropertyNullException"),
        (matching("Type Name", ""), "PropertyEmptyException"),
        (matching("Type Names", None), "PropertyNullException"),
        (matching("Type Names", []), "PropertyEmptyException"),
        (matching("Type Names", ["a", ""]), "PropertyContainsNullOrEmptyItemException"),
        (matching("Type Names", [None]), "PropertyContainsNullOrEmptyItemException"),
        (matching("Messages", [1]), "InvalidPropertyValueException"),
        *(
            (matching(what, value, **{"Comparison Type": 10}), "ArgumentException")
            for what, value in {
                "Message": "a",
                "Messages": ["a"],
                "Type Name": "a",
                "Type Names": ["a"],
            }.items()
        ),
        (matching("Message", "a", **{"Comparison Type": "ordinal"}), "ArgumentException"),
        (
            matching("Message", "a", **{"Comparison Type": None}),
            "InvalidPropertyValueException",
        ),
    ],
)
@pytest.mark.parametrize("connected", [True, False])
def test_what_a_handler_throws_itself_is_handled_like_any_exception(
    handler: dict[str, Any], thrown: str, connected: bool
) -> None:
    """Semantics 36, 37: by its own red port, else by the workspace; it takes the place of the
    exception that came in."""
    run = chain(handler, PLAIN) if connected else chain(handler)
    outputs = run.outputs()
    assert outputs["By"] == (1 if connected else "workspace")
    assert outputs["E"].short_type == thrown
    assert run.thrown == ["PropertyNullException", thrown]
    assert run.interpreter.progress.handled == {5: "w/h1" if connected else "w/wh"}


def test_red_ports_lead_to_handlers_and_nothing_else_does() -> None:
    """Semantics 5, 32."""
    found = messages(
        """
        a: {type: Start Flow, bottom: h}
        h: {type: Handle Block Exception Matching Message, bottom: e, exception: e}
        e: {type: End Flow}
        """
    )
    assert [m.summary for m in found] == [
        "Handle Block Exception Matching Message takes exceptions only.",
        "An exception port cannot lead to End Flow.",
    ]


def test_an_exception_keeps_its_parts() -> None:
    """Semantics 47, 48, 49: thrown, handled and thrown again as the very same."""
    run = Run(
        """
        a: {type: Start Flow, bottom: t}
        t:
          type: Throw New Flow Exception
          properties:
            Message: out of stock
            Category: Orders
            Error Code: 12
            Details: {Id: 7}
            Inner Exception: =Cause
            Help Link: /help/orders
          exception: h
        h: {type: Handle Block Exception, properties: {Exception: ($)E}, bottom: r}
        r: {type: Rethrow Exception, properties: {Exception: =E}, exception: h2}
        h2: {type: Handle Block Exception, properties: {Exception: ($)Again}, bottom: read}
        read:
          type: Set Variable
          properties: {Value: =Again.InnerException, Variable: ($)I}
          bottom: e
        e: {type: End Flow}
        """,
        "{Cause: {input: true}, E: {output: true}, Again: {output: true}, I: {output: true}}",
        Cause=ExceptionValue("Shop.EmptyException", "empty"),
    )
    outputs = run.outputs()
    assert outputs["Again"] == outputs["E"]
    assert outputs["E"] == ExceptionValue(
        "Cortex.Exceptions.Flows.FlowException",
        "out of stock",
        "/help/orders",
        "Orders",
        12,
        {"Id": 7},
        ExceptionValue("Shop.EmptyException", "empty"),
    )
    assert outputs["I"]["ExceptionType"] == "Shop.EmptyException"


@pytest.mark.parametrize("properties", ["{}", "{Message: null}"])
def test_an_exception_without_message_gets_the_types_own(properties: str) -> None:
    """Semantics 48."""
    run = Run(
        f"""
        a: {{type: Start Flow, bottom: t}}
        t: {{type: Throw New Flow Exception, properties: {properties}}}
        """
    )
    run.go()
    (thrown,) = run.exceptions
    assert thrown.message == "Exception of type 'Cortex.Exceptions.Flows.FlowException' was thrown."
    assert thrown.help_link == "/help/#FlowException"


def test_rethrowing_nothing_throws() -> None:
    """Semantics 49, 50."""
    run = Run("{a: {type: Start Flow, bottom: r}, r: {type: Rethrow Exception}}")
    run.go()
    (thrown,) = run.exceptions
    assert thrown.short_type == "PropertyNullException"
    assert thrown.message == (
        "'Exception' is null; it must be provided with a non-null value."
        "\r\nPlease click the HelpLink for more information on how to fix this."
    )


def test_a_workspace_handler_is_armed_again_at_the_next_visit() -> None:
    """Semantics 39."""
    run = Run(
        """
        a: {type: Start Flow, bottom: l}
        l:
          type: For Loop
          properties: {Start Index: 1, End Index: 2, Current Index: ($)I}
          right: w
          bottom: e
        w:
          type: Workspace
          blocks:
            s: {type: Start Workspace, bottom: t}
            t: {type: Throw New Flow Exception}
            h: {type: Handle Workspace Exception, bottom: x}
            x: {type: End Workspace}
          bottom: l
        e: {type: End Flow}
        """,
        "{I: {default: 0}}",
    )
    assert run.outputs() == {}
    assert len(run.visits("w/h")) == 2


FLOW_HANDLER = """
a: {type: Start Flow, bottom: w}
w:
  type: Workspace
  variables: {Inner: {default: 1}}
  blocks: {s: {type: Start Workspace, bottom: t}, t: {type: Throw New Flow Exception}}
h:
  type: Handle Flow Exception
  blocks:
    s: {type: Start Workspace, bottom: set}
    set: {type: Set Variable, properties: {Value: %s, Variable: ($)X}, bottom: e}
    e: {type: End Flow}
"""


def test_the_flow_handler_sees_the_top_level_only() -> None:
    """Semantics 42."""
    variables = "{X: {output: true}, Outer: {default: seen}}"
    run = Run(FLOW_HANDLER % "=Outer", variables)
    assert run.outputs() == {"X": "seen"}
    (found,) = messages(FLOW_HANDLER % "=Inner", variables)
    assert found.summary.startswith("Value reads Inner, which is not a variable here")


@pytest.mark.parametrize("handled", [True, False])
def test_an_exception_in_the_flow_handler_may_be_handled_there(handled: bool) -> None:
    """Semantics 45."""
    workspace_handler = "h: {type: Handle Workspace Exception, bottom: e}" if handled else ""
    run = Run(
        f"""
        a: {{type: Start Flow, bottom: t}}
        t: {{type: Throw New Flow Exception, properties: {{Message: first}}}}
        f:
          type: Handle Flow Exception
          blocks:
            s: {{type: Start Workspace, bottom: t}}
            t: {{type: Throw New Flow Exception, properties: {{Message: second}}}}
            e: {{type: End Flow}}
            {workspace_handler}
        """
    )
    decision = run.go()
    assert isinstance(decision, Finished if handled else Failed)
    assert [thrown.message for thrown in run.exceptions] == ["first", "second"]


def test_a_block_that_validation_did_not_see_cannot_be_run() -> None:
    """Semantics 53: no path leads to it, but Set Next Block does."""
    blocks = """
    a: {type: Start Flow, bottom: e}
    s: {type: Set Variable, properties: {Value: =Missing, Variable: ($)Gone}, bottom: e}
    e: {type: End Flow}
    """
    assert messages(blocks) == []
    run = Run(blocks)
    moving.move_token(run.interpreter, "s")
    run.go()
    (thrown,) = run.exceptions
    assert thrown.short_type == "RuntimeTranslationException"
    assert thrown.extra == {"FailedTranslationSummary": "There is no variable Gone, Missing here."}
