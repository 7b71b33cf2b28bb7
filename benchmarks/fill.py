"""Realistic executions by the million, by COPY, to measure pages on.

    python -m benchmarks.fill 1000000 [--days 90] [--seed 1]

fills the database that the environment names (as `manage.py` does: DATABASE_URL, or the data folder
of a running `manage.py up`). Flows are those that are published there.
"""

import argparse
import json
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import django
from django.contrib.auth import get_user_model
from django.db import connection, transaction

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cortexweb.settings")
django.setup()

from flows import queries  # noqa: E402
from flows.models import FlowVersion  # noqa: E402

COLUMNS = (
    "id", "version_id", "version_number", "flow_name", "parent_id", "root_id", "depth",
    "child_count", "status", "reason", "place", "request", "block", "block_type",
    "block_description", "workspace_name", "started_at", "updated_at", "ended_at", "due_at",
    "initiator_id", "initiator_name", "trigger", "inputs", "outputs", "error_type",
    "error_message", "revision", "step_count", "lease_owner", "state", "unhandled",
    "exception_types", "failed_descendants",
)  # fmt: skip
#: Of ten thousand that are over, and of a thousand that are not.
OVER = (("Ended", 9300), ("Error", 550), ("Stopped", 150))
LIVE = (("Running", 700), ("Paused", 200), ("Exception", 100))
#: What share of those that Ended did because nothing handled an exception, and caught one.
UNHANDLED, CAUGHT = 0.005, 0.02
#: What share is not over yet: a few hundred of a million.
LIVE_SHARE = 0.0003
#: The share of roots that have children, and how many at most.
PARENTS, CHILDREN = 0.1, 8
#: One root with very many.
CROWD = 5000
ERRORS = (
    ("HttpRequestException", "The server answered 503 for order {}."),
    ("HttpRequestException", "No answer from pricing within 30 s (request {})."),
    ("InvalidPropertyValueException", "Amount of invoice {} is not a number."),
    ("FileNotFoundException", "There is no file incoming/{}.csv."),
    ("BlockTimeoutException", "Customer {} was not answered within 60 s."),
    ("FlowNotFoundException", "There is no flow settle-{}."),
)
#: So many ways to fail are spread over the flows: each has some, or of very many flows some have
#: one.
WAYS = 400
PEOPLE = (
    "ada", "grace", "linus", "barbara", "edsger", "donald", "margaret", "ken", "dennis", "radia",
)  # fmt: skip


#: A block: its key, type, description and workspace.
Place = tuple[str, str, str, str]


@dataclass(frozen=True)
class Published:
    """A version, the blocks that its token may stand on, and the ways in which it fails: the type
    and message of an exception, and the block that throws it."""

    id: int
    number: int
    flow: str
    blocks: tuple[Place, ...]
    ways: tuple[tuple[str, str, Place], ...]


def fill(count: int, days: float = 90, seed: int = 1) -> float:
    """Add `count` executions that started within the last `days`; returns the seconds it took.

    Where as many come as are there, the indexes are built after the rows. Raises ValueError without
    a published flow.
    """
    began = time.monotonic()
    # Asked for before the COPY, which has the connection to itself.
    published, people = _published(), _people()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM executions_execution LIMIT %s) AS there",
            [count + 1],
        )
        indexes = _drop_indexes(cursor) if cursor.fetchone()[0] <= count else []
        names = ", ".join(COLUMNS)
        cursor.execute("ALTER TABLE executions_execution DISABLE TRIGGER ALL")
        with cursor.copy(f"COPY executions_execution ({names}) FROM STDIN") as copy:
            for row in rows(count, days, random.Random(seed), published, people):
                copy.write_row(row)
        cursor.execute("ALTER TABLE executions_execution ENABLE TRIGGER ALL")
        for definition in indexes:
            cursor.execute(definition)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE executions_execution")
    return time.monotonic() - began


def _drop_indexes(cursor: Any) -> list[str]:
    """Drop every index that no constraint needs; returns what makes them again."""
    cursor.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i "
        "WHERE i.indrelid = 'executions_execution'::regclass AND NOT i.indisunique"
    )
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f"DROP INDEX {name}")
    return [definition for _, definition in found]


