"""The typed query: words, and fields with their values. Pure.

    status:error,exception flow:order-* started:>-2h duration>10s var.customer=42
    -trigger:demo workspace:"Send invoices" timed out

A comma parts alternatives, quotation marks keep spaces, commas and colons together, a minus before
a field excludes what it matches. Whatever belongs to no field is searched for. What is neither is
kept with what is wrong; nothing is left out.
"""

import re
from dataclasses import dataclass

from executions.grid.query import lexer
from executions.grid.query.errors import InvalidValue
from executions.grid.query.fields import NO_TEXT, field_of, near_field
from executions.grid.query.kinds.variable import PREFIX
from executions.grid.query.lexemes import words
from flows import value_paths

#: Characters of a query; longer ones are not read.
TEXT_LIMIT = 4000
#: A word that looks as if it named a field, other than an address or a time.
LIKE_A_FIELD = re.compile(r"[^\w\s\"]*([A-Za-z][\w.-]*)(?::(?!//)|[=<>])")


@dataclass(frozen=True)
class TypedField:
    """A field that is named in a query, and its values; `raw` is how it is typed."""

    raw: str
    key: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True)
class TypedWord:
    """A word to search for: as it is typed, and what it means.

    A hint says why it is searched for where it looks like something else.
    """

    raw: str
    text: str
    hint: str = ""


@dataclass(frozen=True)
class InvalidPart:
    """What means nothing, as it is typed, and what is wrong with it."""

    raw: str
    problem: str


def parse(text: str) -> list[TypedField | TypedWord | InvalidPart]:
    """Read a query. Nothing of it is left out."""
    text = NO_TEXT.sub("\ufffd", text)
    if len(text) > TEXT_LIMIT:
        # So much of it is kept that it is too long when it is read again, too.
        problem = f"The query is longer than {TEXT_LIMIT:,} characters. Shorten it."
        return [InvalidPart(text[: TEXT_LIMIT + 1], problem)]
    return [_part(word.raw) for word in lexer.words(text)]


def _part(raw: str) -> TypedField | TypedWord | InvalidPart:
    try:
        return _field(raw) or TypedWord(raw, _searched(raw), _hint(raw))
    except InvalidValue as problem:
        return InvalidPart(raw, str(problem))


def write(key: str, values: tuple[str, ...], negated: bool = False) -> str:
    """Return how a field and its values are typed."""
    known, sign = field_of(key), "-" if negated else ""
    if known is not None:
        return known.kind.write(known.key, values, sign)
    return f"{sign}{key}:{','.join(map(lexer.quoted, values))}"


def write_words(search: str) -> str:
    """Return how words that are searched for are typed."""
    return " ".join(_typed(word) for word in search.split())


def _typed(word: str) -> str:
    return word if parse(word) == [TypedWord(word, word)] else lexer.in_quotes(word)


# Fields ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FieldName:
    """The name of a field as it is typed, and the operator, from `start` to `end` of the word."""

    negated: bool
    key: str
    operator: str
    start: int
    end: int


def field_name(raw: str) -> FieldName | None:
    """Return the name with which a word begins; None where it has no operator."""
    operator = lexer.operator(raw)
    if operator is None or not operator.start() or raw.startswith('"'):
        return None
    negated = raw.startswith("-")
    name = raw[negated : operator.start()]
    if name[: len(PREFIX)].lower() == PREFIX:
        key = PREFIX + value_paths.parse(name[len(PREFIX) :])
    else:
        key = lexer.plain(name)
    return FieldName(negated, key, operator[0], operator.start(), operator.end())


def _field(raw: str) -> TypedField | None:
    """Return the field that a word names; None where it names none. Raises InvalidValue."""
    name = field_name(raw)
    if name is None:
        return None
    known = field_of(name.key)
    if known is None and not near_field(name.key):
        return None
    if not lexer.is_closed(raw):
        raise InvalidValue("A quotation mark is not closed. Close it.")
    rest = raw[name.end :]
    if known is None:
        return TypedField(raw, name.key, lexer.alternatives(rest), name.negated)
    values = known.kind.typed_values(name.operator, rest)
    if problem := known.kind.operator_problem(known.key, name.operator, name.negated):
        raise InvalidValue(problem)
    return TypedField(raw, known.key, values, name.negated)


# Words ----------------------------------------------------------------------------------------


def _searched(raw: str) -> str:
    """Return what a word searches for. Raises InvalidValue where it searches for nothing, or seems
    to mean something else."""
    if not lexer.is_closed(raw):
        raise InvalidValue("A quotation mark is not closed. Close it.")
    text = lexer.plain(raw)
    if "\ufffd" in text:
        raise InvalidValue(f"“{text}” has a character that cannot be searched for. Leave it out.")
    found = [word for word in text.split() if words(word)]
    if not found:
        raise InvalidValue(f"{raw} has no letter or digit to search for. Leave it out.")
    if raw.startswith("-"):
        raise InvalidValue(
            "A minus excludes what a field matches, as in -status:Ended. It does not work before a "
            f"word. To search for {text}, write {lexer.in_quotes(text)}."
        )
    named = LIKE_A_FIELD.match(raw)
    if named and not raw[0].isalnum() and raw[0] != '"' and field_of(named[1]):
        raise InvalidValue(f"{raw[0]} means nothing here. Write {named[1]}: or -{named[1]}:.")
    return " ".join(found)


def _hint(raw: str) -> str:
    named = LIKE_A_FIELD.match(raw)
    if raw.startswith('"') or not named:
        return ""
    near = near_field(named[1], cutoff=0.5)
    said = near or f"There is no field “{named[1]}”."
    return f"{said} {raw} is searched for as a text. A variable is written var.{named[1]}=…"
