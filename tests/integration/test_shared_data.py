"""Data Storage and signals: what outlives executions, who waits for it, and what a death costs.

Turns are run in this process, so that a test decides what happens in between; the last tests have
real workers, which are killed.
"""

import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from executions import flow_signals, recovery, runner, shared_data
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.engine.secrets import Secrets
from executions.limits import SIGNALS_KEPT_DAYS
from executions.models import AuditEntry, Execution, Signal, StorageItem, Waiter
from executions.retention.flow_signals import delete_old
from executions.states import Status
from executions.store.lifecycle import data_storage, shared_values
from executions.store.lifecycle.shared_values import Giver
from flows.blocks.errors import BlockException
from flows.blocks.scopes import Scope
from flows.blocks.shared_data import (
    CollectionName,
    CreateCollection,
    DeleteItem,
    ReadItem,
    SendSignal,
    SharedDataRequest,
    WriteItem,
)
from flows.models import Grant
from flows.roles import Role
from flows.values import SecretText
from tests.conftest import celery_worker
from tests.driving import ACTOR, begin, drive, expire_leases, fresh, outputs
from tests.executions_in_tests import why
from tests.flows_in_tests import publish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

USERS = CollectionName(Scope(), "users")
#: Waits for a signal; a failure is an output.
WAIT = """
a: {type: Start Flow, bottom: w}
w:
  type: Wait For Signal
  properties:
    {Signal Name: go, Key: =Key, Payload: ($)Payload, Block Timeout: =Timeout}
  bottom: e
  exception: h
h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: e}
e: {type: End Flow}
"""
WAIT_VARIABLES = """
Key: {input: true, default: ""}
Timeout: {input: true, default: 0}
Payload: {output: true}
Problem: {output: true}
"""
SEND = """
a: {type: Start Flow, bottom: s}
s: {type: Send Signal, properties: {Signal Name: go, Key: =Key, Payload: =Payload}, bottom: e}
e: {type: End Flow}
"""
SEND_VARIABLES = "{Key: {input: true, default: ''}, Payload: {input: true, default: null}}"
SET = """
a: {type: Start Flow, bottom: w}
w:
  type: Wait For Key In Collection To Be Set
  properties: {Collection Name: users, Key: ada, Old Value: ($)Old, New Value: ($)New}
  bottom: e
e: {type: End Flow}
"""
SET_VARIABLES = "{Old: {output: true}, New: {output: true}}"


@pytest.fixture
def wait(tmp_path: Path) -> Any:
    return publish(tmp_path, "wait", WAIT, WAIT_VARIABLES)


def do(request: SharedDataRequest, giver: Giver | None = None) -> Any:
    """Do what another execution, or a person, does; wake whoever waited for it."""
    with transaction.atomic():
        taken = shared_data.perform(request, giver or Giver("tests"))
    recovery.recover()
    return taken.value if taken else None


def run(version: Any, **inputs: Any) -> Execution:
    execution = begin(version, **inputs)
    runner.run(execution.pk)
    return fresh(execution)


def stop(execution: Execution, user: User) -> None:
    assert run_command("stop", CommandRequest(fresh(execution), user, ACTOR)).done


# Signals ------------------------------------------------------------------------------------------


def test_the_execution_that_has_waited_longest_takes_a_signal(wait: Any) -> None:
    first, second = run(wait), run(wait)
    assert (first.status, first.reason, first.lease_owner) == (Status.RUNNING, "signal", "")
    do(SendSignal("go", "", 1))
    assert (fresh(first).status, fresh(second).reason) == (Status.QUEUED, "signal")
    late = run(wait)
    assert late.reason == "signal", "what is sent to the first is not for one that comes later"
    assert outputs(drive(first.pk))["Payload"] == 1
    do(SendSignal("go", "", 2))
    assert outputs(drive(second.pk))["Payload"] == 2
    assert not Signal.objects.exists()
    assert Waiter.objects.get().execution == late


def test_a_signal_of_one_that_is_stopped_goes_to_the_next(wait: Any, admin_user: User) -> None:
    first, second = run(wait), run(wait)
    do(SendSignal("go", "", 1))
    stop(first, admin_user)
    assert fresh(second).status == Status.QUEUED
    assert outputs(drive(second.pk))["Payload"] == 1


