"""What may follow in the query box. Only what the user may see is suggested."""

from dataclasses import dataclass
from typing import Any

from executions.grid.query import lexer, query_syntax
from executions.grid.query.fields import FIELDS, Field, field_of
from executions.grid.query.kinds.suggestions import LIMIT
from executions.grid.query.kinds.variable import PREFIX, variable_names


@dataclass(frozen=True)
class Completion:
    """A suggestion of the query box.

    `text` is the whole query with the suggestion taken, and `caret` where one types on;
    `is_choice` says that the field takes only what is suggested.
    """

    label: str
    detail: str
    text: str
    caret: int
    is_choice: bool = False


@dataclass(frozen=True)
class _Typing:
    """The word at the caret of a query; `before` is its part before the caret."""

    query: str
    word: lexer.Word
    before: str

    def completed(self, label: str, detail: str, word: str, is_choice: bool = False) -> Completion:
        """Return a suggestion that puts another word in the place of this one."""
        rest = self.query[self.word.end :]
        if word.endswith(" "):
            rest = rest.lstrip()
        text = self.query[: self.word.start] + word + rest
        return Completion(label, detail, text, self.word.start + len(word), is_choice)


def complete(user: Any, query: str, caret: int) -> list[Completion]:
    """Return what may stand at the caret of a query."""
    caret = max(0, min(caret, len(query)))
    word = lexer.word_at(query, caret)
    typing = _Typing(query, word, query[word.start : caret])
    name = query_syntax.field_name(typing.before)
    field = field_of(name.key) if name else None
    if name and field:
        return _values(user, typing, field, name)
    return _names(user, typing)


def _values(
    user: Any, typing: _Typing, field: Field, name: query_syntax.FieldName
) -> list[Completion]:
    """Suggest values of the field that is named."""
    kept, typed = typing.before[: name.end], typing.before[name.end :]
    if field.kind.is_ordered:
        # The operator is a part of the value: `duration>1` becomes `duration:>10s`.
        kept = f"{typing.before[: name.start]}:"
        (typed,) = field.kind.typed_values(name.operator, typed)
    else:
        last = lexer.last_alternative(typed)
        kept, typed = kept + typed.removesuffix(last), lexer.plain(last)
    is_choice = bool(field.kind.options)
    return [
        typing.completed(one.value, one.detail, f"{kept}{lexer.quoted(one.value)} ", is_choice)
        for one in field.kind.suggest(user, typed)
    ]


def _names(user: Any, typing: _Typing) -> list[Completion]:
    """Suggest names of fields and variables."""
    sign = "-" if typing.before.startswith("-") else ""
    typed = typing.before.removeprefix("-").lower()
    if typed.startswith(PREFIX):
        names = variable_names(user, typed.removeprefix(PREFIX))
        words = [f"{sign}{PREFIX}{name}=" for name in names]
        return [typing.completed(word, "Variable", word) for word in words]
    found = []
    for field in FIELDS:
        if field.key.startswith(typed) or (typed and field.label.lower().startswith(typed)):
            word = f"{sign}{field.key}:"
            found.append(typing.completed(word, _about(field), word))
    if PREFIX.startswith(typed):
        word = f"{sign}{PREFIX}"
        found.append(typing.completed(word, "Variable, as in var.customer=42", word))
    return found[: LIMIT if typed else None]


def _about(field: Field) -> str:
    if not field.example:
        return field.label
    return f"{field.label}, as in {field.key}:{lexer.quoted(field.example)}"
