"""Delete: what has ended goes with all below it, for those who may, and leaves an audit entry."""

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from executions.bulk.run import run
from executions.commands.actor import Actor
from executions.commands.request import CommandRequest
from executions.commands.run import CommandResult, run_command
from executions.models import AuditEntry, BulkJob, Execution
from executions.retention import deletion
from executions.states import Status
from tests.executions_in_tests import make_execution

pytestmark = pytest.mark.django_db


def delete(user: User, execution: Execution) -> CommandResult:
    actor = Actor(user.pk, user.username, "page")
    return run_command("delete", CommandRequest(execution, user, actor))


def family(user: User, **columns: Any) -> list[Execution]:
    root = make_execution(user, status=Status.ENDED)
    child = make_execution(user, status=Status.ENDED, parent=root)
    return [root, child, make_execution(user, parent=child, **columns)]


def test_a_family_goes_and_the_audit_says_who_did_it(admin_user: User) -> None:
    root, *_ = family(admin_user, status=Status.ERROR)
    other = make_execution(admin_user, status=Status.ENDED)
    assert delete(admin_user, root).done
    assert set(Execution.objects.all()) == {other}
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.command, entry.outcome) == ("admin", "delete", "done")
    assert (entry.execution_id, entry.flow_name) == (root.pk, "orders")
    assert entry.detail == f"{root.pk}, with 2 below it"


def test_it_is_refused_where_something_would_be_left(
    admin_user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, child, _ = family(admin_user)
    assert "An execution below it has not ended" in delete(admin_user, root).detail
    assert delete(admin_user, child).detail.startswith("It has a parent.")
    running = make_execution(admin_user)
    assert "this one is Running" in delete(admin_user, running).detail
    monkeypatch.setattr(deletion, "DELETED_FAMILY", 2)
    large, *_ = family(admin_user, status=Status.ENDED)
    assert "there are more than" in delete(admin_user, large).detail
    assert Execution.objects.count() == 7
    assert set(AuditEntry.objects.values_list("outcome", flat=True)) == {"refused"}


def test_it_takes_a_permission_of_its_own(person: User, client: Client) -> None:
    execution = make_execution(person, status=Status.ENDED)
    assert "permission executions.delete_execution" in delete(person, execution).detail
    client.force_login(person)
    assert "commands/delete/" not in client.get("/").content.decode()
    address = reverse("bulk", args=["delete"])
    assert "All of these will be refused" in client.get(address).content.decode()
    person.user_permissions.add(Permission.objects.get(codename="delete_execution"))
    person = User.objects.get(pk=person.pk)
    strangers = make_execution(None, status=Status.ENDED)
    assert not delete(person, strangers).done  # nor does it let anybody control others' executions
    assert "commands/delete/" in client.get("/").content.decode()
    assert delete(person, execution).done


def test_all_that_match_are_previewed_and_deleted(admin_client: Client, admin_user: User) -> None:
    gone = [
        family(admin_user, status=Status.STOPPED)[0],
        make_execution(admin_user, status="Error"),
    ]
    kept = [
        make_execution(admin_user),
        make_execution(admin_user, flow="stock", status=Status.ENDED),
        *family(admin_user),
    ]
    address = reverse("bulk", args=["delete"]) + "?flow=orders"
    page = admin_client.get(address).content.decode()
    assert "Delete 3" in page  # roots; that one of them must stay is known when its turn comes
    assert "a parent. Delete the root" in page
    assert "cannot be brought back" in page
    admin_client.post(address, {"form": "k" * 32})
    job = BulkJob.objects.get()
    run(job.pk, "worker")
    job.refresh_from_db()
    assert (job.status, job.done, job.refused) == ("done", 2, 1)
    assert set(Execution.objects.all()) == set(kept)
    assert {UUID(entry.detail[:36]) for entry in AuditEntry.objects.filter(outcome="done")} == {
        one.pk for one in gone
    }
