"""Counting, finding and getting the items of a dictionary."""

from flows.blocks.base import Direction, Leave, Property, Visit
from flows.blocks.collections import (
    CONTAINS_ITEM,
    CONTAINS_ITEMS,
    COUNT_OUT,
    COUNTS_OUT,
    ITEM_OUT,
    ITEMS_OUT,
    KEY_OCCURRENCE,
    VALUE,
    VALUES,
    contains_all,
    counts,
)
from flows.blocks.dictionaries.base import (
    DICTIONARY,
    KEY,
    KEYS,
    DictionaryBlock,
    keys_of,
    present,
    usable,
)
from flows.equality import places, same
from flows.keys import value_of


class ContainsItemWithKeyAndValue(DictionaryBlock):
    """Tells whether the item with a key has a value."""

    type = "Contains Item With Key And Value"
    properties = (DICTIONARY, KEY, VALUE, CONTAINS_ITEM)

    def run(self, visit: Visit) -> Leave:
        dictionary, key = visit.inputs["Dictionary"], usable(visit.inputs["Key"])
        found = key in dictionary and same(dictionary[key], visit.inputs["Value"])
        return Leave(outputs={"Contains Item": found})


class ContainsItemWithKey(DictionaryBlock):
    """Tells whether a dictionary has a key."""

    type = "Contains Item With Key"
    properties = (DICTIONARY, KEY, CONTAINS_ITEM)

    def run(self, visit: Visit) -> Leave:
        found = usable(visit.inputs["Key"]) in visit.inputs["Dictionary"]
        return Leave(outputs={"Contains Item": found})


class ContainsItemWithValue(DictionaryBlock):
    """Tells whether an item of a dictionary has a value."""

    type = "Dictionaries/Contains Item With Value"
    properties = (DICTIONARY, VALUE, CONTAINS_ITEM)

    def run(self, visit: Visit) -> Leave:
        found = places(visit.inputs["Dictionary"].values(), visit.inputs["Value"])
        return Leave(outputs={"Contains Item": bool(found)})


class ContainsItemsWithKeys(DictionaryBlock):
    """Tells whether a dictionary has all of some keys. No keys are not contained
    (semantics 114)."""

    type = "Contains Items With Keys"
    properties = (DICTIONARY, KEYS, CONTAINS_ITEMS)
    throws = ("ArgumentNullException",)

    def run(self, visit: Visit) -> Leave:
        keys = keys_of(visit.inputs)
        found = bool(keys) and all(key in visit.inputs["Dictionary"] for key in keys)
        return Leave(outputs={"Contains Items": found})


class ContainsItemsWithValues(DictionaryBlock):
    """Tells whether a dictionary has an item with each of some values. No values are not contained
    (semantics 114)."""

    type = "Dictionaries/Contains Items With Values"
    properties = (DICTIONARY, VALUES, CONTAINS_ITEMS)

    def run(self, visit: Visit) -> Leave:
        items = list(visit.inputs["Dictionary"].values())
        return Leave(outputs={"Contains Items": contains_all(items, visit.inputs["Values"])})


class GetCountOfAllItems(DictionaryBlock):
    """Tells how many items a dictionary has."""

    type = "Dictionaries/Get Count Of All Items"
    properties = (DICTIONARY, COUNT_OUT)

    def run(self, visit: Visit) -> Leave:
        return Leave(outputs={"Count": len(visit.inputs["Dictionary"])})


class GetCountOfItemsWithValue(DictionaryBlock):
    """Tells how many items of a dictionary have a value."""

    type = "Dictionaries/Get Count Of Items With Value"
    properties = (DICTIONARY, VALUE, COUNT_OUT)

    def run(self, visit: Visit) -> Leave:
        found = places(visit.inputs["Dictionary"].values(), visit.inputs["Value"])
        return Leave(outputs={"Count": len(found)})


class GetCountsOfItemsWithValues(DictionaryBlock):
    """Tells for each of some values how many items of a dictionary have it."""

    type = "Dictionaries/Get Counts Of Items With Values"
    properties = (DICTIONARY, VALUES, COUNTS_OUT)

    def run(self, visit: Visit) -> Leave:
        items = list(visit.inputs["Dictionary"].values())
        return Leave(outputs={"Counts": counts(items, visit.inputs["Values"])})


class GetAllItems(DictionaryBlock):
    """Gets the items of a dictionary, without their keys."""

    type = "Get All Items"
    properties = (DICTIONARY, ITEMS_OUT)

    def run(self, visit: Visit) -> Leave:
        return Leave(outputs={"Items": list(visit.inputs["Dictionary"].values())})


class GetItemWithKey(DictionaryBlock):
    """Gets the item with a key."""

    type = "Get Item With Key"
    properties = (DICTIONARY, KEY, KEY_OCCURRENCE, ITEM_OUT)
    throws = ("KeyNotPresentException", "OccurrenceNotPresentException")

    def run(self, visit: Visit) -> Leave:
        dictionary = visit.inputs["Dictionary"]
        return Leave(outputs={"Item": dictionary[present(dictionary, visit.inputs)]})


class GetItemsWithKey(DictionaryBlock):
    """Gets the items with a key: as keys are unique, a list of one."""

    type = "Get Items With Key"
    properties = (DICTIONARY, KEY, ITEMS_OUT)
    throws = ("KeyNotPresentException",)

    def run(self, visit: Visit) -> Leave:
        dictionary = visit.inputs["Dictionary"]
        return Leave(outputs={"Items": [dictionary[present(dictionary, visit.inputs)]]})


class GetAllKeys(DictionaryBlock):
    """Gets the keys of a dictionary, in their order."""

    type = "Get All Keys"
    properties = (DICTIONARY, Property("Keys", "IList<TKey>", Direction.OUTPUT))

    def run(self, visit: Visit) -> Leave:
        return Leave(outputs={"Keys": list(map(value_of, visit.inputs["Dictionary"]))})
