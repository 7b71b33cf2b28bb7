"""The squashed migrations and the steps that they replace end in the same database, and the steps
change the rows of an old installation."""

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
from executions import encryption
from tests.migration_steps import EXECUTIONS, WRITTEN_BEFORE, execution_id
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


@pytest.fixture
def upgraded(by_steps: str) -> Iterator[psycopg.Connection]:
    """A connection to that database."""
    at = f"host={settings.DATA.sockets} user=postgres dbname={by_steps}"
    with psycopg.connect(at, autocommit=True) as connected:
        yield connected


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


def test_the_steps_write_no_other_rows(upgraded: psycopg.Connection) -> None:
    names = connection.introspection.table_names(upgraded.cursor())
    filled = {
        table for table in names if upgraded.execute(f'SELECT FROM "{table}" LIMIT 1').rowcount
    }
    assert filled == FILLED | WRITTEN_BEFORE


HOLDERS = """
    SELECT g.name FROM auth_group_permissions gp
    JOIN auth_group g ON g.id = gp.group_id JOIN auth_permission p ON p.id = gp.permission_id
    WHERE p.codename = %(permission)s
    UNION ALL
    SELECT u.username FROM auth_user_user_permissions up
    JOIN auth_user u ON u.id = up.user_id JOIN auth_permission p ON p.id = up.permission_id
    WHERE p.codename = %(permission)s
"""


@pytest.mark.parametrize("permission", ["control_execution", "debug_execution", "handle_failure"])
def test_who_controls_executions_keeps_what_that_allowed(
    upgraded: psycopg.Connection, permission: str
) -> None:
    holders = upgraded.execute(HOLDERS, {"permission": permission}).fetchall()
    assert sorted(holders) == [("ada",), ("operators",)]


def test_words_take_no_function(upgraded: psycopg.Connection) -> None:
    assert not upgraded.execute("SELECT FROM pg_proc WHERE proname = 'executions_words'").rowcount


def test_executions_learn_what_became_of_their_retries(upgraded: psycopg.Connection) -> None:
    names = {execution_id(name): name for name in EXECUTIONS}
    sql = "SELECT id, retried_as, retry_state, revision FROM executions_execution"
    rows = {names[row[0]]: row[1:] for row in upgraded.execute(sql)}
    became = {name: (names.get(row[0]), row[1]) for name, row in rows.items() if row[0]}
    assert became == {
        "solved": ("solved-at-last", "ended"),
        "solved-again": ("solved-at-last", "ended"),
        "retried": ("retried-live", "live"),
        "given-up": ("given-up-stopped", "stopped"),
        "unhandled": ("unhandled-again", "failed"),
    }
    unchanged = rows["alone"][2]
    assert {name for name, row in rows.items() if row[2] > unchanged} == set(became)


def test_old_audit_entries_are_kept(upgraded: psycopg.Connection) -> None:
    for change in ("UPDATE executions_auditentry SET actor = 'eve'",
                   "DELETE FROM executions_auditentry"):  # fmt: skip
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation), upgraded.transaction():
            upgraded.execute(change)
    assert upgraded.execute("SELECT actor FROM executions_auditentry").fetchall() == [("ada",)]


def test_secrets_of_channels_are_encrypted(upgraded: psycopg.Connection) -> None:
    sql = "SELECT address, secret, old_secret FROM executions_alertchannel"
    address, secret, old_secret = upgraded.execute(sql).fetchone() or ()
    assert address.startswith(encryption.PREFIX)
    assert secret.startswith(encryption.PREFIX)
    assert encryption.decrypt(address) == "https://example.com/hook"
    assert encryption.decrypt(secret) == "plain-secret"
    assert old_secret == ""


def test_of_what_has_ended_nobody_is_told_again(upgraded: psycopg.Connection) -> None:
    told = dict(upgraded.execute("SELECT execution_id, is_told FROM executions_watch").fetchall())
    assert told == {execution_id("solved"): True, execution_id("retried-live"): False}


@pytest.mark.django_db
def test_a_new_database_takes_no_replaced_step() -> None:
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)
    replaced = {
        one for squashed in executor.loader.replacements.values() for one in squashed.replaces
    }
    assert not replaced & {(migration.app_label, migration.name) for migration, _ in plan}
