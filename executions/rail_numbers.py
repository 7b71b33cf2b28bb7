"""The numbers in the rail: what each one counts for a user, and when it may be another."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import IntegerField, QuerySet, Subquery

from executions.access import User
from executions.events import FAILURES_CHANGED, QUESTIONS_CHANGED
from executions.failures import queries
from executions.questions import access as questions_access

#: Stands for all users where some are listed.
EVERYBODY: int | None = None
#: Questions for a user are counted up to so many.
MOST_QUESTIONS = 99


@dataclass(frozen=True, slots=True)
class RailNumber:
    """A number in the rail.

    `rows` are counted for a user, up to `most` of them. After a message of the type `message` it
    may be another for the users that `concerns` finds in it. Then the frame `live:<name>` has
    pages fetch it. `unit` follows the number for those who cannot see where it stands.
    """

    name: str
    unit: str
    rows: Callable[[User], QuerySet[Any]]
    message: str
    concerns: Callable[[Mapping[str, Any]], Iterable[int | None]]
    most: int | None = None


@dataclass(frozen=True, slots=True)
class CountedNumber:
    """A number as it is for a user."""

    number: RailNumber
    count: int

    def __str__(self) -> str:
        most = self.number.most
        return str(self.count) if most is None or self.count <= most else f"{most}+"


RAIL_NUMBERS = {
    number.name: number
    for number in (
        RailNumber(
            "failures",
            "without an owner",
            queries.unowned_groups,
            FAILURES_CHANGED,
            lambda message: (EVERYBODY,) if message["is_change"] else (),
        ),
        RailNumber(
            "questions",
            "for you",
            questions_access.open_for,
            QUESTIONS_CHANGED,
            lambda message: (EVERYBODY,) if message["users"] is None else message["users"],
            most=MOST_QUESTIONS,
        ),
    )
}


class _CountOf(Subquery):
    """How many rows a query finds."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def count(user: User, *names: str) -> dict[str, CountedNumber]:
    """Return these numbers of a user by their names, with one statement."""
    people: Any = get_user_model()._default_manager
    one = people.filter(pk=user.pk)
    found = one.values_list(*(_count(user, RAIL_NUMBERS[name]) for name in names)).first()
    counts = found or [0] * len(names)
    return {
        name: CountedNumber(RAIL_NUMBERS[name], number)
        for name, number in zip(names, counts, strict=True)
    }


def _count(user: User, number: RailNumber) -> _CountOf:
    rows = number.rows(user).order_by().values("pk")
    return _CountOf(rows if number.most is None else rows[: number.most + 1])
