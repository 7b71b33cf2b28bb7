"""Where flows are arranged: their folders or their labels.

An execution knows its flow by name alone, so flows can move without a change of their executions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from django.db.models import Q

from executions.grid.query.kinds.kind import Predicate, QueryContext
from executions.grid.query.kinds.name import Name
from executions.grid.query.kinds.suggestions import SuggestedValue, suggested
from executions.grid.query.lexemes import fold
from executions.grid.query.lexer import EMPTY
from flows import access
from flows.queries import Arrangement

#: What no flow is called.
_NO_FLOW = [""]


@dataclass(frozen=True)
class FlowArrangement(Name):
    """A name of what the execution's flow is arranged by; `by` says which part of an
    `Arrangement` that is."""

    name = "arrangement"
    hint = "A name, its path, or its beginning and a star."
    examples = ("commerce", "Commerce/RETURNS", "com*", "*")
    max_length: ClassVar[int] = 1_000

    column: str = "flow_name"
    optional: bool = True
    by: Literal["folders", "labels"] = "folders"

    def sql(self, values: Sequence[str], context: QueryContext) -> Q:
        held, is_wanted = self._names(context.flows()), self.name_matcher(values)
        found = [flow for flow, names in held.items() if any(map(is_wanted, names))]
        wanted = Q(**{f"{self.column}__in": found or _NO_FLOW})
        if EMPTY in values:
            wanted |= ~Q(**{f"{self.column}__in": list(held) or _NO_FLOW})
        return wanted

    def matches(self, values: Sequence[str], me: int | None) -> Predicate:
        is_wanted = self.name_matcher(values)
        none = ("",)

        return lambda event, context: any(
            map(is_wanted, self._names(context.flows).get(event.flow_name, none))
        )

    def _names(self, flows: Arrangement) -> Mapping[str, tuple[str, ...]]:
        return flows.folders if self.by == "folders" else flows.labels

    def depends_on_flows(self) -> bool:
        return True

    def uses_search_index(self, values: Sequence[str]) -> bool:
        return False

    def has_index(self, values: Sequence[str]) -> bool:
        return EMPTY not in values

    def suggest(self, user: Any, typed: str) -> list[SuggestedValue]:
        if self.by == "labels":
            names = list(access.labels(user).values_list("name", flat=True))
        else:
            names = sorted(way[-1] for way in access.folders(user).values())
        folded = fold(typed)
        return suggested(name for name in names if folded in fold(name))
