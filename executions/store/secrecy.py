"""What an execution keeps to itself, in its column `secrets`: the texts that are replaced wherever
people read, and its real inputs and outputs where the columns of these only show what may be seen.

NULL for an execution without secrets.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from executions.engine import secrets
from executions.engine.program import compile_program
from executions.engine.secrets import Secrets
from flows import values
from flows.graph import FlowGraph

Kept = Mapping[str, Any]


def texts(kept: Kept | None) -> Iterable[str]:
    """The texts of the column."""
    return [values.decode(form) for form in kept["texts"]] if kept else ()


def real(kept: Kept | None, column: str, shown: Any) -> Any:
    """The form that the engine takes for what a column, "inputs" or "outputs", shows."""
    return kept.get(column, shown) if kept else shown


def written(known: Secrets, kept: Kept | None) -> dict[str, Any]:
    """The column with the texts that are known by now."""
    return {**(kept or {}), "texts": [values.encode(text) for text in known.texts]}


def of_inputs(
    graph: FlowGraph, inputs: Mapping[str, Any], known: Iterable[str]
) -> tuple[Any, dict[str, Any] | None]:
    """What a new execution shows of its inputs, and its column. `known` are texts that whoever
    starts it keeps to itself."""
    form = values.encode(dict(inputs))
    found = secrets.of(compile_program(graph).secrets, known)
    if found is None:
        return form, None
    for name, value in inputs.items():
        if found.is_secret("", name.casefold()):
            found.learn(value)
    shown = values.encode(
        {name: found.of_variable("", name.casefold(), v) for name, v in inputs.items()}
    )
    kept = written(found, None)
    return shown, kept if shown == form else kept | {"inputs": form}


def of_outputs(
    known: Secrets, outputs: Mapping[str, Any], kept: Kept | None
) -> tuple[Any, dict[str, Any]]:
    """What an execution shows of its outputs, and its column."""
    form = values.encode(dict(outputs))
    shown = values.encode(
        {name: known.of_variable("", name.casefold(), value) for name, value in outputs.items()}
    )
    column = written(known, kept)
    return shown, column if shown == form else column | {"outputs": form}


def covered(kept: Kept | None, text: str) -> str:
    """A text for people without those that an execution keeps to itself."""
    return Secrets({}, dict.fromkeys(texts(kept))).text(text) if kept else text
