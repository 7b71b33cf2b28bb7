"""SQLite files below FILES_ROOT, and no other files: nothing attaches, loads or writes others."""

import re
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from executions.effects.databases.session import Code, Rows, written
from executions.effects.files.store import FolderFiles
from executions.limits import SQL_BYTES
from flows.blocks.clients import DatabaseAddress, DataProblem, Executed, Statement

SCHEME = "sqlite"
#: Steps of SQLite's machine between two looks at the clock.
_STEPS = 10_000
#: Seconds that a transaction waits for another one.
_BUSY_SECONDS = 10.0
_READING = re.compile(r"\s*(?:SELECT|VALUES|EXPLAIN|PRAGMA)\b", re.I)
#: What PRAGMA may ask or set. Others name files of this machine, or lift what is set here.
_PRAGMAS = frozenset({
    "application_id", "collation_list", "compile_options", "defer_foreign_keys", "encoding",
    "foreign_key_check", "foreign_key_list", "foreign_keys", "freelist_count", "index_info",
    "index_list", "index_xinfo", "integrity_check", "journal_mode", "optimize", "page_count",
    "page_size", "quick_check", "table_info", "table_list", "table_xinfo", "user_version",
})  # fmt: skip
_DENIED = frozenset({sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH})
#: Functions that reach out of the database, where SQLite was built with them.
_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"})


def connect(
    address: DatabaseAddress, files: FolderFiles, statements: Sequence[Statement], until: float
) -> "SqliteSession":
    """Return a session on a file. Raises DataProblem."""
    name = _name(address.url)
    try:
        file = files.database_file(name, is_new=not address.is_read_only)
    except (OSError, ValueError) as error:
        problem = (isinstance(error, OSError) and error.strerror) or str(error)
        raise DataProblem(Code.CONNECTION, f"the file '{name}' cannot be used: {problem}") from None
    mode = "ro" if address.is_read_only else "rwc"
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(file))}?mode={mode}",
            uri=True,
            timeout=max(0.0, min(_BUSY_SECONDS, until - time.monotonic())),
            isolation_level=None,
        )
    except sqlite3.Error as error:
        raise DataProblem(
            Code.CONNECTION, f"the file '{name}' cannot be opened: {error}."
        ) from None
    session = SqliteSession(connection, file, files)
    try:
        session.renew(statements, until)
    except DataProblem:
        session.close()
        raise
    return session


def _name(url: str) -> str:
    """The path of a URL: `sqlite:///orders.db`, as SQLAlchemy writes one, is `orders.db`."""
    parts = urlsplit(url)
    path = unquote(parts.path).removeprefix("/")
    if parts.netloc or parse_qsl(parts.query) or not path or path.startswith(":"):
        raise DataProblem(
            None, "the URL of an SQLite file is sqlite:///folder/file.db, below the files folder."
        )
    return path


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _reads(statement: Statement) -> bool:
    return bool(_READING.match("".join(p for p in statement.parts if isinstance(p, str))))


