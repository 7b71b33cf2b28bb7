"""Finding texts in a text: where, whether, which, and with what in their place."""

import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from flows.blocks.base import Direction, Leave, Property, Visit
from flows.blocks.collections import OCCURRENCE, texts_of
from flows.blocks.enumerations import SEARCH_OPTIONS
from flows.blocks.text.base import CHANGED_TEXT, TEXT, TextBlock
from flows.blocks.text.search import (
    COMPARISON,
    SEARCH,
    TEXT_TO_FIND,
    THROWS,
    Search,
    found_in,
    last_group,
    match_structure,
)
from flows.equality import occurrence

_WANTED = Property("Text To Find", "String", default="")
_ALL_WANTED = Property("Texts To Find", "IEnumerable<String>", default=[], required=True)
_REPLACEMENT = Property("Replacement Text", "String", default="")


class _Searches(TextBlock):
    throws: ClassVar[tuple[str, ...]] = THROWS


def _answer(name: str) -> Property:
    return Property(name, "Boolean", Direction.OUTPUT)


class GetIndexOfText(_Searches):
    """Tells where a text stands in another one; -1 where it does not, or not as often
    (semantics 113)."""

    type = "Get Index Of Text"
    properties = (
        TEXT, _WANTED, OCCURRENCE, SEARCH, COMPARISON, Property("Index", "Int32", Direction.OUTPUT),
    )  # fmt: skip

    def run(self, visit: Visit) -> Leave:
        inputs = visit.inputs
        found = Search(inputs, visit.seconds).indexes(inputs["Text"], inputs["Text To Find"])
        index = occurrence(found, inputs["Occurrence"])
        return Leave(outputs={"Index": -1 if index is None else index})


class GetIndexesOfText(_Searches):
    """Tells each place where a text stands in another one; [-1] where it does not
    (semantics 114)."""

    type = "Get Indexes Of Text"
    properties = (
        TEXT, _WANTED, SEARCH, COMPARISON, Property("Indexes", "IList<Int32>", Direction.OUTPUT),
    )  # fmt: skip

    def run(self, visit: Visit) -> Leave:
        inputs = visit.inputs
        found = Search(inputs, visit.seconds).indexes(inputs["Text"], inputs["Text To Find"])
        return Leave(outputs={"Indexes": found or [-1]})


class ContainsText(_Searches):
    """Tells whether a text stands in another one. An empty text does not."""

    type = "Contains Text"
    properties = (TEXT, _WANTED, SEARCH, COMPARISON, _answer("Contains Text"))

    def run(self, visit: Visit) -> Leave:
        inputs = visit.inputs
        found = Search(inputs, visit.seconds).indexes(inputs["Text"], inputs["Text To Find"])
        return Leave(outputs={"Contains Text": bool(found)})


def _contained(visit: Visit) -> list[bool]:
    """For each of the texts whether it is contained."""
    search, text = Search(visit.inputs, visit.seconds), visit.inputs["Text"]
    wanted = texts_of("Texts To Find", visit.inputs["Texts To Find"])
    return [bool(search.indexes(text, one)) for one in wanted]


class ContainsAllText(_Searches):
    """Tells whether all of some texts stand in a text. No texts do not (semantics 114)."""

    type = "Contains All Text"
    properties = (TEXT, _ALL_WANTED, SEARCH, COMPARISON, _answer("Contains All Text"))

    def run(self, visit: Visit) -> Leave:
        found = _contained(visit)
        return Leave(outputs={"Contains All Text": bool(found) and all(found)})


class ContainsAnyText(_Searches):
    """Tells whether one of some texts stands in a text."""

    type = "Contains Any Text"
    properties = (TEXT, _ALL_WANTED, SEARCH, COMPARISON, _answer("Contains Any Text"))

    def run(self, visit: Visit) -> Leave:
        return Leave(outputs={"Contains Any Text": any(_contained(visit))})


