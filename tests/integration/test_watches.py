"""Watching executions: who is told what, on which connections, and what is told later."""

import json
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.http import QueryDict
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from executions import watches
from executions.events import BULK_JOB_CHANGED, WATCHES_CHANGED
from executions.grid.paging.page_query import PageQuery
from executions.live.changes import CommittedChanges, Visibility
from executions.live.hub import hub
from executions.live.notifications import ConnectedUsers
from executions.live.rendering import RenderedRows
from executions.live.viewers import GridViewer
from executions.models import Watch
from executions.publishing import announce
from executions.states import Place, Status
from tests.executions_in_tests import event_of, make_execution
from tests.tabs import Tab, change, make, tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]
HTMX = {"HX-Request": "true"}


def known(client: Client) -> Any:
    answer = client.get("/executions/watches/").json()
    assert answer.pop("csrf")  # for a form whose page is older than the session
    assert answer.pop("user")  # whose page it is, for one that comes back from the cache
    assert answer.pop("notifications")["unread"] == 0
    return answer


def test_watching_and_no_longer(admin_client: Client, admin_user: User) -> None:
    live, ended = make_execution(admin_user), make_execution(admin_user, status=Status.ENDED)
    form = {"selection": f"{live.pk}:Running {ended.pk}:Ended", "on": "1"}
    response = admin_client.post("/executions/watches/", form, headers=HTMX)
    assert "You watch 1 execution" in response.content.decode()
    heard = json.loads(response["HX-Trigger"])["live:watches"]
    assert heard == {"ids": [str(live.pk)], "on": True}
    assert known(admin_client) == {"ids": [str(live.pk)], "unread": []}
    admin_client.post("/executions/watches/", form)
    assert Watch.objects.count() == 1
    admin_client.post("/executions/watches/", {**form, "on": "0"})
    assert known(admin_client)["ids"] == []


def test_what_happened_meanwhile_is_told_until_it_is_known(
    admin_client: Client, admin_user: User
) -> None:
    one = make_execution(admin_user)
    admin_client.post("/executions/watches/", {"id": one.pk})
    event_of(one, status=Status.PAUSED, place=Place.BLOCK)
    assert known(admin_client)["unread"] == []
    event_of(one, status=Status.PAUSED, place=Place.BREAKPOINT)
    (notice,) = known(admin_client)["unread"]
    assert (notice["flow"], notice["word"]) == ("orders", "Paused · breakpoint")
    read = {"read": notice["id"], "revision": notice["revision"]}
    admin_client.post("/executions/watches/", read)
    assert known(admin_client) == {"ids": [str(one.pk)], "unread": []}
    event_of(one, status=Status.ERROR, place="", ended_at=timezone.now(), error_type="Oops")
    (notice,) = known(admin_client)["unread"]
    assert (notice["status"], notice["detail"]) == ("Error", "Oops")
    admin_client.post(
        "/executions/watches/", {"read": notice["id"], "revision": notice["revision"]}
    )
    assert known(admin_client) == {"ids": [], "unread": []}
    for nonsense in ({"read": "x"}, {"read": str(one.pk), "revision": "-1"}):
        assert admin_client.post("/executions/watches/", nonsense).status_code in (204, 302)


def test_nobody_watches_what_they_may_not_see(admin_user: User) -> None:
    ada = User.objects.create_user("ada")
    client = Client()
    client.force_login(ada)
    foreign = make_execution(admin_user)
    response = client.post("/executions/watches/", {"id": foreign.pk}, headers=HTMX)
    assert "Nothing to watch" in response.content.decode()
    assert not Watch.objects.exists()
    # Not even when it could be seen once.
    Watch.objects.create(user=ada, execution=foreign, read_revision=0)
    event_of(foreign, status=Status.ENDED, ended_at=timezone.now())
    assert known(client)["unread"] == []
    # One's own knowledge is no business of others.
    client.post("/executions/watches/", {"read": str(foreign.pk), "revision": 99})
    mine = Watch.objects.create(user=admin_user, execution=make_execution(ada), read_revision=1)
    client.post("/executions/watches/", {"read": str(mine.execution_id), "revision": 99})
    mine.refresh_from_db()
    assert mine.read_revision == 1
    assert Client().get("/executions/watches/").status_code == 302


def test_there_is_a_limit(admin_client: Client, admin_user: User, monkeypatch: Any) -> None:
    monkeypatch.setattr(watches, "LIMIT", 1)
    first, second = make_execution(admin_user), make_execution(admin_user)
    admin_client.post("/executions/watches/", {"id": [first.pk]})
    response = admin_client.post("/executions/watches/", {"id": [second.pk]}, headers=HTMX)
    assert "you already watch 1 executions" in response.content.decode()