def test_one_that_is_paused_keeps_its_place_and_its_signal(wait: Any, admin_user: User) -> None:
    first, second = run(wait), run(wait)
    assert run_command("pause", CommandRequest(first, admin_user, ACTOR)).done
    do(SendSignal("go", "", 1))
    assert (fresh(first).status, fresh(second).reason) == (Status.PAUSED, "signal")
    assert run_command("continue", CommandRequest(fresh(first), admin_user, ACTOR)).done
    assert outputs(drive(first.pk))["Payload"] == 1
    assert fresh(second).status == Status.RUNNING


def test_who_is_moved_elsewhere_leaves_the_line(wait: Any, admin_user: User) -> None:
    first, second = run(wait), run(wait)
    assert run_command("pause", CommandRequest(first, admin_user, ACTOR)).done
    do(SendSignal("go", "", 1))
    moved = CommandRequest(fresh(first), admin_user, ACTOR, fields={"block": "e"})
    assert run_command("set-next", moved).done
    assert outputs(drive(second.pk))["Payload"] == 1


def test_a_signal_in_time_is_taken_however_late_the_worker_comes(wait: Any) -> None:
    execution = run(wait, Timeout=60_000)
    do(SendSignal("go", "", "in time"))
    with connection.cursor() as cursor:
        # The time is over by now, but was not when the signal was sent.
        cursor.execute("UPDATE executions_signal SET at = now() - interval '1 hour'")
        cursor.execute(
            "UPDATE executions_token SET state = jsonb_set(state::jsonb, '{deadline}', "
            "to_jsonb(extract(epoch FROM now()) - 60))::json"
        )
    assert outputs(drive(execution.pk))["Payload"] == "in time"


def test_one_that_is_too_late_leaves_the_signal_to_others(wait: Any) -> None:
    late, other = run(wait, Timeout=1), run(wait)
    problem = outputs(drive(late.pk))["Problem"]
    assert problem.short_type == "BlockTimeoutException"
    do(SendSignal("go", "", 1))
    assert outputs(drive(other.pk))["Payload"] == 1


def test_another_key_is_another_signal(wait: Any) -> None:
    execution = run(wait, Key="a")
    do(SendSignal("go", "b", 1))
    assert fresh(execution).reason == "signal"
    assert why(fresh(execution)) == "Waiting at 'Wait For Signal' for the signal go, key a."
    do(SendSignal("go", "a", 2))
    assert outputs(drive(execution.pk))["Payload"] == 2


