"""Databases that SQLAlchemy has a driver for (the extra `sql`)."""

import struct
import time
from contextlib import AbstractContextManager, suppress
from typing import Any

from django.conf import settings

from executions.effects.addresses import Networks
from executions.effects.connection_guard import guarded
from executions.effects.databases.session import Code, Rows, written
from flows.blocks.clients import DatabaseAddress, DataProblem, Executed, Statement

#: What a URL may say beside the database. Other options of drivers name files of this machine, or
#: let a server read them.
_OPTIONS = frozenset({"charset", "service_name", "ssl_verify_identity"})


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
    if address.is_read_only:
        raise DataProblem(None, "ReadOnly is for PostgreSQL and SQLite.")
    return SqlalchemySession(url, allowed, until)


class SqlalchemySession:
    """A connection in a transaction. The guard sees every connection of a driver in Python."""

    def __init__(self, url: Any, allowed: Networks, until: float) -> None:
        import sqlalchemy  # noqa: PLC0415 - an extra

        self._rows = Rows()
        self._until = until
        self._guard: AbstractContextManager[list[str]] = guarded(allowed, until)
        try:
            engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        except ImportError as error:
            needed = f"the package {error.name}, which is not installed where the workers run"
            raise DataProblem(None, f"{url.drivername} needs {needed}.") from None
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise DataProblem(None, f"{url.drivername} cannot be used: {error}.") from None
        dialect = engine.dialect
        self._style = dialect.paramstyle
        self._quotes_stay = dialect.driver in _QUOTES_STAY
        self._errors: type[Exception] = dialect.loaded_dbapi.Error
        refused = self._guard.__enter__()
        try:
            # Without the guard's own errors in its text, which name what was resolved.
            pooled = engine.raw_connection()
            # The driver's own: the pool would log what a lost connection raises when it is closed.
            self._connection: Any = pooled.driver_connection
            pooled.detach()
        except (self._errors, OSError, sqlalchemy.exc.SQLAlchemyError) as error:
            self._guard.__exit__(None, None, None)
            told = "; ".join(refused) or str(self._problem(error, Code.CONNECTION))
            raise DataProblem(Code.CONNECTION, told) from None

    def execute(self, statement: Statement, index: int) -> Executed:
        """Run a statement. Raises DataProblem."""
        sql, values = written(statement, self._style, quotes_stay=self._quotes_stay)
        cursor = self._connection.cursor()
        try:
            cursor.execute(sql, values)
            if cursor.description is None:
                return Executed(None, cursor.rowcount)
            names = [column[0] for column in cursor.description]
            found = self._rows.collect(names, iter(cursor.fetchone, None))
            return Executed(found, len(found))
        except (self._errors, OSError, *_UNSENDABLE) as error:
            raise self._problem(error, _code(error)).at(index) from None
        except DataProblem as problem:
            raise problem.at(index) from None
        finally:
            cursor.close()

    def _problem(self, error: Exception, code: int) -> DataProblem:
        if time.monotonic() >= self._until:
            return DataProblem(Code.RUNTIME, "it takes too long.")
        if code == Code.PARAMETER_TYPE:
            return DataProblem(code, f"a parameter cannot be sent: {_text(error)}")
        return DataProblem(code, _text(error))

    def commit(self) -> None:
        """Keep what was done."""
        try:
            self._connection.commit()
        except (self._errors, OSError) as error:
            raise self._problem(error, Code.RUNTIME) from None

    def close(self) -> None:
        """Undo what was not kept, and close the connection."""
        try:
            for end in (self._connection.rollback, self._connection.close):
                with suppress(self._errors, OSError):  # it may be lost already
                    end()
        finally:
            self._guard.__exit__(None, None, None)


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
