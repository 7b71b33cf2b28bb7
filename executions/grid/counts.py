"""How many executions there are in each status, never counting further than a cap."""

from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from executions.grid.filters import Filters
from executions.models import Execution
from executions.states import Status

CAP = 10_000


@dataclass(frozen=True)
class Count:
    """A number that is exact up to the cap."""

    number: int

    def __str__(self) -> str:
        return f"{CAP:,}+" if self.number > CAP else f"{self.number:,}"


def count_by_status(visible: QuerySet[Execution], filters: Filters) -> dict[str, Count]:
    """What each status would show, with the other filters as they are; "" is all of them.

    One statement, and each of its counts stops at the cap.
    """
    matching = visible.filter(replace(filters, statuses=frozenset()).condition())
    parts: list[str] = []
    values: list[Any] = []
    for status in Status:
        capped = matching.filter(status=status).order_by().values("pk")[: CAP + 1]
        sql, given = capped.query.sql_with_params()
        parts.append(f"(SELECT count(*) FROM ({sql}) AS capped)")
        values.extend(given)
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(parts), values)
        numbers = cursor.fetchone()
    assert numbers is not None
    counts = {status.value: Count(n) for status, n in zip(Status, numbers, strict=True)}
    return {"": Count(sum(numbers)), **counts}
