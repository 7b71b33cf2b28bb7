"""How many executions are where, on the page of a flow: counted once for all who may see them."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from executions.models import Execution
from executions.states import Status
from executions.store.read import block_counts
from flows.models import FlowVersion
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import publish
from tests.integration.test_execution_page import client_of, held_by

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uncounted() -> Iterator[None]:
    block_counts.clear_cache()
    yield
    block_counts.clear_cache()


@pytest.fixture
def person() -> User:
    user = User.objects.create_user("ada")
    permissions = Permission.objects.filter(codename__in=["view_flow", "view_execution"])
    user.user_permissions.set(permissions)
    return user


def page(user: User, query: str = "") -> str:
    response = client_of(user).get(f"/flows/nap/{query}")
    assert response.status_code == 200
    html: str = response.content.decode()
    return html


def pills(html: str) -> dict[str, str]:
    """Title → address."""
    found = re.findall(r'class="pill \w+" href="([^"]+)" aria-label="([^"]+)"', html)
    return {title: url.replace("&amp;", "&") for url, title in found}


def at(user: User | None, nap: FlowVersion, block: str, status: Status, **columns: object) -> None:
    make_execution(user, "nap", version=nap, block=block, status=status, **columns)


def test_each_block_says_how_many_are_there(nap: FlowVersion, person: User) -> None:
    for _ in range(3):
        at(person, nap, "w/wait", Status.RUNNING)
    at(person, nap, "w/wait", Status.QUEUED)
    at(person, nap, "w/set", Status.PAUSED)
    at(person, nap, "a", Status.EXCEPTION)
    at(person, nap, "e", Status.ENDED)
    at(person, nap, "e", Status.ERROR)
    at(person, nap, "e", Status.ERROR, age=3 * 86400)  # too long ago
    make_execution(person, "other", block="a")
    html = page(person)
    assert pills(html) == {
        "1 at an exception at Start Flow": "/?flow=nap&workspace=Top-level&block=Start+Flow"
        "&description=Start+Flow&status=Exception",
        "4 running at Nap": "/flows/nap/?workspace=w",  # inside of it: each is there
        "1 paused at Nap": "/flows/nap/?workspace=w",
        "1 failed in 24 h at End Flow": "/?flow=nap&workspace=Top-level"
        "&block=End+Flow&description=End+Flow&is=failed&started=%3E-24h",
    }
    assert re.search(r"Live tokens</dt><dd>6<", html)
    within = pills(page(person, "?workspace=w"))
    running = "&".join(f"status={s}" for s in ("Queued", "Running", "Pausing", "Stopping"))
    assert within == {
        "4 running at Sleep": "/?flow=nap&workspace=Nap&block=Wait+For+Duration"
        f"&description=Sleep&{running}",
        "1 paused at Set Variable": "/?flow=nap&workspace=Nap&block=Set+Variable"
        "&description=Set+Variable&status=Paused",
    }
    tabs = dict(re.findall(r'id="ws-(\w+)".*?<span class="suffix"[^>]*>(\d+)<', html))
    assert tabs == {"top": "1", "w": "5"}
    assert "<td>4 running, 1 paused</td>" in html  # the list says so too


def test_of_all_versions_or_of_the_one_that_is_shown(
    nap: FlowVersion, person: User, tmp_path: Path
) -> None:
    at(person, nap, "a", Status.RUNNING)
    at(person, nap, "w/wait", Status.RUNNING)
    newer = publish(tmp_path, "nap", "{a: {type: Start Flow, bottom: z}, z: {type: End Flow}}")
    at(person, newer, "a", Status.RUNNING)
    html = page(person)
    assert "2 running at Start Flow" in pills(html)
    assert re.search(
        r'title="At blocks that version 2 does not have">\s*<dt>Elsewhere</dt><dd>1<', html
    )
    assert "1 running at Start Flow" in pills(page(person, "?counts=version"))
    assert "1 running at Nap" in pills(page(person, "?version=1&counts=version"))


def test_only_those_that_one_may_see_are_counted(nap: FlowVersion, person: User) -> None:
    own = User.objects.create_user("eve")
    own.user_permissions.add(Permission.objects.get(codename="view_flow"))
    at(person, nap, "a", Status.RUNNING)
    at(own, nap, "a", Status.RUNNING)
    assert "2 running at Start Flow" in pills(page(person))
    assert "1 running at Start Flow" in pills(page(own))
    nobody = client_of(User.objects.create_user("mallory"))
    assert nobody.get("/flows/nap/").status_code == 404
    assert nobody.get("/flows/nap/live/").status_code == 404
    assert client_of(person).get("/flows/nowhere/live/").status_code == 404
    assert client_of(person).post("/flows/nap/live/").status_code == 405


def test_a_refresh_brings_what_changed_and_counts_for_all_at_once(
    nap: FlowVersion, person: User
) -> None:
    at(person, nap, "a", Status.RUNNING)
    held = held_by(page(person))
    client = client_of(person)
    assert client.get("/flows/nap/live/", headers={"X-Held": held}).content == b""
    at(person, nap, "a", Status.RUNNING)
    other = User.objects.create_superuser("root")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        for user in (person, other, person):
            client_of(user).get("/flows/nap/live/", headers={"X-Held": held})
    assert not [q for q in queries if "GROUP BY version_number, block" in q["sql"]]
    time.sleep(block_counts.AGE)
    fresh = client.get("/flows/nap/live/", headers={"X-Held": held}).content.decode()
    assert "2 running at Start Flow" in fresh
    assert set(re.findall(r'id="part-(\w+)"', fresh)) == {"numbers", "tabs", "pills", "blocks"}


def test_counting_uses_its_index_and_stops_somewhere(
    nap: FlowVersion, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    template = make_execution(person, "nap", version=nap, block="a")
    rows = []
    for number in range(3000):
        live = number < 40
        rows.append(
            Execution(
                version=nap,
                version_number=1,
                flow_name="nap" if number % 2 else "busy",
                root_id=template.pk,
                status="Running" if live else "Ended",
                block="a",
                started_at=now,
                updated_at=now,
                ended_at=None if live else now,
                initiator_name="",
                trigger="page",
            )
        )
    Execution.objects.bulk_create(rows)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE executions_execution")
    with CaptureQueriesContext(connection) as queries:
        counted = block_counts.count_by_block("nap", None)
    assert counted.positions == {(1, "a", "Running"): 21}
    assert not counted.capped
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + queries[0]["sql"])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "execution_live_by_flow" in plan
    monkeypatch.setattr(block_counts, "LIVE_CAP", 10)
    block_counts.clear_cache()
    assert block_counts.count_by_block("nap", None).capped
    assert re.search(r"Live tokens</dt><dd>11\+<", page(person))
