"""Bulk jobs that are suspended and resumed, and paced ones, which watch what they start."""

import threading
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from executions.bulk import jobs, run
from executions.bulk.jobs import Pace
from executions.bulk.targets import Target
from executions.commands.actor import Actor
from executions.models import BulkJob, BulkResult, Execution
from executions.states import Status
from tests.driving import expire_leases
from tests.integration.test_bulk_jobs import finish, fresh, make_job, many, wait_until
from tests.servers import Process, celery_worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


@pytest.fixture
def failed(loop: Any, admin_user: User) -> list[Execution]:
    """Ten executions in Error that had not begun: a retry starts at the top."""
    columns = {"version": loop, "flow_name": "loop", "status": Status.ERROR, "error_type": "X"}
    return many(admin_user, 10, ended_at=timezone.now(), **columns)


def paced(user: User, at_a_time: int, **pace: Any) -> BulkJob:
    actor = Actor(user.pk, user.get_username(), "page", "10.0.0.1")
    return jobs.create(actor, "retry", {}, Target(), 10, Pace(at_a_time, **pace))


def turn(job: BulkJob) -> BulkJob:
    run.run(job.pk, "here")
    return fresh(job)


def live() -> list[Execution]:
    return list(Execution.objects.filter(trigger="retry", ended_at=None).order_by("started_at"))


def end(*executions: Execution, status: Status = Status.ENDED) -> None:
    """As if a worker had run them to their end."""
    Execution.objects.filter(pk__in=[one.pk for one in executions]).update(
        status=status, ended_at=timezone.now(), lease_expires_at=None
    )


def test_a_suspended_job_goes_on_where_it_was(
    monkeypatch: pytest.MonkeyPatch, admin_user: User
) -> None:
    many(admin_user, 30)
    monkeypatch.setattr(run, "BULK_BATCH", 10)
    monkeypatch.setattr(run, "BULK_SLICE_SECONDS", 0)
    job = make_job(admin_user)
    turn(job)
    assert (job.status, job.done) == ("running", 10)
    assert jobs.suspend(job)
    assert not jobs.suspend(job)
    assert turn(job).status == "suspended"
    assert job.done == 10
    assert jobs.recover() == 0
    assert jobs.resume(job)
    assert not jobs.resume(job)
    assert finish(job).done == 30
    assert not jobs.suspend(job)
    assert BulkResult.objects.filter(job=job, outcome="done").count() == 30


def test_a_worker_suspends_or_cancels_after_its_batch(
    monkeypatch: pytest.MonkeyPatch, admin_user: User
) -> None:
    many(admin_user, 30)
    monkeypatch.setattr(run, "BULK_BATCH", 10)
    plain, asked = run._run_batch, [jobs.suspend, jobs.suspend, jobs.cancel]

    def asking(job: BulkJob, owner: str, size: int) -> bool:
        done = plain(job, owner, size)
        assert asked.pop(0)(job)
        return done

    monkeypatch.setattr(run, "_run_batch", asking)
    job = make_job(admin_user)
    for done, status in ((10, "suspended"), (20, "suspended"), (30, "cancelled")):
        assert turn(job).status == status
        assert job.done == done
        assert jobs.resume(job) is (status == "suspended")


