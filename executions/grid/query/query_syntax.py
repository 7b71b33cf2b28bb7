"""The typed query: words, and fields with their values. Pure.

    status:error,exception flow:order-* started:>-2h duration>10s var.customer=42
    -trigger:demo workspace:"Send invoices" timed out

A comma parts alternatives, quotation marks keep spaces, commas and colons together, a minus before
a field turns it around. Whatever belongs to no field is searched for. What is neither is told, and
never left out.
"""

import re
from dataclasses import dataclass, field

from executions.grid.query.fields import NO_TEXT, VARIABLE, Field, Kind, field_of
from executions.grid.query.filter_terms import EMPTY, NEEDS_QUOTES, in_quotes, unknown_field
from executions.grid.query.lexemes import words
from executions.grid.query.ranges import Unreadable
from flows import value_paths

#: Characters of a query; longer ones are not read.
TEXT_LIMIT = 4000
ENDS_NAME = re.compile(r'[\s,":=<>!]')
#: What stands between spaces that are in no quotation marks; the last of these may be open.
TOKEN = re.compile(r'(?:"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[^\s"])+', re.DOTALL)
RUN = re.compile(r'"((?:[^"\\]|\\.)*)("|\\?\Z)|([^\s"]+)', re.DOTALL)
OPERATOR = re.compile(r"!=|>=|<=|==|=[<>]|[:=<>!]")
#: A word that looks as if it named a field, other than an address or a time.
LIKE_A_FIELD = re.compile(r"[^\w\s\"]*([A-Za-z][\w.-]*)(?::(?!//)|[=<>])")


@dataclass(frozen=True)
class Said:
    """A field that was named and its values; `raw` is how it was written, and `wrong` why its
    operator means nothing."""

    raw: str
    key: str
    values: tuple[str, ...]
    negated: bool = False
    wrong: str = ""


@dataclass
class Query:
    """What a query says: the fields, in their order, and the words that are searched for, each as
    it was written and as it is meant; what means nothing, as it was written, with what to do
    about it; and what is read otherwise than it may have been meant."""

    said: list[Said] = field(default_factory=list)
    words: list[tuple[str, str]] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)


def split(text: str) -> Query:
    """Read a query. Nothing of it is left out."""
    query = Query()
    text = NO_TEXT.sub("\ufffd", text)
    if len(text) > TEXT_LIMIT:
        # Kept so far that it is too long when it is read again, too.
        told = f"The query is longer than {TEXT_LIMIT:,} characters. Shorten it."
        query.unread.append((text[: TEXT_LIMIT + 1], told))
        return query
    for raw in TOKEN.findall(text):
        try:
            if (found := _said(raw)) is not None:
                query.said.append(found)
            else:
                query.words.append((raw, _words(raw)))
                query.hints += _hint(raw)
        except Unreadable as problem:
            query.unread.append((raw, str(problem)))
    return query


def is_open(raw: str) -> bool:
    """Whether a quotation mark is not closed, so that it takes in whatever follows."""
    return any(not closed for _, _, _, closed in _runs(raw))


def write(key: str, values: tuple[str, ...], negated: bool = False) -> str:
    """How a field and its values are typed."""
    field = field_of(key)
    sign = "-" if negated else ""
    if field is not None and field.kind is Kind.VARIABLE:
        name = _name(field.key)
        return " ".join(f"{sign}{name}{_compared(value)}" for value in values)
    if field is None or field.kind.alternatives:
        return f"{sign}{key}:{','.join(map(quoted, values))}"
    return " ".join(f"{sign}{key}:{quoted(value)}" for value in values)


def write_words(words: str) -> str:
    """How words that are searched for are typed."""
    return " ".join(_word(word) for word in words.split())


def _word(word: str) -> str:
    query = split(word)
    return word if query.words == [(word, word)] else in_quotes(word)


def quoted(value: str) -> str:
    """A value, in quotation marks where it would not stay together without."""
    if value == EMPTY:
        return EMPTY
    return in_quotes(value) if not value or NEEDS_QUOTES.search(value) else value


def _name(key: str) -> str:
    path = key.removeprefix(VARIABLE)
    return VARIABLE + (in_quotes(path) if ENDS_NAME.search(path) else path)


def _compared(value: str) -> str:
    if value.startswith((">", "<", "!=")):
        sign = re.match(r"[<>!]=?", value)
        assert sign is not None
        return sign[0] + _literal(value[sign.end() :])
    return "=" + _literal(value)


def _literal(text: str) -> str:
    # One in quotation marks is a text for certain, and stays in them.
    return text if text.startswith('"') else quoted(text)


def _runs(raw: str) -> list[tuple[int, str, bool, bool]]:
    """What stands in quotation marks and what does not: where it begins, its text, whether it is
    in them, and whether they are closed."""
    found = []
    for run in RUN.finditer(raw):
        if run[3] is not None:
            found.append((run.start(), run[3], False, True))
        else:
            inside = re.sub(r"\\(.)", r"\1", run[1], flags=re.DOTALL)
            found.append((run.start(), inside, True, run[2] == '"'))
    return found


