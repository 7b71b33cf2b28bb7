"""Two people edit a draft in the admin: nothing of either is lost, and the second is told."""

import html
import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from flows.models import Block, FlowVersion, Note, Variable, Workspace
from flows.publish import new_draft, publish
from tests.integration.test_admin_flows import block_form, change, shown, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(admin_user: User) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("grace"))
    return client


def opened(client: Client, part: Any) -> str:
    """What the form of a part carries of what it showed."""
    return found_in(client.get(change(part)).content.decode())


def found_in(page: str) -> str:
    """The same, of a page that is there."""
    found = re.search(r'name="was" value="([^"]+)"', page)
    assert found is not None
    return html.unescape(found[1])


def workspace_form(**fields: Any) -> dict[str, Any]:
    """The form of a workspace, with one new variable where its fields are given."""
    form = {}
    for prefix in ("variables", "notes", "blocks"):
        rows = 1 if any(name.startswith(prefix) for name in fields) else 0
        form |= {f"{prefix}-TOTAL_FORMS": rows, f"{prefix}-INITIAL_FORMS": 0}
    return form | fields


def test_who_saves_second_is_told_what_changed(
    admin_client: Client,
    other: Client,
    draft: FlowVersion,
) -> None:
    block = draft.blocks.get(key="count/sum")
    mine, theirs = opened(admin_client, block), opened(other, block)
    saved = other.post(change(block), block_form(block, description="By Grace", was=theirs))
    assert saved.status_code == 302
    properties = '{"Value": "=1 + 1", "Variable": "($)Total"}'
    data = block_form(block, properties=properties, was=mine)
    page = admin_client.post(change(block), data)
    text = html.unescape(page.content.decode())
    assert page.status_code == 200
    assert "Not saved: somebody else changed this after you opened it." in text
    assert "description: " in text
    assert "→ By Grace." in text
    assert "=1 + 1" in text  # what was typed
    block.refresh_from_db()
    assert block.description == "By Grace"
    again = re.search(r'name="was" value="([^"]+)"', page.content.decode())
    assert again is not None
    data["was"] = html.unescape(again[1])
    assert admin_client.post(change(block), data).status_code == 302
    block.refresh_from_db()
    assert block.properties["Value"] == "=1 + 1"


def test_rows_of_a_form_count(
    admin_client: Client,
    other: Client,
    draft: FlowVersion,
) -> None:
    top = draft.workspaces.get(key="")
    mine, theirs = opened(admin_client, top), opened(other, top)
    row = {
        "workspace": top.pk,
        "id": "",
        "name": "Fresh",
        "type": "",
        "default": "null",
        "order": 9,
    }
    variable = {f"variables-0-{name}": value for name, value in row.items()}
    saved = other.post(change(top), workspace_form(**variable, was=theirs))
    assert saved.status_code == 302, re.findall(r"errorlist.*", saved.content.decode())
    note = {"notes-0-text": "A note", "notes-0-order": 1}
    page = admin_client.post(change(top), workspace_form(**note, was=mine))
    text = html.unescape(page.content.decode())
    assert page.status_code == 200
    assert "Added: variable Fresh." in text
    assert "A note" in text
    assert Variable.objects.filter(name="Fresh").exists()
    assert not Note.objects.filter(text="A note").exists()


def test_one_person_alone_is_not_held_up(
    admin_client: Client,
    draft: FlowVersion,
) -> None:
    for description in ("one", "two"):
        form = {"description": description, "workspaces-TOTAL_FORMS": 0}
        form |= {"workspaces-INITIAL_FORMS": 0, "was": opened(admin_client, draft)}
        assert admin_client.post(change(draft), form).status_code == 302
    draft.refresh_from_db()
    assert draft.description == "two"


def test_what_was_published_meanwhile_is_told(
    admin_client: Client,
    draft: FlowVersion,
) -> None:
    block = draft.blocks.get(key="count/sum")
    data = block_form(block, description="Typed for long", was=opened(admin_client, block))
    publish(draft, User.objects.get(username="admin"))
    page = admin_client.post(change(block), data)
    text = page.content.decode()
    assert page.status_code == 409
    assert "Not saved. The version was published meanwhile" in text
    assert "What you typed, to copy" in text
    assert "Typed for long" in text
    assert not Block.objects.filter(description="Typed for long").exists()


@pytest.mark.parametrize("was", [None, "", "nonsense", "a:b:c", "of another"])
def test_a_form_that_does_not_say_what_it_showed_is_held_back(
    admin_client: Client,
    draft: FlowVersion,
    was: str | None,
) -> None:
    block = draft.blocks.get(key="count/sum")
    data = block_form(block, description="Typed for long")
    data["was"] = shown(draft.blocks.get(key="end")) if was == "of another" else was
    if was is None:
        del data["was"]
    page = admin_client.post(change(block), data)
    text = html.unescape(page.content.decode())
    assert page.status_code == 200
    assert "Not saved: " in text
    assert "Typed for long" in text
    assert not Block.objects.filter(description="Typed for long").exists()
    data["was"] = found_in(page.content.decode())
    assert admin_client.post(change(block), data).status_code == 302
    assert Block.objects.filter(description="Typed for long").exists()


