"""The lexer of typed queries: words, quotation marks, and the word at the caret."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions.grid.query import lexer

typed = st.text(alphabet='ab ,:=<"\\-.\n', max_size=16)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("status:error  late", ["status:error", "late"]),
        ('workspace:"a b" c', ['workspace:"a b"', "c"]),
        (r'flow:"a\"b c" d', [r'flow:"a\"b c"', "d"]),
        (r'flow:"a\\" d', [r'flow:"a\\"', "d"]),
        (r'flow:"a\"b c', [r'flow:"a\"b c']),
        ('flow:"a\\', ['flow:"a\\']),
        (r"a\ b", ["a\\", "b"]),
    ],
)
def test_spaces_part_words_outside_of_quotation_marks(query: str, words: list[str]) -> None:
    assert [word.raw for word in lexer.words(query)] == words


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("status:e| flow:x", "status:e"),
        ('workspace:"Send| invoices" late', 'workspace:"Send invoices"'),
        (r'flow:"a\"b| c" late', r'flow:"a\"b c"'),
        (r'flow:"a\" b|', r'flow:"a\" b'),
        ('flow:"a| status:error', 'flow:"a'),
        ("late |", ""),
        ("| late", ""),
        ("la|te", "late"),
    ],
)
def test_the_word_at_the_caret_is_the_one_that_the_parser_reads(query: str, word: str) -> None:
    assert lexer.word_at(query.replace("|", ""), query.index("|")).raw == word


@given(typed, st.integers(0, 16))
def test_the_caret_is_in_its_word(query: str, caret: int) -> None:
    caret = min(caret, len(query))
    word = lexer.word_at(query, caret)
    assert word.start <= caret <= word.end
    assert query[word.start : word.end] == word.raw
    if word.raw and lexer.is_closed(word.raw):
        assert word in lexer.words(query)


@given(typed.filter(bool))
def test_what_is_written_in_quotation_marks_is_read_back(text: str) -> None:
    written = lexer.in_quotes(text)
    assert [word.raw for word in lexer.words(written)] == [written]
    assert lexer.plain(written) == text
    assert lexer.alternatives(f"x,{written}") == ("x", text)


@given(typed)
def test_the_last_alternative_is_behind_the_last_comma(raw: str) -> None:
    raw = re.sub(r"\s", "", raw)
    last = lexer.last_alternative(raw)
    assert raw.endswith(last)
    if lexer.is_closed(raw) and not last:
        assert not raw or raw.endswith(",")


def test_a_field_begins_with_its_name_and_an_operator() -> None:
    field = re.compile(lexer.FIELD)
    for word in ("flow:", "-flow:a", "duration>", 'var.order."unit price"=', "var.a.b!="):
        assert field.match(word), word
    for word in ("late", '"flow:a"', "10:30", "-", ":x"):
        assert not field.match(word), word