async def test_every_page_of_who_watches_is_told(admin_user: User) -> None:
    ada = await User.objects.acreate_user("ada")
    one = await make(admin_user)
    await sync_to_async(watches.watch)(admin_user.pk, type(one).objects.filter(pk=one.pk))
    tabs = [Tab(admin_user, "/ws/executions/?flow=other"), Tab(admin_user, "/ws/notices/")]
    stranger = Tab(ada, "/ws/notices/")
    for tab in (*tabs, stranger):
        await tab.connect()
    await hub.listening.wait()
    await tell(await change(one, status=Status.EXCEPTION, error_type="Oops"))
    for tab in tabs:
        frame = await tab.frame("watch")
        assert (frame["id"], frame["status"], frame["detail"]) == (str(one.pk), "Exception", "Oops")
    await tell(await change(one, status=Status.RUNNING))
    assert not await tabs[0].frames("watch", 0.5)
    assert not await stranger.frames("watch", 0.1)
    # What is watched from now on, by whichever process.
    other = await make(admin_user)
    said = {"type": WATCHES_CHANGED, "user": admin_user.pk, "ids": [str(other.pk)], "on": True}
    await sync_to_async(announce)(said)
    assert (await tabs[1].frame("watches"))["ids"] == [str(other.pk)]
    await tell(await change(other, status=Status.ENDED, ended_at=timezone.now()))
    assert (await tabs[1].frame("watch"))["id"] == str(other.pk)
    await sync_to_async(announce)({"type": BULK_JOB_CHANGED, "user": admin_user.pk, "id": "j"})
    assert (await tabs[0].frame("bulk"))["id"] == "j"
    assert not await stranger.frames("bulk", 0.1)
    for tab in (*tabs, stranger):
        await tab.leave()
    assert not hub.users._connections
    assert not hub.users._watchers


def test_what_is_watched_is_matched_without_a_query(
    admin_user: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Two people with the same filter see their own; nobody sees what they may not."""
    ada = User.objects.create_user("ada")
    one, other = make_execution(admin_user), make_execution(ada)
    watched = {admin_user.pk: {str(one.pk)}, ada.pk: {str(one.pk), str(other.pk)}}
    query = PageQuery.parse(QueryDict("is=watched"))
    people = [GridViewer(Visibility.of(user), query) for user in (admin_user, ada)]
    events = {event.id: event for event in (event_of(one), event_of(other))}
    with django_assert_num_queries(0):
        changes = CommittedChanges(events, watched_by=lambda user_id: watched[user_id])
        seen = [viewer.offer(changes) and set(viewer.revisions) for viewer in people]
        # What was unwatched meanwhile says so; without a watch nothing comes in.
        watched[admin_user.pk] = set()
        later = {str(one.pk): replace(events[str(one.pk)], revision=9)}
        assert people[0].offer(CommittedChanges(later, watched_by=lambda user_id: watched[user_id]))
    assert seen == [{str(one.pk)}, {str(other.pk)}]
    frame = json.loads(people[0].frame(RenderedRows()) or "")
    assert frame["mismatches"] == {str(one.pk): "you no longer watch it"}


async def test_who_signs_in_nowhere_hears_nothing() -> None:
    from django.contrib.auth.models import AnonymousUser

    tab = Tab(AnonymousUser(), "/ws/notices/")
    assert (await tab.connect())["type"] == "websocket.close"


def test_the_people_of_a_hub_are_forgotten(admin_user: User) -> None:
    class Seat:
        def __init__(self) -> None:
            self.viewer = type("V", (), {"visibility": type("S", (), {"user": admin_user})})
            self.notes: list[str] = []

        def queue(self, kind: str, frame: str) -> None:
            self.notes.append(kind)

    people, first, second = ConnectedUsers(), Seat(), Seat()
    people.join(first, ["a", "b"])
    people.join(second, ["b"])
    people.leave(first)
    heard = {"type": WATCHES_CHANGED, "user": admin_user.pk, "ids": ["b"], "on": False}
    people.receive(heard)
    assert second.notes == ["watches"]
    assert first.notes == []
    people.leave(second)
    people.leave(second)
    assert people.__dict__ == ConnectedUsers().__dict__


def test_what_has_ended_and_was_read_is_watched_no_more(
    admin_client: Client, admin_user: User
) -> None:
    """Even while the channels have yet to tell of it."""
    ended, live = (
        make_execution(admin_user, flow=name, status=status)
        for name, status in (("over", Status.ENDED), ("under-way", Status.RUNNING))
    )
    for one in (ended, live):
        Watch.objects.create(user=admin_user, execution=one, read_revision=one.revision)
    page = admin_client.get("/?is=watched").content.decode()
    assert str(live.pk) in page
    assert str(ended.pk) not in page
    assert watches.watched_ids(admin_user.pk) == [str(live.pk)]
