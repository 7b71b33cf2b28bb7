"""Retrying a failure group: who starts again and who not, from where, in which version."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from executions import runner
from executions.bulk import run
from executions.bulk.retry_group import RetryGroup
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.grid.query.filters import Filters
from executions.models import BulkJob, BulkResult, Execution, FailureGroup
from executions.states import Status
from tests.driving import ACTOR, begin, drive, fresh
from tests.flows_in_tests import publish
from tests.integration.test_bulk_jobs import finish
from tests.integration.test_failures import DIVIDE_VARIABLES

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

#: Writes a file, and fails with the B that it was started with.
WRITES = """
a: {type: Start Flow, bottom: w}
w:
  type: Write All Text
  description: Write it
  properties: {File Path: =Path, Text: x, Overwrite: true}
  bottom: d
d:
  type: Set Variable
  description: Divide
  properties: {Value: =A / B, Variable: ($)Result}
  bottom: e
e: {type: End Flow}
"""
VARIABLES = DIVIDE_VARIABLES + "Path: {input: true, default: written.txt}\n"
#: Divides by what is never 0.
MENDED = WRITES.replace("=A / B", "=A / (B + 1)")


@pytest.fixture
def flow(tmp_path: Path) -> Any:
    return publish(tmp_path, "writes", WRITES, VARIABLES)


@pytest.fixture
def failed(flow: Any) -> list[Execution]:
    return [drive(begin(flow, Path=f"{number}.txt").pk) for number in range(4)]


@pytest.fixture
def group(failed: list[Execution]) -> FailureGroup:
    return FailureGroup.objects.get(pk=failed[0].failure)


def address(group: FailureGroup) -> str:
    return f"{group.get_absolute_url()}retry/"


def test_the_preview_says_who_and_who_not_and_why(
    flow: Any, failed: list[Execution], group: FailureGroup, admin_user: User, admin_client: Client
) -> None:
    ada = User.objects.create_user("ada")
    run_command("retry", CommandRequest(failed[0], admin_user, ACTOR, {"paused": "on"}))
    Execution.objects.filter(pk=failed[1].pk).update(debugged_by=ada, debugged_by_name="ada")
    Execution.objects.filter(pk=failed[2].pk).update(retry_state="ended")
    found = RetryGroup(admin_user, group)
    assert found.counts == {
        "all": 4, "start": 1, "ended": 1, "live": 1, "failed": 0, "locked": 1,
        "unretried": 2,
    }  # fmt: skip
    assert [one.pk for one in found.first] == [failed[3].pk]
    filters = Filters.parse(QueryDict(found.filters))
    assert not filters.problems
    shown = Execution.objects.filter(filters.condition(timezone.now()))
    assert {one.pk for one in shown} == {failed[1].pk, failed[3].pk}
    assert [(one.title, one.count) for one in found.repeated] == [("Write it", 1)]
    assert found.repeats_its_block is None
    page = admin_client.get(address(group)).content.decode()
    assert "debugged by ada" in page
    assert "Write it" in page
    assert "There is no newer version." in page


def test_the_job_starts_those_again_and_only_those(
    flow: Any, failed: list[Execution], group: FailureGroup, admin_user: User, admin_client: Client
) -> None:
    ada = User.objects.create_user("ada")
    run_command("retry", CommandRequest(failed[0], admin_user, ACTOR, {"paused": "on"}))
    Execution.objects.filter(pk=failed[1].pk).update(debugged_by=ada, debugged_by_name="ada")
    form = {"from": "block", "version": "ran", "at_a_time": "2", "form": "once"}
    for _ in range(2):  # sent twice, done once
        response = admin_client.post(address(group), form)
    job = BulkJob.objects.get()
    assert response["Location"] == job.get_absolute_url()
    assert (job.command, job.at_a_time, job.stop_after, job.expected) == ("retry", 2, 10, 2)
    job.stop_after = 0
    job.save()
    for _ in range(20):
        _turn(job)
    assert fresh_job(job).is_over
    assert (job.done, job.failed) == (2, 2)
    retried = Execution.objects.filter(trigger="retry").exclude(origin=failed[0])
    assert set(retried.values_list("origin", flat=True)) == {failed[2].pk, failed[3].pk}
    refused = BulkResult.objects.filter(job=job, outcome="refused")
    assert {one.detail for one in refused} <= {
        "Its retry has not ended.",
        "ada is debugging it.",
    }


def _turn(job: BulkJob) -> None:
    run.run(job.pk, "here")
    for queued in Execution.objects.filter(status=Status.QUEUED):
        runner.run(queued.pk)


def fresh_job(job: BulkJob) -> BulkJob:
    job.refresh_from_db()
    return job


def test_from_start_in_the_newest_version(
    tmp_path: Path, flow: Any, failed: list[Execution], admin_user: User
) -> None:
    publish(tmp_path, "writes", MENDED, VARIABLES)
    for where, begins in (("start", "a"), ("block", "d")):
        fields = {"from": where, "version": "newest"}
        done = run_command("retry", CommandRequest(failed[0], admin_user, ACTOR, fields))
        assert done.done, done.detail
        retried = Execution.objects.get(pk=done.started)
        assert (retried.version_number, retried.block) == (2, begins)
        assert retried.inputs == failed[0].inputs
        ended = drive(retried.pk)
        assert (ended.status, ended.unhandled) == (Status.ENDED, False)
    assert fresh(failed[0]).retry_state == "ended"


def test_a_block_that_is_gone_is_a_refusal_and_start_is_none(
    tmp_path: Path, flow: Any, failed: list[Execution], group: FailureGroup, admin_user: User
) -> None:
    publish(tmp_path, "writes", "a: {type: Start Flow, bottom: e}\ne: {type: End Flow}", VARIABLES)
    assert not RetryGroup(admin_user, group).newest_has_block
    fields = {"version": "newest"}
    refused = run_command("retry", CommandRequest(failed[0], admin_user, ACTOR, fields))
    assert not refused.done
    assert "'Divide', on which a token stands, is gone" in refused.detail
    fields["from"] = "start"
    assert run_command("retry", CommandRequest(failed[0], admin_user, ACTOR, fields)).done


def test_nonsense_is_told_and_creates_nothing(group: FailureGroup, admin_client: Client) -> None:
    for at_a_time in ("", "0", "-1", "1001", "many", "٣"):
        response = admin_client.post(address(group), {"at_a_time": at_a_time, "form": "x"})
        assert "At a time: from 1 to 1,000." in response.content.decode()
    assert not BulkJob.objects.exists()


def test_who_may_not_start_flows_or_see_the_failure_cannot(
    group: FailureGroup, failed: list[Execution], client: Client
) -> None:
    eve = User.objects.create_user("eve")
    client.force_login(eve)
    assert client.get(address(group)).status_code == 404
    form = {"at_a_time": "1", "form": "x"}
    assert client.post(address(group), form).status_code == 404
    view = Permission.objects.get(codename="view_execution")
    eve.user_permissions.add(view)
    assert "You may not start flows." in client.post(address(group), form).content.decode()
    eve.user_permissions.add(Permission.objects.get(codename="start_flow"))
    assert client.post(address(group), form).status_code == 302
    # They see these executions, but do not control them.
    job = finish(BulkJob.objects.get())
    assert (job.done, job.refused) == (0, 4)
    assert not Execution.objects.filter(trigger="retry").exists()
