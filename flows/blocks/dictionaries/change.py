"""Adding, removing and changing the items of a dictionary."""

from collections.abc import Mapping
from typing import Any

from flows.blocks.collections import (
    ITEM,
    KEY_OCCURRENCE,
    NEW_VALUE,
    NEW_VALUES,
    OCCURRENCE,
    VALUE,
    VALUES,
    items_of,
    replacements,
)
from flows.blocks.dictionaries.base import (
    CHANGED_DICTIONARY,
    KEY,
    KEYS,
    All,
    ChangesDictionary,
    Chosen,
    Dictionary,
    WithKey,
    WithKeys,
    WithPresentKey,
    WithValue,
    WithValueOnce,
    WithValues,
    keys_of,
    lacks,
    usable,
)
from flows.blocks.errors import HELP, exception, item_count
from flows.equality import key_of
from flows.keys import value_of
from flows.values import copy, summary

_NOT_PRESENT = (*ChangesDictionary.throws, "KeyNotPresentException")


class AddItemWithKey(ChangesDictionary):
    """Adds an item with a key that the dictionary does not have."""

    type = "Add Item With Key"
    properties = (CHANGED_DICTIONARY, KEY, ITEM)
    throws = (*ChangesDictionary.throws, "KeyPresentException")

    def change(self, dictionary: Dictionary, inputs: Mapping[str, Any]) -> None:
        key = usable(inputs["Key"])
        if key in dictionary:
            told = f"The dictionary has the key {summary(value_of(key))} already.{HELP}"
            raise exception("KeyPresentException", told)
        dictionary[key] = copy(inputs["Item"])


class _Removes(Chosen, ChangesDictionary):
    def change(self, dictionary: Dictionary, inputs: Mapping[str, Any]) -> None:
        for key in self.keys(dictionary, inputs):
            dictionary.pop(key, None)


class RemoveAllItems(All, _Removes):
    """Empties a dictionary."""

    type = "Dictionaries/Remove All Items"
    properties = (CHANGED_DICTIONARY,)


class RemoveItemWithKey(WithKey, _Removes):
    """Removes the item with a key; without one nothing happens."""

    type = "Remove Item With Key"
    properties = (CHANGED_DICTIONARY, KEY, OCCURRENCE)


class RemoveItemWithValue(WithValueOnce, _Removes):
    """Removes one item with a value; without one nothing happens."""

    type = "Dictionaries/Remove Item With Value"
    properties = (CHANGED_DICTIONARY, VALUE, OCCURRENCE)


class RemoveItemsWithKey(WithKey, _Removes):
    """Removes the items with a key; without one nothing happens."""

    type = "Remove Items With Key"
    properties = (CHANGED_DICTIONARY, KEY)


class RemoveItemsWithKeys(WithKeys, _Removes):
    """Removes the items with one of some keys."""

    type = "Remove Items With Keys"
    properties = (CHANGED_DICTIONARY, KEYS)
    throws = (*ChangesDictionary.throws, "ArgumentNullException")


class RemoveItemsWithValue(WithValue, _Removes):
    """Removes every item with a value."""

    type = "Dictionaries/Remove Items With Value"
    properties = (CHANGED_DICTIONARY, VALUE)


class RemoveItemsWithValues(WithValues, _Removes):
    """Removes every item with one of some values."""

    type = "Dictionaries/Remove Items With Values"
    properties = (CHANGED_DICTIONARY, VALUES)


class _SetsOneValue(Chosen, ChangesDictionary):
    def change(self, dictionary: Dictionary, inputs: Mapping[str, Any]) -> None:
        for key in self.keys(dictionary, inputs):
            dictionary[key] = copy(inputs["New Value"])


class SetAllItems(All, _SetsOneValue):
    """Gives every item of a dictionary the same value."""

    type = "Dictionaries/Set All Items"
    properties = (CHANGED_DICTIONARY, NEW_VALUE)


class SetItemWithKey(WithPresentKey, _SetsOneValue):
    """Gives the item with a key another value."""

    type = "Set Item With Key"
    properties = (CHANGED_DICTIONARY, KEY, NEW_VALUE, KEY_OCCURRENCE)
    throws = (*_NOT_PRESENT, "OccurrenceNotPresentException")


class SetItemWithValue(WithValueOnce, _SetsOneValue):
    """Gives one item with a value another one; without such an item nothing happens."""

    type = "Dictionaries/Set Item With Value"
    properties = (CHANGED_DICTIONARY, VALUE, NEW_VALUE, OCCURRENCE)


class SetItemsWithKey(WithPresentKey, _SetsOneValue):
    """Gives the items with a key another value."""

    type = "Set Items With Key"
    properties = (CHANGED_DICTIONARY, KEY, NEW_VALUE)
    throws = _NOT_PRESENT


class SetItemsWithKeys(ChangesDictionary):
    """Gives the items with some keys the new values at the same places."""

    type = "Set Items With Keys"
    properties = (CHANGED_DICTIONARY, KEYS, NEW_VALUES)
    throws = (
        *ChangesDictionary.throws,
        "ArgumentNullException",
        "KeysNotPresentException",
        "PropertyItemCountException",
    )

    def change(self, dictionary: Dictionary, inputs: Mapping[str, Any]) -> None:
        keys, new = keys_of(inputs), items_of(inputs["New Values"])
        if len(keys) != len(new) or not keys:
            raise item_count("Keys", len(keys), "New Values", len(new))
        if lacking := [key for key in keys if key not in dictionary]:
            raise exception("KeysNotPresentException", lacks(dictionary, lacking))
        for key, value in zip(keys, new, strict=True):
            dictionary[key] = copy(value)


class SetItemsWithValue(WithValue, _SetsOneValue):
    """Gives every item with a value another one."""

    type = "Dictionaries/Set Items With Value"
    properties = (CHANGED_DICTIONARY, VALUE, NEW_VALUE)


class SetItemsWithValues(ChangesDictionary):
    """Gives every item with one of some values the new value at the same place."""

    type = "Dictionaries/Set Items With Values"
    properties = (CHANGED_DICTIONARY, VALUES, NEW_VALUES)
    throws = (
        *ChangesDictionary.throws,
        "DuplicateValueException",
        "PropertyItemCountException",
    )

    def change(self, dictionary: Dictionary, inputs: Mapping[str, Any]) -> None:
        new = replacements(inputs)
        for key, item in dictionary.items():
            if key_of(item) in new:
                dictionary[key] = copy(new[key_of(item)])
