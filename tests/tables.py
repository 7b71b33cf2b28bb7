"""Emptying the tables after a test that commits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import psycopg
from django.conf import settings
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import TransactionTestCase

# Each is written once, with the tables: `flush` deletes their rows and writes the same again.
KEPT = {model._meta.db_table for model in (ContentType, Permission)}

# Above this, a new file costs less than to delete the rows of the old one.
LARGE = 1_000_000


@contextmanager
def emptying() -> Iterator[Callable[[TransactionTestCase], None]]:
    """Delete all rows, as `manage.py flush` does, in a hundredth of its time.

    `flush` makes new files for all tables and their indexes, though a test writes a few rows.
    """
    connected: list[psycopg.Connection] = []

    def empty_tables(_: TransactionTestCase) -> None:
        try:
            _empty(connected[0])
        except (IndexError, psycopg.OperationalError):  # the first time, and after a restart
            connected[:] = [_connect()]
            _empty(connected[0])

    try:
        yield empty_tables
    finally:
        for one in connected:
            one.close()


def _connect() -> psycopg.Connection:
    """A connection without triggers. To switch them off and on would plan everything anew."""
    return psycopg.connect(
        host=str(settings.DATA.sockets),
        user="postgres",
        dbname=connection.settings_dict["NAME"],
        options="-c session_replication_role=replica",
        autocommit=True,
    )


def _empty(connected: psycopg.Connection) -> None:
    tables, find_rows = _statements()
    with connected.transaction():
        # The lock is the one of `TRUNCATE`: nobody writes meanwhile.
        connected.execute(f"LOCK TABLE {tables}".encode())
        found = connected.execute(find_rows.encode(), prepare=True).fetchall()
        if any(size > LARGE for _, size in found):
            connected.execute(f"TRUNCATE {tables}".encode())
        elif found:
            connected.execute(";".join(f'DELETE FROM "{name}"' for name, _ in found).encode())


@cache
def _statements() -> tuple[str, str]:
    """Return the names of all tables, and what finds those that hold rows, with their sizes."""
    names = sorted(set(connection.introspection.django_table_names()) - KEPT)
    held = " UNION ALL ".join(
        f"""(SELECT '{name}', pg_table_size('"{name}"') FROM "{name}" LIMIT 1)""" for name in names
    )
    return ", ".join(f'"{name}"' for name in names), held
