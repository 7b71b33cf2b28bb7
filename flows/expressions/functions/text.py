"""Text."""

from typing import Any

import regex

from flows import equality
from flows.expressions.function import LARGEST_LIST, bounded_text, function
from flows.formats.cultures import culture
from flows.formats.text import text_of
from flows.keys import key_for

#: The longest that one search with a regular expression may take, in seconds.
REGEX_SECONDS = 1.0
_INVARIANT = culture(None)
#: A word, with the apostrophes in it.
_WORD = regex.compile(r"\w[\w'\u2019]*")


@function(('"Crème".upper()', "CRÈME"))
def upper(text: str) -> str:
    """Return the text in capitals."""
    return text.upper()


@function(('"HELLO".lower()', "hello"))
def lower(text: str) -> str:
    """Return the text in small letters."""
    return text.lower()


@function(('"the quick fox".title()', "The Quick Fox"))
def title(text: str) -> str:
    """Return the text with a capital at the beginning of each word."""
    return _WORD.sub(lambda word: word[0][0].upper() + word[0][1:].lower(), text)


@function(('"  a b ".trim()', "a b"), ('"--a--".trim("-")', "a"))
def trim(text: str, characters: str = " ") -> str:
    """Return the text without blanks, or other characters, at both ends."""
    return text.strip() if characters == " " else text.strip(characters)


@function(('"7".padLeft(3, "0")', "007"), ('"ab".padLeft(4)', "  ab"))
def pad_left(text: str, length: int, character: str = " ") -> str:
    """Return the text filled up in front to a length."""
    return _padding(text, length, character) + text


@function(('"ab".padRight(4, ".")', "ab.."))
def pad_right(text: str, length: int, character: str = " ") -> str:
    """Return the text filled up behind to a length."""
    return text + _padding(text, length, character)


def _padding(text: str, length: int, character: str) -> str:
    if len(character) != 1:
        raise ValueError("it fills up with one character.")
    bounded_text(length)
    return character * (length - len(text))


@function(('"a-b-c".replace("-", "+")', "a+b+c"), ('"aaa".replace("a", "b", 2)', "bba"))
def replace(text: str, old: str, new: str, times: int = -1) -> str:
    """Return the text with each occurrence of a text replaced, or only the first ones."""
    found = text.count(old) if times < 0 else min(times, text.count(old))
    bounded_text(len(text) + found * (len(new) - len(old)))
    return text.replace(old, new, times)


@function(('"a,b,c".split(",")', ["a", "b", "c"]), ('"a b c".split(" ", 2)', ["a", "b c"]))
def split(text: str, separator: str, parts: int = -1) -> list[Any]:
    """Return the parts of the text between separators; the last of at most `parts` has the rest."""
    if not separator:
        return list(text)
    if parts == 0:
        return []
    return text.split(separator, parts - 1 if parts > 0 else -1)


@function(('["a", 1, true].join("-")', "a-1-True"), ('join(["a", "b"])', "ab"))
def join(items: list[Any], separator: str = "") -> str:
    """Return the items as one text, with a separator between them."""
    texts = [text_of(item, _INVARIANT) for item in items]
    bounded_text(sum(map(len, texts)) + len(separator) * max(len(texts) - 1, 0))
    return separator.join(texts)


@function(
    ('"Order 77".contains("der")', True),
    ("[1, 2].contains(2)", True),
    ('{"a": 1}.contains("a")', True),
    ("[1.0].contains(1)", False),
)
def contains(whole: Any, part: Any) -> bool:
    """Return whether a text has a text in it, a list an item, or a structure a key. Types count: 1
    and 1.0 are two values."""
    if isinstance(whole, str):
        if not isinstance(part, str):
            raise ValueError("a Text contains texts only.")
        return part in whole
    if isinstance(whole, dict):
        return not isinstance(part, list | dict) and key_for(part) in whole
    if isinstance(whole, list):
        return bool(equality.places(whole, part))
    raise ValueError("it looks into a Text, a List or a Structure.")


@function(
    (r'"Order A-77, order B-5".find("[A-Z]-[0-9]+")', "A-77"),
    ('"abc".find("[0-9]+") == null', True),
)
def find(text: str, pattern: str) -> Any:
    """Return the first text that matches a regular expression; null when none does."""
    found = _search(pattern, text)
    return found[0] if found else None


@function(
    (r'"a1 b2".findAll("[a-z][0-9]")', ["a1", "b2"]),
    (
        r'"a1 b2".findAll("(?P<Letter>[a-z])([0-9])")',
        [{"Letter": "a", "2": "1"}, {"Letter": "b", "2": "2"}],
    ),
)
def find_all(text: str, pattern: str) -> list[Any]:
    """Return every text that matches a regular expression; with groups in the expression, a
    structure of its groups by name or number."""
    compiled = _pattern(pattern)
    names = {number: name for name, number in compiled.groupindex.items()}
    keys = [names.get(number, str(number)) for number in range(1, compiled.groups + 1)]
    found: list[Any] = []
    try:
        for match in compiled.finditer(text, timeout=REGEX_SECONDS):
            found.append(dict(zip(keys, match.groups(), strict=True)) if keys else match[0])
            if len(found) > LARGEST_LIST:
                raise ValueError(f"it finds more than {LARGEST_LIST:,} texts.")
    except TimeoutError:
        raise _too_slow(pattern) from None
    return found


@function((r'"tel. 555-12".replaceAll("[0-9]", "#")', "tel. ###-##"))
def replace_all(text: str, pattern: str, new: str) -> str:
    """Return the text with all that matches a regular expression replaced; `\\1` is a group."""
    try:
        result: str = _pattern(pattern).sub(new, text, timeout=REGEX_SECONDS)
    except TimeoutError:
        raise _too_slow(pattern) from None
    except (regex.error, IndexError) as problem:
        raise ValueError(f"the replacement is not valid: {problem}.") from None
    bounded_text(len(result))
    return result


def _search(pattern: str, text: str) -> Any:
    try:
        return _pattern(pattern).search(text, timeout=REGEX_SECONDS)
    except TimeoutError:
        raise _too_slow(pattern) from None


def _pattern(pattern: str) -> Any:
    try:
        return regex.compile(pattern)
    except regex.error as problem:
        raise ValueError(f"{pattern} is not a regular expression: {problem}.") from None


def _too_slow(pattern: str) -> ValueError:
    return ValueError(f"the regular expression {pattern} takes more than {REGEX_SECONDS:g} s here.")
