"""The audit trail: nobody changes it, and it holds what differs, without secrets."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from executions import audit
from executions.audit import retention
from executions.audit.states import state_of
from executions.commands.actor import Actor
from executions.models import AlertChannel, AuditEntry

pytestmark = pytest.mark.django_db

MAYA = Actor(1, "maya", "page", "192.0.2.7")


def test_the_database_refuses_to_change_an_entry() -> None:
    audit.record(MAYA, "stop")
    with pytest.raises(IntegrityError, match="not changed or deleted"), transaction.atomic():
        AuditEntry.objects.update(actor="somebody")
    with pytest.raises(IntegrityError, match="not changed or deleted"), transaction.atomic():
        AuditEntry.objects.all().delete()


def test_the_door_of_the_retention_lets_old_entries_out_only() -> None:
    entry = audit.entry(MAYA, "stop")
    entry.at = timezone.now() - timedelta(days=3)
    entry.save()
    audit.record(MAYA, "pause")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL cortexweb.audit_retention = '2999-01-01'")
        cursor.execute("DELETE FROM executions_auditentry WHERE command = 'stop'")
        with pytest.raises(IntegrityError), transaction.atomic():
            cursor.execute("DELETE FROM executions_auditentry")
    assert list(AuditEntry.objects.values_list("command", flat=True)) == ["pause"]


def test_an_entry_outlives_its_user() -> None:
    user = User.objects.create_user("leaver")
    audit.record(Actor(user.pk, "leaver", "page"), "stop")
    key = user.pk
    user.delete()
    entry = AuditEntry.objects.get()
    assert (entry.user_id, entry.actor) == (key, "leaver")


def test_only_what_differs_is_kept() -> None:
    before = {"name": "a", "days": 3, "labels": ["x"]}
    audit.record(MAYA, "change", before=before, after={**before, "days": 5})
    entry = AuditEntry.objects.get()
    assert (entry.before, entry.after) == ({"days": 3}, {"days": 5})


def test_secrets_are_masked_and_their_change_still_shows() -> None:
    channel = AlertChannel.objects.create(
        name="ops", kind="chat", address="slack://hush/hush", secret="whsec_hush"
    )
    before = state_of(channel)
    channel.address = "slack://other/hush"
    audit.record(MAYA, "change-channel", before=before, after=state_of(channel))
    audit.record(MAYA, "make-channel", after=state_of(channel))
    changed, made = AuditEntry.objects.order_by("id")
    assert changed.before == changed.after == {"address": "••••"}
    assert made.after is not None
    assert made.after["name"] == "ops"
    assert made.after["secret"] == "••••"
    assert "hush" not in str(list(AuditEntry.objects.values()))


def test_nested_secrets_and_nul_are_no_trouble() -> None:
    audit.record(MAYA, "x", after={"inputs": [{"api_key": "hush", "n": "a\0b"}], "s": {2, 1}})
    assert AuditEntry.objects.get().after == {
        "inputs": [{"api_key": "••••", "n": "a"}],
        "s": [1, 2],
    }


def test_the_retention_deletes_what_is_old(settings: Settings) -> None:
    settings.AUDIT_RETENTION_DAYS = 30
    old, new = audit.entry(MAYA, "stop"), audit.entry(MAYA, "pause")
    old.at = timezone.now() - timedelta(days=31)
    audit.write([old, new])
    assert retention.delete_old() == 1
    assert list(AuditEntry.objects.values_list("command", flat=True)) == ["pause"]
    settings.AUDIT_RETENTION_DAYS = 0
    assert retention.delete_old() == 0
