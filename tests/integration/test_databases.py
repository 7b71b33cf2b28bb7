"""Execute Data Command on real databases: what it may reach, its limits, and its transaction."""

import socket
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from executions import recovery, runner
from executions.effects import clients_of
from executions.effects.connection_guard import guarded
from executions.effects.databases import session
from executions.effects.files.store import FolderFiles
from executions.store.lifecycle.claims import claim
from flows.blocks import BY_TYPE
from flows.blocks.clients import Clients
from flows.blocks.errors import BlockException
from tests.driving import begin, drive, expire_leases, outputs
from tests.flows_in_tests import publish
from tests.integration.test_effects import LOOPBACK

BLOCK = BY_TYPE["execute data command"]
Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


@pytest.fixture
def run(folder: Path) -> Run:
    """Runs a command on an SQLite file in the folder, or on another URL."""

    def run(text: Any, url: str = "sqlite:///t.db", **more: Any) -> Any:
        clients = more.pop("clients", None) or clients_of(FolderFiles(folder), LOOPBACK)
        read_only = more.pop("read_only", False)
        command = {"CommandText": text, **more} if isinstance(text, str) else text
        return BLOCK.perform(
            {
                "Command": command,
                "Connection Details": {"ConnectionString": url, "ReadOnly": read_only},
                "Close Connection": True,
            },
            clients,
        )["Result"]

    return run


def refused(run: Run, *args: Any, **more: Any) -> tuple[int | None, str]:
    """The code and the words with which a command fails."""
    with pytest.raises(BlockException) as caught:
        run(*args, **more)
    return caught.value.value.error_code, caught.value.value.message


