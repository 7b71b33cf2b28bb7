"""Expressions that a web process has to evaluate cost it neither time nor memory."""

import resource
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from executions import runner
from executions.commands.debugging.set_next import preview
from executions.commands.request import CommandRefused
from executions.processes import limit_process
from flows import sandbox, value_sources
from flows.expressions import ExpressionError
from flows.value_sources import evaluate_constant, parse
from tests.driving import begin
from tests.flows_in_tests import publish

#: More than ten thousand million characters: a hundred, doubled 27 times.
HUGE = "cel.bind(x, " * 27 + f"'{'a' * 100}'" + ", x + x)" * 27
#: Minutes: a list of a million items, a thousand times.
SLOW = "range(1000).map(i, range(1000000).size())"
BLOCKS = f"""
start: {{type: Start Flow, bottom: w}}
w:
  type: Workspace
  variables: {{Inside: {{default: "={HUGE}"}}}}
  blocks:
    s: {{type: Start Workspace, bottom: e}}
    e: {{type: End Workspace}}
  bottom: end
end: {{type: End Flow}}
"""


@pytest.fixture(autouse=True)
def afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test is refused for what another one has tried."""
    sandbox._excesses.clear()
    sandbox._answers.clear()


def largest_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize(
    "value",
    [1, 1.5, inf, "a\0b", "caf\ud83d", b"key", None, True, [1, {"a": [None]}], {"$items": 1},
     datetime(2026, 1, 1, tzinfo=UTC), timedelta(seconds=90)],
)  # fmt: skip
def test_values_come_back_as_they_are(value: Any) -> None:
    assert sandbox.evaluate(value_sources.Composite([value_sources.Literal(value)]), 1000) == [
        value
    ]


def test_what_fails_says_why() -> None:
    with pytest.raises(ExpressionError, match="divide by zero"):
        evaluate_constant(parse("=1 / 0"))
    with pytest.raises(KeyError, match="Other"):
        evaluate_constant(parse("=Other + 1"))
    with pytest.raises(ExpressionError, match="larger than 10 bytes"):
        evaluate_constant(parse("='a' + 'bcdefghijklm'"), 10)
    assert evaluate_constant(parse("=1 + 1")) == 2


@pytest.mark.parametrize("text", [HUGE, f"[{HUGE}, 1]", SLOW])
def test_memory_and_time_of_an_expression_are_bounded(text: str) -> None:
    before = largest_mebibytes()
    for _ in range(100):
        with pytest.raises(ExpressionError):
            evaluate_constant(parse(f"={text}"))
    # It is tried once: its answer is kept.
    assert len(sandbox._excesses) <= 1
    assert len(sandbox._answers) == 1
    assert largest_mebibytes() - before < 100
    assert evaluate_constant(parse("=1 + 2")) == 3


def test_many_that_take_too_long_are_refused_at_once() -> None:
    began = time.monotonic()
    for number in range(30):
        with pytest.raises(ExpressionError):
            evaluate_constant(parse(f"=[{number}, {SLOW}]"))
    assert time.monotonic() - began < sandbox.EXCESSES * (sandbox.SECONDS + 10)
    with pytest.raises(ExpressionError, match="again in a minute"):
        evaluate_constant(parse("=1 + 3"))


def test_others_go_on_meanwhile() -> None:
    """A thread that waits for an evaluation holds nobody up."""
    evaluate_constant(parse("=1 + 4"))

    def wait() -> None:
        with suppress(ExpressionError):
            evaluate_constant(parse(f"=[2, {HUGE}]"))

    waits = threading.Thread(target=wait)
    waits.start()
    turns = 0
    while waits.is_alive():
        time.sleep(0.005)
        turns += 1
    assert turns > 10


def test_a_worker_of_its_own_evaluates_by_itself() -> None:
    """One that Celery's main process does not replace is not bounded, and keeps asking."""
    limit_process()
    assert value_sources._evaluator is sandbox.evaluate


@pytest.mark.django_db(transaction=True)
def test_pages_and_commands_outlive_such_a_default(tmp_path: Path, client: Client) -> None:
    variables = f'{{V: {{input: true, default: "={HUGE}"}}, W: {{input: true, default: =1 + 1}}}}'
    version = publish(tmp_path, "huge", BLOCKS, variables)
    before, began = largest_mebibytes(), time.monotonic()
    client.force_login(User.objects.create_superuser("root"))
    for address in ("/flows/huge/", "/admin/flows/flow/"):
        assert client.get(address).status_code == 200
    paused = begin(version, paused=True, V=1)
    runner.run(paused.pk)
    with pytest.raises(CommandRefused, match=r"too much .*memory"):
        preview(paused.pk, "w/e")
    assert largest_mebibytes() - before < 200
    assert time.monotonic() - began < 40
