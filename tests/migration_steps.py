"""Migrates a new database as an upgrade of an old installation does.

`python -m tests.migration_steps`, with the product's settings. A new database takes the squashed
migrations; one that has taken some of the steps that they replace takes the other steps.
"""

import django
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

#: What the old installation has.
INSTALLED = ("executions", "0030_overview")


def install() -> None:
    """Apply the steps of the old installation, which knew no squashed migration."""
    executor = MigrationExecutor(connection)
    executor.loader.replace_migrations = False
    executor.loader.build_graph()
    executor.migrate([INSTALLED])


if __name__ == "__main__":
    django.setup()
    install()
    call_command("migrate", verbosity=0)
