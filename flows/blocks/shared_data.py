"""What a block asks of data that executions share: of Data Storage, and of signals. Pure.

Whoever runs the block does it in the transaction that writes the visit down, so that it is done
once, whatever dies meanwhile. The block's `resume` is called with the result.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flows.blocks.errors import HELP, BlockException, exception
from flows.blocks.requests import BlockRequest
from flows.blocks.scopes import Scope

#: The longest name of a collection or signal, and the longest key.
NAME_LENGTH = 200
KEY_LENGTH = 500


@dataclass(frozen=True, slots=True)
class SharedDataRequest(BlockRequest):
    """One operation on shared data."""


# Data Storage -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StorageRequest(SharedDataRequest):
    """One operation on Data Storage."""


@dataclass(frozen=True, slots=True)
class CollectionName:
    """What names a collection. Upper and lower case are the same (semantics 108)."""

    scope: Scope
    name: str

    @property
    def folded(self) -> str:
        """The name by which it is found."""
        return self.name.casefold()

    def as_fields(self) -> dict[str, Any]:
        """What exceptions say of it."""
        return {"Scope": self.scope.as_structure(), "CollectionName": self.name}


@dataclass(frozen=True, slots=True)
class CreateCollection(StorageRequest):
    """Create a collection, unless it exists."""

    collection: CollectionName


@dataclass(frozen=True, slots=True)
class DeleteCollection(StorageRequest):
    """Delete a collection with its items, if it exists."""

    collection: CollectionName


@dataclass(frozen=True, slots=True)
class ReadItem(StorageRequest):
    """Read the value of a key: the result."""

    collection: CollectionName
    key: str


@dataclass(frozen=True, slots=True)
class WriteItem(StorageRequest):
    """Write the value of a key, over what it had."""

    collection: CollectionName
    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class DeleteItem(StorageRequest):
    """Delete a key with its value, if it exists."""

    collection: CollectionName
    key: str


class Condition(StrEnum):
    """What a collection or a key is waited for."""

    EXISTS = "exist"
    MISSING = "not exist"
    SET = "be set"
    CONTAINS = "contain a value"


@dataclass(frozen=True, slots=True)
class AwaitStorage(StorageRequest):
    """Park until a condition holds for a key, or, where that is None, for the collection itself.
    The result of SET is the pair of the old and the new value."""

    collection: CollectionName
    key: str | None
    condition: Condition
    value: Any = None


def collection_not_found(collection: CollectionName) -> BlockException:
    """Return the exception for a collection that does not exist (semantics 109)."""
    return exception(
        "DataStorageCollectionNotFoundException",
        f"The '{collection.name}' collection was not found.{HELP}",
        extra=collection.as_fields(),
    )


def key_not_found(collection: CollectionName, key: str) -> BlockException:
    """Return the exception for a key that a collection lacks (semantics 109)."""
    return exception(
        "KeyInDataStorageCollectionNotFoundException",
        f"The key \"{key}\" is not present in '{collection.name}', so cannot be retrieved.{HELP}",
        extra={**collection.as_fields(), "Key": key},
    )


# Signals ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignalRequest(SharedDataRequest):
    """One operation on signals."""


@dataclass(frozen=True, slots=True)
class SendSignal(SignalRequest):
    """Send a signal to the execution that has waited for it the longest, or waits for it next."""

    name: str
    key: str
    payload: Any


@dataclass(frozen=True, slots=True)
class AwaitSignal(SignalRequest):
    """Park until a signal of that name and key has come; the result is its payload."""

    name: str
    key: str