class FindText(_Searches):
    """Finds a text in another one, with its groups; null where it does not stand, or not as
    often."""

    type = "Find Text"
    properties = (
        TEXT, TEXT_TO_FIND, OCCURRENCE, SEARCH, COMPARISON,
        Property("Match", "Match", Direction.OUTPUT),
    )  # fmt: skip

    def run(self, visit: Visit) -> Leave:
        found = found_in(visit.inputs["Text"], visit.inputs, visit.seconds)
        match = occurrence(found, visit.inputs["Occurrence"])
        return Leave(outputs={"Match": None if match is None else match_structure(match)})


class FindAllText(_Searches):
    """Finds each place of a text in another one, with its groups."""

    type = "Find All Text"
    properties = (
        TEXT, TEXT_TO_FIND, SEARCH, COMPARISON,
        Property("Matches", "List<Match>", Direction.OUTPUT),
    )  # fmt: skip

    def run(self, visit: Visit) -> Leave:
        found = found_in(visit.inputs["Text"], visit.inputs, visit.seconds)
        return Leave(outputs={"Matches": [match_structure(match) for match in found]})


class _Replaces(_Searches):
    """Puts another text in the place of what is found, or of one occurrence of it."""

    def run(self, visit: Visit) -> Leave:
        text = visit.inputs["Text"]
        found = found_in(text, visit.inputs, visit.seconds)
        if "Occurrence" in visit.inputs:
            one = occurrence(found, visit.inputs["Occurrence"])
            found = [] if one is None else [one]
        parts, at = [], 0
        for match in found:
            parts += [text[at : match.start()], self.replacement(match, visit.inputs)]
            at = match.end()
        return Leave(outputs={"Text": "".join([*parts, text[at:]]) if found else text})

    def replacement(self, match: Any, inputs: Mapping[str, Any]) -> str:
        text = inputs["Replacement Text"] or ""
        if SEARCH_OPTIONS.member("Search Options", inputs["Search Options"]) == "Regex":
            return _SUBSTITUTION.sub(lambda found: _substituted(found, match), text)
        return str(text)


#: A reference in a replacement: `$1` and `${name}` to a group, or one of `_REFERENCES`.
_SUBSTITUTION = re.compile(r"\$(?:([$&`'_+])|(\d+)|\{(\w+)\})")
_REFERENCES: dict[str, Callable[[Any], str]] = {
    "$": lambda match: "$",
    "&": lambda match: str(match[0]),
    "`": lambda match: str(match.string[: match.start()]),
    "'": lambda match: str(match.string[match.end() :]),
    "_": lambda match: str(match.string),
    "+": lambda match: last_group(match),
}


def _substituted(reference: re.Match[str], match: Any) -> str:
    if reference[1]:
        return _REFERENCES[reference[1]](match)
    group = match_structure(match)["Groups"].get(reference[2] or reference[3])
    return reference[0] if group is None else str(group["Value"])


class FindAndReplaceText(_Replaces):
    """Puts a text in the place of one occurrence of another; without it nothing happens."""

    type = "Find And Replace Text"
    properties = (CHANGED_TEXT, TEXT_TO_FIND, _REPLACEMENT, OCCURRENCE, SEARCH, COMPARISON)


class FindAndReplaceAllText(_Replaces):
    """Puts a text in the place of each occurrence of another."""

    type = "Find And Replace All Text"
    properties = (CHANGED_TEXT, TEXT_TO_FIND, _REPLACEMENT, SEARCH, COMPARISON)


class _Removes(_Replaces):
    def replacement(self, match: Any, inputs: Mapping[str, Any]) -> str:
        return ""


class FindAndRemoveText(_Removes):
    """Removes one occurrence of a text; without it nothing happens."""

    type = "Find And Remove Text"
    properties = (CHANGED_TEXT, TEXT_TO_FIND, OCCURRENCE, SEARCH, COMPARISON)


class FindAndRemoveAllText(_Removes):
    """Removes each occurrence of a text."""

    type = "Find And Remove All Text"
    properties = (CHANGED_TEXT, TEXT_TO_FIND, SEARCH, COMPARISON)
