"""What the system page says. Nothing here reads a whole table, and no secret is shown."""

import os
import platform
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from executions import dispatch, limits
from executions import queues as queue_names
from executions import workers as worker_records
from executions.models import Execution
from flows.models import Flow

#: Settings whose values are never shown, by their names.
_SECRET = re.compile(r"KEY|PASSWORD|TOKEN|SECRET|CREDENTIAL")
#: The name and password in an address.
_LOGIN = re.compile(r"(?<=://)[^/@]*@")
_PACKAGES = ("cortexweb", "Django", "celery", "channels", "psycopg", "redis")

_TABLES = """
    SELECT c.relname, greatest(c.reltuples, 0)::bigint, pg_table_size(c.oid),
        pg_indexes_size(c.oid), pg_total_relation_size(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname = current_schema()
    ORDER BY 5 DESC
"""
_DATABASE = "SELECT current_setting('server_version'), pg_database_size(current_database())"


@dataclass(frozen=True, slots=True)
class ChangedSetting:
    """A setting that differs from its default, as text."""

    name: str
    value: str
    default: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the database, and its sizes in bytes. The rows are estimated."""

    name: str
    rows: int
    size: int
    indexes: int
    total: int


def versions() -> list[tuple[str, str]]:
    """Return what runs here: names and versions."""
    found = [("Python", platform.python_version())]
    for name in _PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, "not installed as a package"))
    with connection.cursor() as cursor:
        cursor.execute(_DATABASE)
        server, _ = cursor.fetchone()
    return [*found, ("PostgreSQL", server), ("Redis", _redis_version())]


def _redis_version() -> str:
    try:
        client = Redis.from_url(settings.REDIS_URL, socket_timeout=1)
        info: Any = client.info("server")
    except RedisError:
        return "does not answer"
    return str(info.get("valkey_version") or info.get("redis_version", "unknown"))


def pending_migrations() -> list[str]:
    """Return the migrations that have not been applied to the database."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [str(migration) for migration, _ in plan]


def changed_settings() -> list[ChangedSetting]:
    """Return the settings that differ from their defaults, without secrets."""
    found = [
        ChangedSetting(
            one.name, masked_value(one.name, one.value), masked_value(one.name, one.default)
        )
        for one in settings.ENVIRONMENT.declared.values()
        if str(one.value) != str(one.default)
    ]
    # The limits read the environment by themselves.
    found += [
        ChangedSetting(name, str(getattr(limits, name)), "")
        for name in vars(limits)
        if name in os.environ and name not in settings.ENVIRONMENT.declared
    ]
    return sorted(found, key=lambda one: one.name)


def masked_value(name: str, value: Any) -> str:
    """Return the value of a setting as people may see it."""
    if _SECRET.search(name):
        return "set, not shown" if value else "not set"
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return _LOGIN.sub("…@", text) or "empty"


def queues() -> list[tuple[str, int]] | None:
    """Return how many messages wait in each queue; those of executions count as one. None when
    the broker does not answer."""
    lengths: Counter[str] = Counter()
    try:
        for name, number in dispatch.queue_lengths().items():
            lengths["executions" if name in queue_names.EXECUTIONS else name] += number
    except (RedisError, OperationalError):
        return None
    return sorted(lengths.items())


def workers() -> list[tuple[worker_records.Worker, datetime]] | None:
    """Return the workers, each with its last heartbeat; None when Redis does not answer."""
    found = worker_records.read()
    if found is None:
        return None
    zone = datetime.now().astimezone().tzinfo
    return [(one, datetime.fromtimestamp(one.seen_at, zone)) for one in found]


def scheduler() -> bool | None:
    """Whether the scheduler runs; None when Redis does not answer."""
    return worker_records.is_scheduler_running()


def tables() -> dict[str, Any]:
    """Return the tables, the largest first, and the size of the whole database."""
    with connection.cursor() as cursor:
        cursor.execute(_DATABASE)
        _, size = cursor.fetchone()
        cursor.execute(_TABLES)
        found = [Table(*row) for row in cursor.fetchall()]
    return {"size": size, "tables": found}


def retention() -> dict[str, Any]:
    """Return what is kept for how long, and the oldest execution that is kept."""
    own = Flow.objects.filter(retention_days__isnull=False).order_by("name")
    oldest = Execution.objects.filter(parent=None).order_by("started_at", "id").first()
    return {
        "days": settings.RETENTION_DAYS,
        "count": settings.RETENTION_COUNT,
        "flows": list(own.values_list("pk", "name", "retention_days")),
        "oldest": oldest,
    }
