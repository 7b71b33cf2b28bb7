"""Folders and labels of flows: what the database refuses, who finds what, and live pages."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from redis import Redis

from executions.live import flow_arrangement
from executions.models import Execution
from flows import queries
from flows.models import Flow, Folder, Label
from tests.executions_in_tests import make_execution, version_of
from tests.integration.test_grid_finding import completions
from tests.tabs import Opener, alone, change, make, open_tabs, tell


def folder(path: str) -> Folder:
    above = None
    for name in path.split("/"):
        above, _ = Folder.objects.get_or_create(name=name, parent=above)
    assert above
    return above


def filed(name: str, path: str = "", *labels: str) -> Flow:
    flow = version_of(name).flow
    flow.folder = folder(path) if path else None
    flow.save()
    flow.labels.set(Label.objects.get_or_create(name=label)[0] for label in labels)
    return flow


# What a folder may be ------------------------------------------------------------------------


@pytest.mark.django_db
def test_siblings_have_different_names_in_any_case() -> None:
    top = folder("commerce")
    folder("commerce/returns")
    folder("returns")
    for name, parent in (("Commerce", None), ("RETURNS", top)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Folder.objects.create(name=name, parent=parent)
        with pytest.raises(ValidationError, match="There is a folder of this name here already"):
            Folder(name=name, parent=parent).full_clean()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["a/b", "a,b", " a", "a ", "*", 'a"b', ""])
def test_a_name_leaves_out_what_a_filter_means_otherwise(name: str) -> None:
    for model in (Folder, Label):
        with pytest.raises(ValidationError):
            model(name=name).full_clean()


@pytest.mark.django_db
def test_no_folder_lies_in_itself() -> None:
    top, below = folder("a"), folder("a/b/c")
    for inner in (top, below):
        top.parent = inner
        with pytest.raises(ValidationError, match="cannot lie in itself"):
            top.full_clean()
        with pytest.raises(IntegrityError, match="neither in itself"), transaction.atomic():
            top.save()


@pytest.mark.django_db
def test_folders_lie_at_most_so_deep() -> None:
    most = Folder.MAX_DEPTH
    deepest = folder("/".join("a" * most))
    two = folder("b/c")
    for moved, into in ((Folder(name="x"), deepest), (two.parent, deepest.parent)):
        assert moved
        moved.parent = into
        with pytest.raises(ValidationError, match=f"at most {most} deep"):
            moved.full_clean()
        with pytest.raises(IntegrityError, match="nor deeper"), transaction.atomic():
            moved.save()


# What lies in it ------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_folder_includes_those_below_it() -> None:
    top = filed("orders", "commerce", "pilot", "live")
    low = filed("returns", "commerce/returns", "live")
    other = filed("backup", "infra")
    free = filed("orders-2")
    pilot, live = Label.objects.get(name="pilot"), Label.objects.get(name="live")
    assert queries.flows_in() == [other.pk, top.pk, free.pk, low.pk]
    assert queries.flows_in(folder("commerce")) == [top.pk, low.pk]
    assert queries.flows_in(folder("commerce/returns").pk) == [low.pk]
    assert queries.flows_in(labels=[pilot, live.pk]) == [top.pk, low.pk]
    assert queries.flows_in(folder("commerce"), [pilot]) == [top.pk]
    assert queries.flows_in(folder("infra"), [pilot]) == []
    assert queries.folder_at("COMMERCE/Returns") == low.folder
    assert queries.folder_at("returns") is None


@pytest.mark.django_db
def test_executions_stay_as_they_are_when_their_flow_moves(
    admin_client: Client, admin_user: User
) -> None:
    flow = filed("orders", "commerce", "pilot")
    execution = make_execution(admin_user)
    before = Execution.objects.values().get(pk=execution.pk)

    def is_found(query: str) -> bool:
        return (
            str(execution.pk) in admin_client.get("/", {"q": query}, follow=True).content.decode()
        )

    assert is_found("folder:commerce label:pilot")
    assert not is_found("folder:infra")
    filed(flow.name, "infra/backups")
    assert is_found("folder:infra")
    assert is_found('label:""')
    assert not is_found("folder:commerce")
    assert Execution.objects.values().get(pk=execution.pk) == before


@pytest.mark.django_db
def test_only_those_who_see_flows_are_told_of_folders(
    admin_client: Client, client: Client, person: User
) -> None:
    filed("orders", "commerce/returns", "pilot")
    assert completions(admin_client, "folder:ret") == {
        "commerce/returns": "folder:commerce/returns "
    }
    assert completions(admin_client, "-label:") == {"pilot": "-label:pilot "}
    client.force_login(person)
    assert completions(client, "folder:") == {}
    assert completions(client, "label:") == {}


# Live -----------------------------------------------------------------------------------------


@pytest.fixture
async def tab() -> AsyncIterator[Opener]:
    async with open_tabs() as opening:
        yield opening


@pytest.mark.usefixtures("transactional_db")
async def test_a_live_page_follows_folders(
    redis: Redis, admin_user: Any, tab: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow_arrangement, "READ_EVERY", 0.2)
    await alone(redis)
    await sync_to_async(filed)("orders", "commerce")
    one = await tab(admin_user, "/ws/executions/?q=folder:commerce")
    inside, outside = await make(admin_user), await make(admin_user, flow="stock")
    await tell(await change(inside), await change(outside))
    assert await one.rows() == [str(inside.pk)]
    await sync_to_async(filed)("stock", "commerce/returns")
    await one.frame("catchup")
    await tell(await change(inside), await change(outside))
    assert set(await one.rows()) == {str(inside.pk), str(outside.pk)}
    await sync_to_async(filed)("orders", "infra")
    await one.frame("catchup")
    await tell(await change(inside))
    frame = await one.frame("rows")
    assert frame["mismatches"] == {str(inside.pk): "Folder is no longer commerce"}
