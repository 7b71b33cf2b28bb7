"""A flow's name. Two flows may differ by case alone, so a whole name is taken as it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from executions.grid.query.kinds.kind import QueryContext
from executions.grid.query.kinds.name import Name
from executions.grid.query.kinds.suggestions import LIMIT, SuggestedValue, suggested
from executions.grid.query.lexemes import fold
from flows import access


@dataclass(frozen=True)
class FlowName(Name):
    """The name of a flow: whole in its case, or its beginning and a star in any."""

    name = "flow"
    hint = "A flow's name, or its beginning and a star."
    examples = ("orders", "ORDERS", "ord*", "*")

    def names_sql(self, names: Sequence[str], context: QueryContext) -> Q:
        whole = [name for name in names if not name.endswith("*")]
        beginnings = [name for name in names if name.endswith("*")]
        wanted = Q(**{f"{self.column}__in": whole}) if whole else Q()
        return wanted | super().names_sql(beginnings, context)

    def comparable(self, name: str) -> str:
        return name

    def uses_search_index(self, values: Sequence[str]) -> bool:
        return any(value.endswith("*") for value in values)

    def suggest(self, user: Any, typed: str) -> list[SuggestedValue]:
        flows = access.visible(user).filter(name__icontains=fold(typed)).order_by("name")
        return suggested(flows.values_list("name", flat=True)[:LIMIT])
