"""Databases that SQLAlchemy has a driver for (the extra `sql`)."""

from contextlib import AbstractContextManager
from typing import Any

from django.conf import settings

from executions.effects.addresses import Networks
from executions.effects.connection_guard import guarded
from executions.effects.databases.session import CONNECTION, RUNTIME, Rows, written
from flows.blocks.clients import DatabaseAddress, DataProblem, Executed, Statement

#: What a URL may say beside the database. Other options of drivers name files of this machine, or
#: let a server read them.
_OPTIONS = frozenset({"charset", "service_name", "ssl_verify_identity"})


def connect(address: DatabaseAddress, allowed: Networks) -> "SqlalchemySession":
    """Return a session by one of SQL_DRIVERS. Raises DataProblem."""
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
    return SqlalchemySession(url, allowed)


class SqlalchemySession:
    """A connection in a transaction. The guard sees every connection of a driver in Python."""

    def __init__(self, url: Any, allowed: Networks) -> None:
        import sqlalchemy  # noqa: PLC0415 - an extra

        self._rows = Rows()
        self._guard: AbstractContextManager[list[str]] = guarded(allowed)
        try:
            engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        except (ImportError, sqlalchemy.exc.SQLAlchemyError) as error:
            raise DataProblem(None, f"{url.drivername} cannot be used: {error}.") from None
        dialect = engine.dialect
        self._style = dialect.paramstyle
        self._errors: type[Exception] = dialect.loaded_dbapi.Error
        refused = self._guard.__enter__()
        try:
            # Without the guard's own errors in its text, which name what was resolved.
            self._connection = engine.raw_connection()
        except (self._errors, OSError, sqlalchemy.exc.SQLAlchemyError) as error:
            self._guard.__exit__(None, None, None)
            raise DataProblem(CONNECTION, "; ".join(refused) or _text(error)) from None

    def execute(self, statement: Statement, index: int) -> Executed:
        """Run a statement. Raises DataProblem."""
        sql, values = written(statement, self._style)
        cursor = self._connection.cursor()
        try:
            cursor.execute(sql, values)
            if cursor.description is None:
                return Executed(None, cursor.rowcount)
            names = [column[0] for column in cursor.description]
            found = self._rows.collect(names, iter(cursor.fetchone, None))
            return Executed(found, len(found))
        except (self._errors, OSError) as error:
            raise DataProblem(RUNTIME, _text(error), index) from None
        except DataProblem as problem:
            raise problem.at(index) from None
        finally:
            cursor.close()

    def commit(self) -> None:
        """Keep what was done."""
        try:
            self._connection.commit()
        except (self._errors, OSError) as error:
            raise DataProblem(RUNTIME, _text(error)) from None

    def close(self) -> None:
        """Undo what was not kept, and close the connection."""
        try:
            self._connection.rollback()
            self._connection.close()
        except (self._errors, OSError):
            pass  # it is lost already
        finally:
            self._guard.__exit__(None, None, None)


def _text(error: Exception) -> str:
    """What went wrong in the driver's words; some put all that the server said into a dict."""
    said = error.args[-1] if error.args else ""
    if isinstance(said, dict):
        said = said.get("M", said)
    return f"{str(said).rstrip('.') or type(error).__name__}."
