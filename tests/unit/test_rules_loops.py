"""Rules of loops (docs/semantics.md, 54 to 61), as example flows."""

from typing import Any

import pytest

from tests.flows_in_memory import Run, messages

#: A For Loop; its body adds Current Index to Seen, then does %s.
FOR = """
a: {type: Start Flow, bottom: l}
l:
  type: For Loop
  properties: {Start Index: 1, End Index: 6, Current Index: ($)I}
  right: add
  bottom: e
add: {type: Add Item At End, properties: {List: ($)Seen, Item: =I}, bottom: body}
body: %s
e: {type: End Flow}
"""
FOR_VARIABLES = "{I: {default: 0, output: true}, Seen: {default: [], output: true}}"


@pytest.mark.parametrize("value", ["text", "null", "1.0", "true", "3000000000"])
def test_the_current_index_holds_an_integer_before_the_first_visit(value: str) -> None:
    """Semantics 57."""
    body = FOR % "{type: Set Variable, bottom: l}"
    run = Run(body, f"{{I: {{default: {value}}}, Seen: {{default: []}}}}")
    run.go()
    (thrown,) = run.exceptions
    assert thrown.short_type == "InvalidPropertyValueException"
    assert thrown.extra == {"PropertyId": "Current Index"}


def test_a_current_index_that_holds_nothing_is_reported_before_the_start() -> None:
    """Semantics 23, 57."""
    found = messages(
        FOR % "{type: Set Variable, bottom: l}", "{I: {}, Seen: {default: [], output: true}}"
    )
    assert {message.summary for message in found} == {"Variable is not initialised: I."}


def test_what_the_body_does_to_the_current_index_counts() -> None:
    """Semantics 57."""
    body = "{type: Set Variable, properties: {Value: =I + 1, Variable: ($)I}, bottom: l}"
    assert Run(FOR % body, FOR_VARIABLES).outputs() == {"I": 0, "Seen": [1, 3, 5]}
    leave = "{type: Set Variable, properties: {Value: 99, Variable: ($)I}, bottom: l}"
    assert Run(FOR % leave, FOR_VARIABLES).outputs() == {"I": 0, "Seen": [1]}


def test_increments_are_checked_at_every_visit() -> None:
    """Semantics 56: a variable Increment that the body spoils is met at the next visit."""
    run = Run(
        """
        a: {type: Start Flow, bottom: l}
        l:
          type: For Loop
          properties: {Start Index: 1, End Index: 6, Increment: =By, Current Index: ($)I}
          right: body
          bottom: e
        body: {type: Set Variable, properties: {Value: 0, Variable: ($)By}, bottom: l}
        e: {type: End Flow}
        """,
        "{I: {default: 0}, By: {default: 2}}",
    )
    run.go()
    assert [(t.short_type, t.error_code) for t in run.exceptions] == [
        ("InfiniteLoopException", 100)
    ]


def test_a_loop_that_ends_at_the_largest_integer_ends() -> None:
    """Semantics 54: where 32-bit arithmetic would begin anew."""
    run = Run(
        """
        a: {type: Start Flow, bottom: l}
        l:
          type: For Loop
          properties: {Start Index: 2147483646, End Index: 2147483647, Current Index: ($)I}
          right: add
          bottom: e
        add: {type: Add Item At End, properties: {List: ($)Seen, Item: =I}, bottom: l}
        e: {type: End Flow}
        """,
        FOR_VARIABLES,
    )
    assert run.outputs() == {"I": 0, "Seen": [2147483646, 2147483647]}


EACH = """
a: {type: Start Flow, bottom: l}
l:
  type: For Each Loop
  properties: {Collection: =Items, Current Iteration: ($)It}
  right: add
  bottom: e
add: {type: Add Item At End, properties: {List: ($)Seen, Item: =It}, bottom: spoil}
spoil: {type: Set Variable, properties: {Value: 9, Variable: ($)It.Index}, bottom: l}
e: {type: End Flow}
"""
EACH_VARIABLES = "{Items: {input: true}, It: {output: true}, Seen: {default: [], output: true}}"


