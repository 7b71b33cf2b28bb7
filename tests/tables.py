"""Emptying the tables after a test that commits."""

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import TransactionTestCase

# Each is written once, with the tables: `flush` deletes their rows and writes the same again.
KEPT = {model._meta.db_table for model in (ContentType, Permission)}

# Above this, a new file costs less than to delete the rows of the old one.
LARGE = 1_000_000


def empty_tables(case: TransactionTestCase) -> None:
    """Delete all rows, as `manage.py flush` does, in a hundredth of its time.

    `flush` makes new files for all tables and their indexes, though a test writes a few rows.
    The lock is the one of `TRUNCATE`: nobody writes meanwhile.
    """
    names = sorted(set(connection.introspection.django_table_names()) - KEPT)
    tables = {name: connection.ops.quote_name(name) for name in names}
    held = " UNION ALL ".join(
        f"(SELECT '{name}', pg_table_size('{name}') FROM {table} LIMIT 1)"
        for name, table in tables.items()
    )
    everything = ", ".join(tables.values())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no triggers
        cursor.execute(f"LOCK TABLE {everything}")
        cursor.execute(held)
        sizes = dict(cursor.fetchall())
        if any(size > LARGE for size in sizes.values()):
            cursor.execute(f"TRUNCATE {everything}")
        elif sizes:
            cursor.execute(";".join(f"DELETE FROM {tables[name]}" for name in sizes))
