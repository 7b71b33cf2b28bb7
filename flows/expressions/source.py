"""The source text of expressions: its tokens, map literals, and what stands in front of a place."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

#: A token that matters: a text, a name, a number, a sign. Blanks and comments are none.
_TOKEN = re.compile(
    r"""(?P<text>[rRbB]{0,2}(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''"""
    r"""|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))"""
    r"|(?P<name>[A-Za-z_]\w*)|(?P<number>\.?\d[\w.]*)|(?P<sign>[^\s\w])|(?P<comment>//[^\n]*)",
    re.S,
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    start: int
    end: int


def tokens(source: str) -> list[Token]:
    """Return the tokens of a source."""
    return [
        Token(found.lastgroup or "", found.group(), found.start(), found.end())
        for found in _TOKEN.finditer(source)
        if found.lastgroup != "comment"
    ]


def literal_keys(source: str) -> list[tuple[str | int | bool | None, ...]]:
    """Return the keys of each map literal, in the order in which they are written; None for a key
    that is computed."""
    if "{" not in source:
        return []
    found = tokens(source)
    return [
        keys
        for number, token in enumerate(found)
        if token.text == "{" and (keys := tuple(_keys(found, number)))
    ]


def _keys(found: list[Token], opening: int) -> Iterator[str | int | bool | None]:
    """The keys of the map literal that begins at a brace."""
    depth, at_key, key = 0, True, list[Token]()
    conditions = 0
    for token in found[opening + 1 :]:
        if depth == 0 and token.text == "}":
            return
        depth += (token.text in _CLOSING) - (token.text in _CLOSING.values())
        if depth == 0 and token.text == "?" and key:
            conditions += 1
        if depth == 0 and token.text == ":" and at_key:
            if conditions:
                conditions -= 1
                continue
            yield _constant(key)
            at_key = False
        elif depth == 0 and token.text == ",":
            at_key, key = True, []
        elif at_key:
            key.append(token)


def _constant(key: list[Token]) -> str | int | bool | None:
    if len(key) != 1:
        return None
    (token,) = key
    if token.text in ("true", "false"):
        return token.text == "true"
    if token.kind not in ("text", "number"):
        return None
    try:
        value = ast.literal_eval(token.text)
    except (SyntaxError, ValueError):
        return None
    return value if isinstance(value, str | int) else None


def with_at(source: str) -> str:
    """Return the source with `whole[index]` written as `At(whole, index)`, which also counts from
    the end."""
    found = tokens(source)
    for number, token in enumerate(found):
        if token.text != "[" or not number or not _ends_operand(found[number - 1]):
            continue
        closing = _match(found, number)
        start = _operand_start(found, number - 1)
        if closing is None:
            return source
        whole = source[found[start].start : token.start]
        index = source[token.end : found[closing].start]
        rest = source[found[closing].end :]
        return with_at(f"{source[: found[start].start]}At({whole}, {index}){rest}")
    return source


#: Signs that end an operand of `in`: those of comparisons, and of what binds less.
_LOOSER = frozenset("=<>&|?:,")


def with_in(source: str) -> str:
    """Return the source with `item in whole` written as `In(item, whole)`."""
    found = tokens(source)
    for number, token in enumerate(found):
        if not _is_in(token):
            continue
        start = _relation_end(found, number, -1)
        end = _relation_end(found, number, 1)
        item = source[found[start].start : token.start].strip()
        whole = source[token.end : found[end].end].strip()
        before, after = source[: found[start].start], source[found[end].end :]
        return with_in(f"{before}In({item}, {whole}){after}")
    return source


def asks_in(source: str) -> bool:
    """Return whether a source has the operator `in`."""
    return "in" in source and any(map(_is_in, tokens(source)))


def _is_in(token: Token) -> bool:
    return token.kind == "name" and token.text == "in"


def _relation_end(found: list[Token], at: int, step: int) -> int:
    """The last token, in a direction, of the operand that begins beside a token."""
    depth = 0
    while 0 <= at + step < len(found):
        text = found[at + step].text
        depth += step * ((text in _CLOSING) - (text in _CLOSING.values()))
        if depth < 0 or (depth == 0 and _is_looser(found, at + step)):
            break
        at += step
    return at


def _is_looser(found: list[Token], at: int) -> bool:
    text = found[at].text
    if text == "?":  # not that of an optional field
        return found[at - 1].text not in (".", "[")
    if text == "!":
        return at + 1 < len(found) and found[at + 1].text == "="
    return text in _LOOSER or _is_in(found[at])


def operand_before(source: str, position: int) -> str:
    """Return the operand that ends in front of a place: `Order.Lines[0]` in front of `.Total`."""
    found = [token for token in tokens(source) if token.end <= position]
    if not found or not _ends_operand(found[-1]):
        return ""
    return source[found[_operand_start(found, len(found) - 1)].start : position].strip()


_KEYWORDS = frozenset({"in", "true", "false", "null"})


def _ends_operand(token: Token) -> bool:
    return (
        token.text in (")", "]", "}")
        or token.kind == "text"
        or (token.kind == "name" and token.text != "in")
    )


def _operand_start(found: list[Token], last: int) -> int:
    """The first token of the operand that ends with a token."""
    at = last
    while True:
        if found[at].text in _CLOSING.values():
            at = _opening(found, at)
            before = found[at - 1] if at else None
            if before and found[at].text != "{" and _ends_operand(before):
                at -= 1
                continue
        if at >= 2 and found[at - 1].text == ".":
            at -= 2
            continue
        if at >= 3 and found[at - 1].text == "?" and found[at - 2].text == ".":
            at -= 3
            continue
        return at


def _match(found: list[Token], opening: int) -> int | None:
    depth = 0
    for number in range(opening, len(found)):
        depth += (found[number].text in _CLOSING) - (found[number].text in _CLOSING.values())
        if depth == 0:
            return number
    return None


def _opening(found: list[Token], closing: int) -> int:
    depth = 0
    for number in range(closing, -1, -1):
        depth += (found[number].text in _CLOSING.values()) - (found[number].text in _CLOSING)
        if depth == 0:
            return number
    return 0


#: Tokens of a source whose parts are looked at.
_MOST_TOKENS = 60


def parts(source: str) -> Iterator[tuple[int, int]]:
    """Yield where each part of a source begins and ends that may be an expression, the shortest
    first; none of a long source, which has too many."""
    found = tokens(source)
    if len(found) > _MOST_TOKENS:
        return
    starts = [
        number
        for number, token in enumerate(found)
        if _may_begin(token) and (not number or found[number - 1].text != ".")
    ]
    ends = [number for number, token in enumerate(found) if _may_end(token)]
    spans = [(end - start, start, end) for start in starts for end in ends if start <= end]
    for _, start, end in sorted(spans):
        if _is_balanced(found[start : end + 1]):
            yield found[start].start, found[end].end


def _may_begin(token: Token) -> bool:
    return token.kind != "sign" or token.text in "([{-!"


def _may_end(token: Token) -> bool:
    return token.kind != "sign" or token.text in ")]}"


def _is_balanced(found: list[Token]) -> bool:
    depth = 0
    for token in found:
        depth += (token.text in _CLOSING) - (token.text in _CLOSING.values())
        if depth < 0:
            return False
    return not depth


def place(source: str, position: int) -> str:
    """Return a place as people read it: `line 1, column 7`."""
    line = source.count("\n", 0, position) + 1
    column = position - (source.rfind("\n", 0, position) + 1) + 1
    return f"line {line}, column {column}"
