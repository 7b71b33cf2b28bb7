"""What an execution keeps to itself, in its column `secrets`: the texts that are replaced wherever
people read, its real inputs and outputs where the columns of these only show what may be seen, and
the id of the user who gave all of it.

NULL for an execution without secrets.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import connection

from executions.engine import secrets
from executions.engine.program import compile_program
from executions.engine.secrets import Secrets
from flows import values
from flows.graph import FlowGraph

Kept = Mapping[str, Any]
#: The key of the user who gave the secrets; missing where more than one did, or nobody knows.
_GIVER = "given_by"


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
    graph: FlowGraph, inputs: Mapping[str, Any], known: Iterable[str], giver_id: int | None
) -> tuple[Any, dict[str, Any] | None]:
    """What a new execution shows of its inputs, and its column. `known` are texts that whoever
    starts it keeps to itself, and `giver_id` the user who gave these and the inputs."""
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
    kept = written(found, None if giver_id is None else {_GIVER: giver_id})
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


def giver(kept: Kept | None) -> int | None:
    """The user who gave the secrets of the column, where one person gave them all."""
    return kept.get(_GIVER) if kept else None


def givers(execution_id: UUID) -> list[tuple[int, bool, int | None]]:
    """Of an execution and all those above it: its version, whether it holds secrets, and who gave
    them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE above AS ("
            "SELECT id, parent_id, version_id, secrets FROM executions_execution WHERE id = %s "
            "UNION ALL SELECT e.id, e.parent_id, e.version_id, e.secrets "
            "FROM executions_execution e JOIN above ON e.id = above.parent_id) "
            f"SELECT version_id, secrets IS NOT NULL, (secrets ->> '{_GIVER}')::bigint FROM above",
            [execution_id],
        )
        return list(cursor.fetchall())


def given_by_another(root_id: str, user_id: int | None) -> None:
    """A user has given a secret to an execution of the family: where others gave theirs too, no
    single person did from now on."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE executions_execution SET secrets = (secrets::jsonb - '{_GIVER}')::json "
            f"WHERE root_id = %s AND secrets IS NOT NULL AND ended_at IS NULL "
            f"AND (secrets ->> '{_GIVER}')::bigint IS DISTINCT FROM %s",
            [root_id, user_id],
        )
