"""Published versions can't be changed in the database, whoever tries."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Model
from django.utils import timezone

from flows.models import Block, Connection, Flow, FlowVersion, Note, Variable, Workspace


def make(flow: Flow, number: int) -> FlowVersion:
    version = FlowVersion.objects.create(flow=flow, number=number)
    top = Workspace.objects.create(version=version, name="Top-level")
    start = Block.objects.create(workspace=top, version=version, key="start", type="Start Flow")
    end = Block.objects.create(workspace=top, version=version, key="end", type="End Flow")
    Connection.objects.create(source=start, port="bottom", target=end)
    Variable.objects.create(workspace=top, name="Total")
    Note.objects.create(workspace=top, text="Begins here", block=start)
    return version


@pytest.fixture
def flow(db: None) -> Flow:
    return Flow.objects.create(name="orders")


@pytest.fixture
def version(flow: Flow, admin_user: User) -> FlowVersion:
    version = make(flow, 1)
    version.published_at = timezone.now()
    version.published_by = admin_user
    version.save()
    return version


PARTS: list[Callable[[FlowVersion], Model]] = [
    lambda version: version.workspaces.get(),
    lambda version: version.blocks.get(key="end"),
    lambda version: Variable.objects.get(workspace__version=version),
    lambda version: Connection.objects.get(source__version=version),
    lambda version: Note.objects.get(workspace__version=version),
    lambda version: version,
]


@pytest.mark.parametrize("part", PARTS)
def test_a_published_version_refuses_update_and_delete(
    version: FlowVersion, part: Callable[[FlowVersion], Model]
) -> None:
    with pytest.raises(IntegrityError, match="orders v1 is published"), transaction.atomic():
        part(version).save()
    with pytest.raises(IntegrityError, match="orders v1 is published"), transaction.atomic():
        part(version).delete()


def test_a_published_version_refuses_inserts(version: FlowVersion) -> None:
    top = version.workspaces.get()
    start = version.blocks.get(key="start")
    inserts: list[Callable[[], object]] = [
        lambda: Workspace.objects.create(version=version, parent=top, key="a", name="A"),
        lambda: Block.objects.create(version=version, workspace=top, key="a", type="End Flow"),
        lambda: Variable.objects.create(workspace=top, name="Another"),
        lambda: Connection.objects.create(source=start, port="right", target=start),
        lambda: Note.objects.create(workspace=top, text="Another"),
    ]
    for insert in inserts:
        with pytest.raises(IntegrityError, match="orders v1 is published"), transaction.atomic():
            insert()


def test_parts_cannot_be_moved_out_of_a_published_version(version: FlowVersion) -> None:
    draft = make(version.flow, 2)
    total = Variable.objects.get(workspace__version=version)
    total.workspace, total.name = draft.workspaces.get(), "Moved"
    with pytest.raises(IntegrityError, match="orders v1 is published"), transaction.atomic():
        total.save()


def test_a_note_cannot_be_moved_out_of_a_published_version(version: FlowVersion) -> None:
    draft = make(version.flow, 2)
    note = Note.objects.get(workspace__version=version)
    note.workspace, note.block = draft.workspaces.get(), None
    with pytest.raises(IntegrityError, match="orders v1 is published"), transaction.atomic():
        note.save()


def test_a_note_is_about_a_block_of_its_workspace_and_outlives_it(flow: Flow) -> None:
    draft, other = make(flow, 1), make(Flow.objects.create(name="other"), 1)
    note = Note.objects.get(workspace__version=draft)
    note.block = other.blocks.get(key="start")
    with pytest.raises(IntegrityError, match="same workspace"), transaction.atomic():
        note.save()
    draft.blocks.get(key="start").delete()
    note.refresh_from_db()
    assert note.block is None


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"text": ""}, "note_not_empty"),
        ({"x": 3}, "note_position_whole"),
        ({"height": 50}, "note_size_whole"),
        ({"width": 50, "height": 39}, "note_size_whole"),
    ],
)
def test_what_no_note_can_be(flow: Flow, wrong: dict[str, object], constraint: str) -> None:
    notes = Note.objects.filter(workspace__version=make(flow, 1))
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        notes.update(**wrong)


def test_the_publisher_may_be_deleted(version: FlowVersion, admin_user: User) -> None:
    User.objects.create_superuser("other")  # somebody has to administer the site
    admin_user.delete()
    version.refresh_from_db()
    assert version.published_by is None
    assert version.published_at is not None


def test_a_draft_may_be_changed_and_deleted(flow: Flow) -> None:
    draft = make(flow, 1)
    draft.blocks.filter(key="start").update(description="Begin")
    draft.delete()
    assert not Block.objects.exists()


def test_a_connection_stays_in_its_workspace(flow: Flow) -> None:
    """Semantics 5, 9: a token goes from workspace to workspace by Workspace blocks only."""
    draft = make(flow, 1)
    top = draft.workspaces.get()
    nested = Workspace.objects.create(version=draft, parent=top, key="inner", name="Inner")
    begin = Block.objects.create(
        version=draft, workspace=nested, key="inner/begin", type="Start Workspace"
    )
    with pytest.raises(IntegrityError, match="same workspace"), transaction.atomic():
        Connection.objects.create(source=begin, port="bottom", target=draft.blocks.get(key="end"))
    begin.workspace = top
    with pytest.raises(IntegrityError, match="stays in its workspace"), transaction.atomic():
        begin.save()


def test_a_block_belongs_to_the_version_of_its_workspace(flow: Flow) -> None:
    one = make(flow, 1)
    one.published_at = timezone.now()
    one.save()
    two = make(flow, 2)
    with pytest.raises(IntegrityError, match="the version of its workspace"), transaction.atomic():
        Block.objects.create(version=two, workspace=one.workspaces.get(), key="x", type="End Flow")
