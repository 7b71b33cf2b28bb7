"""The lexemes by which executions are searched, and the text search queries for them. Pure.

The database makes the same lexemes with `executions_lexemes` (migration 0011): the words of a row,
in lower case in ASCII and split at ASCII punctuation, and for each field that is filtered by name
one lexeme that begins with `=` and the field's code. A search finds words by their beginnings.
"""

from collections.abc import Iterable
from functools import lru_cache

#: Whatever of ASCII is neither a letter nor a digit parts words.
SEPARATORS = "".join(chr(n) for n in range(1, 128) if not chr(n).isalnum())
_FOLD = {n: n + 32 for n in range(ord("A"), ord("Z") + 1)}
_SPLIT = str.maketrans(dict.fromkeys(SEPARATORS, " ") | {"\0": " "})


def fold(text: str) -> str:
    """Return a text in lower case in ASCII, as PostgreSQL's lower in the collation "C"."""
    return text.translate(_FOLD)


def words(text: str) -> list[str]:
    """Return the words of a text in their order."""
    return [word for word in fold(text).translate(_SPLIT).split(" ") if word]


@lru_cache(maxsize=4096)
def spellings(word: str) -> tuple[str, ...]:
    """Return the spellings of a word whose letters beyond ASCII may stand in either case."""
    if word.isascii():
        return (word,)
    found = (word, word.lower(), word.upper(), word[:1].upper() + word[1:].lower())
    return tuple(dict.fromkeys(map(fold, found)))


def begin_all(beginnings: Iterable[str], words: Iterable[str]) -> bool:
    """Return whether each beginning begins one of the words."""
    held = tuple(words)
    return all(any(word.startswith(spellings(one)) for word in held) for one in beginnings)


def words_query(words: Iterable[str]) -> str:
    """Return the tsquery for all of these words, each as the beginning of one."""
    return " & ".join(
        "(" + " | ".join(f"{_quoted(way)}:*" for way in spellings(word)) + ")" for word in words
    )


def values_query(code: str, values: Iterable[str]) -> str:
    """Return the tsquery for any of these values of a field; one that ends in a star is a
    beginning."""
    parts = []
    for value in values:
        if value.endswith("*"):
            parts.append(_quoted(f"={code}{fold(value[:-1])}") + ":*")
        else:
            parts.append(_quoted(f"={code}{fold(value)}"))
    return "(" + " | ".join(parts) + ")"


def _quoted(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
