"""A condition of Data Storage. Reading and writing, which wait for nothing, are done here too."""

from collections.abc import Mapping
from typing import Any

from executions.states import Reason
from executions.wait_states.shared_data import SharedDataWait
from flows.blocks.shared_data import AwaitStorage, StorageRequest


class StorageCondition(SharedDataWait[StorageRequest]):
    request = StorageRequest
    name = "storage"
    reason = Reason.STORAGE

    def waits_of(self, request: StorageRequest) -> dict[str, Any]:
        assert isinstance(request, AwaitStorage)
        return {
            "collection": request.collection.name,
            "key": request.key,
            "condition": request.condition.value,
            "scope": request.collection.scope.path,
        }

    def text(self, waits: Mapping[str, Any]) -> str:
        collection, key = waits["collection"], waits["key"]
        subject = (
            f"the collection {collection}" if key is None else f"the key {key} of {collection}"
        )
        return f"{subject} to {waits['condition']}"


WAIT_STATE = StorageCondition()
