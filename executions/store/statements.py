"""Running statements that the server prepares, without Django's cursor around them."""

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection


def fetch(sql: str, params: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Run a statement on Django's connection and return its first row.

    Its parameters are bound by the server, so that a connection whose OPTIONS have a
    `prepare_threshold` plans it once. The row comes as PostgreSQL keeps it: Django's reading of
    moments as text would take longer than the rest of the row.
    """
    connection.ensure_connection()
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        return cursor.execute(sql, params, binary=True).fetchone()
