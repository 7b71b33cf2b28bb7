"""What a jump to any moment of a long execution costs the server.

python -m benchmarks.history
"""

import statistics
import time

from benchmarks import flows
from benchmarks.installation import installation, publish

# It reads the environment that the installation sets.
from executions.commands.actor import Actor  # isort: skip
from executions.commands.start import start
from executions.models import Execution
from executions.store import history
from executions.trimming import gap
from flows import queries

ITERATIONS = 50_000


def main() -> None:
    with installation() as site:
        worker = site.worker()
        version = publish("pure", flows.PURE_LOOP, flows.LOOP_VARIABLES)
        actor = Actor(user_id=None, name="benchmark", source="command line")
        execution = start(version, {"Last": ITERATIONS}, actor, Execution.Trigger.COMMAND_LINE)
        while execution.ended_at is None:
            time.sleep(0.2)
            execution.refresh_from_db()
        worker.stop(seconds=1)
        graph = queries.compiled(version.pk)
        after = gap(execution.step_count).stop
        print(f"  an execution of {execution.step_count:,} steps")
        for name, step in (("early", 100), ("before the gap", 9_000), ("after it", after)):
            took = [jump(execution, graph, step) for _ in range(20)]
            worst = max(took)
            median = statistics.median(took)
            verdict = "ok" if median <= 200 else "MISSED"
            print(f"  {name:16} {median:8.1f} ms  ≤ 200 ms {verdict}, at worst {worst:.1f} ms")


def jump(execution: Execution, graph: object, step: int) -> float:
    began = time.perf_counter()
    past = history.at(execution, graph, step)  # type: ignore[arg-type]
    assert past.tokens
    assert past.variables
    assert past.visits
    assert not past.exceptions
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
