"""Secrets are encrypted in the database, and their keys can be changed (docs/secrets.md)."""

import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.db import connection

from cortexweb import checks
from cortexweb.data_folder import DataFolder, is_encryption_key, new_encryption_key
from executions import encryption, recovery, runner
from executions.models import AlertChannel, Execution, Token, Value
from executions.states import Status
from executions.store.lifecycle import claims
from tests.driving import begin, drive
from tests.flows_in_tests import publish
from tests.secrets_in_tests import SECRET, where

OLD, NEW = new_encryption_key(), new_encryption_key()
ADDRESS = f"https://hooks.example/{SECRET}"
#: A loop keeps what it goes over beside the variables; the wait parks it there.
LOOP = """
a: {type: Start Flow, bottom: l}
l:
  type: For Each Loop
  properties: {Collection: =Keys, Current Iteration: ($)Key}
  right: w
  bottom: e
w: {type: Wait For Duration, properties: {Duration: {Milliseconds: 1}}, bottom: l}
e: {type: End Flow}
"""
VARIABLES = "{Keys: {type: List, input: true, secret: true, output: true}, Key: {secret: true}}"


@pytest.fixture
def waiting(db: None, settings: Any, tmp_path: Path) -> Execution:
    """An execution that holds secrets, parked, whose secrets the old key has encrypted."""
    settings.ENCRYPTION_KEYS = [OLD]
    execution = begin(publish(tmp_path, "secret-loop", LOOP, VARIABLES), Keys=[SECRET, SECRET])
    runner.run(execution.pk)
    AlertChannel.objects.create(name="chat", kind="webhook", address=ADDRESS)
    return execution


def stored(model: type, column: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column}::text FROM {model._meta.db_table}")  # type: ignore[attr-defined]
        return [text for (text,) in cursor.fetchall() if text]


def test_nobody_reads_secrets_in_the_database(waiting: Execution) -> None:
    assert where(SECRET) == []
    for model, column in ((Value, "secret"), (Token, "state"), (Execution, "secrets")):
        assert all('"$encrypted"' in text for text in stored(model, column)), column
    assert claims.read(waiting.pk).frames[0].variables["key"]["Value"] == SECRET
    assert AlertChannel.objects.get().address == ADDRESS
    with pytest.raises(FieldError):
        AlertChannel.objects.filter(address=ADDRESS)


def test_a_new_key_takes_over(
    waiting: Execution, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    before = stored(AlertChannel, "address")
    call_command("rotate_encryption")
    told = capsys.readouterr().out
    assert "executions.AlertChannel.address: 1 encrypted" in told
    assert "executions.Token.state: 1 encrypted" in told
    assert told.endswith("Everything is encrypted with the newest key.\n")
    assert stored(AlertChannel, "address") != before
    settings.ENCRYPTION_KEYS = [NEW]
    claimed = claims.read(waiting.pk)
    assert claimed.frames[0].variables["keys"] == [SECRET, SECRET]
    assert list(claimed.secret_texts) == [SECRET]
    assert AlertChannel.objects.get().address == ADDRESS
    for _ in range(2):
        with connection.cursor() as cursor:  # in the test's transaction no time passes
            cursor.execute("UPDATE executions_execution SET due_at = now()")
        recovery.recover()
        runner.run(waiting.pk)
    assert drive(waiting.pk).status == Status.ENDED
    assert where(SECRET) == []


def test_without_the_key_a_secret_is_lost_and_nothing_else(
    waiting: Execution, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.ENCRYPTION_KEYS = [NEW]
    with pytest.raises(encryption.KeyMissing):
        claims.read(waiting.pk)
    shown = Execution.objects.get(pk=waiting.pk)
    assert shown.inputs == {"Keys": {"$secret": True}}
    assert AlertChannel.objects.get().address == ""
    call_command("rotate_encryption")
    assert "could not be read. Add their key to ENCRYPTION_KEYS." in capsys.readouterr().err
    settings.ENCRYPTION_KEYS = [OLD]
    assert AlertChannel.objects.get().address == ADDRESS, "and it comes back with the key"


def test_what_was_stored_before_there_was_a_key_is_read_and_encrypted(
    waiting: Execution, settings: Any
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE executions_alertchannel SET address = %s", [ADDRESS])
    assert AlertChannel.objects.get().address == ADDRESS
    call_command("rotate_encryption")
    assert where(SECRET) == []
    assert AlertChannel.objects.get().address == ADDRESS


def test_without_keys_one_follows_from_the_secret_key(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = []
    kept = encryption.encrypt("a")
    assert [one.id for one in checks.encryption_has_a_key()] == ["cortexweb.W001"]
    settings.ENCRYPTION_KEYS = [NEW]
    assert encryption.decrypt(kept) == "a", "also when a key is set later"
    assert not checks.encryption_has_a_key()
    settings.SECRET_KEY = "another one"
    with pytest.raises(encryption.KeyMissing):
        encryption.decrypt(kept)


def test_the_data_folder_has_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    assert data.encryption_keys() == []
    data.create()
    (key,) = data.encryption_keys()
    assert is_encryption_key(key)
    assert stat.S_IMODE((data.path / "encryption_keys").stat().st_mode) == 0o600
    data.create()
    data.add_encryption_key()
    assert data.encryption_keys()[1:] == [key]
    assert not is_encryption_key("short")
