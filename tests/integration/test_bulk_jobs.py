"""Bulk jobs: run in slices, cancelled, taken over from a worker that died, once however often their
form is sent; and who may see them."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from executions import limits
from executions.api_tokens import Wanted, issue, revoke
from executions.bulk import jobs, run, targets
from executions.bulk.targets import Target
from executions.commands.actor import Actor
from executions.grid.query.filters import Filters
from executions.models import AuditEntry, BulkJob, BulkResult, Execution, SentForm
from executions.states import Status
from tests.executions_in_tests import make_execution, version_of
from tests.servers import Process, celery_worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]
HTMX = {"HX-Request": "true"}


def many(user: Any, number: int, **columns: Any) -> list[Execution]:
    """Paused executions, a second apart, the oldest first."""
    version = version_of("orders")
    now = timezone.now()
    built = []
    for age in range(number, 0, -1):
        at = now - timedelta(seconds=age)
        one = Execution(
            version=version,
            version_number=1,
            flow_name="orders",
            initiator=user,
            initiator_name=user.username,
            trigger="page",
            status=Status.PAUSED,
            started_at=at,
            updated_at=at,
        )
        one.root_id = one.pk
        for name, value in columns.items():
            setattr(one, name, value)
        built.append(one)
    return Execution.objects.bulk_create(built)


def make_job(user: User, command: str = "stop", **columns: Any) -> BulkJob:
    expected = columns.pop("expected", None)
    actor = Actor(user.pk, user.get_username(), "page", columns.pop("address", "10.0.0.1"))
    return jobs.create(actor, command, {}, Target(**columns), expected)


def wait_until(ready: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "late"
        time.sleep(0.05)


def fresh(job: BulkJob) -> BulkJob:
    job.refresh_from_db()
    return job


def finish(job: BulkJob) -> BulkJob:
    """Run the slices of a job in this process."""
    for turn in range(1000):
        run.run(job.pk, f"turn {turn}")
        if fresh(job).is_over:
            return job
    raise AssertionError("It does not end.")


def test_a_worker_does_it_and_reports_each_refusal(worker: Process, admin_user: User) -> None:
    executions = many(admin_user, 450)
    ended = executions[:9]
    Execution.objects.filter(pk__in=[one.pk for one in ended]).update(
        status=Status.ENDED, ended_at=timezone.now()
    )
    chosen = {str(one.pk): "Paused" for one in executions}
    job = make_job(admin_user, chosen=chosen, expected=450)
    wait_until(lambda: fresh(job).is_over)
    assert (job.status, job.done, job.refused) == ("done", 441, 9)
    assert Execution.objects.filter(status=Status.STOPPED).count() == 441
    assert BulkResult.objects.filter(job=job, outcome="done").count() == 441
    refusals = BulkResult.objects.filter(job=job, outcome="refused")
    assert {one.execution_id for one in refusals} == {one.pk for one in ended}
    assert refusals[0].detail == "It was Paused when you pressed Stop; it is Ended now."
    audits = AuditEntry.objects.filter(command="stop", source="bulk job", address="10.0.0.1")
    assert audits.filter(outcome="done", user=admin_user).count() == 441
    assert audits.filter(outcome="refused").count() == 9


def test_a_worker_that_dies_in_the_middle_is_replaced(
    worker: Process,
    beat: Process,
    product_environment: dict[str, str],
    tmp_path: Path,
    admin_user: User,
) -> None:
    many(admin_user, 4_000)
    job = make_job(admin_user)
    wait_until(lambda: fresh(job).done > 0, 60)
    worker.kill()
    left = fresh(job).done
    assert 0 < left < 4_000
    # As if the lease had run out; recovery finds that.
    BulkJob.objects.update(lease_expires_at=timezone.now())
    other = celery_worker(tmp_path / "other.log", product_environment)
    try:
        wait_until(lambda: fresh(job).is_over, 60)
    finally:
        other.stop()
    assert (job.status, job.done, job.refused) == ("done", 4_000, 0)
    # Nothing was done twice, or left out.
    assert AuditEntry.objects.filter(command="stop").count() == 4_000


def test_it_goes_back_to_the_queue_after_its_slice(
    admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "BULK_SLICE_SECONDS", 0.0)
    many(admin_user, 500)
    job = make_job(admin_user)
    run.run(job.pk, "first")
    assert (fresh(job).status, job.done, job.lease_owner) == ("running", 200, "")
    assert finish(job).done == 500


def test_one_whose_message_was_lost_is_sent_again(admin_user: User) -> None:
    job = make_job(admin_user)
    assert jobs.recover() == 0
    BulkJob.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert jobs.recover() == 1
    assert jobs.recover() == 0
    assert finish(job).status == "done"


def test_who_has_lost_the_lease_does_nothing(admin_user: User) -> None:
    many(admin_user, 3)
    job = make_job(admin_user)
    taken = jobs.claim(job.pk, "first")
    assert taken is not None
    assert jobs.claim(job.pk, "second") is None
    BulkJob.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert jobs.claim(job.pk, "second") is not None
    with pytest.raises(run.LeaseLost):
        run._run_batch(taken, "first", 200)
    assert not Execution.objects.filter(status=Status.STOPPED).exists()
    assert not AuditEntry.objects.exists()


def test_cancelling_ends_it_after_the_batch_under_way(
    admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "BULK_SLICE_SECONDS", 0.0)
    many(admin_user, 500)
    job = make_job(admin_user)
    run.run(job.pk, "first")
    assert jobs.cancel(job)
    assert fresh(job).status == "cancelling"
    assert not jobs.cancel(job)
    assert finish(job).status == "cancelled"
    assert Execution.objects.filter(status=Status.STOPPED).count() == job.done == 200
    waiting = make_job(admin_user)
    assert jobs.cancel(waiting)
    assert finish(waiting).done == 0


def test_all_that_match_means_when_it_runs_of_what_had_started_before(admin_user: User) -> None:
    early, left, other = many(admin_user, 2)[0], *many(admin_user, 2, flow_name="mail")
    job = make_job(admin_user, filters="flow=orders&status=Paused&status=Ended")
    late = make_execution(admin_user, status=Status.PAUSED, age=-5)
    Execution.objects.filter(flow_name="orders").exclude(pk__in=[early.pk, late.pk]).update(
        status=Status.ENDED, ended_at=timezone.now()
    )
    finish(job)
    assert (job.done, job.refused) == (1, 0)
    stopped = Execution.objects.filter(status=Status.STOPPED)
    assert [one.pk for one in stopped] == [early.pk]
    assert {left.status, other.status} == {Status.PAUSED}


def test_a_family_is_stopped_from_the_top(
    admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that is stopped first would wake its parent, which would go on for a moment."""
    monkeypatch.setattr(run, "BULK_BATCH", 1)
    parent = make_execution(admin_user, age=9, reason="children", child_count=1)
    child = make_execution(admin_user, age=5, parent=parent, status=Status.PAUSED)
    Execution.objects.filter(pk=parent.pk).update(
        state={"waits": {"for": "child", "child": str(child.pk)}}
    )
    assert finish(make_job(admin_user)).done == 1
    assert set(Execution.objects.values_list("status", flat=True)) == {Status.STOPPED}
    assert not AuditEntry.objects.filter(execution=child).exists()


