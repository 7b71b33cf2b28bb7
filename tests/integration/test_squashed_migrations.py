"""The squashed migrations and the steps that they replace end in the same database."""

import re
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from cortexweb.embedded.programs import postgres_programs
from tests.servers import PROJECT

#: Rows that Django writes after each migration.
WRITTEN = """
    SELECT app_label, model, codename, name
    FROM auth_permission p JOIN django_content_type t ON t.id = p.content_type_id
"""
FILLED = {"auth_permission", "django_content_type", "django_migrations"}


@pytest.fixture(scope="module")
def by_steps(product_environment: dict[str, str]) -> Iterator[str]:
    """The name of a database that took the steps: an upgrade of an old installation."""
    name, at = "by_steps", f"host={settings.DATA.sockets} user=postgres dbname=postgres"
    with psycopg.connect(at, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    url = f"postgresql://postgres@/{name}?host={settings.DATA.sockets}"
    subprocess.run(
        [sys.executable, "-m", "tests.migration_steps"],
        check=True,
        cwd=PROJECT,
        env={**product_environment, "DATABASE_URL": url},
    )
    yield name
    with psycopg.connect(at, autocommit=True) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def schema(database: str) -> set[str]:
    """Return the statements that make a database, whatever the order of a table's columns."""
    command = [postgres_programs(settings.DATA) / "pg_dump", "--schema-only", database]
    command += [f"--host={settings.DATA.sockets}", "--username=postgres"]
    dump = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    dump, _, _ = dump.partition("\n--\n-- PostgreSQL database dump complete")
    return {
        "\n".join(sorted(line.rstrip(",") for line in statement.strip().splitlines()))
        if "CREATE TABLE" in statement
        else statement.strip()
        for statement in re.split(r"\n--\n-- Name: .*\n--\n", dump)[1:]
    } - {""}


def written(database: str) -> set[tuple[str, ...]]:
    with psycopg.connect(
        f"host={settings.DATA.sockets} user=postgres dbname={database}"
    ) as connected:
        return set(connected.execute(WRITTEN).fetchall())


def test_both_ways_make_the_same_database(by_steps: str) -> None:
    at_once = str(connection.settings_dict["NAME"])
    made, upgraded = schema(at_once), schema(by_steps)
    assert any("CREATE TRIGGER audit_is_kept" in statement for statement in made)
    assert (made - upgraded, upgraded - made) == (set(), set())
    assert written(at_once) == written(by_steps)


def test_the_steps_write_no_rows_into_a_new_database(by_steps: str) -> None:
    with psycopg.connect(
        f"host={settings.DATA.sockets} user=postgres dbname={by_steps}"
    ) as connected:
        names = connection.introspection.table_names(connected.cursor())
        filled = {
            table for table in names if connected.execute(f'SELECT FROM "{table}" LIMIT 1').rowcount
        }
    assert filled == FILLED


@pytest.mark.django_db
def test_a_new_database_takes_no_replaced_step() -> None:
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)
    replaced = {
        one for squashed in executor.loader.replacements.values() for one in squashed.replaces
    }
    assert not replaced & {(migration.app_label, migration.name) for migration, _ in plan}
