"""The words of a query that belong to no field: what they mean to the database and to an event."""

from collections.abc import Callable
from uuid import UUID

from django.db.models import F, Func, Q, TextField

from executions.events import ExecutionChanged
from executions.grid.query import lexemes, search_index
from executions.grid.query.kinds.kind import EventContext, Predicate

#: The columns that are searched, also by the search index (migration 0011).
COLUMNS = (
    "flow_name", "block_type", "block_description", "workspace_name", "error_type",
    "error_message", "initiator_name",
)  # fmt: skip
#: So many digits find the id that they begin: eleven of them are the millisecond of its start.
ID_DIGITS = 8
_HEX = frozenset("0123456789abcdef")


class SearchText(Func):
    """Everything that is searched of a row, folded."""

    template = '(lower((%(expressions)s) COLLATE "C") COLLATE "C")'
    arg_joiner = " || ' ' || "
    output_field = TextField()

    def __init__(self) -> None:
        super().__init__(*map(F, COLUMNS))


def sql(search: str, in_row: Callable[[str], bool]) -> Q:
    """Return the condition that a row holds every word of a search, or has the id that it begins.

    `in_row` says which words are looked for in the columns of a row instead of the index.
    """
    words = lexemes.words(search)
    indexed = [word for word in words if not in_row(word)]
    found = search_index.has_words(indexed) if indexed else Q()
    for word in words:
        if in_row(word):
            found &= search_index.contains_word(SearchText(), word)
    if ids := id_range(search):
        found = (found if words else Q(pk__in=[])) | Q(id__range=ids)
    return found


def matches(search: str) -> Predicate:
    """Return the predicate that says whether a live event is found by a search."""
    words = lexemes.words(search)
    digits = _id_digits(search)

    def is_found(event: ExecutionChanged, context: EventContext) -> bool:
        held = [word for column in COLUMNS for word in lexemes.words(getattr(event, column))]
        return (
            not words
            or lexemes.begin_all(words, held)
            or bool(digits and event.id.replace("-", "").startswith(digits))
        )

    return is_found


def id_range(search: str) -> tuple[UUID, UUID] | None:
    """Return the first and last id that begin with the digits of a search, if they are that."""
    digits = _id_digits(search)
    return (UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))) if digits else None


def _id_digits(search: str) -> str:
    digits = search.replace("-", "").lower()
    return digits if ID_DIGITS <= len(digits) <= 32 and _HEX.issuperset(digits) else ""
