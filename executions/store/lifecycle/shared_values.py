"""Values that one execution gives to others: by Data Storage, or with a signal.

Their secret texts are masked where people read them, and become secret in every execution that
takes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from executions.engine.secrets import Secrets
from executions.models.shared_data import SharedValue
from flows import values


@dataclass(frozen=True, slots=True)
class Giver:
    """Who gives a value: an execution of a flow, which may keep texts secret, or a person."""

    name: str
    execution_id: UUID | None = None
    secrets: Secrets | None = None


@dataclass(frozen=True, slots=True)
class TakenValue:
    """A value as an execution takes it, with the texts in it that are secret."""

    value: Any
    secret_texts: Sequence[str] = ()

    def form(self) -> dict[str, Any]:
        """Return it as JSON, for an encrypted column."""
        return {
            "value": values.encode(self.value),
            "texts": [values.encode(text) for text in self.secret_texts],
        }


class SecretRefused(Exception):
    """A value that others may read holds a secret text. The text is a sentence."""


def require_readable(value: Any) -> None:
    """Raise SecretRefused for a value that people or programs give and that holds a secret text.
    Blocks that share values refuse it themselves."""
    if values.has_secret(value):
        raise SecretRefused(
            "The value holds a secret text, which others could read. Give secrets to an execution "
            "as inputs of the type Secret Text instead."
        )


def of_form(form: dict[str, Any]) -> TakenValue:
    """Return what `TakenValue.form` wrote."""
    return TakenValue(values.decode(form["value"]), [values.decode(text) for text in form["texts"]])


def to_store(value: Any, giver: Giver) -> tuple[dict[str, Any], TakenValue]:
    """Return the columns of a value that is given, and the value as others take it."""
    texts = _secret_texts(value, giver.secrets)
    taken = TakenValue(value, texts)
    shown = Secrets({}, dict.fromkeys(texts)).redact(value) if texts else value
    columns = {
        "value": values.encode(shown),
        "secret": taken.form() if texts else None,
        "by": values.storable(giver.name)[:150],
        "by_execution_id": giver.execution_id,
    }
    return columns, taken


def of_row(row: SharedValue) -> TakenValue:
    """Return the value of a row."""
    return of_form(row.secret) if row.secret else TakenValue(values.decode(row.value))


def _secret_texts(value: Any, secrets: Secrets | None) -> list[str]:
    """Return the secret texts that stand in a value, and those that its giver keeps secret."""
    found = dict.fromkeys(values.secret_texts(value))
    plain = values.reveal(value)
    if secrets is not None and secrets.redact(plain) != plain:
        known = (text for text in secrets.texts if Secrets({}, {text: None}).redact(plain) != plain)
        found |= dict.fromkeys(known)
    return list(found)