# SQLite stays in its file ----------------------------------------------------------------------


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A database outside of the files folder."""
    file = tmp_path / "outside.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE Secrets (A)")
    connection.close()
    return file


def test_a_link_leads_out_of_the_folder(run: Run, folder: Path, outside: Path) -> None:
    (folder / "link.db").symlink_to(outside)
    (folder / "links").symlink_to(outside.parent)
    for name in ("link.db", "links/outside.db", "../outside.db", "%2E%2E/outside.db", str(outside)):
        code, message = refused(run, "SELECT * FROM Secrets", f"sqlite:///{name}")
        assert code == 1000
        assert str(folder) not in message.replace(name, "")


def test_a_link_within_the_folder_is_followed(run: Run, folder: Path) -> None:
    run("CREATE TABLE T (A)")
    (folder / "link.db").symlink_to("t.db")
    assert run("SELECT * FROM T", "sqlite:///link.db") == []


@pytest.mark.parametrize(
    "text",
    [
        "ATTACH @File AS other",
        "ATTACH ':memory:' AS other",
        "VACUUM INTO @File",
        "PRAGMA data_store_directory = '/tmp'",
        "PRAGMA database_list",
        "PRAGMA writable_schema = ON",
        "PRAGMA max_page_count = 4000000000",
        "SELECT load_extension(@File)",
        "SELECT writefile(@File, 'x')",
        "SELECT * FROM pragma_database_list",
    ],
)
def test_no_other_file_is_reached(run: Run, tmp_path: Path, text: str) -> None:
    code, message = refused(run, text, Parameters={"File": str(tmp_path / "new.db")})
    assert code in (2000, 3000)
    assert str(tmp_path) not in message
    assert not (tmp_path / "new.db").exists()


def test_a_folder_and_a_pipe_are_no_databases(run: Run, folder: Path) -> None:
    import os

    (folder / "inner").mkdir()
    os.mkfifo(folder / "pipe")
    assert refused(run, "SELECT 1", "sqlite:///inner")[0] == 1000
    assert refused(run, "SELECT 1", "sqlite:///pipe")[0] == 1000


def test_files_take_no_more_than_they_may(run: Run, folder: Path) -> None:
    clients = clients_of(FolderFiles(folder, limit=200_000), LOOPBACK)
    run("CREATE TABLE T (A)", clients=clients)
    fill = "INSERT INTO T SELECT zeroblob(100000) FROM (VALUES (1), (2), (3))"
    code, message = refused(run, fill, clients=clients)
    assert (code, "full" in message) == (3000, True)
    assert (folder / "t.db").stat().st_size < 200_000


# Limits ----------------------------------------------------------------------------------------


@pytest.fixture
def hurried(folder: Path) -> Clients:
    """Clients whose time is over in a moment."""
    return clients_of(FolderFiles(folder), LOOPBACK, time.monotonic() + 2)


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


def test_sqlite_stops_in_time(run: Run, hurried: Clients) -> None:
    assert refused(run, ENDLESS, clients=hurried) == (
        3000,
        "The command failed: it takes too long.",
    )


@pytest.mark.django_db(transaction=True)
def test_a_driver_of_sqlalchemy_stops_in_time(
    run: Run, hurried: Clients, postgresql_url: str
) -> None:
    url = by_pg8000(postgresql_url)
    told = (3000, "The command failed: it takes too long.")
    assert refused(run, "SELECT pg_sleep(50)", url, clients=hurried) == told


def test_a_server_that_says_nothing_holds_nobody() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        guarded(LOOPBACK, time.monotonic() + 0.2),
        socket.create_connection(silent.getsockname()) as connection,
    ):
        assert connection.recv(1) == b""


@pytest.mark.django_db(transaction=True)
def test_postgresql_stops_in_time(run: Run, hurried: Clients, postgresql_url: str) -> None:
    code, message = refused(run, "SELECT pg_sleep(50)", postgresql_url, clients=hurried)
    assert (code, "statement timeout" in message) == (3000, True)


MANY = {
    "sqlite:///t.db": ENDLESS.replace("max(i)", "i"),
    "postgresql": "SELECT generate_series(1, 1000000000) AS a, 'xxxxxxxxxx' AS b",
    # Drivers of SQLAlchemy may hold all rows.
    "pg8000": "SELECT generate_series(1, 3000) AS a, 'xxxxxxxxxx' AS b",
}


def _at(url: str, postgresql: str) -> str:
    """The URL that a name stands for."""
    return {"postgresql": postgresql, "pg8000": by_pg8000(postgresql)}.get(url, url)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("url", MANY)
def test_a_result_is_never_larger_than_it_may_be(
    run: Run, postgresql_url: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = _at(url, postgresql_url)
    monkeypatch.setattr(session, "SQL_ROWS", 1_000)
    assert refused(run, MANY[url], where) == (
        3000, "The command failed: it gives more than 1,000 rows.",
    )  # fmt: skip
    monkeypatch.setattr(session, "SQL_BYTES", 500)
    assert refused(run, MANY[url], where) == (
        3000, "The command failed: it gives more than 500 bytes.",
    )  # fmt: skip


# Transactions ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("url", ["sqlite:///t.db", "postgresql", "pg8000"])
def test_all_of_a_command_is_done_or_nothing(run: Run, postgresql_url: str, url: str) -> None:
    where = _at(url, postgresql_url)
    run("DROP TABLE IF EXISTS Things", where)
    run("CREATE TABLE Things (A int UNIQUE)", where)
    try:
        text = "INSERT INTO Things VALUES (1); INSERT INTO Things VALUES (1)"
        assert refused(run, text, where, Type="Commands")[0] == 3000
        commands = [
            {"CommandText": "INSERT INTO Things VALUES (@A)", "Parameters": {"A": [1, 2]}},
            {"CommandText": "SELECT * FROM Nothing"},
        ]
        with pytest.raises(BlockException) as caught:
            run(commands, where)
        assert caught.value.value.error_code == 2000
        assert list(caught.value.value.extra["StatementExceptions"]) == [1]
        assert run("SELECT * FROM Things", where) == []
        assert run([commands[0], {"CommandText": "SELECT count(*) AS n FROM Things"}], where) == [
            2,
            [{"n": 2}],
        ]
    finally:
        run("DROP TABLE Things", where)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "text", ["BEGIN", "commit", "END", "ROLLBACK", " start  transaction", "-- now\nCOMMIT"]
)
def test_the_transaction_is_the_blocks(run: Run, text: str) -> None:
    assert refused(run, text)[0] == 2001


def test_a_part_can_be_undone(run: Run) -> None:
    text = (
        "CREATE TABLE T (A); SAVEPOINT s; INSERT INTO T VALUES (1); ROLLBACK TO s; SELECT * FROM T"
    )
    assert run(text, Type="Commands") == [-1, -1, 1, -1, []]


CRASH = """
a: {{type: Start Flow, bottom: x}}
x:
  type: Execute Data Command
  properties:
    Command: {{CommandText: SELECT 1 AS A}}
    Connection Details: {{ConnectionString: '{url}', ReadOnly: {read_only}}}
    Result: ($)Result
  bottom: e
  exception: h
