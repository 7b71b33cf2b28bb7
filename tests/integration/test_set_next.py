"""Setting the next block: what it comes to is shown first, for one execution and for many."""

from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from executions.models import AuditEntry, Execution
from executions.states import Status
from flows.models import FlowVersion
from tests.debugging import Session, at
from tests.flows_in_tests import LOOP, LOOP_VARIABLES, publish
from tests.integration.test_execution_page import client_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    return Session(User.objects.create_user("ada"))


@pytest.fixture
def inside(session: Session, nested: FlowVersion) -> Execution:
    execution = session.start(nested, paused=True)
    for _ in range(5):
        session.do("step", execution)
    return execution


def preview(user: User, *executions: Execution, block: str = "", htmx: bool = False) -> str:
    query = "&".join(f"id={execution.pk}" for execution in executions)
    headers = {"HX-Request": "true"} if htmx else {}
    response = client_of(user).get(f"/executions/set-next/?{query}&block={block}", headers=headers)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def test_it_is_told_what_is_left_and_what_is_entered(
    session: Session, nested: FlowVersion, inside: Execution
) -> None:
    html = preview(session.user, inside, block="e", htmx=True)
    assert "<html" not in html
    assert "from <b>Throw New Flow Exception</b> to <b>End Flow</b>" in html
    left = html.index("left</span> Outer: Here is lost")
    assert left < html.index("left</span> Inner: Deep is lost")
    assert "entered</span>" not in html
    outside = session.start(nested, paused=True)
    html = preview(session.user, outside, block="w/v/t")
    assert "entered</span> Outer: Here gets its default" in html
    assert "entered</span> Inner: Deep gets its default" in html
    assert "<html" in html
    html = preview(session.user, inside, block="w/v/s")
    assert "It stays in its workspaces; no variable is lost." in html


def test_a_preview_changes_nothing(session: Session, inside: Execution) -> None:
    before = (at(inside), inside.revision, AuditEntry.objects.count())
    preview(session.user, inside, block="e")
    inside.refresh_from_db()
    assert (at(inside), inside.revision, AuditEntry.objects.count()) == before
    assert inside.tokens.count() == 3


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ("w/h", "handles an exception, and there is none."),
        ("nowhere", "This block does not exist in the flow."),
    ],
)
def test_refusals_are_sentences(session: Session, inside: Execution, block: str, why: str) -> None:
    html = preview(session.user, inside, block=block)
    assert why in html
    assert "Move the token" not in html


def test_what_is_previewed_is_what_happens(session: Session, inside: Execution) -> None:
    client = client_of(session.user)
    done = client.post(
        "/executions/commands/set-next/",
        {"id": str(inside.pk), "block": "e"},
        headers={"HX-Request": "true"},
    )
    assert done["HX-Trigger"] == "command-done"
    inside.refresh_from_db()
    assert at(inside) == (Status.PAUSED, "block", "e")
    assert inside.tokens.count() == 1
    refused = client.post(
        "/executions/commands/set-next/",
        {"id": str(inside.pk), "block": "nowhere"},
        headers={"HX-Request": "true"},
    )
    assert "HX-Trigger" not in refused


def test_many_at_once_each_told_by_itself(
    session: Session, nested: FlowVersion, inside: Execution
) -> None:
    running = session.start(nested)
    assert running.status == Status.ENDED
    outside = session.start(nested, paused=True)
    html = preview(session.user, inside, outside, running, block="w/s")
    assert "3 executions of <b>nested</b>" in html
    assert "Move 2 of 3" in html
    assert "It is already Ended." in html
    form = html[html.index('class="move-preview"') :]
    assert f'name="id" value="{inside.pk}:Paused"' in form
    assert f'name="id" value="{running.pk}' not in form
    posted = client_of(session.user).post(
        "/executions/set-next/", {"id": [str(inside.pk), str(outside.pk)], "block": "e"}
    )
    assert "Move 2 of 2" in posted.content.decode()
    assert inside.tokens.count() == 3


def test_the_grid_sends_what_is_selected_and_is_led_back_to(
    session: Session, inside: Execution
) -> None:
    chosen = {"selection": f"{inside.pk}:Paused", "block": "e", "query": "flow=nested&sort=flow"}
    html = client_of(session.user).post("/executions/set-next/", chosen).content.decode()
    form = html[html.index('class="move-preview"') :]
    assert 'name="next" value="/?flow=nested&amp;sort=flow"' in form
    # Its key holds back a second sending, which gets the first one's answer.
    key = form.partition('name="form" value="')[2].partition('"')[0]
    sent = {"id": f"{inside.pk}:Paused", "block": "e", "form": key}
    for _ in range(2):
        answer = client_of(session.user).post("/executions/commands/set-next/", sent)
        assert answer.status_code == 302
    assert AuditEntry.objects.filter(command="set-next").count() == 1


def test_executions_of_several_flows_have_no_block_in_common(
    session: Session, inside: Execution, tmp_path: Path
) -> None:
    loop = publish(tmp_path, "loop", LOOP, LOOP_VARIABLES)
    html = preview(session.user, inside, session.start(loop, paused=True))
    assert "These are of 2: loop, nested" in html


def test_it_is_for_those_who_may(session: Session, inside: Execution) -> None:
    address = f"/executions/set-next/?id={inside.pk}&block=e"
    assert Client().get(address).status_code == 302
    stranger = User.objects.create_user("eve")
    html = preview(stranger, inside, block="e")
    assert "No execution that you can see was selected." in html
    assert "Deep" not in html
    stranger.user_permissions.add(Permission.objects.get(codename="view_execution"))
    html = preview(stranger, inside, block="e")
    assert "You may see this execution, but not control it." in html
    assert "Move the token" not in html
    foreign = client_of(session.user).get(f"{address}&next=https://example.com/")
    form = foreign.content.decode().partition('class="move-preview"')[2].partition("</form>")[0]
    assert f'name="next" value="/executions/{inside.pk}/"' in form
    assert "example.com" not in form
    assert client_of(session.user).get("/executions/set-next/?id=nonsense").status_code == 200
