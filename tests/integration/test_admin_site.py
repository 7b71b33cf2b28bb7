"""The admin as a whole: every model, what lists cost, actions by commands, the system page."""

import json
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cortexweb.administration import system
from cortexweb.environment import Declared
from executions.admin import executions as executions_admin
from executions.admin import lists
from executions.models import (
    AuditEntry,
    BulkJob,
    BulkResult,
    ExceptionRecord,
    Execution,
    FailureGroup,
    LogEntry,
    Watch,
    new_id,
)
from executions.states import Status
from flows.models import Flow
from tests.executions_in_tests import make_execution, version_of
from tests.integration.test_flow_arrangement import filed

pytestmark = pytest.mark.django_db
REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
#: The tables that grow with the executions.
LARGE = (Execution, ExceptionRecord, LogEntry, AuditEntry, BulkResult)


def list_of(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def act(client: Client, action: str, *chosen: models.Model) -> str:
    fields = {"action": action, "_selected_action": [str(one.pk) for one in chosen]}
    return client.post(list_of(type(chosen[0])), fields, follow=True).content.decode()


def fill(user: User, count: int) -> None:
    """Rows in each list of a large table, all of other executions."""
    for number in range(count):
        execution = make_execution(user, f"flow-{number % 7}", status=Status.ENDED, age=number)
        at = execution.started_at
        ExceptionRecord.objects.create(
            execution=execution, step=1, at=at, block="a", type="A", data={}
        )
        LogEntry.objects.create(execution=execution, step=1, at=at, block="a", severity="Info")
        AuditEntry.objects.create(execution=execution, user=user, actor="a", command="stop")
        Watch.objects.create(user=user, execution=execution, read_revision=1)
        job = BulkJob.objects.create(user=user, command="stop", created_at=at)
        BulkResult.objects.create(job=job, execution_id=execution.pk, flow_name="a", detail="b")


def test_every_model_is_there() -> None:
    """Except those that Django cannot register, since their primary key has several columns."""
    configs = [apps.get_app_config(app) for app in ("flows", "executions")]
    ours = [model for config in configs for model in config.get_models()]
    missing = [model for model in ours if model not in admin.site._registry]
    assert all(isinstance(one._meta.pk, models.CompositePrimaryKey) for one in missing), missing
    for model in ours:
        if model in admin.site._registry:
            columns = admin.site._registry[model].list_display
            assert list(columns) != ["__str__"], model


def test_a_list_asks_as_much_however_long_it_is(admin_client: Client, admin_user: User) -> None:
    def queries(model: Any) -> int:
        with CaptureQueriesContext(connection) as taken:
            assert admin_client.get(list_of(model)).status_code == 200
        return len(taken)

    fill(admin_user, 2)
    for number in range(2):
        filed(f"part-{number}", "commerce", "pilot")
    few = {}
    for model in REGISTERED:
        queries(model)  # what is cached is cached
        few[model] = queries(model)
    fill(admin_user, 6)
    for number in range(8):
        filed(f"more-{number}", f"folder-{number}", "pilot")
    for model in REGISTERED:
        assert queries(model) <= few[model] <= 12, model._meta.label


def nodes(plan: dict[str, Any]) -> set[str]:
    """The kinds of nodes of a plan."""
    below = [nodes(one) for one in plan.get("Plans", ())]
    return {plan["Node Type"]}.union(*below)


@pytest.mark.parametrize("model", LARGE, ids=lambda model: model.__name__)
def test_a_list_of_a_large_table_reads_one_page_of_it_by_an_index(
    admin_client: Client, admin_user: User, model: Any
) -> None:
    """It counts at most so many rows, and an index has them in the order of the list."""
    fill(admin_user, 3)
    with CaptureQueriesContext(connection) as taken:
        admin_client.get(list_of(model))
    table = model._meta.db_table
    asked = [query["sql"] for query in taken if f'FROM "{table}"' in query["sql"]]
    counts = [one for one in asked if "COUNT(" in one]
    pages = [one for one in asked if "COUNT(" not in one]
    assert counts
    assert pages
    assert all(f"LIMIT {lists.COUNT_CAP}" in one for one in counts)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        for page in pages:
            cursor.execute("EXPLAIN (FORMAT JSON) " + page.replace("%", "%%"), ())
            (found,) = cursor.fetchone()
            plan = json.loads(found) if isinstance(found, str) else found
            assert not nodes(plan[0]["Plan"]) & {"Sort", "Incremental Sort", "Seq Scan"}, page


# Finding and links ------------------------------------------------------------------------------


def test_the_beginning_of_an_id_and_of_a_name_find(admin_client: Client, admin_user: User) -> None:
    one = make_execution(admin_user, "orders")
    make_execution(admin_user, "stock")
    for typed in (str(one.pk), str(one.pk)[:13], one.pk.hex[:9].upper(), "orders", "ord"):
        page = admin_client.get(list_of(Execution), {"q": typed}).content.decode()
        assert f"/{one.pk}/" in page, typed
    assert f'href="{one.get_absolute_url()}"' in page
    assert "/stock" not in page
    for typed in ("rders", str(one.pk)[:7], "%"):
        page = admin_client.get(list_of(Execution), {"q": typed}).content.decode()
        assert f"/{one.pk}/change" not in page, typed


def test_pages_lead_to_the_admin_and_back(
    admin_client: Client, admin_user: User, client: Client, person: User
) -> None:
    execution = make_execution(admin_user, "orders")
    edit = reverse("admin:executions_execution_change", args=[execution.pk])
    assert f'href="{edit}"' in admin_client.get(execution.get_absolute_url()).content.decode()
    assert f'href="{execution.get_absolute_url()}"' in admin_client.get(edit).content.decode() or (
        "View on site" in admin_client.get(edit).content.decode()
    )
    flow = Flow.objects.get(name="orders")
    edit_flow = reverse("admin:flows_flow_change", args=[flow.pk])
    assert f'href="{edit_flow}"' in admin_client.get(flow.get_absolute_url()).content.decode()
    person.user_permissions.add(
        *Permission.objects.filter(codename__in=("view_flow", "view_execution"))
    )
    client.force_login(person)
    for address in (execution.get_absolute_url(), flow.get_absolute_url()):
        assert "/admin/" not in client.get(address).content.decode()


# Actions ----------------------------------------------------------------------------------------


def test_actions_are_commands(
    admin_client: Client, admin_user: User, client: Client, person: User
) -> None:
    paused = make_execution(admin_user, status=Status.PAUSED)
    gone = make_execution(admin_user, status=Status.ENDED)
    assert "Stop: 1 done." in act(admin_client, "stop", paused)
    paused.refresh_from_db()
    assert paused.status == Status.STOPPED
    assert "1 refused: It is already Stopped." in act(admin_client, "stop", paused)
    assert "Delete: 1 done." in act(admin_client, "delete", gone)
    assert set(AuditEntry.objects.values_list("command", "outcome", "source", "actor")) == {
        ("stop", "done", "admin", "admin"),
        ("stop", "refused", "admin", "admin"),
        ("delete", "done", "admin", "admin"),
    }
    # Staff see, and may command, what they have started; deleting takes its permission.
    person.is_staff = True
    person.save()
    client.force_login(person)
    theirs = make_execution(admin_user, status=Status.PAUSED)
    act(client, "stop", theirs)
    own = make_execution(person, status=Status.ENDED)
    assert "Delete with all below them" not in client.get(list_of(Execution)).content.decode()
    act(client, "delete", own)
    theirs.refresh_from_db()
    assert theirs.status == Status.PAUSED
    assert Execution.objects.filter(pk=own.pk).exists()


def test_many_make_a_job(
    admin_client: Client, admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executions_admin, "AT_ONCE", 1)
    many = [make_execution(admin_user, status=Status.PAUSED) for _ in range(3)]
    page = act(admin_client, "stop", *many)
    job = BulkJob.objects.get()
    assert (job.command, len(job.chosen or {}), job.user) == ("stop", 3, admin_user)
    assert job.get_absolute_url() in page
    monkeypatch.setattr(executions_admin, "MOST", 2)
    assert "These are more than 2." in act(admin_client, "stop", *many)
    assert BulkJob.objects.count() == 1


def test_failures_are_muted_by_those_who_may(
    admin_client: Client, client: Client, person: User
) -> None:
    now = timezone.now()
    version_of("orders")
    group = FailureGroup.objects.create(
        id=new_id(), flow=Flow.objects.get(name="orders"), type="A", template="b",
        first_seen_at=now, last_seen_at=now, changed_at=now, first_version=1, last_version=1,
    )  # fmt: skip
    person.is_staff = True
    person.save()
    person.user_permissions.add(Permission.objects.get(codename="view_execution"))
    client.force_login(person)
    assert "Mute for a day" not in client.get(list_of(FailureGroup)).content.decode()
    act(client, "mute", group)
    group.refresh_from_db()
    assert group.state == FailureGroup.State.OPEN
    act(admin_client, "mute", group)
    group.refresh_from_db()
    assert group.state == FailureGroup.State.MUTED
    act(admin_client, "unmute", group)
    group.refresh_from_db()
    assert group.state != FailureGroup.State.MUTED


# The system page --------------------------------------------------------------------------------


@pytest.mark.usefixtures("redis")
def test_the_system_page_says_how_it_is(admin_client: Client, admin_user: User) -> None:
    execution = make_execution(admin_user, age=100)
    version_of("short")
    Flow.objects.filter(name="short").update(retention_days=3)
    page = admin_client.get("/admin/system/").content.decode()
    for word in ("PostgreSQL", "all applied", "executions_execution", "RETENTION_DAYS", "3 days"):
        assert word in page, word
    assert execution.get_absolute_url() in page
    assert "System" in admin_client.get("/admin/").content.decode()


def test_it_is_for_superusers(client: Client, person: User) -> None:
    person.is_staff = True
    person.save()
    person.user_permissions.set(Permission.objects.all())
    client.force_login(person)
    assert client.get("/admin/system/").status_code == 403
    assert "/admin/system/" not in client.get("/admin/").content.decode()


def test_pending_migrations_are_named(admin_client: Client, redis: object) -> None:
    app, newest = MigrationLoader(connection).graph.leaf_nodes("sessions")[0]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = %s AND name = %s", [app, newest])
    page = admin_client.get("/admin/system/").content.decode()
    assert f"sessions.{newest}" in page
    assert "manage.py migrate" in page


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SECRET_KEY", "hunter2", "set, not shown"),
        ("METRICS_TOKEN", "hunter2", "set, not shown"),
        ("ADMIN_PASSWORD", "", "not set"),
        ("DATABASE_URL", "postgresql://ada:hunter2@host:5432/x", "postgresql://…@host:5432/x"),
        ("REDIS_URL", "redis://:hunter2@host/0", "redis://…@host/0"),
        ("ALLOWED_HOSTS", ["a", "b"], "a, b"),
        ("TIME_ZONE", "", "empty"),
    ],
)
def test_secrets_are_never_shown(name: str, value: Any, said: str) -> None:
    assert system.masked_value(name, value) == said


def test_only_what_differs_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = {
        "RETENTION_DAYS": Declared("RETENTION_DAYS", 7, 30),
        "SECRET_KEY": Declared("SECRET_KEY", "hunter2", ""),
        "DEBUG": Declared("DEBUG", False, False),
    }
    monkeypatch.setattr(settings.ENVIRONMENT, "declared", declared)
    monkeypatch.setenv("LEASE_SECONDS", "15")
    found = {one.name: (one.value, one.default) for one in system.changed_settings()}
    assert found["RETENTION_DAYS"] == ("7", "30")
    assert found["SECRET_KEY"] == ("set, not shown", "not set")
    assert "DEBUG" not in found
    assert "LEASE_SECONDS" in found
    assert "hunter2" not in str(found)
