r"""The words of a typed query, and what of them stands in quotation marks. Pure.

Spaces outside of quotation marks part words; in quotation marks, a backslash keeps the next
character: `workspace:"Send \"big\" invoices"`. The parser and completion read queries with this
lexer, and `static/js/query.js` uses its patterns.
"""

import re
from dataclasses import dataclass

#: An empty text: `worker:""` finds what no worker holds.
EMPTY = '""'
#: The end of the text, in Python and in JavaScript.
_END = r"(?![\s\S])"
#: What stands between spaces; the last quotation mark may be open.
WORD = rf'(?:"(?:[^"\\]|\\[\s\S])*(?:"|\\?{_END})|[^\s"])+'
#: The beginning of a word that names a field.
FIELD = r'-?[A-Za-z][\w-]*(?:\.(?:"(?:[^"\\]|\\[\s\S])*"|[^\s":=<>!])+)?[:=<>!]'

_WORD = re.compile(WORD)
_RUN = re.compile(rf'"((?:[^"\\]|\\[\s\S])*)("|\\?{_END})|([^\s"]+)')
_OPERATOR = re.compile(r"!=|>=|<=|==|=[<>]|[:=<>!]")
#: What would part a value in two, or end it.
NEEDS_QUOTES = re.compile(r'[\s,"\\]')


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is typed, and where it begins in the query."""

    raw: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.raw)


@dataclass(frozen=True, slots=True)
class Run:
    """A part of a word that stands in one pair of quotation marks, or in none; `text` is what it
    means, and `start` where it begins in the word."""

    text: str
    start: int
    is_quoted: bool
    is_closed: bool = True


def words(query: str) -> list[Word]:
    """Split a query into its words."""
    return [Word(found[0], found.start()) for found in _WORD.finditer(query)]


def word_at(query: str, caret: int) -> Word:
    """Return the word that is being typed at the caret: an empty one between words.

    A quotation mark that is not closed reaches to the next space only, so that the rest of the
    query stays as it is while somebody types.
    """
    before = words(query[:caret])
    start = before[-1].start if before and before[-1].end == caret else caret
    whole = _WORD.match(query, start)
    end = whole.end() if whole else caret
    if whole and not is_closed(whole[0]):
        space = re.search(r"\s", query[caret:])
        end = caret + space.start() if space else len(query)
    return Word(query[start:end], start)


def runs(raw: str) -> list[Run]:
    """Split a word into what stands in quotation marks and what does not."""
    found = []
    for run in _RUN.finditer(raw):
        if run[3] is not None:
            found.append(Run(run[3], run.start(), is_quoted=False))
        else:
            found.append(Run(unescaped(run[1]), run.start(), True, run[2] == '"'))
    return found


def is_closed(raw: str) -> bool:
    """Return whether each quotation mark of a word is closed; an open one takes in what follows."""
    return all(run.is_closed for run in runs(raw))


def plain(raw: str) -> str:
    """Return what a word means: its text without the quotation marks."""
    return "".join(run.text for run in runs(raw))


def operator(raw: str) -> re.Match[str] | None:
    """Find the operator that stands behind the name of a field."""
    for run in runs(raw):
        if not run.is_quoted and (found := re.search("[:=<>!]", run.text)):
            return _OPERATOR.match(raw, run.start + found.start())
    return None


def alternatives(raw: str) -> tuple[str, ...]:
    """Split at commas; empty texts count only in quotation marks, or alone."""
    values, quotes = [""], [False]
    for run in runs(raw):
        first, *others = [run.text] if run.is_quoted else run.text.split(",")
        values[-1] += first
        quotes[-1] |= run.is_quoted
        values += others
        quotes += [False] * len(others)
    found = [value or (EMPTY if q else "") for value, q in zip(values, quotes, strict=True)]
    return tuple(filter(None, found)) or ("",)


def last_alternative(raw: str) -> str:
    """Return what stands behind the last comma, as it is typed."""
    commas = [
        run.start + run.text.rindex(",")
        for run in runs(raw)
        if not run.is_quoted and "," in run.text
    ]
    return raw[commas[-1] + 1 :] if commas else raw


def quoted(value: str) -> str:
    """Write a value, in quotation marks where it would not stay together without."""
    if value == EMPTY:
        return EMPTY
    return in_quotes(value) if not value or NEEDS_QUOTES.search(value) else value


def in_quotes(value: str) -> str:
    """Write a text in quotation marks."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unescaped(text: str) -> str:
    """Return what a text in quotation marks means."""
    return re.sub(r"\\([\s\S])", r"\1", text)
