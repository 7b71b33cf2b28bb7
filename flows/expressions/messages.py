"""What people read about an expression that does not compile or cannot be evaluated."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flows.expressions.functions import FUNCTIONS
from flows.expressions.language import BY_INTERNAL_NAME, internal, type_of, with_own_names
from flows.expressions.source import Token, operand_before, place, tokens
from flows.values import article, type_name

#: Reads an operand of the expression; raises an exception where that is not possible.
Read = Callable[[str], Any]

#: How many names of a structure are listed.
LISTED = 8
_NO_OVERLOAD = re.compile(r"No matching overloads found : (?:\((.*?)\)\.)?([^\s(]+)\((.*)\)$")
_UNCHECKED = re.compile(r"found no matching overload for '(\w+)' applied to '(?:(.+?)\.)?\((.*)\)'")
_NO_KEY = re.compile(r"Key not found in map : (.*)$", re.S)
_NO_ITEM = re.compile(r"Index error: index=(-?\d+) size=(\d+)")
_NO_PART = "Applying SELECT to non-message type"
#: Problems that the library tells in words of its own.
_TOLD = {
    "No matching overloads found : !_": "! takes a Boolean.",
    "No matching overloads found : @in": (
        "in looks into a List or a Structure; for a text in a text, write Text.contains(part)."
    ),
    "Invalid timezone": "there is no time zone of that name, such as Europe/Berlin.",
    "String to Timestamp conversion failed": (
        "the text is no date time such as 2026-01-31T12:00:00Z; parseDate reads other forms."
    ),
    "String to Duration conversion failed": "the text is no duration such as 1h30m or 90s.",
}
_OPERATORS = {
    "_+_": "+", "_-_": "-", "_*_": "*", "_/_": "/", "_%_": "%", "-_": "-", "!_": "!",
    "_<_": "<", "_<=_": "<=", "_>_": ">", "_>=_": ">=", "_==_": "==", "_!=_": "!=",
    "@in": "in", "_[_]": "[ ]", "_&&_": "&&", "_||_": "||",
}  # fmt: skip


#: What is done with each item of a list.
_MACROS = {
    "map": "Lines.map(line, line.Total)",
    "filter": "Lines.filter(line, line.Total > 0)",
    "all": "Lines.all(line, line.Total > 0)",
    "exists": "Lines.exists(line, line.Total > 0)",
    "exists_one": "Lines.exists_one(line, line.Total > 0)",
}
#: Functions by what other languages call them.
_OTHER_NAMES = {
    "any": "exists", "append": "+", "avg": "average", "ceiling": "ceil", "concat": "+",
    "count": "size", "datediff": "between", "dateadd": "add", "iif": "a ? b : c",
    "includes": "contains", "isempty": "size() == 0", "len": "size", "length": "size",
    "mean": "average", "nvl": "coalesce", "ifnull": "coalesce", "isnull": "== null",
    "orderby": "sortBy", "reduce": "sum", "select": "map", "strftime": "format", "strip": "trim",
    "substr": "substring", "mid": "substring", "tostring": "text", "str": "text",
    "tonumber": "number", "float": "number", "unique": "distinct", "where": "filter",
}  # fmt: skip
#: How the language writes what others write so.
_OTHER_WORDS = {"and": "&&", "or": "||", "not": "!", "if": "condition ? one : other"}
_OTHER_SIGNS = {
    ("?", "?"): ("??", "coalesce(one, other)"),
    ("?", "."): ("?.", "`.?`, as in Order.?Paid.orValue(0)"),
}
_COMPARISONS = frozenset("=!<>")


def of_another_language(source: str) -> str:
    """Return what is said about a source that is written as in another language; empty for one
    that is wrong in another way."""
    found = tokens(source)
    for number, token in enumerate(found):
        before = found[number - 1].text if number else ""
        after = found[number + 1].text if number + 1 < len(found) else ""
        where = place(source, token.start)
        if token.kind == "name" and token.text in _OTHER_WORDS and before not in {".", ")"}:
            return f"`{token.text}` is written {_OTHER_WORDS[token.text]} ({where})."
        if other := _OTHER_SIGNS.get((token.text, after)):
            return f"`{other[0]}` is written {other[1]} ({where})."
        if token.text == "=" and after != "=" and before not in _COMPARISONS:
            return f"`=` is written == where values are compared ({where})."
        if token.text == "$" and found[number + 1 : number + 2]:
            return f"`${after}` is written {after} ({where})."
        if token.text in ("'", '"'):
            return f"the text that begins here has no end: {token.text} is missing ({where})."
    return ""


def no_function(name: str, where: str) -> str:
    """Return what is said about a function that does not exist, or not with so many arguments."""
    if known := BY_INTERNAL_NAME.get(name):
        return f"{known.signature} does not take this number of arguments ({where})."
    if name in _MACROS:
        return f"{name} takes the name of an item and an expression: {_MACROS[name]} ({where})."
    if other := _OTHER_NAMES.get(name.casefold()):
        return f"There is no function {name}; do you mean {other}? ({where})."
    return f"There is no function {name}{_near(name, FUNCTIONS)} ({where})."


def _near(name: str, known: Iterable[Any]) -> str:
    names = {str(one).casefold(): str(one) for one in known}
    close = difflib.get_close_matches(name.casefold(), names, 1, 0.7)
    return f"; do you mean {names[close[0]]}?" if close else ""


def wrong_arguments(message: str, line: int, column: int) -> str:
    """Return what is said about arguments of constants that a function does not take; empty when
    the checker's message is about something else. The checker places it on the bracket."""
    found = _UNCHECKED.search(message)
    if found is None or found[1] not in BY_INTERNAL_NAME:
        return ""
    kinds = [kind for kind in (found[2], *found[3].split(", ")) if kind]
    if any(re.search(r"dyn|error|\(", kind) for kind in kinds):
        return ""
    return _taken(found[1], kinds, f"line {line}, column {column - len(found[1])}")