def test_of_suspending_and_cancelling_at_once_the_end_wins(admin_user: User) -> None:
    """However they meet, a job is cancelled for good, and nothing is left running."""
    many(admin_user, 40)
    for _ in range(10):
        job = make_job(admin_user)
        acts = (jobs.suspend, jobs.cancel, jobs.resume, lambda one: run.run(one.pk, "here"))
        threads = [threading.Thread(target=_act, args=(act, job)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert fresh(job).status in ("cancelled", "done", "cancelling")
        assert turn(job).is_over
        assert not job.lease_owner


def _act(act: Any, job: BulkJob) -> None:
    try:
        act(BulkJob.objects.get(pk=job.pk))
    finally:
        connection.close()


def test_who_cancels_while_a_job_comes_to_rest_ends_it(admin_user: User) -> None:
    job = make_job(admin_user)
    columns = {"status": "suspending", "lease_owner": "here", "lease_expires_at": timezone.now()}
    BulkJob.objects.filter(pk=job.pk).update(**columns)
    worker = threading.Thread(target=_act, args=(lambda one: jobs.finish(one, "here"), job))
    with transaction.atomic():
        assert jobs.cancel(job)
        worker.start()
        wait_until(_somebody_waits_for_a_lock)
    worker.join()
    assert fresh(job).status == "cancelled"
    assert not job.lease_owner


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        return bool(cursor.fetchone()[0])


def test_a_paced_job_starts_no_more_than_it_may(failed: list[Execution], admin_user: User) -> None:
    job = paced(admin_user, 3)
    assert turn(job).status == "running"
    assert len(live()) == 3
    turn(job)
    assert len(live()) == 3
    end(*live()[:2])
    turn(job)
    assert len(live()) == 3
    assert (job.done, job.ended_well) == (5, 2)
    for _ in range(10):
        end(*live())
        if turn(job).is_over:
            break
    assert (job.status, job.done, job.ended_well, job.failed) == ("done", 10, 10, 0)
    assert BulkResult.objects.filter(job=job, outcome="ended").count() == 10
    assert Execution.objects.filter(trigger="retry").count() == 10


def test_it_suspends_itself_when_too_many_in_a_row_fail(
    failed: list[Execution], admin_user: User
) -> None:
    job = paced(admin_user, 1, stop_after=2)
    for status in (Status.ERROR, Status.ENDED, Status.STOPPED, Status.ERROR):
        assert turn(job).status == "running"
        end(*live(), status=status)
    assert turn(job).status == "suspended"
    assert job.problem == "2 in a row failed. Resume goes on with the others."
    assert (job.done, job.ended_well, job.failed) == (4, 1, 3)
    assert live() == []
    assert jobs.resume(job)
    turn(job)
    assert len(live()) == 1


def test_one_first_waits_for_somebody_to_look(failed: list[Execution], admin_user: User) -> None:
    job = paced(admin_user, 5, one_first=True)
    turn(job)
    assert len(live()) == 1
    end(*live())
    assert turn(job).status == "suspended"
    assert job.problem == "The first one ended well. Resume goes on with the others."
    assert jobs.resume(job)
    turn(job)
    assert len(live()) == 5


def test_another_worker_goes_on_with_a_paced_job(failed: list[Execution], admin_user: User) -> None:
    """What is started and not known to have ended stands in the results, not in the worker."""
    job = paced(admin_user, 2)
    turn(job)
    # Its worker claimed it again, and died.
    assert jobs.claim(job.pk, "dead") is not None
    end(*live())
    BulkJob.objects.update(lease_expires_at=timezone.now())
    assert jobs.recover() == 1
    turn(job)
    assert (job.ended_well, job.done, len(live())) == (2, 4, 2)


def test_a_real_worker_that_dies_is_replaced(
    worker: Process,
    beat: Process,
    product_environment: dict[str, str],
    tmp_path: Path,
    failed: list[Execution],
    admin_user: User,
) -> None:
    """The worker runs the job and what it starts; killed in between, nothing is started twice."""
    job = paced(admin_user, 1)
    wait_until(lambda: fresh(job).done > 1, 60)
    worker.kill()
    assert 1 < fresh(job).done < 10
    # As if the leases had run out; recovery finds that.
    BulkJob.objects.update(lease_expires_at=timezone.now())
    expire_leases()
    other = celery_worker(tmp_path / "other.log", product_environment)
    try:
        wait_until(lambda: fresh(job).is_over, 60)
    finally:
        other.stop()
    assert (job.status, job.done, job.ended_well) == ("done", 10, 10)
    states = Execution.objects.filter(pk__in=[one.pk for one in failed])
    assert set(states.values_list("retry_state", flat=True)) == {"ended"}
    assert Execution.objects.filter(trigger="retry").count() == 10


def test_suspending_on_the_page_and_what_became_of_each(
    failed: list[Execution], admin_client: Client, admin_user: User
) -> None:
    job = paced(admin_user, 2)
    turn(job)
    started = live()
    page = job.get_absolute_url()
    admin_client.post(f"{page}suspend/")
    assert fresh(job).status == "suspended"
    assert "Resume" in admin_client.get(page).content.decode()
    results = admin_client.get(f"{page}results/").content.decode()
    assert all(one.get_absolute_url() in results for one in started)
    assert "There are none." in admin_client.get(f"{page}results/?outcome=refused").content.decode()
    other = Client()
    other.force_login(User.objects.create_superuser("ada"))
    for control in ("resume", "cancel", "suspend"):
        assert other.post(f"{page}{control}/").status_code == 404
    assert admin_client.post(f"{page}explode/").status_code == 404
    admin_client.post(f"{page}resume/")
    assert fresh(job).status == "queued"
    admin_client.post(f"{page}resume/")
    assert "not suspended any more" in admin_client.get(page).content.decode()
