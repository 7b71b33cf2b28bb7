"""Large values that steps changed variables to: stored once by content, shown on request, to those
who may see the execution."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from executions import limits, runner
from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.models import ChangedValue, Execution, Step
from flows.models import FlowVersion
from tests.flows_in_tests import LOOP, LOOP_VARIABLES, publish
from tests.integration.test_execution_page import client_of, page, run

pytestmark = pytest.mark.django_db

#: Sets a large text twice, another one, and a small one.
TEXTS = """
a: {type: Start Flow, bottom: one}
one: {type: Set Variable, properties: {Value: =Large, Variable: ($)Kept}, bottom: two}
two: {type: Set Variable, properties: {Value: =Large, Variable: ($)Again}, bottom: three}
three: {type: Set Variable, properties: {Value: '=Large + "<b>"', Variable: ($)Kept}, bottom: four}
four: {type: Set Variable, properties: {Value: small, Variable: ($)Kept}, bottom: e}
e: {type: End Flow}
"""
TEXTS_VARIABLES = "{Large: {input: true, type: Text}, Kept: {}, Again: {}}"


@pytest.fixture
def texts(tmp_path: Path) -> FlowVersion:
    return publish(tmp_path, "texts", TEXTS, TEXTS_VARIABLES)


def address(execution: Execution, number: int, name: str) -> str:
    return reverse("execution-change", args=[execution.pk, number]) + f"?name={name}"


def test_a_large_value_is_stored_once_and_a_small_one_with_its_step(
    texts: FlowVersion, person: User
) -> None:
    large = "x" * 5000
    execution = run(texts, person, Large=large)
    changes = list(
        Step.objects.filter(execution=execution)
        .order_by("number")
        .values_list("changes", flat=True)
    )
    first, again, other = changes[1]["Kept"], changes[2]["Again"], changes[3]["Kept"]
    assert first["stored"] == again["stored"] != other["stored"]
    assert first["size"] == len(large) + 2
    assert large not in str(changes)
    assert changes[4] == {"Kept": {"value": "small"}}
    stored = ChangedValue.objects.filter(execution=execution)
    assert {v.key: (v.value, v.first_step, v.last_step) for v in stored} == {
        first["stored"]: (large, 1, 3),
        other["stored"]: (large + "<b>", 4, 4),
    }
    assert execution.stored_size == sum(v.size for v in stored)


def test_the_page_loads_a_large_value_when_asked(texts: FlowVersion, person: User) -> None:
    execution = run(texts, person, Large="x" * 5000)
    html = page(person, execution)
    table = html[html.index('aria-label="Steps"') :].partition("</table>")[0]
    assert "x" * 1000 not in table
    for number, name in ((2, "Kept"), (3, "Again"), (4, "Kept")):
        assert f'hx-get="{address(execution, number, name)}"' in table
    client = client_of(person)
    whole = client.get(address(execution, 4, "Kept"))
    assert whole.json() == "x" * 5000 + "<b>"
    assert whole["Cache-Control"] == "no-store"
    part = client.get(address(execution, 4, "Kept"), headers={"HX-Request": "true"})
    assert "&lt;b&gt;" in part.content.decode()
    assert client.get(address(execution, 5, "Kept")).json() == "small"
    for number, name in ((4, "Again"), (99, "Kept"), (10**30, "Kept"), (4, "%00"), (4, "")):
        assert client.get(address(execution, number, name)).status_code == 404


def test_who_may_not_see_the_execution_gets_no_value_whatever_they_know(
    texts: FlowVersion, person: User
) -> None:
    large = "secret " * 1000
    execution = run(texts, person, Large=large)
    stranger = User.objects.create_user("eve")
    client = client_of(stranger)
    theirs = run(texts, stranger, Large="y" * 5000)
    key = ChangedValue.objects.get(execution=execution, first_step=1).key
    own = Step.objects.filter(execution=theirs, number=2)
    for url in (
        address(execution, 2, "Kept"),
        address(execution, 2, key),
        address(theirs, 2, key),
        address(theirs, 2, f"Kept&stored={key}&key={key}"),
        f"/executions/{execution.pk}/value/?level=0&name=kept",
    ):
        response = client.get(url)
        assert response.status_code == 404 or "secret" not in response.content.decode()
    # Even a step of their own that names its key leads to their own execution's values only.
    own.update(changes={"Kept": {"summary": "", "stored": key, "size": 1}})
    assert client.get(address(theirs, 2, "Kept")).status_code == 404
    assert client_of(person).get(address(execution, 2, "Kept")).json() == large
    client.logout()
    assert client.get(address(execution, 2, "Kept")).status_code == 302


def test_a_loop_that_grows_a_list_stores_some_of_its_versions(tmp_path: Path, person: User) -> None:
    loop = publish(tmp_path, "loop", LOOP, LOOP_VARIABLES)
    execution = run(loop, person, Last=3000)
    stored = ChangedValue.objects.filter(execution=execution)
    changes = [s.changes["Seen"] for s in execution.steps.filter(block="add").order_by("number")]
    large = [change for change in changes if "summary" in change]
    kept = [change for change in large if "stored" in change]
    assert 5 < len(kept) == stored.count() < len(large) / 2
    assert execution.stored_size == sum(v.size for v in stored)
    checkpoints = execution.revision
    assert execution.stored_size < checkpoints * (limits.STORED_BYTES_PER_CHECKPOINT + 30_000)
    html = page(person, execution)
    assert "items, not kept with the step" in html


def test_an_execution_stores_so_much_in_all(texts: FlowVersion, person: User) -> None:
    actor = Actor(user_id=person.pk, name="ada", source="page")
    execution = start(texts, {"Large": "x" * 5000}, actor, Execution.Trigger.PAGE)
    Execution.objects.filter(pk=execution.pk).update(stored_size=limits.MAX_STORED_BYTES - 6000)
    runner.run(execution.pk)
    execution.refresh_from_db()
    assert execution.stored_size == limits.MAX_STORED_BYTES - 6000 + 5002
    first = execution.steps.get(number=1).changes["Large"]
    third = execution.steps.get(number=4).changes["Kept"]
    assert "stored" in first
    assert set(third) == {"summary"}