h: {{type: Handle Block Exception, properties: {{Exception: ($)Problem}}, bottom: e}}
e: {{type: End Flow}}
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("redis")
@pytest.mark.parametrize("read_only", [True, False])
def test_after_a_crash_only_what_changes_nothing_is_done_again(
    tmp_path: Path, postgresql_url: str, read_only: bool
) -> None:
    blocks = CRASH.format(url=postgresql_url, read_only=str(read_only).lower())
    variables = "{Problem: {output: true}, Result: {output: true}}"
    execution = begin(publish(tmp_path, "crash", blocks, variables))
    claimed = claim(execution.pk, "dies")
    assert claimed is not None
    turn = runner._Turn(claimed)
    turn.interpreter.begin({})
    turn.interpreter.advance(runner.Continue(), runner.Budget(1, time.time() + 9))
    decision = turn.interpreter.advance(runner.Continue(), runner.Budget(1, time.time() + 9))
    assert isinstance(decision, runner.Perform)
    turn._checkpoint({"waits": {"for": "effect", "again": decision.repeatable}, "since": 0.0})
    expire_leases()
    recovery.recover()
    drive(execution.pk)
    found = outputs(execution)
    if read_only:
        assert found == {"Problem": None, "Result": [{"a": 1}]}
    else:
        assert found["Problem"].short_type == "BlockInterruptedException"


# Others by SQLAlchemy --------------------------------------------------------------------------


def by_pg8000(url: str) -> str:
    return url.replace("postgresql://", "postgresql+pg8000://")


@pytest.mark.django_db(transaction=True)
def test_a_driver_of_sqlalchemy(run: Run, postgresql_url: str) -> None:
    url = by_pg8000(postgresql_url)
    commands = [
        {"CommandText": "CREATE TEMP TABLE t (a int, b text)"},
        {
            "CommandText": "INSERT INTO t VALUES (@A, @B)",
            "Parameters": {"A": [1, 2], "B": ["x", "50%"]},
        },
        {"CommandText": "SELECT * FROM t WHERE a IN (@A) ORDER BY a", "Parameters": {"A": [1, 2]}},
    ]
    assert run(commands, url)[1:] == [2, [{"a": 1, "b": "x"}, {"a": 2, "b": "50%"}]]
    code, message = refused(run, "SELECT * FROM nothing", url)
    assert (code, message) == (2000, 'The command failed: relation "nothing" does not exist.')
    assert refused(run, "SELECT 1 / 0", url) == (3000, "The command failed: division by zero.")


