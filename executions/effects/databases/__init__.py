"""SQL on databases: PostgreSQL, SQLite files below FILES_ROOT, and others by SQLAlchemy."""

import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from math import inf
from typing import cast
from urllib.parse import urlsplit

from executions.effects.addresses import Networks
from executions.effects.databases import by_sqlalchemy, postgresql, sqlite
from executions.effects.databases.session import Code, Session
from executions.effects.files.store import FolderFiles
from executions.effects.sessions import Sessions
from executions.limits import EFFECT_SECONDS
from flows.blocks.clients import DatabaseAddress, DataProblem, Executed, Statement


@dataclass(frozen=True, slots=True)
class Databases:
    """`flows.blocks.clients.DatabaseClient`. What is not done at `until`, on the monotonic clock,
    is given up. `sessions` are those that are open."""

    files: FolderFiles
    allowed: Networks = ()
    until: float = inf
    sessions: Sessions = field(default_factory=Sessions)

    def execute(
        self,
        address: DatabaseAddress,
        batches: Sequence[Sequence[Statement]],
        *,
        keep: bool = False,
    ) -> list[list[Executed]]:
        """Run the statements in one transaction, on the connection that is open for the address,
        else on a new one; `keep` leaves it open. Raises DataProblem; then nothing is changed."""
        statements = [statement for batch in batches for statement in batch]
        with ExitStack() as stack:
            session = self._session(address, statements, stack)
            try:
                done = [
                    [session.execute(statement, index) for statement in batch]
                    for index, batch in enumerate(batches)
                ]
                session.commit()
            except DataProblem:
                with suppress(DataProblem):
                    if keep:
                        session.undo()
                        self._keep(address, session, stack)
                raise
            if keep:
                self._keep(address, session, stack)
        return done

    def _keep(self, address: DatabaseAddress, session: Session, stack: ExitStack) -> None:
        """Leave a connection open that the stack would close."""
        stack.pop_all()
        self.sessions.keep(address, session)

    def _session(
        self, address: DatabaseAddress, statements: Sequence[Statement], stack: ExitStack
    ) -> Session:
        """Return a connection in a transaction, which the stack closes. Raises DataProblem."""
        until = min(self.until, time.monotonic() + EFFECT_SECONDS)
        session = cast("Session | None", self.sessions.take(address))
        if session is None:
            session = self._connected(address, statements, until)
            stack.callback(session.close)
            return session
        stack.callback(session.close)
        try:
            session.renew(statements, until)
        except DataProblem as problem:
            raise DataProblem(
                Code.CONNECTION, f"the connection that was left open is lost: {problem}"
            ) from None
        return session

    def _connected(
        self, address: DatabaseAddress, statements: Sequence[Statement], until: float
    ) -> Session:
        scheme = urlsplit(address.url).scheme.lower()
        if scheme in postgresql.SCHEMES:
            return postgresql.connect(address, self.allowed, until)
        if scheme == sqlite.SCHEME:
            return sqlite.connect(address, self.files, statements, until)
        if scheme and "://" in address.url:
            return by_sqlalchemy.connect(address, self.allowed, until)
        raise DataProblem(
            None,
            "a connection string is a URL, as postgresql://user:password@host/database or "
            "sqlite:///file.db.",
        )
