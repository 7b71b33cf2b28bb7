"""Bulk jobs: the order in which they go through families, and what becomes of those that fail."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from executions import limits
from executions.bulk import jobs, run, selected
from executions.commands import enqueueing
from executions.models import AuditEntry, BulkJob, Execution
from executions.states import Status
from tests.executions_in_tests import make_execution
from tests.integration.test_bulk_jobs import finish, fresh, make_job, many

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


def test_children_come_first_where_the_grid_lists_them_so(
    admin_client: Client, admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = make_execution(admin_user, age=9, status=Status.PAUSED)
    child = make_execution(admin_user, age=5, parent=parent, status=Status.PAUSED)
    grandchild = make_execution(admin_user, age=2, parent=child, status=Status.PAUSED)
    family = [parent, child, grandchild]
    sent: list[UUID] = []
    monkeypatch.setattr(enqueueing, "enqueue", lambda event: sent.append(UUID(event.id)))

    read: set[int] = set()

    def given(*, together: bool = True) -> list[Any]:
        found = AuditEntry.objects.exclude(pk__in=read).order_by("id")
        ids = [entry.execution_id for entry in found]
        read.update(entry.pk for entry in found)
        Execution.objects.update(status=Status.PAUSED)
        messages, sent[:] = list(sent), []
        # The messages go out in the order in which the commands were given.
        assert not together or messages == ids
        return ids

    # At once.
    selection = " ".join(f"{one.pk}:Paused" for one in [child, grandchild, parent])
    form = {"selection": selection, "order": "child-first"}
    admin_client.post("/executions/commands/continue/", form)
    assert given() == [one.pk for one in reversed(family)]
    for order in ("parent-first", "flat", ""):
        form = {"selection": selection, "order": order}
        admin_client.post("/executions/commands/continue/", form)
        assert given() == [one.pk for one in family]
    # By a job, however small its batches are: of those that are selected, and of all that match.
    monkeypatch.setattr(run, "BULK_BATCH", 1)
    monkeypatch.setattr(selected, "AT_ONCE", 2)
    form = {"selection": selection, "order": "child-first"}
    admin_client.post("/executions/commands/continue/", form)
    finish(BulkJob.objects.get(child_first=True))
    assert given(together=False) == [one.pk for one in reversed(family)]
    grid = admin_client.get("/?children=child-first&flow=orders").content.decode()
    assert 'name="order" value="child-first"' in grid
    address = "/executions/all/continue/?flow=orders&children=child-first"
    assert address.replace("&", "&amp;") in grid
    preview = admin_client.get(address).content.decode()
    first = preview.index(f"/executions/{grandchild.pk}/")
    assert first < preview.index(f"/executions/{parent.pk}/")
    admin_client.post(address)
    job = finish(BulkJob.objects.get(chosen__isnull=True))
    assert (job.done, job.child_first) == (3, True)
    assert given(together=False) == [one.pk for one in reversed(family)]


def break_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("the third batch is cursed")

    monkeypatch.setattr(run, "run_commands", broken)


def test_one_whose_batches_always_fail_has_failed_itself(
    admin_client: Client, admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(admin_user, 3)
    job = make_job(admin_user)
    with monkeypatch.context() as patch:
        break_batches(patch)
        for turn in range(1, limits.MAX_BULK_FAILURES):
            run.run(job.pk, "here")
            assert (fresh(job).status, job.failures, job.lease_owner) == ("running", turn, "")
            # Not at once, but by recovery.
            assert jobs.recover() == 0
            BulkJob.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
            assert jobs.recover() == 1
            assert fresh(job).failures == turn
        page = admin_client.get(job.get_absolute_url()).content.decode()
        assert "tried again in a moment: ZeroDivisionError" in page
        run.run(job.pk, "here")
    assert (fresh(job).status, job.is_over) == ("failed", True)
    assert job.ended_at is not None
    assert jobs.recover() == 0
    run.run(job.pk, "here")
    assert fresh(job).done == 0
    page = admin_client.get(job.get_absolute_url()).content.decode()
    assert "It failed 5 times in a row" in page
    assert "ZeroDivisionError: the third batch is cursed" in page


def test_a_batch_that_is_done_begins_the_count_anew(
    admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(admin_user, 3)
    job = make_job(admin_user)
    with monkeypatch.context() as patch:
        break_batches(patch)
        run.run(job.pk, "here")
    assert fresh(job).failures == 1
    assert (finish(job).status, job.failures, job.problem) == ("done", 0, "")


def test_one_that_takes_its_workers_along_fails_too(admin_user: User) -> None:
    job = make_job(admin_user)
    for turn in range(1, limits.MAX_BULK_FAILURES + 1):
        assert jobs.claim(job.pk, f"worker {turn}") is not None
        BulkJob.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        assert jobs.recover() == (turn < limits.MAX_BULK_FAILURES)
    assert (fresh(job).status, job.failures) == ("failed", limits.MAX_BULK_FAILURES)
    assert "Its worker has ended" in job.problem
