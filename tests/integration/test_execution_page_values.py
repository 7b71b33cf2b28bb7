"""The page of an execution: large values, what a refresh brings, what it costs."""

import json
import re
import time

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from executions.models import Execution, Step, Value
from executions.states import Status
from executions.store.read import visit_counts
from executions.views.execution import PARTS
from flows.models import FlowVersion
from tests.executions_in_tests import make_execution
from tests.integration.test_execution_page import client_of, held_by, page, refresh, run

pytestmark = pytest.mark.django_db


# Values ---------------------------------------------------------------------------------------


def test_large_values_are_loaded_when_asked_for(loop: FlowVersion, person: User) -> None:
    """Semantics 93."""
    execution = run(loop, person)
    large = [f"{n:x}-{n * 7919 % 99991:x}" for n in range(20_000)]
    Value.objects.filter(execution=execution, level=0, name="seen").update(value=large)
    html = page(person, execution)
    assert "List with 20000 items" in html
    assert large[-1] not in html
    address = f"/executions/{execution.pk}/value/?var=0:Seen"
    assert json.loads(client_of(person).get(address).content) == large
    assert json.loads(client_of(person).get(f"{address}.19999").content) == large[19_999]


def test_a_null_variable_is_shown_as_null(loop: FlowVersion, person: User) -> None:
    execution = run(loop, person)
    Value.objects.filter(execution=execution, level=0, name="seen").update(value=None)
    client = client_of(person)
    value = client.get(f"/executions/{execution.pk}/value/?var=0:Seen")
    assert (value.status_code, value.content) == (200, b"null")
    assert client.get(f"/executions/{execution.pk}/?var=0:Seen").status_code == 200
    grid = client.get("/?column=var.seen").content.decode()
    assert 'title="null"' in grid
    assert "0 bytes" not in grid


def test_the_built_in_variable_is_shown_when_asked_for(loop: FlowVersion, person: User) -> None:
    """Semantics 30, 93."""
    execution = run(loop, person)
    Value.objects.create(execution=execution, level=0, name="context:extensions", value={"A": 1})
    assert 'href="?var=0:_executionContext"' in page(person, execution)
    address = f"/executions/{execution.pk}/value/?var=0:_executionContext"
    shown = json.loads(client_of(person).get(address).content)
    assert (shown["ExecutionId"], shown["Extensions"]) == (str(execution.pk), {"A": 1})
    assert shown["Initiator"]["Name"] == "ada"
    assert client_of(User.objects.create_user("eve")).get(address).status_code == 404


@pytest.mark.parametrize(
    "query", ["", "?var=x:Seen", "?var=9:Seen", "?var=0:", "?var=0:None", "?var=in:None"]
)
def test_a_value_that_is_not_there(loop: FlowVersion, person: User, query: str) -> None:
    execution = run(loop, person)
    response = client_of(person).get(f"/executions/{execution.pk}/value/{query}")
    assert response.status_code == 404


def test_what_a_loop_keeps_is_no_variable(loop: FlowVersion, person: User) -> None:
    execution = run(loop, person)
    Value.objects.create(execution=execution, level=0, name="items:l", value=[1])
    assert "items:" not in page(person, execution)


# Live -----------------------------------------------------------------------------------------


def test_a_refresh_brings_only_what_changed(nap: FlowVersion, person: User) -> None:
    execution = run(nap, person, Seconds=60)
    html = page(person, execution)
    held = held_by(html)
    assert len(held.split()) == len(PARTS)
    response = refresh(person, execution, held=held)
    assert response.status_code == 200
    assert response.content.strip() == b""
    assert response["X-Revision"] == str(execution.revision)
    Execution.objects.filter(pk=execution.pk).update(status=Status.PAUSING, reason="")
    changed = refresh(person, execution, held=held).content.decode()
    parts = set(re.findall(r'id="part-(\w+)"', changed))
    assert {"head", "controls", "tokens"} <= parts
    assert not parts & {"diagram", "marks", "map", "bottom", "side", "workspaces"}
    assert "Pauses as soon as &#x27;Sleep&#x27; is done" in changed


def test_what_ticks_is_no_change(loop: FlowVersion, person: User) -> None:
    execution = make_execution(person, "loop", 1.0, version=loop, block="a")
    html = page(person, execution)
    time.sleep(0.15)
    later = page(person, execution)
    told = re.compile(r'data-since="\d+">([^<]*)')
    assert told.findall(html) != told.findall(later)
    assert held_by(html) == held_by(later)


def test_the_first_page_and_a_refresh_are_the_same(nap: FlowVersion, person: User) -> None:
    execution = run(nap, person, Seconds=60)
    whole = page(person, execution, "?tab=blocks&panel=io&workspace=")
    parts = refresh(person, execution, "?tab=blocks&panel=io&workspace=").content.decode()
    assert set(held_by(parts).split()) == set(held_by(whole).split())


def test_steps_that_came_are_counted_on(loop: FlowVersion, person: User) -> None:
    execution = run(loop, person, Last=2)
    assert visit_counts.visit_counts(execution)["l", "right"] == 2
    number = execution.step_count + 1
    Step.objects.create(
        execution=execution,
        number=number,
        level=0,
        block="l",
        at=timezone.now(),
        duration=1,
        port="right",
    )
    execution.step_count = number
    assert visit_counts.visit_counts(execution)["l", "right"] == 3


# Price ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "?tab=children", "?tab=logs", "?tab=audit", "?tab=blocks"])
@pytest.mark.parametrize("panel", ["variables", "exceptions", "io"])
def test_the_number_of_queries(
    loop: FlowVersion,
    admin_user: User,
    query: str,
    panel: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    parent = make_execution(admin_user, "parent", version=loop)
    execution = run(loop, admin_user, Last=20)
    Execution.objects.filter(pk=execution.pk).update(
        parent=parent,
        root_id=parent.pk,
        depth=1,
        status="Running",
        reason="children",
        ended_at=None,
    )
    for _ in range(5):
        make_execution(admin_user, "part", version=loop, parent=execution)
    client = client_of(admin_user)
    address = f"/executions/{execution.pk}/{query or '?'}&panel={panel}"
    client.get(address)  # compiles the version once
    # Session, user, execution, tokens, relatives, waiting, visits, recent, counts, values, watch,
    # list, steps, what people did in the past that is shown, and the two numbers of the rail.
    with django_assert_max_num_queries(18):
        assert client.get(address).status_code == 200


def test_an_execution_that_has_not_begun(loop: FlowVersion, person: User) -> None:
    execution = make_execution(person, "loop", version=loop, status=Status.QUEUED, block="a")
    html = page(person, execution)
    assert "Waiting for a worker" in html
    assert "No block has been run yet." in html
    assert "the execution has not begun" in html
