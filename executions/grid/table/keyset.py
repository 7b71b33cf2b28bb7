"""The pages that begin and end at a key, for a queryset."""

from typing import Any

from django.db.models import (
    BigIntegerField,
    BooleanField,
    DateTimeField,
    DurationField,
    F,
    Func,
    Q,
    TextField,
    UUIDField,
    Value,
)

from executions.grid.query.conditions import Folded
from executions.grid.table.sorting import Key, Sort
from executions.models.expressions import Length

NAMES = (
    "block_type", "block_description", "workspace_name", "initiator_name", "trigger",
    "lease_owner", "error_type", "debugged_by_name",
)  # fmt: skip
#: What each part of a key is to the database.
COLUMNS: dict[str, Any] = {
    "started_at": (F("started_at"), DateTimeField()),
    "updated_at": (F("updated_at"), DateTimeField()),
    "length": (Length(), DurationField()),
    "flow_name": (F("flow_name"), TextField()),
    "status": (F("status"), TextField()),
    **{name: (Folded(F(name)), TextField()) for name in NAMES},
    **{name: (F(name), BigIntegerField()) for name in ("version_number", "step_count")},
    "id": (F("id"), UUIDField()),
}


class _Row(Func):
    template = "(%(expressions)s)"


class _Compared(Func):
    """Two rows of values, compared as the index has them: one scan from the key on."""

    template = "%(expressions)s"
    output_field = BooleanField()


class _Opaque(Func):
    """The value of an expression whose order no index has: rows are found first, then sorted."""

    def __init__(self, expression: Any, kind: Any) -> None:
        nothing = "|| ''" if isinstance(kind, TextField) else "+ INTERVAL '0'"
        super().__init__(expression, output_field=kind, template=f"(%(expressions)s {nothing})")


def order(sort: Sort, *, upwards: bool = False, opaque: bool = False) -> list[Any]:
    """The order of a queryset, from top to bottom or the other way; `opaque`, so that no index
    leads through it."""
    names = [*(part.column for part in sort.parts), "id"]
    expressions = [COLUMNS[name][0] for name in names]
    if opaque and sort.is_indexed:
        expressions[0] = _Opaque(*COLUMNS[names[0]])
    if sort.descending is not upwards:
        return [one.desc() for one in expressions]
    return [one.asc() for one in expressions]


def below(key: Key) -> Q:
    """What stands below the row of a key."""
    return _beyond(key, "<" if key.sort.descending else ">")


def above(key: Key) -> Q:
    """What stands above the row of a key."""
    return _beyond(key, ">" if key.sort.descending else "<")


def _beyond(key: Key, sign: str) -> Q:
    columns = [COLUMNS[part.column] for part in key.sort.parts] + [COLUMNS["id"]]
    here = _Row(*(column for column, _ in columns), output_field=TextField())
    values = [*key.values, key.id]
    there = _Row(
        *(Value(value, kind) for value, (_, kind) in zip(values, columns, strict=True)),
        output_field=TextField(),
    )
    return Q(_Compared(here, there, arg_joiner=f" {sign} "))
