"""Creating and deleting collections, and reading, writing and deleting what they hold."""

from typing import Any

from flows.blocks.base import Direction, Leave, Property, Visit
from flows.blocks.shared_data import (
    CreateCollection,
    DeleteCollection,
    DeleteItem,
    ReadItem,
    WriteItem,
)
from flows.blocks.storage.base import KEY, NAME, SCOPE, StorageBlock, collection_of, key_of

_NOT_FOUND = ("DataStorageCollectionNotFoundException",)


class CreateCollectionBlock(StorageBlock):
    """Creates a collection of keys and values that outlives the execution.

    Does nothing when the collection exists (semantics 109).
    """

    type = "Create Collection"
    properties = (SCOPE, NAME)

    def run(self, visit: Visit) -> CreateCollection:
        return CreateCollection(collection_of(visit))


class DeleteCollectionBlock(StorageBlock):
    """Deletes a collection with everything that it holds.

    Does nothing when there is no such collection (semantics 109).
    """

    type = "Delete Collection"
    properties = (SCOPE, NAME)

    def run(self, visit: Visit) -> DeleteCollection:
        return DeleteCollection(collection_of(visit))


class ReadDataWithKey(StorageBlock):
    """Reads the value of a key in a collection."""

    type = "Read Data With Key"
    properties = (SCOPE, NAME, KEY, Property("Data", "dynamic", Direction.OUTPUT))
    throws = (
        *StorageBlock.throws,
        *_NOT_FOUND,
        "KeyInDataStorageCollectionNotFoundException",
    )

    def run(self, visit: Visit) -> ReadItem:
        return ReadItem(collection_of(visit), key_of(visit))

    def resume(self, visit: Visit, result: Any) -> Leave:
        return Leave(outputs={"Data": result})


class WriteDataWithKey(StorageBlock):
    """Writes the value of a key in a collection, over what the key had."""

    type = "Write Data With Key"
    properties = (SCOPE, NAME, KEY, Property("Data", "dynamic"))
    throws = (*StorageBlock.throws, *_NOT_FOUND, "ServiceUnavailableException")

    def run(self, visit: Visit) -> WriteItem:
        return WriteItem(collection_of(visit), key_of(visit), visit.inputs["Data"])


class DeleteDataWithKey(StorageBlock):
    """Deletes a key of a collection, with its value.

    Does nothing when the collection lacks the key (semantics 109).
    """

    type = "Delete Data With Key"
    properties = (SCOPE, NAME, KEY)
    throws = (*StorageBlock.throws, *_NOT_FOUND)

    def run(self, visit: Visit) -> DeleteItem:
        return DeleteItem(collection_of(visit), key_of(visit))
