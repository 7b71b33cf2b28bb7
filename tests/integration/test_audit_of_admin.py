"""What is changed in Django's admin is in the audit trail, whichever model it is."""

from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client

from cortexweb.administration.audited import Audited
from executions.models import AuditEntry
from flows.models import Flow, Folder
from flows.publish import save_draft

pytestmark = pytest.mark.django_db

DOCUMENT = {
    "flow": "orders",
    "blocks": {"start": {"type": "Start Flow", "bottom": "end"}, "end": {"type": "End Flow"}},
}


def last() -> AuditEntry:
    entry = AuditEntry.objects.order_by("id").last()
    assert entry
    return entry


def test_every_model_of_the_admin_is_audited() -> None:
    assert all(isinstance(one, Audited) for one in admin.site._registry.values())


def test_a_row_that_is_added_changed_and_deleted(admin_client: Client) -> None:
    admin_client.post("/admin/flows/folder/add/", {"name": "finance", "parent": ""})
    folder = Folder.objects.get()
    entry = last()
    assert (entry.actor, entry.command, entry.source) == ("admin", "add", "admin")
    assert (entry.object_kind, entry.object_id) == ("folder", str(folder.pk))
    assert entry.after == {"id": folder.pk, "name": "finance", "parent": None}
    address = f"/admin/flows/folder/{folder.pk}/change/"
    admin_client.post(address, {"name": "money", "parent": ""})
    entry = last()
    assert (entry.command, entry.before, entry.after) == (
        "change",
        {"name": "finance"},
        {"name": "money"},
    )
    admin_client.post(f"/admin/flows/folder/{folder.pk}/delete/", {"post": "yes"})
    entry = last()
    assert (entry.command, entry.object_name) == ("delete", "money")
    assert entry.before is not None


def test_many_that_are_deleted_have_an_entry_each(admin_client: Client) -> None:
    folders = [Folder.objects.create(name=name) for name in ("a", "b")]
    form = {
        "action": "delete_selected",
        "_selected_action": [folder.pk for folder in folders],
        "post": "yes",
    }
    admin_client.post("/admin/flows/folder/", form)
    told = AuditEntry.objects.filter(command="delete").values_list("object_name", flat=True)
    assert sorted(told) == ["a", "b"]


def test_groups_of_a_user_show_and_a_password_does_not(admin_client: Client) -> None:
    group = Group.objects.create(name="ops")
    user = User.objects.create_user("maya", password="correct horse battery")
    form = {"username": "maya", "is_active": "on", "groups": [group.pk]}
    form |= {"date_joined_0": "2026-01-01", "date_joined_1": "12:00:00"}
    admin_client.post(f"/admin/auth/user/{user.pk}/change/", form)
    entry = last()
    assert entry.object_name == "maya"
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["groups"], entry.after["groups"]) == ([], ["ops"])
    new = {"password1": "another horse battery", "password2": "another horse battery"}
    admin_client.post(f"/admin/auth/user/{user.pk}/password/", {**new, "usable_password": "true"})
    assert last().after == {"password": "••••"}
    hashed = User.objects.values_list("password", flat=True)
    assert not any(text in str(list(AuditEntry.objects.values())) for text in hashed)


def test_a_flow_that_is_published_in_the_admin(admin_client: Client) -> None:
    version = save_draft(DOCUMENT).version
    form = {"action": "publish_drafts", "_selected_action": [version.pk]}
    admin_client.post("/admin/flows/flowversion/", form)
    entry = last()
    assert (entry.command, entry.flow_name) == ("publish-drafts", "orders")


def test_a_flow_that_is_imported(tmp_path: Path) -> None:
    file = tmp_path / "orders.yaml"
    file.write_text(
        "flow: orders\nblocks:\n  start: {type: Start Flow, bottom: end}\n  end: {type: End Flow}\n"
    )
    call_command("import_flows", str(file), publish=True, verbosity=0)
    entry = last()
    assert (entry.command, entry.source, entry.flow_name) == (
        "import-flow",
        "command line",
        "orders",
    )
    call_command("import_flows", str(file), publish=True, verbosity=0)
    assert AuditEntry.objects.count() == 1  # nothing was changed
    assert Flow.objects.count() == 1
