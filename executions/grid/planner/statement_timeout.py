"""Statements of the grid, each with a timeout and with settings for the planner of PostgreSQL."""

import json
from collections.abc import Sequence
from typing import Any

import psycopg
from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection
from django.db.models import QuerySet

#: Seconds that one statement of the grid may take.
STATEMENT_SECONDS = 3.0
#: Seconds after which another plan is tried.
FIRST_TRY_SECONDS = 0.4
#: Makes PostgreSQL read the rows in the order of an index, whatever it takes that to cost.
FOLLOW_INDEX = ("enable_sort = off", "enable_bitmapscan = off")
#: Keeps it from starting processes beside its own, which takes longer than to find a few rows.
NO_PARALLEL = ("max_parallel_workers_per_gather = 0",)


class TooSlow(Exception):
    """A statement was stopped."""


Statement = tuple[str, Sequence[Any]]
#: The statement of a queryset that is known to hold nothing.
NO_ROWS: Statement = ("SELECT 0 WHERE false", ())


def fetch(
    rows: QuerySet[Any] | str,
    params: Sequence[Any] = (),
    *,
    seconds: float = STATEMENT_SECONDS,
    settings: Sequence[str] = (),
) -> list[tuple[Any, ...]]:
    """Return the rows of a queryset of values, or of a statement, as the database gives them.

    `settings` hold for it alone. Raises TooSlow after so many seconds.
    """
    asked = (rows, params) if isinstance(rows, str) else statement(rows)
    return run([asked], seconds, settings)[0]


def run(
    statements: Sequence[Statement],
    seconds: float = STATEMENT_SECONDS,
    settings: Sequence[str] = (),
) -> list[list[tuple[Any, ...]]]:
    """Return the rows of several statements, in one message.

    Raises TooSlow when one takes longer; a transaction that is open goes on as if they had not been
    asked.
    """
    # With their settings they are one transaction, and cost no way there and back.
    before = [f"SET LOCAL statement_timeout = {int(seconds * 1000)}"]
    before += [f"SET LOCAL {setting}" for setting in settings]
    after = [f"SET LOCAL {setting.partition(' ')[0]} = DEFAULT" for setting in settings]
    after.append("SET LOCAL statement_timeout = DEFAULT")
    is_nested = connection.in_atomic_block
    if is_nested:
        before.insert(0, "SAVEPOINT grid_statements")
        after.append("RELEASE SAVEPOINT grid_statements")
    given = [value for _, params in statements for value in params]
    with connection.cursor() as cursor:
        try:
            cursor.execute("; ".join([*before, *(sql for sql, _ in statements), *after]), given)
        except OperationalError as error:
            if not isinstance(error.__cause__, psycopg.errors.QueryCanceled):
                raise
            if is_nested:
                cursor.execute("ROLLBACK TO SAVEPOINT grid_statements")
            raise TooSlow from error
        found = []
        for _ in before:
            cursor.nextset()
        for _ in statements:
            found.append(list(cursor.fetchall()))
            cursor.nextset()
    return found


def statement(rows: QuerySet[Any]) -> Statement:
    """Return the statement of a queryset."""
    try:
        return rows.query.sql_with_params()
    except EmptyResultSet:
        return NO_ROWS


# Estimates ------------------------------------------------------------------------------------


def estimate_rows(querysets: Sequence[QuerySet[Any]]) -> list[int]:
    """Return how many rows PostgreSQL expects of each queryset, without reading any."""
    return [planned_rows(answer) for answer in run([explain(rows) for rows in querysets])]


def explain(rows: QuerySet[Any]) -> Statement:
    """Return the statement that asks for the plan of a queryset."""
    asked = statement(rows.order_by().values("pk"))
    if asked is NO_ROWS:
        return NO_ROWS
    sql, params = asked
    return f"EXPLAIN (FORMAT JSON) {sql}", params


def planned_rows(answer: list[tuple[Any, ...]]) -> int:
    """Return how many rows a plan expects."""
    if not answer:
        return 0
    ((plan,),) = answer
    return int((plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]["Plan Rows"])
