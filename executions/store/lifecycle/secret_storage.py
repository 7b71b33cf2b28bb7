"""The column `secrets` of an execution; NULL for one without secrets.

It has the texts that are masked wherever people read, the real inputs and outputs where their own
columns only show what people may see, and the id of the user who gave all of it. All but the id is
encrypted.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import connection

from executions.engine.program import compile_program
from executions.engine.secrets import Secrets, secrets_of
from executions.fields import EncryptedJSONField
from executions.models import Execution
from flows import values
from flows.graph import FlowGraph

SecretsColumn = Mapping[str, Any]
_FIELD = Execution._meta.get_field("secrets")
assert isinstance(_FIELD, EncryptedJSONField)
#: The key of the user who gave the secrets; missing where several did, or nobody knows.
(_GIVER,) = _FIELD.plain
#: An execution and all those above it.
_GIVERS = f"""
    WITH RECURSIVE above AS (
        SELECT id, parent_id, version_id, secrets FROM executions_execution WHERE id = %s
        UNION ALL
        SELECT e.id, e.parent_id, e.version_id, e.secrets
        FROM executions_execution e JOIN above ON e.id = above.parent_id
    )
    SELECT version_id, secrets IS NOT NULL, (secrets ->> '{_GIVER}')::bigint FROM above
"""
_FORGET_GIVER = f"""
    UPDATE executions_execution SET secrets = (secrets::jsonb - '{_GIVER}')::json
    WHERE root_id = %s AND secrets IS NOT NULL AND ended_at IS NULL
        AND (secrets ->> '{_GIVER}')::bigint IS DISTINCT FROM %s
"""


def texts(column: SecretsColumn | None) -> Iterable[str]:
    """Return the texts of the column."""
    return [values.decode(form) for form in column.get("texts", ())] if column else ()


def real_form(column: SecretsColumn | None, name: str, shown: Any) -> Any:
    """Return the real form of "inputs" or "outputs"."""
    return column.get(name, shown) if column else shown


def with_texts(secrets: Secrets, column: SecretsColumn | None) -> dict[str, Any]:
    """Return the column with the texts that are known by now."""
    return {**(column or {}), "texts": [values.encode(text) for text in secrets.texts]}


def sealed(column: SecretsColumn) -> Any:
    """Return the column as it is stored."""
    return _FIELD.sealed(column)


def unsealed(stored: Any) -> Any:
    """Return the column that is stored. Raises KeyMissing."""
    return _FIELD.unsealed(stored)


def redact_inputs(
    graph: FlowGraph, inputs: Mapping[str, Any], secret_texts: Iterable[str], giver_id: int | None
) -> tuple[Any, dict[str, Any] | None]:
    """Return what a new execution shows of its inputs, and its column. `secret_texts`
    are those of whatever starts it, and `giver_id` is the user who gave these and the inputs."""
    form = values.encode(dict(inputs))
    inside = list(values.secret_texts(dict(inputs)))
    secrets = secrets_of(compile_program(graph).secrets, (*secret_texts, *inside))
    if secrets is None:
        return form, None
    for name, value in inputs.items():
        if secrets.is_secret("", name.casefold()):
            secrets.add_value(value)
    shown = values.encode(
        {name: secrets.redact_variable("", name.casefold(), v) for name, v in inputs.items()}
    )
    column = with_texts(secrets, None if giver_id is None else {_GIVER: giver_id})
    return shown, column if shown == form else column | {"inputs": form}


def redact_outputs(
    secrets: Secrets, outputs: Mapping[str, Any], column: SecretsColumn | None
) -> tuple[Any, dict[str, Any]]:
    """Return what an execution shows of its outputs, and its column."""
    form = values.encode(dict(outputs))
    shown = values.encode(
        {
            name: secrets.redact_variable("", name.casefold(), value)
            for name, value in outputs.items()
        }
    )
    written = with_texts(secrets, column)
    return shown, written if shown == form else written | {"outputs": form}


def redact(column: SecretsColumn | None, text: str) -> str:
    """Return a text with the secret texts of an execution masked."""
    return Secrets({}, dict.fromkeys(texts(column))).redact_text(text) if column else text


def giver(column: SecretsColumn | None) -> int | None:
    """Return the user who gave the secrets of the column, if one person gave them all."""
    return column.get(_GIVER) if column else None


def givers(execution_id: UUID) -> list[tuple[int, bool, int | None]]:
    """Return, of an execution and all those above it, the version, whether it holds secrets, and
    who gave them."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVERS, [execution_id])
        return list(cursor.fetchall())


def forget_giver(root_id: str, user_id: int | None) -> None:
    """Take note that a user gave a secret to an execution of the family: where others gave theirs
    too, no single person gave all of them from now on."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET_GIVER, [root_id, user_id])
