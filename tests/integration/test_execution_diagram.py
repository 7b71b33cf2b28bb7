"""The diagram of an execution's page: open workspaces, tokens, visits, times, breakpoints."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from executions.models import Execution, Step, TrimmedVisits
from executions.states import Place, Status
from executions.views.address import Address
from flows.diagram.drawing import draw
from flows.models import FlowVersion
from flows.queries import compiled
from tests.debugging import Session
from tests.driving import drive
from tests.executions_in_tests import make_execution
from tests.flows_in_tests import (
    LOOP,
    LOOP_VARIABLES,
    PARENT,
    PARENT_VARIABLES,
    SQUARE,
    SQUARE_VARIABLES,
    publish,
)
from tests.integration.test_execution_page import client_of, held_by, page, refresh

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(person: User) -> Session:
    return Session(person)


@pytest.fixture
def inside(session: Session, nested: FlowVersion) -> Execution:
    """Paused in the inner of two workspaces."""
    execution = session.start(nested, paused=True)
    for _ in range(5):
        session.do("step", execution)
    assert execution.block == "w/v/t"
    return execution


def section(html: str, part: str) -> str:
    return html[html.index(f'id="part-{part}"') :].split('id="part-', 2)[1]


# The address ----------------------------------------------------------------------------------


def test_an_address_is_read_as_it_is_written() -> None:
    asked = Address(token=1, open=("w", "w/v"), overlay="time", children=True, workspace="w")
    query = dict(pair.split("=") for pair in asked.url()[1:].split("&"))
    assert query["open"] == "w,w/v"
    assert Address.parse(query) == asked


def test_what_an_address_says_that_is_nonsense_counts_for_nothing(inside: Execution) -> None:
    assert (
        Address.parse({"token": "x", "overlay": "?", "children": "yes", "open": ","}) == Address()
    )
    assert Address.parse({"token": "99999"}) == Address()
    html = page(inside.initiator, inside, "?token=7&open=gone,w&workspace=nowhere")
    assert 'data-workspace="w/v"' in html
    assert "gone" not in section(html, "workspaces")


# Workspaces -----------------------------------------------------------------------------------


def test_workspaces_with_tokens_are_tabs_and_others_can_be_closed(
    session: Session, inside: Execution
) -> None:
    tabs = section(page(session.user, inside), "workspaces")
    assert re.findall(r'id="ws-([^"]+)"', tabs) == ["top", "w", "w/v"]
    assert "shut" not in tabs
    session.do("stop", inside)
    Execution.objects.filter(pk=inside.pk).update(block="a")
    inside.tokens.all().delete()
    tabs = section(page(session.user, inside, "?workspace=w/v&open=w"), "workspaces")
    assert re.findall(r'id="ws-([^"]+)"', tabs) == ["top", "w", "w/v"]
    assert 'href="?open=w/v&amp;workspace=w" id="ws-w"' in tabs  # the others stay open
    assert 'href="?open=w&amp;workspace=w" id="shut-w/v"' in tabs  # its parent is shown instead
    assert 'href="?open=w/v&amp;workspace=w/v" id="shut-w"' in tabs


# The drawing ----------------------------------------------------------------------------------


def test_the_drawing_is_sent_once(session: Session, tmp_path: Path) -> None:
    loop = publish(tmp_path, "loop", LOOP, LOOP_VARIABLES)
    execution = session.start(loop, paused=True)
    held = held_by(page(session.user, execution))
    for _ in range(4):
        session.do("step", execution)
    session.do("breakpoint", execution, block="add")
    changed = refresh(session.user, execution, held=held).content.decode()
    sent = set(re.findall(r'id="part-(\w+)"', changed))
    assert {"marks", "tokens"} <= sent
    assert not {"diagram", "map"} & sent
    assert 'data-blocks="a,add,l"' in changed
    assert 'data-wires="a bottom,add bottom,l right"' in changed
    # Another tab of the page, another overlay: the same drawing. Another workspace: another one.
    other = page(session.user, execution, "?tab=audit&overlay=time&panel=io")
    assert re.search(r'id="part-diagram"[^>]*data-part="(\w+)"', other)[1] in held  # type: ignore[index]


def test_another_workspace_is_another_drawing(session: Session, inside: Execution) -> None:
    held = held_by(page(session.user, inside))
    changed = refresh(session.user, inside, "?workspace=", held).content.decode()
    assert {"diagram", "map", "tokens"} <= set(re.findall(r'id="part-(\w+)"', changed))


# Tokens ---------------------------------------------------------------------------------------


def test_a_selected_token_has_its_scope_and_its_workspace(
    session: Session, inside: Execution
) -> None:
    inner = page(session.user, inside)
    assert "Deep" in section(inner, "side")
    assert 'data-workspace="w/v"' in inner
    outer = page(session.user, inside, "?token=1")
    assert 'data-workspace="w"' in outer  # the selected token is followed
    assert "Here" in section(outer, "side")
    assert "Deep" not in section(outer, "side")
    token = re.search(r"<a class=\"token[^>]*>", outer)
    assert token
    assert 'class="token outer selected"' in token[0]
    assert 'aria-current="true"' in token[0]
    assert 'aria-label="Token in the workspace Inner"' in token[0]
    other = page(session.user, inside, "?token=1&workspace=w/v")
    assert 'class="token" data-key="token-2"' in other
    assert 'href="?workspace=w/v"' in section(other, "tokens")  # selects the innermost again


def test_where_exactly_a_token_stands(session: Session, tmp_path: Path) -> None:
    loop = publish(tmp_path, "loop", LOOP, LOOP_VARIABLES)
    drawing = draw(compiled(loop.pk), "")
    box = drawing.by_key["add"].box

    def stands(execution: Execution) -> tuple[float, float]:
        html = section(page(session.user, execution), "tokens")
        found = re.search(r'data-block="add" data-x="([\d.]+)" data-y="([\d.]+)"', html)
        assert found
        return float(found[1]), float(found[2])

    execution = session.start(loop, paused=True)
    session.do("breakpoint", execution, block="add", condition="I > 1")
    session.do("continue", execution)
    assert (execution.status, execution.place) == (Status.PAUSED, Place.BREAKPOINT)
    assert stands(execution) == (box.x, box.top - 24)
    html = page(session.user, execution)
    assert '#paused-bp"' in section(html, "tokens")
    bar = re.search(r'<rect class="breakpoint"[^>]*>', html)
    assert bar
    assert 'aria-label="Breakpoint at Add Item At End, when I &gt; 1"' in bar[0]
    session.do("breakpoint", execution, block="add", action="disable")
    assert '<rect class="breakpoint off"' in page(session.user, execution)
    Execution.objects.filter(pk=execution.pk).update(place="block")
    assert stands(execution) == (box.x, box.top - 16)
    Execution.objects.filter(pk=execution.pk).update(place="exception", status="Exception")
    assert stands(execution) == (box.right + 16, box.y)


def test_how_fast_a_token_goes_is_told(session: Session, inside: Execution) -> None:
    html = section(page(session.user, inside, "?workspace=w/v"), "tokens")
    pace = re.search(r'data-pace="(\d+)"', html)
    assert pace
    last = Step.objects.filter(execution=inside).order_by("-number")[0]
    Step.objects.filter(execution=inside, number=last.number - 1).update(
        at=last.at - timedelta(milliseconds=340), level=last.level
    )
    assert 'data-pace="340"' in page(session.user, inside, "?workspace=w/v")


# Children -------------------------------------------------------------------------------------

TASKS = """
a: {type: Start Flow, bottom: go}
go: {type: Run Flow Async, properties: {Flow: square, Inputs: {N: 2}}, bottom: run}
run: {type: Run Flow, properties: {Flow: square, Inputs: {N: 3}}, bottom: e}
e: {type: End Flow}
"""


def test_children_know_the_block_that_started_them(session: Session, tmp_path: Path) -> None:
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    execution = session.start(publish(tmp_path, "tasks", TASKS))
    drive(execution.pk)
    called = execution.children.order_by("started_at").values_list("called_by", flat=True)
    assert list(called) == ["go", "run"]


def test_tokens_of_children_are_shown_on_request_to_those_who_may_see_them(
    session: Session, tmp_path: Path
) -> None:
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    parent = session.start(publish(tmp_path, "parent", PARENT, PARENT_VARIABLES), inputs={"N": 2})
    Execution.objects.filter(pk=parent.pk).update(child_count=6)
    child = parent.children.get()
    other = make_execution(User.objects.create_user("eve"), "secret", parent=parent, block="a")
    more = [make_execution(session.user, "square", parent=parent) for _ in range(4)]
    Execution.objects.filter(pk__in=[one.pk for one in more]).update(called_by="run")
    done = make_execution(session.user, "over", parent=parent, status=Status.ENDED)
    assert "kid" not in section(page(session.user, parent), "tokens")
    html = section(page(session.user, parent, "?children=1"), "tokens")
    assert html.count('class="child-mark st-') == 3
    assert ">2 more<" in html
    assert html.count(f'data-key="kid-{child.pk}"') + html.count("kid-more") >= 1
    assert "Child square at" in html
    assert str(other.pk) not in html
    assert str(done.pk) not in html
    assert "secret" not in html


# Visits and times -----------------------------------------------------------------------------


def test_times_are_sums_and_what_they_lack_is_told(session: Session, inside: Execution) -> None:
    Step.objects.filter(execution=inside).update(duration=0)
    Step.objects.filter(execution=inside, block="w/v/s").update(duration=3_000_000)
    Step.objects.filter(execution=inside, block="a").update(duration=1_000_000)
    html = page(session.user, inside, "?overlay=time&workspace=")
    marks = section(html, "marks")
    assert "Outer: 3.0 s in all" in marks
    assert "Start Flow: 1.0 s in all" in marks
    assert 'class="heat-halo heat-5"' in marks
    assert "3.0 s" in section(html, "legend")
    assert "kept steps only" not in html
    within = section(page(session.user, inside, "?overlay=time&workspace=w"), "marks")
    assert "Inner: 3.0 s in all" in within
    assert "Start Workspace: 0" in within
    Execution.objects.filter(pk=inside.pk).update(step_count=20_000)
    TrimmedVisits.objects.create(execution=inside, block="a", port="bottom", visits=9_000)
    html = page(session.user, inside, "?overlay=time&workspace=")
    assert "are not kept. Their times are left out." in html
    assert "Start Flow: 9,001 visits" in page(session.user, inside, "?workspace=")
    off = section(page(session.user, inside, "?overlay=none&workspace="), "marks")
    assert 'class="visit-count"' not in off


# The menu of a block --------------------------------------------------------------------------


def menu(user: User, execution: Execution, block: str) -> str:
    response = client_of(user).get(f"/executions/{execution.pk}/block/?block={block}")
    assert response.status_code == 200
    html: str = response.content.decode()
    return html


def test_a_block_has_a_menu(session: Session, inside: Execution) -> None:
    html = menu(session.user, inside, "w/v/s")
    assert "1 visit," in html
    assert "Run to here" in html
    assert f'href="/executions/set-next/?id={inside.pk}&amp;block=w%2Fv%2Fs"' in html
    assert ">Remove<" not in html
    session.do("breakpoint", inside, block="w/v/s", condition="Deep > 1", hits="3")
    html = menu(session.user, inside, "w/v/s")
    assert 'value="Deep &gt; 1"' in html
    assert 'value="3"' in html
    assert "Remove" in html
    assert "a token stands here" in menu(session.user, inside, "w/v")
    assert 'href="?workspace=w/v"' in menu(session.user, inside, "w/v")


def test_a_menu_is_for_those_who_may(session: Session, inside: Execution) -> None:
    address = f"/executions/{inside.pk}/block/?block=w"
    assert Client().get(address).status_code == 302
    stranger = User.objects.create_user("eve")
    assert client_of(stranger).get(address).status_code == 404
    stranger.user_permissions.add(Permission.objects.get(codename="view_execution"))
    html = client_of(stranger).get(address).content.decode()
    assert html.count("You may see this execution, but not control it.") == 3
    assert "set-next" not in html
    gone = f"/executions/{inside.pk}/block/?block=nowhere"
    assert client_of(session.user).get(gone).status_code == 404


def test_a_menu_names_the_flow_that_a_block_runs(session: Session, tmp_path: Path) -> None:
    publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    parent = session.start(publish(tmp_path, "parent", PARENT, PARENT_VARIABLES), inputs={"N": 2})
    assert "/flows/" not in menu(session.user, parent, "run")  # not one that they may see
    session.user.user_permissions.add(Permission.objects.get(codename="view_flow"))
    assert 'href="/flows/square/"' in menu(session.user, parent, "run")
    assert "/flows/" not in menu(session.user, parent, "e")
