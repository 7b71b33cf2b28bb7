"""Retention: what has ended goes after a time, whole families only, without touching what runs."""

import logging
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, models, transaction
from django.utils import timezone

from executions import limits
from executions.models import AuditEntry, ChangedValue, Execution, LogEntry, Step
from executions.retention import deletion
from executions.states import Status
from executions.tasks import delete_old
from flows.models import Flow
from tests.executions_in_tests import make_execution, version_of
from tests.flows_in_tests import publish
from tests.integration.test_changed_values import TEXTS, TEXTS_VARIABLES
from tests.integration.test_execution_page import client_of, run
from tests.integration.test_long_executions import COUNT, COUNT_VARIABLES
from tests.servers import Process

DAY = 86_400.0
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rules(settings: Any) -> None:
    settings.RETENTION_DAYS, settings.RETENTION_COUNT = 30, 0


def ended(user: User | None = None, days: float = 40, **columns: Any) -> Execution:
    return make_execution(user, age=days * DAY, **{"status": Status.ENDED, **columns})


def left() -> set[Any]:
    return set(Execution.objects.values_list("pk", flat=True))


def test_what_ended_long_ago_goes_with_all_that_is_its_own(
    tmp_path: Path, admin_user: User
) -> None:
    texts = publish(tmp_path, "texts", TEXTS, TEXTS_VARIABLES)
    old, fresh = (run(texts, admin_user, Large="x" * 5000) for _ in range(2))
    before = timezone.now() - timedelta(days=31)
    Execution.objects.filter(pk=old.pk).update(started_at=before, ended_at=before)
    retried = ended(admin_user, days=1, origin=old)
    entry = AuditEntry.objects.create(execution=old, flow_name="texts", actor="a", command="stop")
    LogEntry.objects.create(execution=old, step=1, at=before, block="a", severity="Info")
    assert str(old.pk) in client_of(admin_user).get("/").content.decode()
    delete_old()
    assert left() == {fresh.pk, retried.pk}
    for relation in Execution._meta.related_objects:
        if relation.related_model is AuditEntry:
            continue
        rows = relation.related_model._base_manager
        assert not rows.filter(**{relation.field.attname: old.pk}).exists()
    assert Step.objects.filter(execution=fresh).exists()
    assert ChangedValue.objects.filter(execution=fresh).exists()
    retried.refresh_from_db()
    entry.refresh_from_db()
    assert retried.origin_id is None
    assert (entry.execution_id, entry.flow_name, entry.actor) == (old.pk, "texts", "a")
    assert str(old.pk) not in client_of(admin_user).get("/").content.decode()
    assert client_of(admin_user).get(f"/executions/{old.pk}/").status_code == 404


def test_every_row_of_an_execution_goes_or_forgets_it() -> None:
    known = {models.CASCADE, models.SET_NULL}
    related = Execution._meta.related_objects
    for relation in related:
        # The audit trail is never changed.
        expected = {models.DO_NOTHING} if relation.related_model is AuditEntry else known
        assert relation.on_delete in expected


def test_a_family_goes_whole_or_stays_whole() -> None:
    alive = [ended(), ended(), make_execution(None, age=40 * DAY), ended(), ended(days=29)]
    task = make_execution(None, age=39 * DAY, parent=alive[0])
    young = ended(parent=alive[1], days=2)
    below = ended(parent=alive[2])
    middle = ended(parent=alive[3])
    deep = make_execution(None, age=39 * DAY, parent=middle, status=Status.PAUSED)
    gone = ended()
    child = ended(parent=gone)
    ended(parent=child)
    ended(parent=gone, status=Status.ERROR)
    assert deletion.delete_old() == 4
    assert left() == {e.pk for e in (*alive, task, young, below, middle, deep)}
    assert deletion.delete_old() == 0