@pytest.mark.parametrize(
    ("items", "values"),
    [
        (["x", None, ["y"]], ["x", None, ["y"]]),
        ({"b": 1, "a": 2}, [{"Key": "b", "Value": 1}, {"Key": "a", "Value": 2}]),
        ("hé", ["h", "é"]),
        ("", []),
    ],
)
def test_the_body_cannot_move_a_for_each_loop(items: Any, values: list[Any]) -> None:
    """Semantics 58, 59: the index is the loop's own; a text gives its characters."""
    seen = [{"Index": index, "Value": value} for index, value in enumerate(values)]
    assert Run(EACH, EACH_VARIABLES, Items=items).outputs() == {"It": {}, "Seen": seen}


@pytest.mark.parametrize(
    ("items", "thrown"), [(None, "PropertyNullException"), (5, "InvalidPropertyValueException")]
)
def test_for_each_needs_a_collection(items: Any, thrown: str) -> None:
    """Semantics 58."""
    run = Run(EACH, EACH_VARIABLES, Items=items)
    run.go()
    assert run.thrown == [thrown]


#: The body leaves the loop at its second item, and enters it again once.
LEFT_EARLY = """
a: {type: Start Flow, bottom: l}
l: {type: %s, properties: {%s}, right: add, bottom: e}
add: {type: Add Item At End, properties: {List: ($)Seen, Item: %s}, bottom: leave}
leave: {type: If True Exit Right, properties: {Value: "=size(Seen) == 2"}, right: swap, bottom: l}
swap: {type: Set Variable, properties: {Value: [7, 8, 9], Variable: ($)Items}, bottom: l}
e: {type: End Flow}
"""


@pytest.mark.parametrize(
    ("block", "properties", "item"),
    [
        ("For Loop", "Start Index: 1, End Index: 3, Current Index: ($)I", "=I"),
        ("For Each Loop", "Collection: =Items, Current Iteration: ($)It", "=It.Value"),
    ],
)
def test_a_loop_that_was_left_early_goes_on(block: str, properties: str, item: str) -> None:
    """Semantics 60, 61: with the items that it began with."""
    run = Run(
        LEFT_EARLY % (block, properties, item),
        "{I: {default: 0}, It: {}, Items: {default: [1, 2, 3]}, Seen: {default: [], output: true}}",
    )
    assert run.outputs() == {"Seen": [1, 2, 3]}


def test_a_loop_in_a_workspace_begins_anew_with_it() -> None:
    """Semantics 16, 61: what a loop keeps belongs to the visit of its workspace."""
    run = Run(
        """
        a: {type: Start Flow, bottom: w}
        w:
          type: Workspace
          variables: {I: {default: 0}}
          blocks:
            s: {type: Start Workspace, bottom: l}
            l:
              type: For Loop
              properties: {Start Index: 5, End Index: 9, Current Index: ($)I}
              right: add
              bottom: x
            add: {type: Add Item At End, properties: {List: ($)Seen, Item: =I}, bottom: x}
            x: {type: End Workspace}
          bottom: again
        again:
          type: If True Exit Right
          properties: {Value: "=size(Seen) < 2"}
          right: w
          bottom: e
        e: {type: End Flow}
        """,
        "{Seen: {default: [], output: true}}",
    )
    assert run.outputs() == {"Seen": [5, 5]}


def test_a_cycle_of_decisions_is_a_loop_without_protection() -> None:
    """Semantics 61: it runs for as long as it is given blocks."""
    run = Run(
        """
        a: {type: Start Flow, bottom: if}
        if: {type: If True Exit Right, properties: {Value: true}, right: if, bottom: e}
        e: {type: End Flow}
        """
    )
    run.go(blocks=500)
    assert run.path == ["a"] + ["if"] * 499
