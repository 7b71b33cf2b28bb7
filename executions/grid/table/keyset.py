"""Keyset pagination: querysets in an order of the grid that begin or end at the key of a row."""

from typing import Any

from django.db.models import BooleanField, F, Func, Q, TextField, UUIDField, Value

from executions.grid.table.sort_values import SortValue
from executions.grid.table.sorting import RowKey, Sort


class _Row(Func):
    template = "(%(expressions)s)"


class _Comparison(Func):
    """Two rows of values, compared as the index has them: one scan from the key on."""

    template = "%(expressions)s"
    output_field = BooleanField()


class _Unindexed(Func):
    """A value as an expression that no index has: rows are found first, then sorted."""

    def __init__(self, value: SortValue) -> None:
        nothing = "|| ''" if isinstance(value.field, TextField) else "+ INTERVAL '0'"
        super().__init__(
            value.expression,
            output_field=value.field,
            template=f"(%(expressions)s {nothing})",
        )


def order_by(sort: Sort, *, upwards: bool = False, unindexed: bool = False) -> list[Any]:
    """The order of a queryset, from top to bottom or `upwards`; `unindexed`, so that the planner
    sorts the rows instead of following an index through all of them."""
    expressions: list[Any] = [*(value.expression for value in sort.values), F("id")]
    if unindexed and sort.is_indexed:
        expressions[0] = _Unindexed(sort.values[0])
    if sort.descending is not upwards:
        return [one.desc() for one in expressions]
    return [one.asc() for one in expressions]


def rows_below(key: RowKey) -> Q:
    """The rows below that of a key."""
    return _beyond(key, "<" if key.sort.descending else ">")


def rows_above(key: RowKey) -> Q:
    """The rows above that of a key."""
    return _beyond(key, ">" if key.sort.descending else "<")


def _beyond(key: RowKey, sign: str) -> Q:
    values = key.sort.values
    here = _Row(*(value.expression for value in values), F("id"), output_field=TextField())
    there = _Row(
        *(Value(own, value.field) for value, own in zip(values, key.values, strict=True)),
        Value(key.id, UUIDField()),
        output_field=TextField(),
    )
    return Q(_Comparison(here, there, arg_joiner=f" {sign} "))