def test_only_the_newest_are_kept(settings: Any) -> None:
    settings.RETENTION_DAYS, settings.RETENTION_COUNT = 0, 3
    newest = [ended(days=n) for n in range(3)]
    child = ended(days=0, parent=newest[0])
    waiting = make_execution(None, age=5 * DAY)
    for days in (100, 200):
        ended(days=days, parent=ended(days=days))
    assert deletion.delete_old() == 4
    assert left() == {e.pk for e in (*newest, child, waiting)}


def test_a_flow_may_say_how_long_its_executions_are_kept(settings: Any) -> None:
    settings.RETENTION_COUNT = 2
    for name, days in (("short", 5), ("long", 100), ("ever", 0)):
        version_of(name)
        Flow.objects.filter(name=name).update(retention_days=days)
    kept = [
        ended(flow="short", days=4),
        ended(flow="long", days=99),
        ended(flow="ever", days=9_999),
        *(ended(days=days) for days in (1, 2)),
    ]
    kept.append(ended(flow="short", days=50, parent=kept[2]))  # the root's flow counts
    for flow, days in (("short", 6), ("long", 101), ("orders", 31), ("orders", 3)):
        ended(flow=flow, days=days)
    ended(flow="ever", days=50, parent=ended(flow="short", days=60))
    assert deletion.delete_old() == 6
    assert left() == {e.pk for e in kept}


@pytest.mark.parametrize("count", [0, 100])
def test_without_a_limit_nothing_goes(settings: Any, count: int) -> None:
    settings.RETENTION_DAYS, settings.RETENTION_COUNT = 0, count
    ended(days=10_000)
    assert deletion.delete_old() == 0


def test_it_works_in_batches_and_goes_on_where_its_time_was_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(deletion, "RETENTION_BATCH", 4)
    monkeypatch.setattr(deletion, "RETENTION_STEPS", 100)
    for _ in range(3):
        root = ended(step_count=60)
        for _ in range(3):
            ended(parent=ended(parent=root, step_count=1), step_count=60)
    assert Execution.objects.count() == 21
    caplog.set_level(logging.INFO, "executions.retention.deletion")
    numbers = []
    ticks = iter(range(1000))
    monkeypatch.setattr(deletion.time, "monotonic", lambda: next(ticks))
    while number := deletion.delete_old(seconds=2):
        numbers.append(number)
        parents = Execution.objects.exclude(parent=None).values("parent")
        assert not parents.exclude(parent__in=Execution.objects.values("pk")).exists()
    assert sum(numbers) == 21
    assert max(numbers) <= 4
    assert len(caplog.messages) == len(numbers)
    assert "more next time" in caplog.messages[0]


def test_values_of_steps_that_were_dropped_go(tmp_path: Path, admin_user: User) -> None:
    count = publish(tmp_path, "count", COUNT, COUNT_VARIABLES)
    execution = run(count, admin_user, Last=10_000)
    rows = [
        ("first", 5, 5),
        ("both", 5, 12_000),
        ("dropped", limits.FIRST_STEPS_KEPT + 1, 12_000),
        ("last", limits.FIRST_STEPS_KEPT + 1, execution.step_count),
    ]
    for key, first, last in rows:
        ChangedValue.objects.create(
            execution=execution, key=key, value=1, size=1, first_step=first, last_step=last
        )
    deletion.delete_old()
    keys = ChangedValue.objects.filter(execution=execution).values_list("key", flat=True)
    assert set(keys) == {"first", "both", "last"}


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_nobody() -> None:
    held, free = ended(), ended()
    locked, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            list(Execution.objects.select_for_update().filter(pk=held.pk))
            locked.set()
            done.wait(20)
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(10)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
    try:
        assert deletion.delete_old() == 1
    finally:
        done.set()
        holder.join()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
    assert left() == {held.pk}
    assert free.pk not in left()
    assert deletion.delete_old() == 1


def test_a_worker_deletes_and_says_so(worker: Process) -> None:
    ended()
    delete_old.delay()
    worker.wait_until(lambda: not Execution.objects.exists())
    worker.wait_until(lambda: "Deleted executions: 1;" in worker.output)
