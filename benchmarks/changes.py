"""Commits changes of executions at a steady rate, published as the workers do.

    python -m benchmarks.changes --rate 1000 --starts 20 --seconds 20 --commits FILE

A share of the changes starts executions; the others move those that are under way by one guarded
statement each, until they end after some forty. FILE gets a line a commit: id, revision and the
time just after it, in seconds since the epoch.
"""

import argparse
import os
import random
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django
from django.db import connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cortexweb.settings")
django.setup()

from benchmarks.fill import COLUMNS as FILLED  # noqa: E402
from benchmarks.fill import _people, _published, _row  # noqa: E402
from executions import events, publishing  # noqa: E402
from executions.events import ExecutionChanged  # noqa: E402
from executions.models import Execution, new_id  # noqa: E402

#: Connections that commit at the same time, as those of workers do.
CONNECTIONS = 4
#: How many are under way at a time, so that each changes about four times a second.
UNDER_WAY = 250
#: What executions come to, of a hundred.
ENDS = (("Ended", 90), ("Error", 8), ("Stopped", 2))

_event_columns = ", ".join(
    Execution._meta.get_field(name.removesuffix("_id")).column
    if name in ("parent_id", "initiator_id")
    else name
    for name in events.COLUMNS
)
INSERT = (
    f"INSERT INTO executions_execution ({', '.join(FILLED)}) "
    f"VALUES ({', '.join(['%s'] * len(FILLED))}) RETURNING {_event_columns}"
)
MOVE = (
    "UPDATE executions_execution SET status = %s, block = %s, block_type = %s, "
    "block_description = %s, workspace_name = %s, error_type = %s, error_message = %s, "
    "ended_at = %s, updated_at = clock_timestamp(), revision = revision + 1, "
    "step_count = step_count + 1 WHERE id = %s AND revision = %s "
    "AND status IN ('Queued', 'Running', 'Paused') RETURNING " + _event_columns
)


class Changes:
    """The executions under way, and the commits so far, of one connection."""

    def __init__(self, seed: int = 7) -> None:
        self.dice = random.Random(seed)
        self.published, self.people = _published(), _people()
        self.under_way: deque[ExecutionChanged] = deque()
        self.commits: list[tuple[str, int, float]] = []
        self.cursor: Any = connection.cursor()

    def start(self) -> None:
        """Insert an execution as the start of a flow does."""
        now = datetime.now(UTC)
        version, person = self.dice.choice(self.published), self.dice.choice(self.people)
        identity = new_id()
        row = _row(self.dice, now, now, identity, version, person, identity, None, 0)
        fresh = {"status": "Queued", "reason": "", "ended_at": None, "outputs": None, "revision": 1}
        fresh |= {"error_type": "", "error_message": "", "due_at": None, "step_count": 0}
        fresh |= {"updated_at": now, "unhandled": False, "exception_types": ""}
        values = {**dict(zip(FILLED, row, strict=True)), **fresh}
        self._commit(INSERT, [values[name] for name in FILLED])

    def move(self) -> None:
        """Move the one that has waited longest by a block, or to its end."""
        event = self.under_way.popleft()
        version = self.dice.choice(self.published)
        key, kind, description, workspace = self.dice.choice(version.blocks)
        status = "Running"
        if self.dice.random() < 0.025:
            status = self.dice.choices([s for s, _ in ENDS], [w for _, w in ENDS])[0]
        elif self.dice.random() < 0.02:
            status = "Paused"
        failed = status == "Error"
        ended = datetime.now(UTC) if status in dict(ENDS) else None
        values = [status, key, kind, description, workspace]
        values += ["HttpRequestException" if failed else "", "No answer." if failed else ""]
        self._commit(MOVE, [*values, ended, event.id, event.revision])

    def _commit(self, statement: str, values: list[Any]) -> None:
        self.cursor.execute(statement, values)  # commits
        committed = time.time()
        found = self.cursor.fetchone()
        plain = dict(zip(events.COLUMNS, found, strict=True))
        for name in ("id", "parent_id", "root_id"):
            plain[name] = plain[name] and str(plain[name])
        event = ExecutionChanged(**plain)
        publishing.publish([event])
        self.commits.append((event.id, event.revision, committed))
        if event.ended_at is None:
            self.under_way.append(event)

    def run(self, rate: int, starts: int, seconds: float) -> float:
        """Returns the changes a second that were reached."""
        while len(self.under_way) < UNDER_WAY // CONNECTIONS:
            self.start()
            time.sleep(1 / rate)
        began, done = time.monotonic(), 0
        while (now := time.monotonic() - began) < seconds:
            if done > now * rate:
                time.sleep(min(done / rate - now, 0.01))
                continue
            every = rate // starts if starts else 0
            if (every and done % every == 0) or not self.under_way:
                self.start()
            else:
                self.move()
            done += 1
        return done / (time.monotonic() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--commits", type=Path, required=True)
    options = parser.parse_args()
    began = datetime.now(UTC)

    def share(seed: int) -> tuple[float, list[tuple[str, int, float]]]:
        changes = Changes(seed)
        rate, starts = options.rate // CONNECTIONS, max(1, options.starts // CONNECTIONS)
        return changes.run(rate, starts, options.seconds), changes.commits

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        shares = list(pool.map(share, range(CONNECTIONS)))
    ended = time.time()
    publishing._sender.flush(5)
    reached = sum(rate for rate, _ in shares)
    commits = sorted((commit for _, one in shares for commit in one), key=lambda commit: commit[2])
    lines = (f"{one} {revision} {at!r}\n" for one, revision, at in commits)
    options.commits.write_text("".join(lines))
    took = datetime.now(UTC) - began
    used = os.times()
    cpu = used.user + used.system
    print(f"{reached:.1f} {ended!r} {took / timedelta(seconds=1):.1f} {cpu:.2f}")


if __name__ == "__main__":
    main()