def rows(
    count: int,
    days: float,
    dice: random.Random,
    published: list[Published],
    people: list[tuple[int, str]],
) -> Iterator[tuple[Any, ...]]:
    """The rows of `COLUMNS`, oldest first, children after their parent."""
    now = datetime.now(UTC)
    apart = timedelta(days=days) / count
    at = now - timedelta(days=days)
    left = count
    while left > 0:
        at += apart
        version = dice.choice(published)
        person = dice.choice(people)
        size = 0
        if left == count and count > 4 * CROWD:
            size = CROWD
        elif dice.random() < PARENTS:
            size = dice.randint(1, CHILDREN)
        size = min(size, left - 1)
        root = _id(dice, at)
        began, children = at, []
        for _ in range(size):
            at += apart
            child = dice.choice(published)
            children.append(_row(dice, at, now, _id(dice, at), child, person, root, root, 0))
        failed = sum(_has_failed(row) for row in children)
        yield _row(dice, began, now, root, version, person, root, None, size, failed)
        yield from children
        left -= 1 + size


def _row(
    dice: random.Random,
    at: datetime,
    now: datetime,
    own: UUID,
    version: Published,
    person: tuple[int, str],
    root: UUID,
    parent: UUID | None,
    children: int,
    failed: int = 0,
) -> tuple[Any, ...]:
    live = dice.random() < LIVE_SHARE
    kinds = LIVE if live else OVER
    status = dice.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
    if status in ("Error", "Exception") and not version.ways:
        status = "Ended" if status == "Error" else "Paused"
    place = dice.choice(version.blocks)
    steps = dice.randint(3, 400)
    end = min(at + timedelta(seconds=dice.expovariate(1 / 20)), now)
    error_type = error_message = ""
    chance = dice.random()
    unhandled = status == "Ended" and chance < UNHANDLED and bool(version.ways)
    if status in ("Error", "Exception") or unhandled:
        error_type, text, place = dice.choice(version.ways)
        error_message = text.format(dice.randint(1, 10**7))
    types = {error_type} if error_type else set[str]()
    if error_type or (status == "Ended" and chance < UNHANDLED + CAUGHT):
        types.add(dice.choice(ERRORS)[0])
    # What waits for a time that never comes costs the machinery nothing.
    reason, due = ("time", now + timedelta(days=3650)) if status == "Running" else ("", None)
    return (
        own, version.id, version.number, version.flow, parent, root, 0 if parent is None else 1,
        children, status, reason, "", "", *place, at, end,
        None if live else end, due, person[0], person[1],
        "page" if parent is None else "parent", json.dumps({"Number": dice.randint(1, 10**6)}),
        None if live else "{}", error_type, error_message, 2 + steps // 50, steps, "", "{}",
        unhandled, "\n".join(sorted(types)), failed,
    )  # fmt: skip


def _has_failed(row: tuple[Any, ...]) -> bool:
    told = dict(zip(COLUMNS, row, strict=True))
    return bool(told["status"] == "Error" or told["unhandled"])


def _id(dice: random.Random, at: datetime) -> UUID:
    """A UUIDv7 of that moment."""
    milliseconds = int(at.timestamp() * 1000)
    return UUID(
        int=milliseconds << 80
        | 7 << 76
        | dice.getrandbits(12) << 64
        | 2 << 62
        | dice.getrandbits(62)
    )


def _published() -> list[Published]:
    found = []
    versions = FlowVersion.objects.filter(published_at__isnull=False).select_related("flow")
    for place, version in enumerate(versions):
        graph = queries.compiled(version.pk)
        blocks = tuple(
            (node.key, node.block.type, node.title, graph.workspaces[node.workspace].name)
            for node in graph.blocks.values()
        )
        ways = tuple(
            (*ERRORS[way % len(ERRORS)], blocks[way // len(ERRORS) % len(blocks)])
            for way in range(place, WAYS, len(versions))
        )
        found.append(Published(version.pk, version.number, version.flow.name, blocks, ways))
    if not found:
        raise ValueError("No flow is published here; import some with `manage.py import_flows`.")
    return found


def _people() -> list[tuple[int, str]]:
    users = get_user_model().objects
    return [(users.get_or_create(username=name)[0].pk, name) for name in PEOPLE]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("count", type=int)
    parser.add_argument("--days", type=float, default=90)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    took = fill(options.count, options.days, options.seed)
    print(f"{options.count:,} executions in {took:.0f} s")


if __name__ == "__main__":
    main()