def new_block(workspace: Workspace) -> dict[str, Any]:
    return {
        "workspace": workspace.pk,
        "key": "more",
        "type": "End Flow",
        "properties": "{}",
        "order": 0,
        "description": "Typed for long",
    }


def test_a_block_for_what_was_published_meanwhile(
    admin_client: Client,
    draft: FlowVersion,
) -> None:
    top = draft.workspaces.get(key="")
    publish(draft, User.objects.get(username="admin"))
    page = admin_client.post(reverse("admin:flows_block_add"), new_block(top))
    text = html.unescape(page.content.decode())
    assert "The version was published meanwhile and can no longer be changed." in text
    assert "Typed for long" in text
    fresh = new_draft(draft).workspaces.get(key="")
    address = reverse("admin:flows_block_add")
    assert admin_client.post(address, new_block(fresh)).status_code == 302


@pytest.mark.parametrize("workspace", ["", "x", "-1", "9" * 30, "0"])
def test_a_block_for_no_workspace(
    admin_client: Client,
    draft: FlowVersion,
    workspace: str,
) -> None:
    data = new_block(draft.workspaces.get(key="")) | {"workspace": workspace}
    page = admin_client.post(reverse("admin:flows_block_add"), data)
    assert page.status_code == 200
    assert "Typed for long" in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_blocks_that_are_added_at_once_come_one_after_the_other(
    admin_client: Client,
    other: Client,
    draft: FlowVersion,
) -> None:
    """Both have the same key: the second is told, and keeps what was typed."""
    data = new_block(draft.workspaces.get(key=""))
    begin = Barrier(2)

    def add(client: Client) -> tuple[int, str]:
        begin.wait()
        try:
            answer = client.post(reverse("admin:flows_block_add"), data)
            return answer.status_code, answer.content.decode()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        (done, _), (told, page) = sorted(pool.map(add, [admin_client, other]), reverse=True)
    assert (done, told) == (302, 200)
    assert "There is a block with this key." in page
    assert "Typed for long" in page


@pytest.mark.django_db(transaction=True)
def test_a_draft_that_is_being_published_while_a_block_is_added(
    admin_client: Client,
    draft: FlowVersion,
) -> None:
    data = new_block(draft.workspaces.get(key=""))

    def add() -> str:
        try:
            return admin_client.post(reverse("admin:flows_block_add"), data).content.decode()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        FlowVersion.objects.filter(pk=draft.pk).update(published_at=timezone.now())
        page = pool.submit(add)
        with pytest.raises(TimeoutError):
            page.result(0.5)  # it waits for what is being published
    text = html.unescape(page.result(10))
    assert "The version was published meanwhile" in text
    assert "Typed for long" in text


def test_a_part_that_was_deleted_meanwhile(
    admin_client: Client,
    other: Client,
    draft: FlowVersion,
) -> None:
    block = draft.blocks.get(key="count/sum")
    data = block_form(block, description="<b>Typed for long")
    delete = reverse("admin:flows_block_delete", args=[block.pk])
    assert other.post(delete, {"post": "yes"}).status_code == 302
    page = admin_client.post(change(block), data)
    text = page.content.decode()
    assert page.status_code == 410
    assert "Somebody deleted it" in text
    assert "&lt;b&gt;Typed for long" in text
    visitor = staff("view_block")
    assert visitor.post(change(block), data).status_code == 403


def test_rows_that_were_deleted_meanwhile_become_new_ones(
    admin_client: Client,
    draft: FlowVersion,
) -> None:
    inner = draft.workspaces.get(key="count")
    total = inner.variables.get()
    other_one = inner.variables.create(name="Another", order=7)
    row = {"workspace": inner.pk, "type": "", "default": "null", "order": 0}
    rows = [
        {**row, "id": total.pk, "name": "Renamed"},
        {**row, "id": other_one.pk, "name": "Another", "description": "Kept", "order": 7},
    ]
    data = workspace_form(was=shown(inner))
    data |= {"variables-TOTAL_FORMS": 2, "variables-INITIAL_FORMS": 2}
    for number, fields in enumerate(rows):
        data |= {f"variables-{number}-{name}": value for name, value in fields.items()}
    total.delete()
    page = admin_client.post(change(inner), data)
    text = html.unescape(page.content.decode())
    assert "Deleted: variable " in text
    assert "Renamed" in text
    assert "Select a valid choice" not in text
    data["was"] = found_in(page.content.decode())
    assert admin_client.post(change(inner), data).status_code == 302
    found = inner.variables.order_by("name").values_list("name", "description")
    assert list(found) == [("Another", "Kept"), ("Renamed", "")]