@pytest.mark.django_db(transaction=True)
def test_a_driver_of_sqlalchemy_takes_and_gives_values_of_every_kind(
    run: Run, postgresql_url: str
) -> None:
    """The same as the driver that CortexWeb has of its own."""
    text = """
        SELECT @Text::text AS t, @Number::float8 AS f, @Count::bigint AS i, @Yes::boolean AS b,
            @At::timestamptz AS at, @Local::timestamp AS local, @Long::interval AS long,
            @Data::bytea AS data, @Nothing::text AS nothing, @Text::text AS t,
            DATE '2026-02-28' AS day, TIME '12:30' AS time, 1.25::numeric AS exact,
            12345678901234567890.123::numeric AS large, ARRAY[1, 2] AS items,
            '{"a": [1, null]}'::jsonb AS structure,
            '0b0e2fd6-6cb1-4f8f-8f5a-2f6c6b1c7e0d'::uuid AS id, '50% :x @y'::text AS plain,
            7 % 4 AS rest, $$5%$$ AS dollars, E'5%\\n' AS escaped
    """
    parameters = {
        "Text": "it's; DROP TABLE x --", "Number": 1.5, "Count": 2**40, "Yes": True,
        "At": datetime(2026, 11, 28, 9, 0, tzinfo=UTC), "Local": datetime(2026, 11, 28, 9, 0),
        "Long": timedelta(days=1, seconds=2), "Data": b"\0\xff", "Nothing": None,
    }  # fmt: skip
    (found,) = run(text, by_pg8000(postgresql_url), Parameters=parameters)
    (native,) = run(text, postgresql_url, Parameters=parameters)
    assert found == native
    assert found["t_2"] == "it's; DROP TABLE x --"
    assert {name: type(value) for name, value in found.items() if value is not None} == {
        name: type(value) for name, value in native.items() if value is not None
    }
    assert (found["exact"], found["large"]) == (1.25, "12345678901234567890.123")


@pytest.mark.django_db(transaction=True)
def test_a_parameter_that_a_driver_cannot_send_is_told(run: Run, postgresql_url: str) -> None:
    for url in (by_pg8000(postgresql_url), postgresql_url):
        code, message = refused(run, "SELECT @A::text", url, Parameters={"A": "half \ud83d"})
        assert (code, "a parameter cannot be sent" in message) == (2003, True)


def test_a_driver_that_is_not_installed_is_named(run: Run) -> None:
    _, message = refused(run, "SELECT 1", "mysql+pymysql://u:p@127.0.0.1/d")
    assert message.endswith(
        "mysql+pymysql needs the package pymysql, which is not installed where the workers run."
    )


@pytest.mark.django_db(transaction=True)
def test_a_driver_of_sqlalchemy_reaches_no_private_address(
    run: Run, folder: Path, postgresql_url: str
) -> None:
    clients = clients_of(FolderFiles(folder), ())
    for url in (by_pg8000(postgresql_url), postgresql_url):
        code, message = refused(run, "SELECT 1", url, clients=clients)
        assert code == 1000
        assert "127.0.0.1 is a private address; HTTP_PRIVATE_ADDRESSES does not allow it" in message
    assert run("SELECT 1 AS a", by_pg8000(postgresql_url)) == [{"a": 1}]


@pytest.mark.parametrize(
    "url",
    [
        "mysql+mysqldb://u@h/d",
        "mysql+pymysql://u@h/d?local_infile=1",
        "mysql+pymysql://u@h/d?read_default_file=/etc/passwd",
        "postgresql+pg8000:///d?unix_sock=/tmp/x",
        "postgresql+psycopg://u@h/d",
        "sqlite+pysqlite:////etc/passwd",
        "what://",
        "postgresql://u@h:port/d",
        "postgresql://u@h/d?sslrootcert=/etc/passwd",
        "postgresql://u@h,10.0.0.1/d",
        "postgresql://h/d",
        "sqlite://host/t.db",
        "sqlite:///t.db?mode=memory",
        "t.db",
    ],
)
def test_an_address_that_names_no_database_that_may_be_used(run: Run, url: str) -> None:
    with pytest.raises(BlockException) as caught:
        run("SELECT 1", url)
    assert caught.value.value.short_type == "InvalidConnectionStringException"


@pytest.mark.django_db(transaction=True)
def test_the_workers_own_passwords_are_not_used(
    run: Run, postgresql_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The session asks as whom the URL names, whatever the environment says."""
    monkeypatch.setenv("PGUSER", "other")
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=1")
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.1")
    assert run("SELECT current_user::text AS u", postgresql_url) == [{"u": "postgres"}]
