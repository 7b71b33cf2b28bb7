"""What a jump to any moment of a long execution costs the server.

python -m benchmarks.history
"""

import re
import statistics
import time
from functools import cache

from benchmarks import flows
from benchmarks.installation import installation, publish

# It reads the environment that the installation sets.
from django.contrib.auth.models import User  # isort: skip
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.models import Execution
from executions.retention.trimming import trimmed_steps
from executions.store import history
from flows import queries

ITERATIONS = 50_000
#: Milliseconds that a jump may take at worst.
BOUND = 200


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
        client = signed_in()
        after = trimmed_steps(execution.step_count).stop
        print(f"  an execution of {execution.step_count:,} steps, its dropped ones not vacuumed")
        moments = {"early": 100, "before the gap": 9_000, "after it": after}
        for name, step in moments.items():
            tell(f"{name}, the moment", [jump(execution, graph, step) for _ in range(20)])
            tell(f"{name}, the page", [refreshed(client, execution, step) for _ in range(20)])
        explained()


def tell(name: str, took: list[float]) -> None:
    worst, median = max(took), statistics.median(took)
    verdict = "ok" if worst <= BOUND else "MISSED"
    print(f"  {name:28} {median:6.1f} ms, at worst {worst:6.1f} ms  ≤ {BOUND} ms {verdict}")


def signed_in() -> Client:
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create_superuser("benchmark"))
    return client


def refreshed(client: Client, execution: Execution, step: int) -> float:
    """What the server takes for the whole answer to a jump, all its parts but the drawing."""
    address = reverse("execution-live", args=[execution.pk])
    held = re.findall(r'id="part-(diagram|map)"[^>]*data-part="(\w+)"', whole(client, execution))
    began = time.perf_counter()
    headers = {"X-Held": " ".join(":".join(part) for part in held)}
    response = client.get(address, {"step": step}, headers=headers)
    took = time.perf_counter() - began
    assert response.status_code == 200
    assert f'aria-valuenow="{step}"' in response.content.decode()
    return took * 1000


@cache
def whole(client: Client, execution: Execution) -> str:
    return client.get(execution.get_absolute_url()).content.decode()


def explained() -> None:
    """The plan of the slowest statement of a jump."""
    with CaptureQueriesContext(connection) as captured:
        execution = Execution.objects.get()
        jump(execution, queries.compiled(execution.version_id), execution.step_count - 1)
    slowest = max(captured.captured_queries, key=lambda query: float(query["time"]))
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {slowest['sql']}")
        print(*(f"    {line}" for (line,) in cursor.fetchall()), sep="\n")


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
