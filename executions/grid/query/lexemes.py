"""The lexemes by which executions are searched, and the queries for them. Pure.

The database makes the same lexemes with `executions_lexemes` (migration 0011): the words of what
a row says, lower-cased in ASCII and split at ASCII punctuation, and for each field that is filtered
by name one lexeme that begins with `=` and the field's code. A word that is looked for is the
beginning of one that is there.
"""

from collections.abc import Iterable
from functools import lru_cache

#: Everything of ASCII that parts words: whatever is neither a letter nor a digit.
PARTING = "".join(chr(n) for n in range(1, 128) if not chr(n).isalnum())
_FOLD = {n: n + 32 for n in range(ord("A"), ord("Z") + 1)}
_PART = str.maketrans(dict.fromkeys(PARTING, " ") | {"\0": " "})


def fold(text: str) -> str:
    """Lower case in ASCII only, as PostgreSQL's lower in the collation "C"."""
    return text.translate(_FOLD)


def words(text: str) -> list[str]:
    """The words of a text in their order."""
    return [word for word in fold(text).translate(_PART).split(" ") if word]


@lru_cache(maxsize=4096)
def spellings(word: str) -> tuple[str, ...]:
    """The ways to write a word whose letters beyond ASCII may stand in either case."""
    if word.isascii():
        return (word,)
    ways = (word, word.lower(), word.upper(), word[:1].upper() + word[1:].lower())
    return tuple(dict.fromkeys(fold(way) for way in ways))


def has_all(wanted: Iterable[str], held: Iterable[str]) -> bool:
    """Whether each wanted word begins one of those that are held."""
    there = tuple(held)
    return all(any(word.startswith(spellings(one)) for word in there) for one in wanted)


def query_of(wanted: Iterable[str]) -> str:
    """The tsquery for all of these words, each as the beginning of one."""
    return " & ".join(
        "(" + " | ".join(f"{_quoted(way)}:*" for way in spellings(word)) + ")" for word in wanted
    )


def query_of_names(code: str, names: Iterable[str]) -> str:
    """The tsquery for any of these values of a field; with a star at its end, by its beginning."""
    parts = []
    for name in names:
        if name.endswith("*"):
            parts.append(_quoted(f"={code}{fold(name[:-1])}") + ":*")
        else:
            parts.append(_quoted(f"={code}{fold(name)}"))
    return "(" + " | ".join(parts) + ")"


def _quoted(lexeme: str) -> str:
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
