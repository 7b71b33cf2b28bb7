"""Values that are nested too deeply are refused where they would be saved: what one process could
just about copy, another could not read back, and the execution would never end."""

from pathlib import Path
from typing import Any

import pytest

from executions.store.lifecycle.starts import NotStarted
from flows import values
from flows.values import LEVELS, ExceptionValue
from tests.driving import begin, drive, outputs
from tests.flows_in_memory import Run
from tests.flows_in_tests import publish

NESTING = """
a: {{type: Start Flow, bottom: s}}
s: {{type: {block}, properties: {{{properties}}}, bottom: s, exception: h}}
h: {{type: Handle Block Exception, properties: {{Exception: ($)Problem}}, bottom: e}}
e: {{type: End Flow}}
"""
SET = NESTING.format(block="Set Variable", properties='Value: "=[X]", Variable: ($)X')


def nested(levels: int) -> Any:
    value: Any = "innermost"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("properties", "begins"),
    [
        ('Value: "=[X]", Variable: ($)X', 1),
        ("Value: \"={'k': X}\", Variable: ($)X", 1),
        ("Value: =X, Variable: ($)X.k", {}),
    ],
)
def test_nesting_a_value_in_itself_ends(properties: str, begins: Any) -> None:
    variables = f"{{X: {{default: {begins}, output: true}}, Problem: {{output: true}}}}"
    run = Run(NESTING.format(block="Set Variable", properties=properties), variables)
    given = run.outputs()
    assert given["Problem"].short_type == "VariableTooLargeException"
    assert values.too_deep(given["X"], LEVELS - 2)
    assert not values.too_deep(given["X"], LEVELS + 1)


@pytest.mark.parametrize(("levels", "kept"), [(LEVELS - 1, 1), (LEVELS, 0)])
def test_an_item_that_is_added_is_a_level_deeper(levels: int, kept: int) -> None:
    blocks = NESTING.format(block="Add Item At End", properties="List: ($)X, Item: =Y")
    blocks = blocks.replace("bottom: s, exception", "bottom: e, exception")
    variables = f"{{X: {{default: [], output: true}}, Y: {{default: {nested(levels)}}}"
    run = Run(blocks, variables + ", Problem: {output: true}}")
    assert len(run.outputs()["X"]) == kept


def test_exceptions_within_exceptions_count_as_levels() -> None:
    inner = None
    for _ in range(LEVELS + 1):
        inner = ExceptionValue("X.Y", inner=inner)
    assert values.cost(inner, 10_000_000) > 10_000_000


def test_a_default_that_is_too_deep_fails() -> None:
    blocks = "{a: {type: Start Flow, bottom: e}, e: {type: End Flow}}"
    run = Run(blocks, f"{{X: {{default: {nested(LEVELS + 1)}}}}}")
    run.go()
    assert run.thrown == ["InvalidDefaultValuesException"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis")
def test_an_input_that_is_too_deep_is_refused(tmp_path: Path) -> None:
    flow = publish(tmp_path, "deep", SET, "{X: {input: true}, Problem: {output: true}}")
    with pytest.raises(NotStarted, match="nested deeper than 100 levels"):
        begin(flow, X=nested(LEVELS + 1))
    execution = begin(flow, X=nested(LEVELS))
    drive(execution.pk)
    assert outputs(execution)["Problem"].short_type == "VariableTooLargeException"