class SqliteSession:
    """A connection to an SQLite file in a transaction."""

    def __init__(self, connection: sqlite3.Connection, file: Path, files: FolderFiles) -> None:
        self._connection = connection
        self._file = file
        self._files = files
        self._until = 0.0
        self._rows = Rows()
        #: What tells the file from another one that takes its place.
        self._opened: tuple[int, int] | None = None
        self._before = 0

    def renew(self, statements: Sequence[Statement], until: float) -> None:
        """Begin a transaction, within the limits of time and room. Raises DataProblem."""
        if self._opened not in (None, _identity(self._file)):
            raise DataProblem(Code.CONNECTION, "its file was deleted or replaced.")
        self._until, self._rows = until, Rows()
        try:
            room = self._files.room()
            self._before = self._file.stat().st_size if self._file.exists() else 0
        except OSError as error:
            problem = error.strerror or type(error).__name__
            raise DataProblem(Code.CONNECTION, f"the files cannot be used: {problem}") from None
        self._begin(room, is_reading=all(map(_reads, statements)))
        self._opened = _identity(self._file)

    def _begin(self, room: int | None, *, is_reading: bool) -> None:
        connection = self._connection
        connection.set_authorizer(None)
        connection.text_factory = _text_of
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, SQL_BYTES)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.set_progress_handler(lambda: time.monotonic() > self._until, _STEPS)
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA foreign_keys = ON")
            if room is not None:
                ((size,), (count,)) = (
                    connection.execute(f"PRAGMA {name}").fetchone()
                    for name in ("page_size", "page_count")
                )
                connection.execute(f"PRAGMA max_page_count = {max(1, count + room // size)}")
            connection.execute("BEGIN" if is_reading else "BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise self._problem(error) from None
        connection.set_authorizer(_authorised)

    def execute(self, statement: Statement, index: int) -> Executed:
        """Run a statement. Raises DataProblem."""
        sql, values = written(statement, "qmark", _bindable)
        try:
            # A statement that is not read to its end would keep the file locked.
            with closing(self._connection.execute(sql, values)) as cursor:
                if cursor.description is None:
                    return Executed(None, cursor.rowcount)
                found = self._rows.collect([column[0] for column in cursor.description], cursor)
                return Executed(found, len(found))
        except sqlite3.Error as error:
            raise self._problem(error).at(index) from None
        except (OverflowError, UnicodeEncodeError) as error:
            raise DataProblem(
                Code.PARAMETER_TYPE, f"a parameter cannot be sent: {error}.", index
            ) from None
        except DataProblem as problem:
            raise problem.at(index) from None

    def commit(self) -> None:
        """Keep what was done."""
        self._connection.set_authorizer(None)
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._problem(error) from None
        self._files.usage.add(self._file.stat().st_size - self._before)

    def undo(self) -> None:
        """Undo what was done since the transaction began. Raises DataProblem."""
        self._connection.set_authorizer(None)
        try:
            self._connection.rollback()
        except sqlite3.Error as error:
            raise self._problem(error) from None

    def close(self) -> None:
        """Undo what was not kept, and close the connection."""
        self._connection.close()

    def _problem(self, error: sqlite3.Error) -> DataProblem:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_MISUSE) & 0xFF
        match code:
            case sqlite3.SQLITE_INTERRUPT:
                return DataProblem(Code.RUNTIME, "it takes too long.")
            case sqlite3.SQLITE_AUTH:
                return DataProblem(
                    Code.INVALID,
                    f"{error}: blocks use one file, and of PRAGMA what concerns its data.",
                )
            case sqlite3.SQLITE_FULL:
                return DataProblem(
                    Code.RUNTIME, "the disk is full, or the files of all flows take what they may."
                )
            case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CANTOPEN:
                return DataProblem(Code.CONNECTION, f"{error}.")
            case sqlite3.SQLITE_ERROR:
                return DataProblem(Code.INVALID, f"{error}.")
            case sqlite3.SQLITE_MISUSE:  # raised by the driver: a parameter
                return DataProblem(Code.PARAMETER_TYPE, f"{error}.")
        return DataProblem(Code.RUNTIME, f"{error}.")


def _authorised(action: int, first: str | None, second: str | None, *_: Any) -> int:
    """What a statement of a flow may do."""
    allowed = action not in _DENIED
    if action == sqlite3.SQLITE_PRAGMA:
        allowed = (first or "").lower() in _PRAGMAS
    elif action == sqlite3.SQLITE_FUNCTION:
        allowed = (second or "").lower() not in _FUNCTIONS
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _bindable(value: Any) -> Any:
    """A value as SQLite stores it: moments and durations have no type there."""
    match value:
        case datetime():
            return value.isoformat(" ")
        case timedelta():
            return value.total_seconds()
    return value


def _text_of(data: bytes) -> str:
    return data.decode("utf-8", "replace")