def test_nobody_commands_through_a_job_what_they_may_not(admin_user: User) -> None:
    ada = User.objects.create_user("ada")
    mine, foreign = make_execution(ada), make_execution(admin_user)
    job = finish(make_job(ada, chosen={str(mine.pk): "", str(foreign.pk): ""}))
    assert (job.done, job.refused) == (1, 0)
    ada.user_permissions.add(Permission.objects.get(codename="view_execution"))
    job = finish(make_job(User.objects.get(pk=ada.pk)))
    assert (job.done, job.refused) == (0, 1)
    assert (
        BulkResult.objects.get(job=job).detail == "You may see this execution, but not control it."
    )
    foreign.refresh_from_db()
    assert foreign.status == Status.RUNNING


def test_a_job_has_the_rights_of_the_token_that_asked_for_it(admin_user: User) -> None:
    mine, foreign = make_execution(admin_user, "mine"), make_execution(admin_user, "foreign")
    actor, only = Actor(None, "tester", "command line"), [mine.version.flow]
    _, raw = issue(actor, admin_user, Wanted("t", ["operate"], flows=only))
    program = Client(headers={"Authorization": f"Bearer {raw}"})
    _, raw = issue(actor, admin_user, Wanted("see", ["see"]))
    reader = Client(headers={"Authorization": f"Bearer {raw}"})

    def asked(client: Client) -> BulkJob:
        answer = client.post(
            "/api/v1/executions/commands/stop", {"query": ""}, content_type="application/json"
        )
        assert answer.status_code == 202, answer.content
        return BulkJob.objects.get(pk=answer.json()["id"])

    assert finish(asked(reader)).done == 0
    job = asked(program)
    path = f"/api/v1/jobs/{job.pk}"
    assert program.get(path).status_code == 200
    assert reader.get(path).status_code == reader.post(f"{path}/cancel").status_code == 404
    assert reader.get("/api/v1/jobs").json()["items"][0]["done"] == 0
    assert finish(job).done == 1
    foreign.refresh_from_db()
    assert foreign.status == Status.RUNNING
    assert AuditEntry.objects.get(execution=mine, outcome="done").token == "t"


