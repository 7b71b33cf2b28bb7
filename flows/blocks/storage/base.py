"""What the blocks of Data Storage share: the collection that they are about, and its keys."""

from typing import Any, ClassVar

from flows.blocks.base import Block, Leave, Property, Visit
from flows.blocks.scopes import LEVELS, require_name, scope_of
from flows.blocks.shared_data import KEY_LENGTH, NAME_LENGTH, CollectionName

SCOPE = Property(
    "Collection Scope",
    "ScopeDefinition",
    default=dict(LEVELS),
    required=True,
    advanced=True,
    description="Tenant, System, Package and Flow, each Current or All",
)
NAME = Property(
    "Collection Name",
    "String",
    required=True,
    nonempty=True,
    description="upper and lower case are the same",
)
KEY = Property(
    "Key", "String", required=True, nonempty=True, description="upper and lower case differ"
)


class StorageBlock(Block):
    """A block of Data Storage."""

    palette: ClassVar[str] = "Data Storage"
    shares_values = True
    icon: ClassVar[str] = "sql"
    throws: ClassVar[tuple[str, ...]] = ("ArgumentException", "PropertyValueOutOfRangeException")

    def resume(self, visit: Visit, result: Any) -> Leave:
        return Leave()


def collection_of(visit: Visit) -> CollectionName:
    """Return the collection that a visit is about. Raises ArgumentException,
    InvalidPropertyValueException and PropertyValueOutOfRangeException as a BlockException."""
    scope = scope_of(visit.inputs[SCOPE.name], visit.flow, SCOPE.name)
    return CollectionName(scope, require_name(NAME.name, visit.inputs[NAME.name], NAME_LENGTH))


def key_of(visit: Visit) -> str:
    """Return the key that a visit is about. Raises PropertyValueOutOfRangeException as a
    BlockException."""
    return require_name(KEY.name, visit.inputs[KEY.name], KEY_LENGTH)
