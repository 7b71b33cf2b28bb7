"""PostgreSQL, by psycopg."""

import ipaddress
import os
import re
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg

from executions.effects.addresses import Networks, is_allowed
from executions.effects.databases.session import Code, Rows, written
from flows.blocks.clients import DatabaseAddress, DataProblem, Executed, Statement

SCHEMES = frozenset({"postgresql", "postgres"})
#: What a URL may say beside the database. Other options of libpq name files of this machine, or
#: another server.
_OPTIONS = frozenset({"sslmode", "application_name", "target_session_attrs", "channel_binding"})
#: Statements that give rows and nothing else: these come in pieces, so that a result that is too
#: large is never held whole.
_QUERY = re.compile(r"\s*(?:SELECT|VALUES|TABLE)\b", re.I)
#: Seconds for a connection.
CONNECT_SECONDS = 10


def connect(address: DatabaseAddress, allowed: Networks, until: float) -> "PostgresqlSession":
    """Return a session on an address that is allowed. Raises DataProblem."""
    options = _options(address.url)
    options |= _servers(options["host"], options["port"], allowed)
    left = until - time.monotonic()
    if left <= 0:
        raise DataProblem(Code.RUNTIME, "its time is over.")
    try:
        connection = psycopg.connect(
            **options,
            # Nothing of the worker's own: neither its passwords nor its certificates.
            passfile=os.path.join(os.devnull, "none"),
            sslcert=os.path.join(os.devnull, "none"),
            connect_timeout=max(2, min(CONNECT_SECONDS, int(left))),
            options=f"-c statement_timeout={max(1, int(left * 1000))}",
            gssencmode="disable",
            prepare_threshold=None,
        )
    except psycopg.Error as error:
        raise DataProblem(Code.CONNECTION, _text(error)) from None
    connection.read_only = address.is_read_only
    session = PostgresqlSession(connection)
    if address.is_read_only:
        session.settle()
    return session


def _options(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 5432
    except ValueError as error:
        raise DataProblem(None, f"its server cannot be read: {error}") from None
    database = unquote(parts.path.removeprefix("/"))
    if not host or not parts.username or not database:
        missing = "server" if not host else "user" if not parts.username else "database"
        raise DataProblem(None, f"it names no {missing}: postgresql://user:password@host/database.")
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := given.keys() - _OPTIONS:
        known = ", ".join(sorted(_OPTIONS))
        raise DataProblem(None, f"the option {min(unknown)} is not one of {known}.")
    return given | {
        "host": unquote(host),
        "port": port,
        "user": unquote(parts.username),
        "password": unquote(parts.password or ""),
        "dbname": database,
    }


def _servers(host: str, port: int, allowed: Networks) -> dict[str, Any]:
    """The addresses that are checked, and so the ones that are used: a name may not come to mean
    another one in between."""
    if host.startswith(("/", "@")) or "," in host:
        raise DataProblem(None, "its server is no host on the network.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise DataProblem(Code.CONNECTION, f"{host} is not known: {error}") from None
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    usable = [
        address
        for address in addresses
        if is_allowed(ipaddress.ip_address(address.partition("%")[0]), allowed)
    ]
    if not usable:
        raise DataProblem(
            Code.CONNECTION,
            f"{addresses[0]} is a private address; HTTP_PRIVATE_ADDRESSES does not allow it.",
        )
    count = len(usable)
    return {
        "host": ",".join([host] * count),
        "hostaddr": ",".join(usable),
        "port": ",".join([str(port)] * count),
    }


class PostgresqlSession:
    """A connection to PostgreSQL in a transaction."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._rows = Rows()
        #: Whether rows of a result are still to come.
        self._is_halfway = False

    def renew(self, statements: Sequence[Statement], until: float) -> None:
        """Begin another transaction, which is given up at a moment. Raises DataProblem."""
        left = max(1, int((until - time.monotonic()) * 1000))
        self._rows = Rows()
        try:
            self._connection.execute(f"SET LOCAL statement_timeout = {left}")
        except psycopg.Error as error:
            raise DataProblem(Code.CONNECTION, _text(error)) from None
        if self._connection.read_only:
            self.settle()

    def settle(self) -> None:
        """Make a query, after which nothing makes a transaction that only reads one that writes.
        Raises DataProblem."""
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error as error:
            raise DataProblem(Code.CONNECTION, _text(error)) from None

    def execute(self, statement: Statement, index: int) -> Executed:
        """Run a statement. Raises DataProblem."""
        sql, values = written(statement, "format")
        try:
            with self._connection.cursor() as cursor:
                if _QUERY.match(sql):
                    return self._streamed(cursor, sql, values)
                cursor.execute(cast("Any", sql), values)
                if cursor.description is None:
                    return Executed(None, cursor.rowcount)
                names = [column.name for column in cursor.description]
                return Executed(self._rows.collect(names, cursor), cursor.rowcount)
        except psycopg.Error as error:
            raise DataProblem(_code(error), _text(error), index) from None
        except (UnicodeEncodeError, OverflowError) as error:
            raise DataProblem(
                Code.PARAMETER_TYPE, f"a parameter cannot be sent: {error}", index
            ) from None
        except DataProblem as problem:
            raise problem.at(index) from None

    def _streamed(self, cursor: psycopg.Cursor[Any], sql: str, values: Any) -> Executed:
        rows = cursor.stream(cast("Any", sql), values)
        try:
            first = next(rows, None)
        except psycopg.ProgrammingError as error:
            if error.sqlstate is None:  # SELECT INTO
                return Executed(None, -1)
            raise
        if first is None or cursor.description is None:
            return Executed([], 0)
        names = [column.name for column in cursor.description]
        self._is_halfway = True
        found = self._rows.collect(names, _chained(first, rows))
        self._is_halfway = False
        return Executed(found, len(found))

    def commit(self) -> None:
        """Keep what was done."""
        try:
            self._connection.commit()
        except psycopg.Error as error:  # of constraints that are checked at the end
            raise DataProblem(_code(error), _text(error)) from None

    def undo(self) -> None:
        """Undo what was done since the transaction began. Raises DataProblem, also where the rest
        of a result that is too large would come first."""
        if self._is_halfway:
            raise DataProblem(Code.RUNTIME, "a result was not read to its end.")
        try:
            self._connection.rollback()
        except psycopg.Error as error:
            raise DataProblem(Code.CONNECTION, _text(error)) from None

    def close(self) -> None:
        """Undo what was not kept, and close the connection."""
        self._connection.close()


def _chained(first: Any, rows: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rows


def _code(error: psycopg.Error) -> int:
    state = error.sqlstate
    if state is None:
        return (
            Code.CONNECTION if isinstance(error, psycopg.OperationalError) else Code.PARAMETER_TYPE
        )
    if state.startswith("08"):
        return Code.CONNECTION
    return Code.INVALID if state.startswith("42") else Code.RUNTIME


def _text(error: psycopg.Error) -> str:
    said = error.diag.message_primary or str(error).strip() or type(error).__name__
    hint = f" {error.diag.message_hint}" if error.diag.message_hint else ""
    return f"{said.rstrip('.')}.{hint}"
