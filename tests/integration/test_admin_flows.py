"""Django admin of flows: what can be looked at, what can be edited, and by whom."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.urls import reverse

from flows import edit_conflicts, queries
from flows.models import Block, Connection, Flow, FlowVersion, Note, Variable, Workspace
from flows.publish import publish, save_draft
from tests.integration.test_publish import ORDERS

pytestmark = pytest.mark.django_db


@pytest.fixture
def published() -> FlowVersion:
    return publish(save_draft(ORDERS).version)


def change(part: Any) -> str:
    return reverse(f"admin:flows_{part._meta.model_name}_change", args=[part.pk])


def act(client: Client, action: str, version: FlowVersion) -> str:
    data = {"action": action, "_selected_action": [version.pk]}
    address = reverse("admin:flows_flowversion_changelist")
    return client.post(address, data, follow=True).content.decode()


def staff(*codenames: str) -> Client:
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="flows", codename__in=codenames)
    )
    client = Client()
    client.force_login(user)
    return client


def shown(part: Any) -> str:
    """What the form of a part carries of what it shows: the part, and the rows of its inlines."""
    rows = [part]
    if isinstance(part, Block):
        rows += part.connections.all()
    if isinstance(part, Workspace):
        rows += [*part.variables.all(), *part.notes.all()]
    return edit_conflicts.sign(edit_conflicts.snapshot(rows))


def block_form(block: Block, **changes: Any) -> dict[str, Any]:
    """What the form of a block sends when nothing but `changes` is changed."""
    return {
        "description": block.description,
        "properties": "{}",
        "order": block.order,
        "connections-TOTAL_FORMS": 0,
        "connections-INITIAL_FORMS": 0,
        "was": shown(block),
        **changes,
    }


#: No notes and blocks beside what a workspace's form changes.
NO_OTHERS = {
    f"{part}-{which}_FORMS": 0 for part in ("notes", "blocks") for which in ("TOTAL", "INITIAL")
}


def notes_form(workspace: Workspace, *notes: dict[str, Any]) -> dict[str, Any]:
    """What the form of a workspace sends to add notes."""
    data: dict[str, Any] = {
        **NO_OTHERS,
        "variables-TOTAL_FORMS": 0,
        "variables-INITIAL_FORMS": 0,
        "notes-TOTAL_FORMS": len(notes),
        "was": shown(workspace),
    }
    for number, note in enumerate(notes):
        given = {"workspace": workspace.pk, "order": 5 + number, **note}
        data |= {f"notes-{number}-{name}": value for name, value in given.items()}
    return data


def test_everything_can_be_looked_at(admin_client: Client, published: FlowVersion) -> None:
    for model in (Flow, FlowVersion, Workspace, Block):
        name = model._meta.model_name
        page = admin_client.get(reverse(f"admin:flows_{name}_changelist"), {"q": "orders"})
        assert page.status_code == 200
        for part in model._default_manager.all():
            assert admin_client.get(change(part)).status_code == 200


def test_nothing_published_can_be_edited(admin_client: Client, published: FlowVersion) -> None:
    block = published.blocks.get(key="count/sum")
    workspace = published.workspaces.get(key="")
    for part in (published, block):
        page = admin_client.get(change(part)).content.decode()
        assert 'name="_save"' not in page
        refused = admin_client.post(change(part), {"description": "x"})
        assert refused.status_code == 409
        assert "Not saved. The version was published meanwhile" in refused.content.decode()
        delete = reverse(f"admin:flows_{part._meta.model_name}_delete", args=[part.pk])
        refused = admin_client.post(delete, {"post": "yes"}, follow=True)
        if part != workspace:
            assert "Not deleted. The version was published" in refused.content.decode()
        assert type(part).objects.filter(pk=part.pk).exists()
    page = admin_client.get(change(workspace)).content.decode()
    assert 'name="_save"' not in page
    assert "The version is published." in page
    data = {
        "workspace": workspace.pk,
        "key": "more",
        "type": "End Flow",
        "properties": "{}",
        "order": 0,
    }
    page = admin_client.post(reverse("admin:flows_block_add"), data).content.decode()
    assert "The version was published meanwhile" in page
    assert queries.document(published) == ORDERS


def test_a_flow_with_published_versions_stays(admin_client: Client, published: FlowVersion) -> None:
    address = reverse("admin:flows_flow_delete", args=[published.flow_id])
    assert admin_client.post(address, {"post": "yes"}).status_code == 403


def test_a_new_flow_begins_as_a_whole_draft(admin_client: Client) -> None:
    data = {"name": "fresh", "kind": "activity"}
    assert admin_client.post(reverse("admin:flows_flow_add"), data).status_code == 302
    draft = FlowVersion.objects.get(flow__name="fresh")
    assert draft.is_draft
    assert "Published: fresh v1." in act(admin_client, "publish_drafts", draft)


def test_a_drafts_block_is_edited(admin_client: Client, draft: FlowVersion) -> None:
    block = draft.blocks.get(key="count/sum")
    properties = '{"Value": "=Orders.size()", "Variable": "($)Total"}'
    data = block_form(block, description="Add them", properties=properties)
    assert admin_client.post(change(block), data).status_code == 302
    block.refresh_from_db()
    assert (block.description, block.key) == ("Add them", "count/sum")
    assert block.properties["Value"] == "=Orders.size()"


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ('{"Valu": 1}', "There is no property &#x27;Valu&#x27;; did you mean &#x27;Value&#x27;?"),
        ('{"Value": "=1 +"}', "Value: Syntax error"),
        ('{"Variable": "Total"}', "Variable is an output. It needs a variable"),
        ('{"Value": "a\\u0000"}', "Value: The text holds a character that cannot be stored."),
        ("[1]", "Write an object"),
        ("{", "This is not valid JSON"),
        ("9" * 5000, "Enter a number of at most 4,300 digits."),
        ('{"Value": 1e400}', "1e400 is too large"),
        ('{"Value": NaN}', "NaN is not JSON"),
        ('{"Value": 1, "Value": 2}', "The key &#x27;Value&#x27; occurs twice in one object"),
        ('{"Value": {"$datetime": "2026-01-01T00:00:00"}}', "has no offset"),
        ('{"Value": "=1e400"}', "1e400 is too large"),
    ],
)
def test_properties_are_held_against_the_block(
    admin_client: Client, draft: FlowVersion, properties: str, problem: str
) -> None:
    block = draft.blocks.get(key="count/sum")
    page = admin_client.post(change(block), block_form(block, properties=properties))
    assert page.status_code == 200
    assert problem in page.content.decode()


def test_connections_lead_to_blocks_of_the_same_workspace(
    admin_client: Client, draft: FlowVersion
) -> None:
    block = draft.blocks.get(key="count/begin")
    connection = Connection.objects.get(source=block)
    elsewhere = draft.blocks.get(key="end")
    near = draft.blocks.get(key="count/done")
    row = {
        "connections-TOTAL_FORMS": 1,
        "connections-INITIAL_FORMS": 1,
        "connections-0-id": connection.pk,
        "connections-0-source": block.pk,
        "connections-0-port": "bottom",
    }
    data = block_form(block, **row)
    page = admin_client.post(change(block), {**data, "connections-0-target": elsewhere.pk})
    assert "Select a valid choice" in page.content.decode()
    page = admin_client.post(change(block), {**data, "connections-0-target": near.pk})
    assert page.status_code == 302
    connection.refresh_from_db()
    assert connection.target == near


def test_a_workspace_block_brings_its_workspace_and_takes_it_along(
    admin_client: Client, draft: FlowVersion
) -> None:
    workspace = draft.workspaces.get(key="count")
    data = {
        "workspace": workspace.pk,
        "key": "inner",
        "type": "Workspace",
        "description": "Inside",
        "properties": "{}",
        "order": 9,
    }
    address = reverse("admin:flows_block_add")
    assert admin_client.post(address, data).status_code == 302
    inner = draft.workspaces.get(key="count/inner")
    assert (inner.parent, inner.name) == (workspace, "Inside")
    assert "There is a block with this key." in admin_client.post(address, data).content.decode()
    block = draft.blocks.get(key="count/inner")
    delete = reverse("admin:flows_block_delete", args=[block.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 302
    assert queries.document(draft) == ORDERS
    assert not draft.workspaces.filter(key="count/inner").exists()


def test_a_drafts_variables_are_edited(admin_client: Client, draft: FlowVersion) -> None:
    workspace = draft.workspaces.get(key="count")
    total = Variable.objects.get(workspace=workspace)
    data = {
        "variables-TOTAL_FORMS": 1,
        "variables-INITIAL_FORMS": 1,
        "variables-0-id": total.pk,
        "variables-0-workspace": workspace.pk,
        "variables-0-name": "Sum",
        "variables-0-type": "",
        "variables-0-has_default": "on",
        "variables-0-default": '"=1 +"',
        "variables-0-order": 0,
        "was": shown(workspace),
        **NO_OTHERS,
    }
    page = admin_client.post(change(workspace), data).content.decode()
    assert "Default: Syntax error" in page
    data["variables-0-default"] = '"=1 + 1"'
    assert admin_client.post(change(workspace), data).status_code == 302
    total.refresh_from_db()
    assert total.default == "=1 + 1"


def test_a_drafts_notes_are_written_and_removed(admin_client: Client, draft: FlowVersion) -> None:
    workspace = draft.workspaces.get(key="")
    start = draft.blocks.get(key="start")
    note = {"text": " Look:\r\nhere ", "block": start.pk, "x": -40, "y": 8}
    assert admin_client.post(change(workspace), notes_form(workspace, note)).status_code == 302
    document = queries.document(draft)
    assert document["notes"][1:] == [{"text": "Look:\nhere", "block": "start", "at": [-40, 8]}]
    kept = workspace.notes.get(block=start)
    data = notes_form(workspace, {**note, "id": kept.pk, "DELETE": "on"})
    data["notes-INITIAL_FORMS"] = 1
    assert admin_client.post(change(workspace), data).status_code == 302
    assert queries.document(draft) == ORDERS


@pytest.mark.parametrize(
    ("note", "problem"),
    [
        ({"text": " "}, "This field is required."),
        ({"text": "a" * 4001}, "Write at most 4,000 characters; this has 4,001."),
        ({"text": "a", "x": 3}, "Give both x and y, or neither."),
        ({"text": "a", "x": 3, "y": 100_001}, "less than or equal to 100000"),
        ({"text": "a", "width": 39, "height": 50}, "greater than or equal to 40"),
        ({"text": "a", "block": "elsewhere"}, "Select a valid choice."),
    ],
)
def test_a_note_is_what_a_file_could_hold(
    admin_client: Client, draft: FlowVersion, note: dict[str, Any], problem: str
) -> None:
    workspace = draft.workspaces.get(key="")
    if note.get("block"):
        note = {**note, "block": draft.blocks.get(key="count/sum").pk}
    page = admin_client.post(change(workspace), notes_form(workspace, note))
    assert page.status_code == 200
    assert problem in page.content.decode()
    assert queries.document(draft) == ORDERS


def test_notes_of_a_published_version_can_only_be_read(
    admin_client: Client, published: FlowVersion
) -> None:
    workspace = published.workspaces.get(key="")
    page = admin_client.get(change(workspace)).content.decode()
    assert "Read me first." in page
    assert 'name="notes-0-text"' not in page
    answer = admin_client.post(change(workspace), notes_form(workspace, {"text": "More"}))
    assert answer.status_code == 409
    assert queries.document(published) == ORDERS


def test_writing_notes_needs_its_permission(draft: FlowVersion) -> None:
    workspace = draft.workspaces.get(key="")
    client = staff("view_workspace", "change_workspace", "view_note")
    page = client.get(change(workspace)).content.decode()
    assert "Read me first." in page
    assert 'name="notes-0-text"' not in page
    client.post(change(workspace), notes_form(workspace, {"text": "More"}))
    assert Note.objects.filter(workspace=workspace).count() == 1


def test_messages_stop_publishing_and_are_shown(admin_client: Client, draft: FlowVersion) -> None:
    draft.blocks.get(key="start").delete()
    page = act(admin_client, "publish_drafts", draft)
    assert "Not published: orders v1. Workspace Top-level: There is no Start Flow." in page
    draft.refresh_from_db()
    assert draft.is_draft


def test_a_published_version_is_edited_as_a_new_draft(
    admin_client: Client, published: FlowVersion
) -> None:
    assert "orders v2</a>." in act(admin_client, "edit_as_draft", published)
    copy = FlowVersion.objects.get(number=2)
    assert copy.is_draft
    assert queries.document(copy) == ORDERS
    assert "There is already a draft, orders v2" in act(admin_client, "edit_as_draft", published)


def test_publishing_needs_its_permission(draft: FlowVersion) -> None:
    client = staff("view_flowversion", "change_flowversion")
    act(client, "publish_drafts", draft)
    draft.refresh_from_db()
    assert draft.is_draft


def test_publishing_with_the_permission(draft: FlowVersion) -> None:
    client = staff("view_flowversion", "publish_flow")
    assert "Published: orders v1." in act(client, "publish_drafts", draft)


def test_several_versions_are_not_deleted_at_once(
    admin_client: Client, published: FlowVersion
) -> None:
    assert (
        "delete_selected"
        not in admin_client.get(reverse("admin:flows_flowversion_changelist")).content.decode()
    )


def test_a_version_that_is_published_while_it_is_edited(
    admin_client: Client, draft: FlowVersion
) -> None:
    """Between the page's look at the draft and its update, someone publishes it."""
    block = draft.blocks.get(key="count/sum")

    def publish_first(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith('UPDATE "flows_block"'):
            context["cursor"].execute("UPDATE flows_flowversion SET published_at = now()")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(publish_first):
        page = admin_client.post(change(block), block_form(block))
    assert page.status_code == 409
    assert "Not saved. The version was published meanwhile" in page.content.decode()
