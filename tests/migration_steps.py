"""Migrates a new database as an upgrade of an old installation does.

`python -m tests.migration_steps`, with the product's settings. A new database takes the squashed
migrations; one that has taken some of the steps that they replace takes the other steps. Before
steps that change rows, the rows that they are about are written.
"""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import django
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

AUTH = ("auth", "0012_alter_user_first_name_max_length")
#: The tables in which the old installation has rows, also those that its triggers write into.
WRITTEN_BEFORE = {
    "auth_group", "auth_group_permissions", "auth_user", "auth_user_groups",
    "auth_user_user_permissions", "executions_alertchannel", "executions_auditentry",
    "executions_execution", "executions_statisticsevent", "executions_watch", "flows_flow",
    "flows_flowversion",
}  # fmt: skip
#: Executions by their names: their status, and for a retry what it retried.
EXECUTIONS = {
    "solved": ("Error", None),
    "solved-again": ("Error", "solved"),
    "solved-at-last": ("Ended", "solved-again"),
    "retried": ("Error", None),
    "retried-live": ("Running", "retried"),
    "given-up": ("Error", None),
    "given-up-stopped": ("Stopped", "given-up"),
    "unhandled": ("Error", None),
    "unhandled-again": ("Ended", "unhandled"),
    "alone": ("Error", None),
}


def execution_id(name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, name)


def _write_permissions(apps: Any) -> None:
    """May control executions: ada by herself, bob by his group; eve may not."""
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="executions", model="execution"
    )
    control = apps.get_model("auth", "Permission").objects.create(
        content_type=kind, codename="control_execution", name="Can control any execution"
    )
    users = apps.get_model("auth", "User").objects
    ada, bob, _ = (users.create(username=name) for name in ("ada", "bob", "eve"))
    group = apps.get_model("auth", "Group").objects.create(name="operators")
    group.permissions.add(control)
    bob.groups.add(group)
    ada.user_permissions.add(control)


def _write_executions(apps: Any) -> None:
    """Failures with retries that ended well, ended badly, were stopped or are live."""
    flow = apps.get_model("flows", "Flow").objects.create(name="orders")
    version = apps.get_model("flows", "FlowVersion").objects.create(flow=flow, number=1)
    ada = apps.get_model("auth", "User").objects.get(username="ada")
    # Ids of executions grow with time.
    now = timezone.now()
    for name, (status, origin) in EXECUTIONS.items():
        apps.get_model("executions", "Execution").objects.create(
            **_times(now, is_live=status == "Running"),
            id=execution_id(name),
            root_id=execution_id(name),
            version=version,
            version_number=1,
            flow_name="orders",
            status=status,
            initiator=ada,
            initiator_name="ada",
            origin_id=origin and execution_id(origin),
            trigger="retry" if origin else "page",
            unhandled=name == "unhandled-again",
            error_type="Oops" if status == "Error" else "",
        )
    for name in ("solved", "retried-live"):
        apps.get_model("executions", "Watch").objects.create(
            user=ada, execution_id=execution_id(name), read_revision=0
        )
    apps.get_model("executions", "AuditEntry").objects.create(
        execution_id=execution_id("solved"), flow_name="orders", actor="ada", command="retry",
        at=now - timedelta(days=2),
    )  # fmt: skip


def _times(now: datetime, *, is_live: bool) -> dict[str, Any]:
    return {"started_at": now, "updated_at": now, "ended_at": None if is_live else now}


def _write_channels(apps: Any) -> None:
    apps.get_model("executions", "AlertChannel").objects.create(
        kind="webhook", name="ops", address="https://example.com/hook", secret="plain-secret"
    )


#: How far the old installation comes, by its releases, and what is written there.
RELEASES: tuple[tuple[str, Callable[[Any], None]], ...] = (
    ("0019_flow_name_first", _write_permissions),
    ("0030_overview", _write_executions),
    ("0038_audit_indexes", _write_channels),
)


def install() -> None:
    """Apply the steps of the old installation, which knew no squashed migration."""
    for name, write_rows in RELEASES:
        executor = MigrationExecutor(connection)
        executor.loader.replace_migrations = False
        executor.loader.build_graph()
        write_rows(executor.migrate([AUTH, ("executions", name)]).apps)


if __name__ == "__main__":
    django.setup()
    install()
    call_command("migrate", verbosity=0)
