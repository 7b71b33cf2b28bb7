"""Runs golden cases of blocks that decide alone, or with the clients that they are given.

For the tests of packages with blocks of their own (docs/writing-blocks.md).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flows import values
from flows.blocks import BY_TYPE, examples
from flows.blocks.base import Block, Effect, Leave, Visit, check
from flows.blocks.clients import Clients
from flows.blocks.errors import BlockException
from flows.blocks.examples import Case
from flows.value_sources import evaluate_constant, parse
from flows.values import ExceptionValue


def cases(palette: str) -> list[Any]:
    """Return the golden cases of a palette, each with its block's type."""
    found = [(kind, case) for kind, of in examples.cases().items() for case in of]
    return [
        {"block": kind, **case}
        for kind, case in found
        if BY_TYPE[kind.casefold()].palette == palette
    ]


def check_case(case: Case, clients: Clients | None = None) -> None:
    """Visit the block as the engine does. Raises AssertionError when it does something else than
    the case says."""
    block = BY_TYPE[case["block"].casefold()]
    port, outputs, thrown = _visited(block, case["inputs"], clients)
    assert (thrown.short_type if thrown else None) == case.get("throws"), thrown or outputs
    if thrown:
        expected = values.decode(case.get("exception", {}))
        assert expected.items() <= thrown.as_structure().items(), thrown
        return
    expected = dict(case["outputs"])
    assert port == expected.pop("port", port)
    decoded = {name: values.decode(form) for name, form in expected.items()}
    found = {name: outputs.get(name) for name in decoded}
    assert values.encode(found) == values.encode(decoded), found


def _visited(
    block: Block, inputs: Mapping[str, Any], clients: Clients | None
) -> tuple[str, Mapping[str, Any], ExceptionValue | None]:
    """The port, the outputs and the exception of a visit."""
    try:
        return (*_visit(block, _decoded(block, inputs), clients), None)
    except BlockException as thrown:
        return "exception", {}, thrown.value


def _decoded(block: Block, inputs: Mapping[str, Any]) -> dict[str, Any]:
    decoded = {}
    for prop in block.properties:
        if not prop.reads:
            continue
        if prop.name in inputs:
            decoded[prop.name] = values.decode(inputs[prop.name])
        else:
            decoded[prop.name] = evaluate_constant(parse(prop.default))
        check(prop, decoded[prop.name])
    return decoded


def _visit(
    block: Block, inputs: Mapping[str, Any], clients: Clients | None
) -> tuple[str, Mapping[str, Any]]:
    if block.effect is Effect.NONE:
        outcome = block.run(Visit(inputs, now=lambda: datetime.now(UTC)))
        assert isinstance(outcome, Leave), f"{block.type} does not leave at once"
        return outcome.port, outcome.outputs
    assert clients is not None, f"{block.type} has an effect: give it clients"
    return "bottom", block.perform(inputs, clients)