def _plain(raw: str) -> str:
    return "".join(text for _, text, _, _ in _runs(raw))


# Fields ---------------------------------------------------------------------------------------


def _said(raw: str) -> Said | None:
    """The field that a word names and its values; None for a word that names none."""
    at = _sign_at(raw)
    if not at or raw.startswith('"'):
        return None
    negated = raw.startswith("-")
    key = _key(raw[negated:at])
    found = field_of(key)
    if found is None and not unknown_field(key):
        return None
    if is_open(raw):
        raise Unreadable("A quotation mark is not closed. Close it.")
    sign = OPERATOR.match(raw, at)
    assert sign is not None
    values = _values(found, sign[0], raw[sign.end() :])
    wrong = _wrong(found, sign[0], bool(negated)) if found else ""
    return Said(raw, found.key if found else key, values, negated, wrong)


def _sign_at(raw: str) -> int | None:
    for start, text, inside, _ in _runs(raw):
        if not inside and (found := re.search("[:=<>!]", text)):
            return start + found.start()
    return None


def _key(name: str) -> str:
    if name[: len(VARIABLE)].lower() == VARIABLE:
        return VARIABLE + value_paths.read(name[len(VARIABLE) :])
    return _plain(name)


RANGES = (Kind.TIME, Kind.DURATION, Kind.NUMBER)


def _wrong(field: Field, sign: str, negated: bool) -> str:
    """What to write instead of an operator that a field does not have."""
    if sign in (":", "=", "=="):
        return ""
    if sign in ("=<", "=>"):
        return f"There is no {sign}. Write {field.key}{sign[1]}= or {field.key}{sign[1]}."
    if field.kind is Kind.VARIABLE:
        return f"Write {field.key}=value or {field.key}!=value." if sign == "!" else ""
    if sign in ("!", "!="):
        return f"There is no {sign} for {field.key}. Write {'' if negated else '-'}{field.key}:…"
    if field.kind in RANGES:
        return ""
    return f"There is no {sign} for {field.key}, which has no order. Write {field.key}:…"


def _values(field: Field | None, sign: str, raw: str) -> tuple[str, ...]:
    if field is not None and field.kind is Kind.VARIABLE:
        return (_variable(sign, raw),)
    if field is None or field.kind.alternatives or field.kind is Kind.FLAG:
        return _alternatives(raw)
    return (("" if sign in (":", "=", "==") else sign) + _plain(raw),)


def _alternatives(raw: str) -> tuple[str, ...]:
    """Values between commas; empty ones only where they stand in quotation marks, or alone."""
    values, marked = [""], [False]
    for _, text, inside, _ in _runs(raw):
        first, *others = [text] if inside else text.split(",")
        values[-1] += first
        marked[-1] |= inside
        values += others
        marked += [False] * len(others)
    told = [v or (EMPTY if m else "") for v, m in zip(values, marked, strict=True)]
    return tuple(filter(None, told)) or ("",)


def _variable(sign: str, raw: str) -> str:
    """A variable's value keeps its quotation marks: "42" is a text, 42 a number too."""
    if sign in (":", "=", "=="):
        own = re.match(r"!=|>=|<=|[<>=]|", raw)
        assert own is not None
        sign, raw = own[0], raw[own.end() :]
    text = _plain(raw)
    return sign + (in_quotes(text) if '"' in raw else text)


# Words ----------------------------------------------------------------------------------------


def _words(raw: str) -> str:
    """The words to be searched for. Raises Unreadable where there is none, or another meaning."""
    if is_open(raw):
        raise Unreadable("A quotation mark is not closed. Close it.")
    text = _plain(raw)
    if "\ufffd" in text:
        raise Unreadable(f"“{text}” holds a character that cannot be searched for. Leave it out.")
    found = [word for word in text.split() if words(word)]
    if not found:
        raise Unreadable(f"{raw} holds no letter or digit to search for. Leave it out.")
    if raw.startswith("-"):
        raise Unreadable(
            f"A minus turns a field around, as in -status:Ended, and no word. "
            f"To search for {text}, write {in_quotes(text)}."
        )
    named = LIKE_A_FIELD.match(raw)
    if named and not raw[0].isalnum() and raw[0] != '"' and field_of(named[1]):
        raise Unreadable(f"{raw[0]} means nothing here. Write {named[1]}: or -{named[1]}:")
    return " ".join(found)


def _hint(raw: str) -> list[str]:
    named = LIKE_A_FIELD.match(raw)
    if raw.startswith('"') or not named:
        return []
    near = unknown_field(named[1], cutoff=0.5)
    said = near or f"There is no field “{named[1]}”."
    return [f"{said} {raw} is searched for as a text. A variable is written var.{named[1]}=…"]
