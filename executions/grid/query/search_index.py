"""The search index of executions as SQL: one GIN index of lexemes (`lexemes`), which holds neither
what is in the queue nor what a worker holds."""

from collections.abc import Iterable

from django.db.models import BooleanField, Expression, F, Func, Q, TextField, Value

from executions.grid.query import lexemes
from executions.models.expressions import Lexemes

#: What the search index holds (`executions/models/execution.py`).
INDEXED = Q(lease_expires_at__isnull=True)
#: What stands before a word: the beginning, or what of ASCII is neither letter nor digit.
_BEFORE_WORD = r"(^|[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007f])"


class MatchesQuery(Func):
    """Whether lexemes match a text search query."""

    template = "%(expressions)s::tsquery"
    arg_joiner = " @@ "
    output_field = BooleanField()

    def __init__(self, lexemes: Expression, query: str) -> None:
        super().__init__(lexemes, Value(query))


class FoldCase(Func):
    """A text in lower case in ASCII, as `lexemes.fold` makes it."""

    template = '(lower(%(expressions)s COLLATE "C") COLLATE "C")'
    output_field = TextField()


class ContainsWord(Func):
    """Whether a folded text holds a word that begins so, as `lexemes.words` splits it."""

    template = "%(expressions)s"
    arg_joiner = " ~ "
    output_field = BooleanField()


class Like(Func):
    """Whether a text matches a pattern of LIKE."""

    template = "%(expressions)s"
    arg_joiner = " LIKE "
    output_field = BooleanField()


def has_words(words: Iterable[str]) -> Q:
    """Return the condition that the search index meets: all these words, by their beginnings."""
    return Q(MatchesQuery(Lexemes(), lexemes.words_query(words)))


def has_value(code: str, values: Iterable[str]) -> Q:
    """Return the condition that a field, by its code, has one of some values."""
    return Q(MatchesQuery(Lexemes(), lexemes.values_query(code, values)))


def contains_word(text: Expression | F, word: str) -> Q:
    """Return the condition that a folded text holds a word that begins so."""
    found = Q()
    for spelling in lexemes.spellings(word):
        # LIKE costs little and drops most rows. A word holds no sign of LIKE or of expressions.
        like = Like(text, Value(f"%{spelling}%"))
        found |= Q(like) & Q(ContainsWord(text, Value(_BEFORE_WORD + spelling)))
    return found
