"""The filter bar: the filters as pieces, and the form that edits each.

The typed query shows the same Filters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from executions.grid.paging.page_query import PageQuery
from executions.grid.query.fields import FIELDS, field_of
from executions.grid.query.kinds.kind import Kind
from executions.grid.query.kinds.suggestions import SuggestedValue
from executions.grid.query.kinds.variable import Variable, variable_names

#: Fields that the bar offers while they filter nothing.
OFFERED = ("flow", "workspace", "initiator", "started")
#: The key under which a variable is chosen.
ANY_VARIABLE = "variable"


@dataclass(frozen=True)
class Piece:
    """A field in the bar; `value` is empty while it filters nothing."""

    key: str
    label: str
    value: str
    edit: str
    remove: str = ""


@dataclass(frozen=True)
class Editor:
    """The form for one field.

    `options` are values with their labels and whether they are chosen; `carried` is the rest of the
    address.
    """

    key: str
    label: str
    kind: Kind
    carried: list[tuple[str, str]]
    close: str
    options: list[tuple[str, str, bool]]
    typed: str = ""
    example: str = ""
    suggested: Sequence[SuggestedValue] = ()


def pieces(query: PageQuery) -> list[Piece]:
    """Return what the bar shows: what is offered, then the filters."""
    found = []
    wanted = {term.parameter for term in query.filters.terms}
    for field in FIELDS:
        if field.key in OFFERED and field.key not in wanted:
            found.append(Piece(field.key, field.label, "", _editing(query, field.key)))
    for term in query.filters.terms:
        without = query.filters.with_values(term.parameter, ())
        found.append(
            Piece(
                key=term.parameter,
                label=term.field.label,
                value=f"{'not ' if term.negated else ''}{term.field.kind.labels(term.values)}",
                edit=_editing(query, term.parameter),
                remove=query.filtered_address(without),
            )
        )
    return found


def menu(query: PageQuery) -> list[tuple[str, str]]:
    """Return the label of each field, and the address that opens its editor."""
    offered = [(field.label, _editing(query, field.key)) for field in FIELDS]
    return [*offered, ("Variable", _editing(query, ANY_VARIABLE))]


def editor(user: Any, query: PageQuery, parameter: str) -> Editor | None:
    """Return the editor of a parameter; None where there is no such field."""
    close = query.address()
    if parameter == ANY_VARIABLE:
        names = [SuggestedValue(name) for name in variable_names(user, "")]
        return Editor(
            ANY_VARIABLE, "Variable", Variable(""), query.parameters(), close, [], suggested=names
        )
    negated = parameter.startswith("-")
    field = field_of(parameter[negated:])
    if field is None:
        return None
    parameter = f"-{field.key}" if negated else field.key
    values = query.filters.values(parameter)
    others = query.first_page(filters=query.filters.with_values(parameter, ()))
    kind, typed = field.kind, ""
    if kind.options:
        options = [(value, label, value in values) for value, label in kind.options]
    elif kind.any_of:
        options = [(value, value, True) for value in values]
    else:
        # The first is typed on; the others can be taken away.
        typed, options = values[0] if values else "", [(value, value, True) for value in values[1:]]
    return Editor(
        key=parameter,
        label=field.label,
        kind=kind,
        carried=others.parameters(),
        close=close,
        options=options,
        typed=typed,
        example=field.example,
        suggested=() if kind.options else kind.suggest(user, ""),
    )


def _editing(query: PageQuery, key: str) -> str:
    address = query.address()
    return f"{address}{'&' if len(address) > 1 else ''}edit={key}"
