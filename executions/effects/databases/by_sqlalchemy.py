"""Databases that SQLAlchemy has a driver for (the extra `sql`)."""

import struct
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing, suppress
from typing import Any

from django.conf import settings

from executions.effects.addresses import Networks
from executions.effects.connection_guard import Twins, guarded
from executions.effects.databases.session import Code, Rows, written
from flows.blocks.clients import DatabaseAddress, DataProblem, Executed, Statement

#: What a URL may say beside the database. Other options of drivers name files of this machine, or
#: let a server read them.
_OPTIONS = frozenset({"charset", "service_name", "ssl_verify_identity"})


#: How a transaction begins in which nothing can be changed. PostgreSQL allows no way back after a
#: query.
_READ_ONLY = {
    "postgresql": ("SET TRANSACTION READ ONLY", "SELECT 1"),
    "mysql": ("START TRANSACTION READ ONLY",),
    "mariadb": ("START TRANSACTION READ ONLY",),
}
#: Drivers that look for the places of parameters outside of quoted texts only.
_QUOTES_STAY = frozenset({"pg8000"})
#: What drivers raise for a value that they cannot send.
_UNSENDABLE = (TypeError, ValueError, OverflowError, struct.error)


def connect(address: DatabaseAddress, allowed: Networks, until: float) -> "SqlalchemySession":
    """Return a session by one of SQL_DRIVERS, which ends at `until`. Raises DataProblem."""
    try:
        import sqlalchemy  # noqa: PLC0415 - an extra
    except ImportError:
        raise DataProblem(
            None, "only PostgreSQL and SQLite can be used: the extra `sql` is not installed."
        ) from None
    try:
        url = sqlalchemy.make_url(address.url)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise DataProblem(None, "it is not a URL of SQLAlchemy.") from None
    if url.drivername not in settings.SQL_DRIVERS:
        known = ", ".join(settings.SQL_DRIVERS) or "none"
        raise DataProblem(None, f"{url.drivername} is not one of SQL_DRIVERS: {known}.")
    if unknown := url.query.keys() - _OPTIONS:
        known = ", ".join(sorted(_OPTIONS))
        raise DataProblem(None, f"the option {min(unknown)} is not one of {known}.")
    if not url.host:
        raise DataProblem(None, "it names no server.")
    begin = _READ_ONLY.get(url.get_backend_name(), ()) if address.is_read_only else ()
    if address.is_read_only and not begin:
        known = "PostgreSQL, SQLite, MySQL and MariaDB"
        raise DataProblem(
            None, f"ReadOnly is for {known}; elsewhere sign in as a user who may only read."
        )
    session = SqlalchemySession(url, allowed, begin)
    session.connect(until)
    return session


class SqlalchemySession:
    """A connection in a transaction, whose first statements are `begin`. The guard sees every
    connection of a driver in Python."""

    def __init__(self, url: Any, allowed: Networks, begin: Sequence[str]) -> None:
        import sqlalchemy  # noqa: PLC0415 - an extra

        self._rows = Rows()
        self._allowed = allowed
        self._begin = begin
        self._until = 0.0
        self._twins = Twins()
        self._connection: Any = None
        try:
            self._engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        except ImportError as error:
            needed = f"the package {error.name}, which is not installed where the workers run"
            raise DataProblem(None, f"{url.drivername} needs {needed}.") from None
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise DataProblem(None, f"{url.drivername} cannot be used: {error}.") from None
        dialect = self._engine.dialect
        self._style = dialect.paramstyle
        self._quotes_stay = dialect.driver in _QUOTES_STAY
        self._errors = (dialect.loaded_dbapi.Error, sqlalchemy.exc.SQLAlchemyError, OSError)

    def connect(self, until: float) -> None:
        """Connect, and begin a transaction that is given up at a moment. Raises DataProblem."""
        self._until = until
        try:
            with self._guarded() as refused:
                # Without the guard's own errors in its text, which name what was resolved.
                pooled = self._engine.raw_connection()
                # The driver's own: the pool would log what a lost connection raises when closed.
                self._connection = pooled.driver_connection
                pooled.detach()
        except self._errors as error:
            self._twins.close()
            told = "; ".join(refused) or str(self._problem(error, Code.CONNECTION))
            raise DataProblem(Code.CONNECTION, told) from None
        try:
            self.renew((), until)
        except DataProblem:
            self.close()
            raise

    def renew(self, statements: Sequence[Statement], until: float) -> None:
        """Begin another transaction, which is given up at a moment. Raises DataProblem."""
        self._until, self._rows = until, Rows()
        if not self._begin:
            return
        try:
            with self._guarded(), closing(self._connection.cursor()) as cursor:
                for statement in self._begin:
                    cursor.execute(statement)
        except self._errors as error:
            raise self._problem(error, Code.CONNECTION) from None

    def _guarded(self) -> AbstractContextManager[list[str]]:
        return guarded(self._allowed, self._until, self._twins)

    def execute(self, statement: Statement, index: int) -> Executed:
        """Run a statement. Raises DataProblem."""
        sql, values = written(statement, self._style, quotes_stay=self._quotes_stay)
        try:
            with self._guarded(), closing(self._connection.cursor()) as cursor:
                cursor.execute(sql, values)
                if cursor.description is None:
                    return Executed(None, cursor.rowcount)
                names = [column[0] for column in cursor.description]
                found = self._rows.collect(names, iter(cursor.fetchone, None))
                return Executed(found, len(found))
        except (*self._errors, *_UNSENDABLE) as error:
            raise self._problem(error, _code(error)).at(index) from None
        except DataProblem as problem:
            raise problem.at(index) from None

    def _problem(self, error: Exception, code: int) -> DataProblem:
        if time.monotonic() >= self._until:
            return DataProblem(Code.RUNTIME, "it takes too long.")
        if code == Code.PARAMETER_TYPE:
            return DataProblem(code, f"a parameter cannot be sent: {_text(error)}")
        return DataProblem(code, _text(error))

    def commit(self) -> None:
        """Keep what was done."""
        try:
            with self._guarded():
                self._connection.commit()
        except self._errors as error:
            raise self._problem(error, Code.RUNTIME) from None

    def undo(self) -> None:
        """Undo what was done since the transaction began. Raises DataProblem."""
        try:
            with self._guarded():
                self._connection.rollback()
        except self._errors as error:
            raise self._problem(error, Code.CONNECTION) from None

    def close(self) -> None:
        """Undo what was not kept, and close the connection."""
        try:
            with self._guarded():
                for end in (self._connection.rollback, self._connection.close):
                    with suppress(*self._errors):  # it may be lost already
                        end()
        finally:
            self._twins.close()


def _code(error: Exception) -> int:
    """A statement that the database does not understand is a ProgrammingError (PEP 249), or has a
    state that begins with 42."""
    if isinstance(error, _UNSENDABLE):
        return Code.PARAMETER_TYPE
    said = error.args[0] if error.args else None
    state = str(said.get("C", "")) if isinstance(said, dict) else ""
    wrong = state.startswith("42") or (not state and type(error).__name__ == "ProgrammingError")
    return Code.INVALID if wrong else Code.RUNTIME


def _text(error: Exception) -> str:
    """What went wrong in the driver's words; some put all that the server said into a dict."""
    said = error.args[-1] if error.args else ""
    if isinstance(said, dict):
        said = said.get("M", said)
    return f"{str(said).rstrip('.') or type(error).__name__}."
