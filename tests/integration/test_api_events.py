"""Changes of executions as server-sent events."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.test import Client

from executions import api_tokens
from executions.api import event_stream
from executions.api.event_stream import Dropped, EventsViewer, _may_still
from executions.commands.actor import Actor
from executions.grid.query.filters import Filters
from executions.live.changes import CommittedChanges, Visibility
from executions.live.rendering import RenderedRows
from executions.publishing import publish
from executions.store.lifecycle.starts import events
from tests.conftest import LiveApp
from tests.executions_in_tests import make_execution

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]

ADDRESS = "/api/v1/executions/events"


@pytest.fixture
def people() -> tuple[User, User]:
    return (
        User.objects.create_user("ada", password="right horse"),
        User.objects.create_user("bob", password="left horse"),
    )


@contextmanager
def listening(
    app: LiveApp, address: str, password: str = "right horse", last: str = ""
) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of a stream, each with its id, kind and data; the first is the hub's beat."""
    name = "ada" if password == "right horse" else "bob"
    headers = {"Last-Event-ID": last} if last else {}
    with (
        httpx.Client(base_url=app.url, auth=(name, password), timeout=20) as api,
        api.stream("GET", address, headers=headers) as response,
    ):
        assert response.status_code == 200, response.read()
        yield _events(response)


def _events(response: httpx.Response) -> Iterator[dict[str, Any]]:
    found: dict[str, Any] = {}
    for line in response.iter_lines():
        if line.startswith(":"):
            yield {"event": "beat"}
        elif line:
            name, _, value = line.partition(": ")
            found[name] = json.loads(value) if name == "data" else value
        elif "data" in found:
            yield found
            found = {}


def test_each_change_is_told_of(live_app: LiveApp, people: tuple[User, User]) -> None:
    ada, bob = people
    with listening(live_app, f"{ADDRESS}?flow=orders") as stream:
        assert next(stream)["event"] == "beat"
        hidden = make_execution(bob)
        other = make_execution(ada, flow="returns")
        mine = make_execution(ada, age=0)
        publish(events([hidden.pk, other.pk, mine.pk]))
        told = next(one for one in stream if one["event"] == "execution")
        assert (told["data"]["id"], told["data"]["status"]) == (str(mine.pk), "Running")
        later = make_execution(ada, age=0)
    # While nobody listened, nothing is lost.
    with listening(live_app, ADDRESS, last=told["id"]) as stream:
        ids = {one["data"]["id"] for one in islice(stream, 4) if one["event"] == "execution"}
        assert str(later.pk) in ids
        assert str(hidden.pk) not in ids
    with listening(live_app, ADDRESS, "left horse", last=told["id"]) as stream:
        assert {one["event"] for one in islice(stream, 2)} == {"beat"}


def test_one_execution(live_app: LiveApp, people: tuple[User, User], client: Client) -> None:
    ada, bob = people
    mine, other = make_execution(ada, age=0), make_execution(ada, age=0)
    address = f"/api/v1/executions/{mine.pk}/events"
    with listening(live_app, address) as stream:
        assert next(one for one in stream if one["event"] != "beat")["data"]["id"] == str(mine.pk)
        publish(events([other.pk]))
        assert next(stream)["event"] == "beat"
    client.force_login(bob)
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("query", ["?status=Sleeping", "?colour=red"])
def test_what_means_nothing_is_refused(
    client: Client, people: tuple[User, User], query: str
) -> None:
    client.force_login(people[0])
    assert client.get(ADDRESS + query).status_code == 400
    assert client.get(ADDRESS, headers={"Last-Event-ID": "yesterday"}).status_code == 400


def test_a_slow_reader_is_dropped(
    people: tuple[User, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "PENDING_LIMIT", 2)
    ada = people[0]
    viewer = EventsViewer(Visibility.of(ada), Filters())
    told = events([make_execution(ada).pk for _ in range(3)])
    assert viewer.offer(CommittedChanges({one.id: one for one in told}))
    with pytest.raises(Dropped, match="more slowly"):
        viewer.frame(RenderedRows())


def test_who_may_no_longer_see_is_dropped(people: tuple[User, User]) -> None:
    visibility = Visibility.of(people[0])
    assert _may_still(visibility)
    User.objects.filter(pk=people[0].pk).update(is_active=False)
    assert not _may_still(visibility)


@pytest.mark.parametrize("end", ["revoke", "remove"])
def test_a_token_that_ends_ends_its_stream(
    live_app: LiveApp, people: tuple[User, User], end: str
) -> None:
    ada = people[0]
    actor = Actor(ada.pk, "ada", "page")
    token, raw = api_tokens.issue(actor, ada, api_tokens.Wanted("watcher", ["see"]))
    headers = {"Authorization": f"Bearer {raw}"}
    with (
        httpx.Client(base_url=live_app.url, headers=headers, timeout=20) as api,
        api.stream("GET", ADDRESS) as response,
    ):
        stream = _events(response)
        assert next(stream)["event"] == "beat"
        at = time.monotonic()
        if end == "revoke":
            api_tokens.revoke(actor, token)
        else:
            token.delete()
        rest = [one for one in stream if one["event"] != "beat"]
        assert [one["event"] for one in rest] == ["dropped"]
        assert "no longer see this" in rest[0]["data"]["reason"]
        # By the announcement, long before the check that comes now and then.
        assert time.monotonic() - at < event_stream.CHECK_USER_EVERY / 2
