"""The id of an execution, whole. Any of several."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import ClassVar
from uuid import UUID

from django.db.models import Q

from executions.grid.query.errors import InvalidValue
from executions.grid.query.kinds.kind import Kind, Predicate, QueryContext


@dataclass(frozen=True)
class ExecutionId(Kind):
    """An id in a column of ids."""

    name = "id"
    hint = "A whole id, as on the execution's page."
    examples: ClassVar[Sequence[str]] = ("0abcf000-0000-7000-8000-00000000000f",)
    any_of = True

    column: str

    def parse(self, text: str, zone: tzinfo) -> str:
        try:
            return str(UUID(text))
        except ValueError:
            raise InvalidValue(
                f"“{text}” is not an id. Copy one from an execution's page."
            ) from None

    def missing(self, key: str, example: str) -> str:
        return f"Write an id after {key}:, from an execution's page."

    def sql(self, values: Sequence[str], context: QueryContext) -> Q:
        return Q(**{f"{self.column}__in": [UUID(value) for value in values]})

    def matches(self, values: Sequence[str], me: int | None) -> Predicate:
        column, ids = self.column, frozenset(values)
        return lambda event, context: getattr(event, column) in ids