@pytest.mark.parametrize("end", ["revoke", "delete", "deactivate"])
def test_a_job_ends_when_who_gave_it_may_not_act_any_more(admin_user: User, end: str) -> None:
    execution = make_execution(admin_user)
    actor = Actor(None, "tester", "command line")
    token, _ = issue(actor, admin_user, Wanted("t", ["administer"]))
    by = Actor(admin_user.pk, "admin", "api", None, "t", token.pk)
    job = jobs.create(by, "stop", {}, Target(), 1)
    if end == "deactivate":
        # The last administrator stays.
        User.objects.create_superuser("other")
        User.objects.filter(pk=admin_user.pk).update(is_active=False)
    else:
        revoke(actor, token)
    if end == "delete":
        token.delete()
    assert finish(job).status == BulkJob.Status.FAILED
    assert ("account" if end == "deactivate" else "token") in job.problem
    execution.refresh_from_db()
    assert execution.status == Status.RUNNING


def test_one_by_one_commands_are_done_too(admin_user: User) -> None:
    make_execution(admin_user, status=Status.ERROR, age=5)
    job = finish(make_job(admin_user, "retry"))
    # Its flow has no published version: whatever comes of it is said.
    assert job.handled == 1


# Pages ----------------------------------------------------------------------------------------


def test_more_than_a_page_can_wait_for_becomes_a_job(
    admin_client: Client, admin_user: User
) -> None:
    executions = many(admin_user, 201)
    selection = " ".join(f"{one.pk}:Paused" for one in executions)
    address = "/executions/commands/stop/"
    response = admin_client.post(address, {"selection": selection, "form": "k"}, headers=HTMX)
    job = BulkJob.objects.get()
    assert response["HX-Retarget"] == "#job-strips"
    assert f'href="/executions/jobs/{job.pk}/"' in response.content.decode()
    assert job.chosen == {str(one.pk): "Paused" for one in executions}
    again = admin_client.post(address, {"selection": selection, "form": "k"}, headers=HTMX)
    assert f'href="/executions/jobs/{job.pk}/"' in again.content.decode()
    plain = admin_client.post(address, {"selection": selection, "form": "k"})
    assert plain["Location"] == f"/executions/jobs/{job.pk}/"
    assert BulkJob.objects.count() == 1


def test_a_form_that_is_sent_twice_does_it_once(admin_client: Client, admin_user: User) -> None:
    one = make_execution(admin_user, status=Status.PAUSED)
    form = {"id": [one.pk], "form": "key"}
    first = admin_client.post("/executions/commands/stop/", form, headers=HTMX)
    second = admin_client.post("/executions/commands/stop/", form, headers=HTMX)
    assert "done" in first.content.decode()
    strip = re.compile(r'value="[0-9a-f]{32}"')
    assert strip.sub("", first.content.decode()) == strip.sub("", second.content.decode())
    assert AuditEntry.objects.count() == 1
    # Another command by the same form is another matter, and so is another user's.
    third = admin_client.post("/executions/commands/retry/", form, headers=HTMX)
    assert "Retry" in third.content.decode()
    assert AuditEntry.objects.filter(command="retry").exists()
    ada = Client()
    ada.force_login(User.objects.create_superuser("ada"))
    foreign = ada.post("/executions/commands/stop/", form, headers=HTMX)
    assert "already Stopped" in foreign.content.decode()
    # After a while it is meant.
    SentForm.objects.update(at=timezone.now() - timedelta(hours=2))
    late = admin_client.post("/executions/commands/stop/", form, headers=HTMX)
    assert "already Stopped" in late.content.decode()


