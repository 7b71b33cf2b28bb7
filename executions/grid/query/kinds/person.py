"""A person, by name or as `me`, which means whoever looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q

from executions import access
from executions.events import ExecutionChanged
from executions.grid.query.kinds.kind import EventContext, Predicate, QueryContext
from executions.grid.query.kinds.name import Name
from executions.grid.query.kinds.suggestions import LIMIT, SuggestedValue
from executions.grid.query.lexemes import fold

#: How people write themselves.
ME = "me"


@dataclass(frozen=True)
class Person(Name):
    """A user's name in a column; `id_column` holds the user's id."""

    name = "person"
    hint = "A user name, its beginning and a star, or me."
    examples = ("me", "ada", "ADA*", "*")

    optional: bool = True
    id_column: str = ""

    def parse(self, text: str, zone: tzinfo) -> str:
        return ME if text.casefold() == ME else text

    def names_sql(self, names: Sequence[str], context: QueryContext) -> Q:
        others = [name for name in names if name != ME]
        wanted = Q(**{self.id_column: context.me or 0}) if ME in names else Q()
        return wanted | super().names_sql(others, context)

    def matches(self, values: Sequence[str], me: int | None) -> Predicate:
        column, id_column = self.column, self.id_column
        is_wanted = self.name_matcher([value for value in values if value != ME])
        is_mine = ME in values and me is not None

        def holds(event: ExecutionChanged, context: EventContext) -> bool:
            return (is_mine and getattr(event, id_column) == me) or is_wanted(
                getattr(event, column)
            )

        return holds

    def is_personal(self, values: Sequence[str]) -> bool:
        return ME in values

    def suggest(self, user: Any, typed: str) -> list[SuggestedValue]:
        folded = fold(typed)
        people = get_user_model().objects.filter(username__icontains=folded, is_active=True)
        if not access.sees_all(user):
            people = people.filter(pk=user.pk)
        names = people.order_by("username").values_list("username", flat=True)[:LIMIT]
        mine = [SuggestedValue(ME, "You")] if ME.startswith(folded) else []
        return [*mine, *map(SuggestedValue, names)][:LIMIT]
