"""Waiting for what others do to a collection. No worker is held meanwhile."""

from dataclasses import replace
from typing import Any, ClassVar

from flows.blocks.base import TIMEOUT, Direction, Leave, Property, Visit
from flows.blocks.shared_data import AwaitStorage, Condition
from flows.blocks.storage.base import KEY, NAME, SCOPE, StorageBlock, collection_of, key_of

#: A minute, as in the original (semantics 110).
_TIMEOUT = replace(
    TIMEOUT,
    default={"Minutes": 1},
    description="how long it waits, as a period or in milliseconds; null or 0 for no limit",
)


class WaitBlock(StorageBlock):
    """A block that waits for a collection."""

    icon: ClassVar[str] = "wait"
    condition: ClassVar[Condition]
    properties: ClassVar[tuple[Property, ...]] = (SCOPE, NAME, _TIMEOUT)

    def run(self, visit: Visit) -> AwaitStorage:
        return AwaitStorage(collection_of(visit), None, self.condition)


class KeyWaitBlock(WaitBlock):
    """A block that waits for a key of a collection. A collection that does not exist has none
    (semantics 110)."""

    properties: ClassVar[tuple[Property, ...]] = (SCOPE, NAME, KEY, _TIMEOUT)

    def run(self, visit: Visit) -> AwaitStorage:
        return AwaitStorage(
            collection_of(visit), key_of(visit), self.condition, visit.inputs.get("Value")
        )


class WaitForCollectionToExist(WaitBlock):
    """Waits until a collection exists; goes on at once when it does."""

    type = "Wait For Collection To Exist"
    condition = Condition.EXISTS


class WaitForCollectionToNotExist(WaitBlock):
    """Waits until a collection does not exist; goes on at once when there is none."""

    type = "Wait For Collection To Not Exist"
    condition = Condition.MISSING


class WaitForKeyInCollectionToExist(KeyWaitBlock):
    """Waits until a collection has a key; goes on at once when it does."""

    type = "Wait For Key In Collection To Exist"
    condition = Condition.EXISTS


class WaitForKeyInCollectionToNotExist(KeyWaitBlock):
    """Waits until a collection lacks a key; goes on at once when it does."""

    type = "Wait For Key In Collection To Not Exist"
    condition = Condition.MISSING


class WaitForKeyInCollectionToContainValue(KeyWaitBlock):
    """Waits until a key of a collection has a value; goes on at once when it does.

    Values are compared deeply and by type, as in lists and dictionaries (semantics 112).
    """

    type = "Wait For Key In Collection To Contain Value"
    condition = Condition.CONTAINS
    properties = (SCOPE, NAME, KEY, Property("Value", "dynamic"), _TIMEOUT)


class WaitForKeyInCollectionToBeSet(KeyWaitBlock):
    """Waits until a key of a collection is written the next time, also with the value that it has.

    Old Value is null when the key was not there before (semantics 110).
    """

    type = "Wait For Key In Collection To Be Set"
    condition = Condition.SET
    properties = (
        SCOPE,
        NAME,
        KEY,
        Property("Old Value", "dynamic", Direction.OUTPUT),
        Property("New Value", "dynamic", Direction.OUTPUT),
        _TIMEOUT,
    )

    def resume(self, visit: Visit, result: tuple[Any, Any]) -> Leave:
        old, new = result
        return Leave(outputs={"Old Value": old, "New Value": new})