def test_the_preview_tells_what_would_happen(admin_client: Client, admin_user: User) -> None:
    paused = make_execution(admin_user, status=Status.PAUSED, age=90)
    make_execution(admin_user, status=Status.RUNNING)
    make_execution(admin_user, status=Status.ENDED)
    html = admin_client.get("/executions/all/stop/?flow=orders").content.decode()
    assert "Stop 2 executions" in html
    assert "Left out. It is already Ended." in html
    assert f'href="/executions/{paused.pk}/"' in html
    assert "flow orders" in html
    assert not BulkJob.objects.exists()
    nothing = admin_client.get("/executions/all/stop/?status=Ended").content.decode()
    assert "Stop applies to none of the executions that match." in nothing
    assert admin_client.get("/executions/all/explode/").status_code == 404
    assert admin_client.get("/executions/all/set-variable/").status_code == 404
    response = admin_client.post("/executions/all/stop/?flow=orders", {"form": "a"})
    job = BulkJob.objects.get()
    assert response["Location"] == job.get_absolute_url()
    assert (job.filters, job.expected, job.command) == ("flow=orders", 2, "stop")
    admin_client.post("/executions/all/stop/?flow=orders", {"form": "a"})
    assert BulkJob.objects.count() == 1


def test_the_preview_says_what_will_be_refused(admin_user: User) -> None:
    ada = User.objects.create_user("ada")
    ada.user_permissions.add(Permission.objects.get(codename="view_execution"))
    make_execution(admin_user)
    client = Client()
    client.force_login(ada)
    html = client.get("/executions/all/stop/").content.decode()
    assert "All of these will be refused" in html
    make_execution(ada)
    assert "1 of these will be refused" in client.get("/executions/all/stop/").content.decode()


def test_a_job_is_shown_to_its_user_only(admin_client: Client, admin_user: User) -> None:
    make_execution(admin_user, status=Status.PAUSED)
    ended = make_execution(admin_user, status=Status.ENDED)
    job = make_job(
        admin_user,
        chosen={str(one.pk): "Paused" for one in Execution.objects.all()},
        expected=2,
    )
    page = admin_client.get(job.get_absolute_url()).content.decode()
    assert "waits for a worker" in page
    finish(job)
    headers = {**HTMX, "HX-Target": "progress"}
    part = admin_client.get(job.get_absolute_url(), headers=headers).content.decode()
    assert "<html" not in part
    assert "<b>1</b> stopped, <b>1</b> refused" in part
    assert f'href="/executions/{ended.pk}/"' in part
    assert "Stop 2" in admin_client.get("/executions/jobs/").content.decode()
    refusals = f"{job.get_absolute_url()}results/"
    assert str(ended.pk) in admin_client.get(refusals).content.decode()
    assert str(ended.pk) not in admin_client.get(refusals, {"reason": "x"}).content.decode()
    ada = Client()
    ada.force_login(User.objects.create_superuser("ada"))
    assert ada.get(job.get_absolute_url()).status_code == 404
    assert ada.get(refusals).status_code == 404
    assert ada.post(f"{job.get_absolute_url()}cancel/").status_code == 404
    assert "Stop 2" not in ada.get("/executions/jobs/").content.decode()
    assert admin_client.get(f"{job.get_absolute_url()}cancel/").status_code == 405
    assert Client().get(job.get_absolute_url()).status_code == 302


def test_cancelling_on_the_page(admin_client: Client, admin_user: User) -> None:
    job = make_job(admin_user)
    response = admin_client.post(f"{job.get_absolute_url()}cancel/")
    assert response["Location"] == job.get_absolute_url()
    assert fresh(job).status == "cancelled"
    admin_client.post(f"{job.get_absolute_url()}cancel/")
    assert "already ended" in admin_client.get(job.get_absolute_url()).content.decode()


def test_too_many_to_choose_are_a_bad_request(admin_client: Client) -> None:
    selection = " ".join(str(UUID(int=n)) for n in range(limits.MAX_SELECTED + 1))
    response = admin_client.post("/executions/commands/stop/", {"selection": selection})
    assert response.status_code == 400


def test_old_jobs_and_forms_are_forgotten(admin_user: User) -> None:
    old, new = finish(make_job(admin_user)), finish(make_job(admin_user))
    BulkJob.objects.filter(pk=old.pk).update(ended_at=timezone.now() - timedelta(days=31))
    jobs.delete_old()
    assert list(BulkJob.objects.all()) == [new]


def test_the_keyset_takes_each_once(admin_user: User) -> None:
    executions = many(admin_user, 7)
    same = timezone.now() - timedelta(hours=1)
    Execution.objects.filter(pk__in=[one.pk for one in executions[:4]]).update(started_at=same)
    job = make_job(admin_user)
    found: list[UUID] = []
    while True:
        batch, job.cursor = targets.next_batch(job, admin_user, 3)
        if not batch:
            break
        found += [one.pk for one in batch]
    everything = Execution.objects.order_by("started_at", "id").values_list("pk", flat=True)
    assert found == list(everything)
    rows = targets.matching(admin_user, Filters(), "stop", timezone.now())
    assert rows.count() == 7
