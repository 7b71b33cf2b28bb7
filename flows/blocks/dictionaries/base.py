"""What the blocks of dictionaries share: which keys a block is about, and what it does.

Keys are unique, so a key occurs once at most. A dictionary keeps its items in the order in which
they were added.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from flows.blocks.base import Block, Direction, Leave, Property, Visit
from flows.blocks.collections import items_of
from flows.blocks.errors import HELP, exception, invalid_property
from flows.equality import key_of, occurrence
from flows.keys import key_for, value_of
from flows.values import ExceptionValue, TaskValue, article, summary, type_name

DICTIONARY = Property("Dictionary", "IDictionary<TKey, TItem>", required=True)
CHANGED_DICTIONARY = Property(
    "Dictionary", "IDictionary<TKey, TItem>", Direction.BOTH, required=True
)
KEY = Property("Key", "TKey", required=True)
KEYS = Property("Keys", "IEnumerable<TKey>", required=True)

Dictionary = dict[Any, Any]


class DictionaryBlock(Block):
    """A block that reads a dictionary."""

    palette = "Dictionaries"
    icon = "queue"


class ChangesDictionary(DictionaryBlock):
    """A block that changes a dictionary, which is a variable."""

    throws: ClassVar[tuple[str, ...]] = ("CannotModifyReadOnlyDictionaryException",)

    def run(self, visit: Visit) -> Leave:
        dictionary = visit.inputs["Dictionary"]
        self.change(dictionary, visit.inputs)
        return Leave(outputs={"Dictionary": dictionary})

    def change(self, dictionary: Dictionary, inputs: Mapping[str, Any]) -> None:
        """Change the dictionary."""
        raise NotImplementedError(self.type)


def usable(key: Any, name: str = "Key") -> Any:
    """Return the key that a value is. Raises InvalidPropertyValueException for what cannot be one,
    such as a list."""
    if isinstance(key, list | dict | ExceptionValue | TaskValue):
        raise invalid_property(name, f"{article(type_name(key))} cannot be a key.")
    return key_for(key)


def keys_of(inputs: Mapping[str, Any]) -> list[Any]:
    """Return the keys that a block is given. Raises ArgumentNullException for a null."""
    keys = items_of(inputs["Keys"])
    if None in keys:
        raise exception("ArgumentNullException", "'Keys' holds null, which no key can be.")
    return [usable(key, "Keys") for key in keys]


def lacks(dictionary: Dictionary, keys: Sequence[Any]) -> str:
    """Return the message about keys that a dictionary does not have."""
    named = ", ".join(summary(value_of(key)) for key in keys)
    empty = "" if dictionary else "; it is empty"
    return f"The dictionary has no {'key' if len(keys) == 1 else 'keys'} {named}{empty}.{HELP}"


def present(dictionary: Dictionary, inputs: Mapping[str, Any]) -> Any:
    """Return the key that a block is given. Raises KeyNotPresentException and, for an occurrence
    that is not there, OccurrenceNotPresentException (semantics 113)."""
    key = usable(inputs["Key"])
    if key not in dictionary:
        raise exception("KeyNotPresentException", lacks(dictionary, [key]))
    if "Occurrence" in inputs and occurrence([key], inputs["Occurrence"]) is None:
        number, shown = inputs["Occurrence"], summary(value_of(key))
        told = f"The dictionary has the key {shown}, but not {number} of it."
        raise exception("OccurrenceNotPresentException", told)
    return key


# Which items -------------------------------------------------------------------------------------


class Chosen:
    """Which items of a dictionary a block is about."""

    def keys(self, dictionary: Dictionary, inputs: Mapping[str, Any]) -> Iterable[Any]:
        """Return the keys of those items."""
        raise NotImplementedError


class All(Chosen):
    """Every item."""

    def keys(self, dictionary: Dictionary, inputs: Mapping[str, Any]) -> Iterable[Any]:
        return list(dictionary)


class WithKey(Chosen):
    """The item with a key; none where there is no such item, or not of that occurrence."""

    def keys(self, dictionary: Dictionary, inputs: Mapping[str, Any]) -> Iterable[Any]:
        key = usable(inputs["Key"])
        found = [key] if key in dictionary else []
        if "Occurrence" in inputs:
            return found if occurrence(found, inputs["Occurrence"]) is not None else []
        return found


class WithPresentKey(Chosen):
    """The item with a key, which has to be there."""

    def keys(self, dictionary: Dictionary, inputs: Mapping[str, Any]) -> Iterable[Any]:
        return [present(dictionary, inputs)]


class WithKeys(Chosen):
    """The items with one of some keys."""

    def keys(self, dictionary: Dictionary, inputs: Mapping[str, Any]) -> Iterable[Any]:
        return [key for key in keys_of(inputs) if key in dictionary]


class WithValue(Chosen):
    """The items with a value."""

    def keys(self, dictionary: Dictionary, inputs: Mapping[str, Any]) -> Iterable[Any]:
        wanted = key_of(inputs["Value"])
        return [key for key, item in dictionary.items() if key_of(item) == wanted]


class WithValueOnce(WithValue):
    """Of the items with a value, the one of that occurrence (semantics 113)."""

    def keys(self, dictionary: Dictionary, inputs: Mapping[str, Any]) -> Iterable[Any]:
        found = list(super().keys(dictionary, inputs))
        number = inputs["Occurrence"]
        return [] if occurrence(found, number) is None else [occurrence(found, number)]


class WithValues(Chosen):
    """The items with one of some values."""

    def keys(self, dictionary: Dictionary, inputs: Mapping[str, Any]) -> Iterable[Any]:
        wanted = {key_of(value) for value in items_of(inputs["Values"])}
        return [key for key, item in dictionary.items() if key_of(item) in wanted]
