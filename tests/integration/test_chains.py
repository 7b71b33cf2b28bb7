"""Chains: the end of one execution starts another, once (docs/webhooks.md)."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client

from executions import completion, recovery, runner
from executions.commands.request import CommandRequest
from executions.commands.run import run_command
from executions.models import Chain, ChainStart, Execution
from executions.states import Status
from executions.store.lifecycle import chained
from executions.webhooks import chains
from flows.models import Flow, Grant
from flows.roles import Role
from tests.driving import ACTOR, begin, fresh
from tests.flows_in_tests import publish
from tests.secrets_in_tests import SECRET, where
from tests.servers import celery_worker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]

COUNT = """
a: {type: Start Flow, bottom: i}
i: {type: If True Exit Right, properties: {Value: =N > 2}, right: t, bottom: s}
t: {type: Throw New Flow Exception, properties: {Message: too many}}
s: {type: Set Variable, properties: {Value: =N + 1, Variable: ($)Next}, bottom: e}
e: {type: End Flow}
"""
COUNT_VARIABLES = """
N: {type: Integer, input: true, default: 0}
Token: {type: Text, input: true, output: true, secret: true}
Next: {type: Integer, output: true}
"""
TELL = "{a: {type: Start Flow, bottom: e}, e: {type: End Flow}}"
TELL_VARIABLES = "{What: {input: true}, Key: {type: Text, input: true, default: none}}"
O = ChainStart.Outcome  # noqa: E741 (short in assertions)


@pytest.fixture(autouse=True)
def look_again() -> None:
    chained.forget()


@pytest.fixture
def owner(tmp_path: Path) -> User:
    """Somebody who administers the flows `count` and `tell`."""
    user = User.objects.create_user("ada")
    for name, blocks, variables in (
        ("count", COUNT, COUNT_VARIABLES),
        ("tell", TELL, TELL_VARIABLES),
    ):
        flow = publish(tmp_path, name, blocks, variables)
        Grant.objects.create(user=user, flow=flow.flow, role=Role.ADMINISTER)
    return user


def make(owner: User, target: str = "tell", **columns: Any) -> Chain:
    flows = {flow.name: flow for flow in Flow.objects.all()}
    chosen = {"inputs": {"What": "=outputs"}, **columns}
    return Chain.objects.create(flow=flows["count"], target=flows[target], owner=owner, **chosen)


def count(number: int = 0, **inputs: Any) -> Execution:
    flow = Flow.objects.get(name="count")
    return begin(flow.versions.get(), N=number, **{"Token": "-", **inputs})


def ended(number: int = 0, **inputs: Any) -> Execution:
    """An execution of `count` that has ended, with what chains have made of that."""
    execution = count(number, **inputs)
    runner.run(execution.pk)
    chains.start_waiting()
    return fresh(execution)


def told() -> list[Any]:
    rows = Execution.objects.filter(flow_name="tell").order_by("started_at")
    return [row.inputs["What"] for row in rows]


def test_the_end_starts_another_with_its_outputs(owner: User) -> None:
    chain = make(owner)
    execution = ended(1)
    started = Execution.objects.get(flow_name="tell")
    assert started.inputs["What"] == {"Next": 2, "Token": "-"}
    assert (started.trigger, started.initiator_name) == ("chain", "ada")
    row = chain.starts.get()
    assert (row.outcome, row.source_id, row.started_id) == (O.STARTED, execution.pk, started.pk)
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    page = client.get(started.get_absolute_url()).content.decode()
    assert "By the end of" in page
    assert execution.get_absolute_url() in page
    page = client.get(execution.get_absolute_url()).content.decode()
    assert "Its end started" in page
    assert started.get_absolute_url() in page
    page = client.get(chain.get_absolute_url()).content.decode()
    assert execution.get_absolute_url() in page
    assert started.get_absolute_url() in page
    for name, words in (("count", "starts tell"), ("tell", "after count")):
        shown = " ".join(client.get(f"/flows/{name}/").content.decode().split())
        assert words in shown


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("ended", ["Ended"]),
        ("failed", ["too many"]),
        ("any", ["Ended", "too many", "Stopped"]),
    ],
)
def test_which_ends_count(owner: User, when: str, expected: list[str]) -> None:
    make(owner, when=when, inputs={"What": "=error == null ? status : error.message"})
    ended(1)
    ended(5)
    stopped = count()
    run_command("stop", CommandRequest(stopped, User.objects.create_superuser("root"), ACTOR))
    chains.start_waiting()
    assert told() == expected


def test_a_condition_and_problems_are_told(owner: User) -> None:
    chain = make(owner, condition="outputs.Next > 5")
    ended()
    assert chain.starts.get().outcome == O.UNMATCHED
    for changes, why in (
        ({"condition": "outputs"}, "neither true nor false"),
        ({"condition": "", "inputs": {"What": "=outputs.Nothing"}}, "What"),
        ({"inputs": {}}, "What"),
    ):
        Chain.objects.update(**changes)
        ended()
        last = chain.starts.first()
        assert last is not None
        assert last.outcome == O.FAILED
        assert why in last.why
    Grant.objects.filter(flow__name="tell").delete()
    ended()
    assert "may not start tell" in chain.starts.latest("id").why
    Chain.objects.update(is_on=False)
    ended()
    assert chain.starts.count() == 5
    assert told() == []


def test_a_loop_ends(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chains, "LONGEST_CHAIN", 3)
    chain = make(owner, "count", inputs={"N": "0"}, secret_inputs={"Token": "x"}, when="any")
    count()
    for _ in range(6):
        for pk in Execution.objects.filter(status=Status.QUEUED).values_list("pk", flat=True):
            runner.run(pk)
        chains.start_waiting()
    assert Execution.objects.count() == 4
    last = chain.starts.first()
    assert last is not None
    assert (last.length, last.outcome) == (4, O.FAILED)
    assert "a loop?" in last.why


def test_secrets_stay_secret(owner: User) -> None:
    make(owner, inputs={"What": "=outputs.Token", "Key": "=inputs.Token"})
    execution = ended(0, Token=SECRET)
    assert execution.status == Status.ENDED
    started = Execution.objects.get(flow_name="tell")
    assert where(SECRET) == []
    assert started.secrets is not None
    assert SECRET in started.secrets["texts"]


def test_an_end_that_is_taken_back_starts_nothing(owner: User) -> None:
    """The end and what it is to start are one transaction; the start and its note another."""
    make(owner)
    execution = count()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("executions.completion.retries.settle", _fails)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            completion.stop(execution.pk)
    assert fresh(execution).status == Status.QUEUED
    assert not ChainStart.objects.exists()
    runner.run(execution.pk)
    assert ChainStart.objects.get().outcome == O.WAITING
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ChainStart, "save", _fails)
        with pytest.raises(ZeroDivisionError):
            chains.start_waiting()
    assert told() == [], "the start went with its note"
    chains.start_waiting()
    chains.start_waiting()
    assert len(told()) == 1


def _fails(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError


@pytest.mark.django_db(transaction=True)
def test_kills_lose_and_double_nothing(
    owner: User, product_environment: dict[str, str], tmp_path: Path
) -> None:
    """Workers die at random moments while sixty executions end, and start sixty others."""
    make(owner, when="any")
    first = [count(1) for _ in range(60)]
    for number in range(4):
        worker = celery_worker(tmp_path / f"{number}.log", product_environment)
        worker.wait_until(partial(_have_ended, 12 * (number + 1)))
        worker.kill()
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE executions_execution SET lease_expires_at = now() WHERE ended_at IS NULL"
            )
        recovery.recover()
    for pk in Execution.objects.exclude(ended_at__isnull=False).values_list("pk", flat=True):
        recovery.recover()
        runner.run(pk)
    chains.start_waiting()
    sources = ChainStart.objects.filter(outcome=O.STARTED).values_list("source_id", flat=True)
    assert sorted(sources) == sorted(one.pk for one in first)
    assert Execution.objects.filter(flow_name="tell").count() == 60


def _have_ended(least: int) -> bool:
    return Execution.objects.filter(ended_at__isnull=False).count() >= least
