"""Statements of the grid, none of which may take long."""

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
#: What makes PostgreSQL read the rows in the order of an index, however it estimates that.
IN_ORDER = ("enable_sort = off", "enable_bitmapscan = off")

#: What keeps it from starting processes beside its own, which takes longer than to find a few rows.
ALONE = ("max_parallel_workers_per_gather = 0",)


class TooSlow(Exception):
    """A statement was stopped."""


Statement = tuple[str, Sequence[Any]]
#: Stands for the estimate of a queryset that is known to hold nothing.
NOTHING: Statement = ("SELECT 0 WHERE false", ())


def fetch(
    rows: QuerySet[Any] | str,
    params: Sequence[Any] = (),
    *,
    seconds: float = STATEMENT_SECONDS,
    planned: Sequence[str] = (),
) -> list[tuple[Any, ...]]:
    """The rows of a queryset of values, or of a statement, as they come from the database.

    `planned` are settings for it alone. Raises TooSlow after so many seconds.
    """
    asked = (rows, params) if isinstance(rows, str) else statement(rows)
    return ask([asked], seconds, planned)[0]


def ask(
    statements: Sequence[Statement],
    seconds: float = STATEMENT_SECONDS,
    planned: Sequence[str] = (),
) -> list[list[tuple[Any, ...]]]:
    """The rows of several statements, in one message. Raises TooSlow when one takes longer; a
    transaction that is open goes on as if they had not been asked."""
    # With their settings they are one transaction, and cost no way there and back.
    settings = [f"SET LOCAL statement_timeout = {int(seconds * 1000)}"]
    settings += [f"SET LOCAL {setting}" for setting in planned]
    undone = [f"SET LOCAL {setting.partition(' ')[0]} = DEFAULT" for setting in planned]
    undone.append("SET LOCAL statement_timeout = DEFAULT")
    is_nested = connection.in_atomic_block
    if is_nested:
        settings.insert(0, "SAVEPOINT grid_statements")
        undone.append("RELEASE SAVEPOINT grid_statements")
    given = [value for _, params in statements for value in params]
    with connection.cursor() as cursor:
        try:
            cursor.execute("; ".join([*settings, *(sql for sql, _ in statements), *undone]), given)
        except OperationalError as error:
            if not isinstance(error.__cause__, psycopg.errors.QueryCanceled):
                raise
            if is_nested:
                cursor.execute("ROLLBACK TO SAVEPOINT grid_statements")
            raise TooSlow from error
        found = []
        for _ in settings:
            cursor.nextset()
        for _ in statements:
            found.append(list(cursor.fetchall()))
            cursor.nextset()
    return found


def statement(rows: QuerySet[Any]) -> Statement:
    """The statement of a queryset."""
    try:
        return rows.query.sql_with_params()
    except EmptyResultSet:
        return NOTHING


# Estimates ------------------------------------------------------------------------------------


def expected(rows: QuerySet[Any]) -> Statement:
    """The statement whose answer `estimate` reads: how many rows the planner expects, without
    reading any."""
    asked = statement(rows.order_by().values("pk"))
    if asked is NOTHING:
        return NOTHING
    sql, params = asked
    return f"EXPLAIN (FORMAT JSON) {sql}", params


def estimate(answer: list[tuple[Any, ...]]) -> int:
    """What `expected` was answered."""
    if not answer:
        return 0
    ((plan,),) = answer
    return int((plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]["Plan Rows"])


def estimates(querysets: Sequence[QuerySet[Any]]) -> list[int]:
    """How many rows the planner expects of each, in one message."""
    return [estimate(answer) for answer in ask([expected(rows) for rows in querysets])]