@pytest.mark.parametrize("fails_at", ["executions.runner.checkpoint", "executions.runner.release"])
def test_a_turn_that_fails_sends_and_takes_nothing(
    wait: Any, tmp_path: Path, fails_at: str
) -> None:
    """Neither half of what a turn does is ever alone: not the signal, not the step."""
    send = publish(tmp_path, "send", SEND, SEND_VARIABLES)
    sender, taker = begin(send, Payload=1), begin(wait)
    do(SendSignal("go", "", 0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fails_at, _fails)
        runner.run(sender.pk)
        runner.run(taker.pk)
    assert Signal.objects.count() == 1 + (Status(fresh(sender).status) is Status.RUNNING)
    assert outputs(drive(taker.pk))["Payload"] == 0
    drive(sender.pk)
    assert [signal.value for signal in Signal.objects.all()] == [1]


def _fails(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError


def test_a_program_sends_a_signal_once(wait: Any, admin_client: Client) -> None:
    execution = run(wait, Key="4711")
    body = {"name": "go", "key": "4711", "payload": {"At": {"$datetime": "2026-01-01T00:00Z"}}}
    for number in range(2):
        answer = admin_client.post(
            "/api/v1/signals",
            body,
            content_type="application/json",
            headers={"Idempotency-Key": "payment-77"},
        )
        assert answer.status_code == 201, answer.content
        assert ("Idempotent-Replayed" in answer) is bool(number)
    taken = outputs(drive(execution.pk))["Payload"]
    assert taken == {"At": datetime(2026, 1, 1, tzinfo=UTC)}
    assert not Signal.objects.exists()
    sent = AuditEntry.objects.get(command="send-signal")
    assert (sent.actor, sent.object_name) == ("admin", "go 4711")


@pytest.mark.parametrize(
    ("role", "permission", "status"),
    [
        (None, "", 403),
        (Role.START, "", 403),
        (Role.OPERATE, "", 201),
        (None, "send_signal", 201),
    ],
)
def test_who_may_send_a_signal(role: Role | None, permission: str, status: int) -> None:
    user = User.objects.create_user("program")
    if role:
        Grant.objects.create(user=user, role=role)
    if permission:
        user.user_permissions.add(Permission.objects.get(codename=permission))
    client = Client()
    client.force_login(user)
    answer = client.post("/api/v1/signals", {"name": "go"}, content_type="application/json")
    assert answer.status_code == status
    assert Signal.objects.count() == (status == 201)


def test_a_deleted_signal_is_for_nobody(wait: Any, admin_user: User) -> None:
    first = run(wait)
    assert run_command("pause", CommandRequest(first, admin_user, ACTOR)).done
    do(SendSignal("go", "", 1))
    assert Waiter.objects.get().ready_at is not None
    flow_signals.delete(admin_user, ACTOR, Signal.objects.get().pk)
    assert Waiter.objects.get().ready_at is None
    assert run_command("continue", CommandRequest(fresh(first), admin_user, ACTOR)).done
    runner.run(first.pk)
    assert (fresh(first).status, fresh(first).reason) == (Status.RUNNING, "signal")
    do(SendSignal("go", "", 2))
    assert outputs(drive(first.pk))["Payload"] == 2


def test_an_execution_whose_signal_has_grown_old_waits_on(wait: Any, admin_user: User) -> None:
    """It was paused for longer than signals are kept, and nothing wakes it in vain."""
    first = run(wait)
    assert run_command("pause", CommandRequest(first, admin_user, ACTOR)).done
    do(SendSignal("go", "", 1))
    assert Waiter.objects.get().ready_at is not None
    Signal.objects.update(at=timezone.now() - timedelta(days=SIGNALS_KEPT_DAYS + 1))
    delete_old()
    assert not Signal.objects.exists()
    assert Waiter.objects.get().ready_at is None
    assert run_command("continue", CommandRequest(fresh(first), admin_user, ACTOR)).done
    runner.run(first.pk)
    recovery.recover()
    assert (fresh(first).status, fresh(first).reason) == (Status.RUNNING, "signal")
    do(SendSignal("go", "", 2))
    assert outputs(drive(first.pk))["Payload"] == 2


def test_signals_and_who_waits_by_the_api(wait: Any, admin_client: Client) -> None:
    first = run(wait, Key="a")
    do(SendSignal("go", "b", {"$At": 1}), Giver("send", first.pk))
    do(SendSignal("stop", "b", None))
    listed = admin_client.get("/api/v1/signals?name=go").json()["items"]
    (sent,) = listed
    assert (sent["key"], sent["by"], sent["execution"]) == ("b", "send", str(first.pk))
    (waiting,) = admin_client.get("/api/v1/signals/waiting?key=a").json()["items"]
    assert (waiting["execution"], waiting["flow"], waiting["name"]) == (str(first.pk), "wait", "go")
    assert admin_client.get("/api/v1/signals/waiting?key=b").json()["items"] == []
    for status in (204, 404):
        assert admin_client.delete(f"/api/v1/signals/{sent['id']}").status_code == status
    assert AuditEntry.objects.get(command="delete-signal").object_name == "go b"


@pytest.mark.parametrize(
    "shares",
    [
        'Write Data With Key, properties: {Collection Name: users, Key: ada, Data: "=[Pin]"}',
        "Send Signal, properties: {Signal Name: go, Payload: =Pin}",
    ],
)
def test_a_secret_text_is_refused_to_blocks_that_share_values(tmp_path: Path, shares: str) -> None:
    blocks = f"""
    a: {{type: Start Flow, bottom: c}}
    c: {{type: Create Collection, properties: {{Collection Name: users}}, bottom: s}}
    s: {{type: {shares}, bottom: e, exception: h}}
    h: {{type: Handle Block Exception, properties: {{Exception: ($)Problem}}, bottom: e}}
    e: {{type: End Flow}}
    """
    variables = "{Pin: {input: true, type: Secret Text}, Problem: {output: true}}"
    version = publish(tmp_path, "tells", blocks, variables)
    problem = outputs(drive(begin(version, Pin=SecretText("opensesame")).pk))["Problem"]
    assert problem.short_type == "InvalidPropertyValueException"
    assert "it holds a secret text, which others may not read." in problem.message
    assert not StorageItem.objects.exists()
    assert not Signal.objects.exists()


def test_a_secret_text_is_refused_to_programs(admin_client: Client) -> None:
    body = {"name": "go", "payload": {"Pin": {"$secret": "opensesame"}}}
    answer = admin_client.post("/api/v1/signals", body, content_type="application/json")
    assert answer.status_code == 400
    assert "holds a secret text, which others could read" in answer.json()["detail"]
    assert b"opensesame" not in answer.content
    assert not Signal.objects.exists()


def test_a_role_on_one_flow_sends_no_signals(wait: Any, client: Client) -> None:
    user = User.objects.create_user("operator")
    Grant.objects.create(user=user, role=Role.ADMINISTER, flow=wait.flow)
    client.force_login(user)
    answer = client.post("/api/v1/signals", {"name": "go"}, content_type="application/json")
    assert answer.status_code == 403
    assert "executions.send_signal" in answer.json()["detail"]


def test_a_signal_that_nobody_takes_is_deleted_in_the_end() -> None:
    do(SendSignal("go", "old", 1))
    do(SendSignal("go", "new", 1))
    old = timezone.now() - timedelta(days=SIGNALS_KEPT_DAYS + 1)
    Signal.objects.filter(key="old").update(at=old)
    delete_old()
    assert [signal.key for signal in Signal.objects.all()] == ["new"]


# Data Storage -------------------------------------------------------------------------------------


def test_a_collection_is_named_without_regard_to_case_and_a_key_with_it() -> None:
    """Semantics 108: it outlives executions, and a scope is a part of its name."""
    do(CreateCollection(USERS))
    do(WriteItem(CollectionName(Scope(), "USERS"), "ada", 1))
    assert do(ReadItem(USERS, "ada")) == 1
    with pytest.raises(BlockException, match="KeyInDataStorageCollectionNotFound"):
        do(ReadItem(USERS, "Ada"))
    with pytest.raises(BlockException, match="DataStorageCollectionNotFound"):
        do(ReadItem(CollectionName(Scope(flow="other"), "users"), "ada"))


def test_what_is_missing_or_there_already() -> None:
    """Semantics 109: creating and deleting twice does nothing; writing needs the collection."""
    do(CreateCollection(USERS))
    do(WriteItem(USERS, "ada", 1))
    do(CreateCollection(USERS))
    assert do(ReadItem(USERS, "ada")) == 1
    do(DeleteItem(USERS, "ada"))
    do(DeleteItem(USERS, "ada"))
    with pytest.raises(BlockException) as thrown:
        do(WriteItem(CollectionName(Scope(), "orders"), "a", 1))
    assert thrown.value.value.extra == {
        "Scope": {"Tenant": "default", "System": "default", "Package": "default", "Flow": "*"},
        "CollectionName": "orders",
    }


def test_every_execution_that_waits_for_a_write_sees_that_write(tmp_path: Path) -> None:
    """Semantics 110: also when the next one comes before it runs; no worker is held meanwhile."""
    waiting = publish(tmp_path, "set", SET, SET_VARIABLES)
    do(CreateCollection(USERS))
    first, second = run(waiting), run(waiting)
    assert (first.reason, first.lease_owner) == ("storage", "")
    assert "for the key ada of users to be set, until" in why(first)
    do(WriteItem(USERS, "ada", 1))
    do(WriteItem(USERS, "ada", 2))
    for execution in (first, second):
        assert outputs(drive(execution.pk)) == {"Old": None, "New": 1}
    assert not Waiter.objects.exists()


def test_secrets_stay_secret_on_their_way_through_data_storage() -> None:
    secrets = Secrets({}, {"hunter2": None, "other": None})
    do(CreateCollection(USERS))
    do(WriteItem(USERS, "ada", {"Password": "hunter2"}), Giver("flow", None, secrets))
    row = StorageItem.objects.get()
    assert row.value == {"Password": "••••••"}
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret::text FROM executions_storageitem")
        assert "hunter2" not in str(cursor.fetchone())
    taken = shared_values.of_row(row)
    assert (taken.value, list(taken.secret_texts)) == ({"Password": "hunter2"}, ["hunter2"])


def test_a_secret_text_stays_one_whoever_writes_it() -> None:
    do(CreateCollection(USERS))
    do(WriteItem(USERS, "ada", [SecretText("hunter2-pin"), 1]))
    row = StorageItem.objects.get()
    assert "hunter2-pin" not in str(row.value)
    with connection.cursor() as cursor:
        cursor.execute("SELECT value::text || secret::text FROM executions_storageitem")
        assert "hunter2-pin" not in str(cursor.fetchone())
    taken = shared_values.of_row(row)
    assert (taken.value, list(taken.secret_texts)) == (
        [SecretText("hunter2-pin"), 1],
        ["hunter2-pin"],
    )


def test_data_storage_that_is_full_throws(monkeypatch: pytest.MonkeyPatch) -> None:
    do(CreateCollection(USERS))
    monkeypatch.setattr(data_storage, "DATA_STORAGE_BYTES", 1)
    with pytest.raises(BlockException, match="Data Storage is full"):
        do(WriteItem(USERS, "ada", 1))


def test_writers_of_one_key_take_turns_and_others_do_not_wait() -> None:
    do(CreateCollection(USERS))
    begun, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            data_storage.perform(WriteItem(USERS, "ada", "first"), Giver("one"))
            begun.set()
            done.wait(30)
        connection.close()

    def follow() -> None:
        with transaction.atomic():
            data_storage.perform(WriteItem(USERS, "ada", "second"), Giver("two"))
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert begun.wait(30)
    follower = threading.Thread(target=follow)
    follower.start()
    do(WriteItem(USERS, "grace", 1))
    assert follower.is_alive()
    done.set()
    holder.join()
    follower.join()
    assert do(ReadItem(USERS, "ada")) == "second"


# Deaths -------------------------------------------------------------------------------------------

#: Adds what a signal says to a list in Data Storage, as no other execution does meanwhile.
COLLECT = """
a: {type: Start Flow, bottom: w}
w: {type: Wait For Signal, properties: {Signal Name: go, Payload: ($)Payload}, bottom: s}
s:
  type: Write Data With Key
  properties: {Collection Name: users, Key: =text(Payload), Data: =Payload}
  bottom: t
t: {type: Send Signal, properties: {Signal Name: done, Payload: =Payload}, bottom: e}
e: {type: End Flow}
"""


def test_kills_lose_and_double_no_signal(
    tmp_path: Path, product_environment: dict[str, str]
) -> None:
    """Workers die at random moments while 24 executions send signals and 24 take them."""
    do(CreateCollection(USERS))
    send = publish(tmp_path, "send", SEND, SEND_VARIABLES)
    collect = publish(tmp_path, "collect", COLLECT, "{Payload: {output: true}}")
    takers = []
    for number in range(24):
        begin(send, Payload=number)
        takers.append(begin(collect))
    for number in range(3):
        worker = celery_worker(tmp_path / f"{number}.log", product_environment)
        worker.wait_until(partial(_have_ended, 12 * (number + 1)))
        worker.kill()
        expire_leases()
        recovery.recover()
    for taker in takers:
        drive(taker.pk)
    assert sorted(outputs(taker)["Payload"] for taker in takers) == list(range(24))
    assert sorted(s.value for s in Signal.objects.filter(name="done")) == list(range(24))
    assert not Signal.objects.filter(name="go").exists()
    assert StorageItem.objects.count() == 24


def _have_ended(least: int) -> bool:
    return Execution.objects.filter(ended_at__isnull=False).count() >= least
