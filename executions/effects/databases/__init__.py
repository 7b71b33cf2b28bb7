"""SQL on databases: PostgreSQL, SQLite files below FILES_ROOT, and others by SQLAlchemy."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from math import inf
from urllib.parse import urlsplit

from executions.effects.addresses import Networks
from executions.effects.databases import by_sqlalchemy, postgresql, sqlite
from executions.effects.databases.session import Session
from executions.effects.files.store import FolderFiles
from executions.limits import EFFECT_SECONDS
from flows.blocks.clients import DatabaseAddress, DataProblem, Executed, Statement


@dataclass(frozen=True, slots=True)
class Databases:
    """`flows.blocks.clients.DatabaseClient`. What is not done at `until`, on the monotonic clock,
    is given up."""

    files: FolderFiles
    allowed: Networks = ()
    until: float = inf

    def execute(
        self, address: DatabaseAddress, batches: Sequence[Sequence[Statement]]
    ) -> list[list[Executed]]:
        """Run the statements in one transaction. Raises DataProblem; then nothing is changed."""
        statements = [statement for batch in batches for statement in batch]
        with closing(self._session(address, statements)) as session:
            done = [
                [session.execute(statement, index) for statement in batch]
                for index, batch in enumerate(batches)
            ]
            session.commit()
        return done

    def _session(self, address: DatabaseAddress, statements: Sequence[Statement]) -> Session:
        until = min(self.until, time.monotonic() + EFFECT_SECONDS)
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
