"""Migrations that change rows, on real rows."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from executions.models import LogEntry
from tests.executions_in_tests import make_execution

severities = import_module("executions.migrations.0048_severities")


def entries(*names: str) -> list[int]:
    execution = make_execution(User.objects.create_user("ada"), "orders")
    return [
        LogEntry.objects.create(
            execution=execution, step=1, at=timezone.now(), block="b", severity=name,
            event_type="Event", details={}, flow_name="orders", initiator_id=execution.initiator_id,
        ).pk
        for name in names
    ]  # fmt: skip


def rename() -> None:
    with connection.schema_editor(atomic=False) as editor:
        severities.rename(apps, editor)


@pytest.mark.django_db(transaction=True)
def test_severities_are_renamed_and_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(severities, "BATCH", 2)
    before = ("Trace", "Debug", "Information", "Warning", "Error", "Critical", "Trace")
    after = ["Verbose", "Debug", "Information", "Warning", "Error", "Fatal", "Verbose"]
    ids = entries(*before)
    for _ in range(2):  # again, as after a migration that was cut off
        rename()
        found = LogEntry.objects.in_bulk(ids)
        assert [found[one].severity for one in ids] == after


@pytest.mark.django_db(transaction=True)
def test_a_log_without_entries_is_left_alone() -> None:
    rename()
    assert not LogEntry.objects.exists()
