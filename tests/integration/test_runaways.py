"""Flows that run away together on one real worker: each meets the limit that has its name, and
what else is started meanwhile comes to its end (design §5)."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from executions.limits import MAX_DEPTH
from executions.models import Execution
from executions.states import Status
from tests.driving import begin, fresh, outputs
from tests.flows_in_tests import SQUARE, SQUARE_VARIABLES, publish
from tests.servers import Process, celery_beat, celery_worker

pytestmark = pytest.mark.django_db(transaction=True)

#: Goes round for ever, with a handler that leads back into the loop.
ENDLESS = """
a: {type: Start Flow, bottom: s}
s:
  type: Set Variable
  properties: {Value: =N + 1, Variable: ($)N}
  bottom: s
  exception: h
h: {type: Handle Block Exception, bottom: s}
e: {type: End Flow}
"""
#: A variable that doubles until it would hold a gigabyte.
GROWING = """
a: {type: Start Flow, bottom: s}
s:
  type: Set Variable
  properties: {Value: =Text + Text, Variable: ($)Text}
  bottom: s
  exception: h
h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: e}
e: {type: End Flow}
"""
#: Starts children for ever.
BREEDING = """
a: {type: Start Flow, bottom: r}
r:
  type: Run Flow Async
  properties: {Flow: square, Inputs: {N: 2}, Execution Task: ($)_}
  bottom: r
  exception: h
h: {type: Handle Block Exception, properties: {Exception: ($)Problem}, bottom: e}
e: {type: End Flow}
"""
#: Runs itself; what stops the innermost is told to the outermost.
RECURSIVE = """
a: {type: Start Flow, bottom: r}
r: {type: Run Flow, properties: {Flow: recursive}, bottom: e}
e: {type: End Flow}
h:
  type: Handle Flow Exception
  properties: {Exception: ($)E}
  variables: {E: {}}
  blocks:
    s: {type: Start Workspace, bottom: t}
    t: {type: Rethrow Exception, properties: {Exception: =E}}
"""


@pytest.fixture
def short_worker(
    redis: Redis, product_environment: dict[str, str], tmp_path: Path
) -> Iterator[Process]:
    """One process, with limits that are met in seconds; and a scheduler."""
    environment = {**product_environment, "MAX_BLOCKS": "200000", "MAX_CHILDREN": "100"}
    worker = celery_worker(tmp_path / "worker.log", environment, concurrency=1)
    scheduler = celery_beat(tmp_path / "beat.log", environment, tmp_path)
    yield worker
    worker.stop(signal.SIGQUIT)
    scheduler.stop()
    print(worker.output)


def test_flows_that_run_away_meet_their_limits_and_others_go_on(
    short_worker: Process, tmp_path: Path
) -> None:
    square = publish(tmp_path, "square", SQUARE, SQUARE_VARIABLES)
    problem = "Problem: {output: true}"
    runaways = {
        "TooManyBlocksException": publish(tmp_path, "endless", ENDLESS, "{N: {default: 0}}"),
        "VariableTooLargeException": publish(
            tmp_path, "growing", GROWING, f"{{Text: {{default: runaway}}, {problem}}}"
        ),
        "TooManyChildrenException": publish(tmp_path, "breeding", BREEDING, f"{{{problem}}}"),
        "ExecutionDepthException": publish(tmp_path, "recursive", RECURSIVE),
    }
    started = {limit: begin(version) for limit, version in runaways.items()}
    others = [begin(square, N=n) for n in range(5)]
    live = Execution.objects.filter(ended_at=None)
    short_worker.wait_until(lambda: not live.exists(), 150)
    assert [outputs(each) for each in others] == [{"Square": n * n} for n in range(5)]
    for limit in ("TooManyBlocksException", "ExecutionDepthException"):
        ended = fresh(started[limit])
        assert (ended.status, ended.error_type) == (Status.ERROR, limit)
    for limit in ("VariableTooLargeException", "TooManyChildrenException"):
        assert outputs(started[limit])["Problem"].short_type == limit
    assert Execution.objects.filter(parent=started["TooManyChildrenException"]).count() == 100
    deepest = Execution.objects.filter(flow_name="recursive").order_by("-depth")[0]
    assert deepest.depth == MAX_DEPTH
    endless = fresh(started["TooManyBlocksException"])
    assert endless.ended_at
    assert all(each.ended_at and each.ended_at < endless.ended_at for each in map(fresh, others))
    assert "SIGALRM" not in short_worker.output
