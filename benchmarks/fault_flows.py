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

FLOWS: dict[str, tuple[str, str]] = {
    "square": (SQUARE, SQUARE_VARIABLES),
    "loop": (LOOP, LOOP_VARIABLES),
    "once": (ONCE, ONCE_VARIABLES),
    "again": (AGAIN, AGAIN_VARIABLES),
    "parent": (PARENT, PARENT_VARIABLES),
    "wait": (WAIT, WAIT_VARIABLES),
}

#: What is wrong with the outputs, and with the files.
Check = Callable[[int, Any, Path], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Case:
    """A flow with inputs, the status in which it ends, and what must hold then."""

    flow: str
    inputs: Callable[[int], dict[str, Any]]
    wrong: Check
    status: str = "Ended"


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


CASES = (
    Case("loop", lambda n: {"Last": 400 + n}, _equals(lambda n: {"Seen": list(range(1, n + 401))})),
    Case("once", lambda n: {"Path": f"once-{n}"}, _once),
    Case("again", lambda n: {"Path": f"again-{n}"}, _equals(lambda n: {"Text": "12345"})),
    Case(
        "parent",
        lambda n: {"N": n},
        _equals(lambda n: {"Result": {"Square": n * n}, "Problem": None}),
    ),
    Case("parent", lambda n: {"N": -1 - n}, _failed),
    Case("wait", lambda n: {"Seconds": (n % 7) * 0.3}, _equals(lambda n: {"Woke": 7})),
)
