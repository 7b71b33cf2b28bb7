"""Two people edit a draft in the admin: nothing of either is lost, and the second is told."""

import html
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from flows.models import Block, FlowVersion, Note, Variable
from flows.publish import publish
from tests.test_admin_flows import block_form, change, draft  # noqa: F401  # a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(admin_user: User) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("grace"))
    return client


def opened(client: Client, part: Any) -> str:
    """What the form of a part carries of what it showed."""
    page = client.get(change(part)).content.decode()
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
    draft: FlowVersion,  # noqa: F811
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
    assert "Not saved: somebody else has changed this since you opened it." in text
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
    draft: FlowVersion,  # noqa: F811
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
    assert "New: variable Fresh." in text
    assert "A note" in text
    assert Variable.objects.filter(name="Fresh").exists()
    assert not Note.objects.filter(text="A note").exists()


def test_one_person_alone_is_not_held_up(
    admin_client: Client,
    draft: FlowVersion,  # noqa: F811
) -> None:
    for description in ("one", "two"):
        form = {"description": description, "workspaces-TOTAL_FORMS": 0}
        form |= {"workspaces-INITIAL_FORMS": 0, "was": opened(admin_client, draft)}
        assert admin_client.post(change(draft), form).status_code == 302
    draft.refresh_from_db()
    assert draft.description == "two"


def test_what_was_published_meanwhile_is_told(
    admin_client: Client,
    draft: FlowVersion,  # noqa: F811
) -> None:
    block = draft.blocks.get(key="count/sum")
    data = block_form(block, description="Typed for long", was=opened(admin_client, block))
    publish(draft, User.objects.get(username="admin"))
    page = admin_client.post(change(block), data)
    text = page.content.decode()
    assert page.status_code == 409
    assert "Not saved. The version was published meanwhile" in text
    assert "What you typed, to be copied" in text
    assert "Typed for long" in text
    assert not Block.objects.filter(description="Typed for long").exists()


def test_a_fingerprint_that_is_made_up_says_nothing(
    admin_client: Client,
    draft: FlowVersion,  # noqa: F811
) -> None:
    block = draft.blocks.get(key="count/sum")
    for was in ("", "nonsense", "a:b:c"):
        data = block_form(block, description=f"x{was}", was=was)
        assert admin_client.post(change(block), data).status_code == 302