def _taken(name: str, kinds: list[str], where: str) -> str:
    given = ", ".join(type_of(kind) for kind in kinds) or "nothing"
    return f"{BY_INTERNAL_NAME[name].signature} does not take {given} ({where})."


def explained(problem: str, source: str, read: Read) -> str:
    """Return a problem of an evaluation in the words of this product."""
    if found := _NO_KEY.search(problem):
        return _no_key(found[1].strip('"'), source, read)
    if found := _NO_ITEM.search(problem):
        return f"there is no item {found[1]}: the list has {found[2]}."
    if _NO_PART in problem:
        return _no_part(source, read)
    if found := _NO_OVERLOAD.search(problem):
        return _no_overload(found, source)
    for part, told in _TOLD.items():
        if part in problem:
            return told
    return problem.partition(": ")[2] or problem


def _no_overload(found: re.Match[str], source: str) -> str:
    receiver, name, arguments = found[1], found[2], found[3]
    kinds = [kind for kind in (receiver, *arguments.split(", ")) if kind]
    if name in BY_INTERNAL_NAME:
        return _taken(name, kinds, _call_place(name, source))
    told = " and ".join(type_of(kind) for kind in kinds)
    if sign := _OPERATORS.get(name):
        return f"{sign} does not take {told}."
    if (at := _call_place(name, source)) and internal(name) not in BY_INTERNAL_NAME:
        return f"{name} does not take {told}{_near(name, FUNCTIONS)} ({at})."
    return f"{name} does not take {told}."


def _call_place(name: str, source: str) -> str:
    found = re.search(rf"\b{re.escape(name)}\s*\(", source)
    return place(source, found.start()) if found else ""


def _no_key(key: str, source: str, read: Read) -> str:
    for operand, token in _accesses(source, key):
        try:
            value = read(operand)
        except Exception:  # noqa: S112 - a variable of a macro, which only the macro knows
            continue
        if type(value) is dict and not any(str(one) == key for one in value):
            known = [str(one) for one in value]
            has = ", ".join(known[:LISTED]) + ("…" if len(known) > LISTED else "")
            told = f"it has {has}" if known else "it is empty"
            near = _near(key, known)
            where = place(source, token.start)
            return f"{with_own_names(operand)} has no {key}; {told}{near} ({where})."
    for operand, token in _accesses(source, key):
        near = _near(key, _keys_of_items(operand, key, source, read))
        return f"{operand} has no {key}{near} ({place(source, token.start)})."
    return f"a structure has no {key} here."


def _keys_of_items(name: str, key: str, source: str, read: Read) -> list[str]:
    """The keys of the first item without a key, of the list that a macro goes through."""
    found = re.search(rf"\.(?:{'|'.join(_MACROS)})\(\s*{re.escape(name)}\s*,", source)
    try:
        items = read(operand_before(source, found.start())) if found else []
        return next([*map(str, item)] for item in items if key not in item)
    except Exception:  # a list that only another macro knows, or items that are no structures
        return []


def _no_part(source: str, read: Read) -> str:
    for operand, token in _accesses(source, None):
        try:
            value = read(operand)
        except Exception:  # noqa: S112 - a variable of a macro, which only the macro knows
            continue
        if type(value) is not dict:
            kind = "null" if value is None else article(type_name(value))
            where = place(source, token.start)
            return f"{with_own_names(operand)} is {kind} and has no {token.text} ({where})."
    return "only a Structure has parts that a name reads."


def _accesses(source: str, key: str | None) -> Iterator[tuple[str, Token]]:
    """The places at which a key is read, or any key: what it is read from, and the key's token."""
    found = tokens(source)
    for number, token in enumerate(found[1:], 1):
        before = found[number - 1]
        after = found[number + 1].text if number + 1 < len(found) else ""
        is_name = before.text == "." and token.kind == "name" and after != "("
        is_text = before.text == "[" and token.kind == "text" and after == "]"
        name = token.text.strip("\"'") if is_text else token.text
        if (is_name or is_text) and key in (None, name):
            operand = operand_before(source, before.start)
            if operand:
                yield operand, token
