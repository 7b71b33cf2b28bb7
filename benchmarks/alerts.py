"""How long the alert rules take: many rules of every kind, over many flows.

    python -m benchmarks.alerts [--rules 1000] [--flows 1000] [--executions 100000]

Rules are for everything, a flow, a folder or a label by turns. An evaluation has to end before the
next one begins; the exit code is 1 where it does not.
"""

import argparse
import os
import sys
import time
from collections import defaultdict
from itertools import cycle
from typing import Any

from benchmarks import flows
from benchmarks.installation import installation, publish

# It reads the environment that the installation sets.
from benchmarks.fill import fill  # isort: skip
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions.alerts import evaluation
from executions.alerts.registry import KINDS
from executions.limits import ALERT_EVALUATED_EVERY
from executions.models import Alert, AlertRule, Execution
from executions.statistics import rebuild
from flows.models import Flow, Folder, Label

#: Times that all rules are evaluated.
TIMES = 3
#: The executions are of so many days.
DAYS = 7


def arrange() -> tuple[list[Flow], Folder, Label]:
    """Put every second flow into a folder, and give every third one a label."""
    folder, label = (
        model.objects.get_or_create(name=name)[0]
        for model, name in ((Folder, "commerce"), (Label, "production"))
    )
    found = list(Flow.objects.order_by("pk"))
    Flow.objects.filter(pk__in=[flow.pk for flow in found[::2]]).update(folder=folder)
    label.flows.add(*found[::3])
    return found, folder, label


def make_rules(number: int) -> None:
    """Make rules of each kind, by turns."""
    found, folder, label = arrange()
    named, kinds = cycle(found), cycle(KINDS.values())
    scopes: Any = cycle(("flow", "flow", "everything", "folder", "label"))
    for place in range(number):
        kind, scope = next(kinds), next(scopes)
        of: dict[str, Any] = {"flow": {"flow": next(named)}, "folder": {"folder": folder}}
        of |= {"label": {"label": label}, "everything": {}}
        AlertRule.objects.create(
            kind=kind.name, name=f"rule {place}", parameters=kind.defaults(), **of[scope]
        )


def measure(number: int) -> float:
    """Evaluate all rules, print what each kind took, and return the seconds of the quickest."""
    quickest = float("inf")
    for _ in range(TIMES):
        AlertRule.objects.update(evaluated_at=None)
        took: dict[str, float] = defaultdict(float)
        with CaptureQueriesContext(connection) as queries:
            began, cpu = time.perf_counter(), time.thread_time()
            evaluation.evaluate()
            seconds, cpu = time.perf_counter() - began, time.thread_time() - cpu
        for query in queries.captured_queries:
            took["sql"] += float(query["time"])
        quickest = min(quickest, seconds)
        print(
            f"  {number} rules: {seconds:6.2f} s, {cpu:6.2f} s of CPU here, {took['sql']:6.2f} s "
            f"of SQL in {len(queries)} statements, {Alert.objects.count()} alerts",
            flush=True,
        )
    problems = AlertRule.objects.exclude(problem="").values_list("kind", "problem")
    for kind, problem in problems[:5]:
        print(f"  {kind}: {problem}")
    return quickest


def by_kind() -> None:
    """Print what the rules of each kind take alone."""
    for name in KINDS:
        AlertRule.objects.update(is_on=False, evaluated_at=None)
        count = AlertRule.objects.filter(kind=name).update(is_on=True)
        began = time.perf_counter()
        evaluation.evaluate()
        seconds = time.perf_counter() - began
        print(f"  {name:20} {count:5} rules {seconds * 1000 / max(count, 1):8.2f} ms each")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rules", type=int, default=1000)
    parser.add_argument("--flows", type=int, default=1000)
    parser.add_argument("--executions", type=int, default=100_000)
    options = parser.parse_args()
    with installation():
        print(f"load {os.getloadavg()[0]:.1f}")
        if Execution.objects.count() < options.executions:
            for number in range(options.flows):
                publish(f"flow-{number:04}", flows.THREE_BLOCKS, flows.THREE_BLOCKS_VARIABLES)
            print(f"  {options.executions} executions in {fill(options.executions, DAYS):.0f} s")
            rebuild.rebuild()
        AlertRule.objects.all().delete()
        make_rules(options.rules)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        quickest = measure(options.rules)
        by_kind()
    verdict = "ok" if quickest <= ALERT_EVALUATED_EVERY else "SLOW"
    print(f"  {quickest:.2f} s of {ALERT_EVALUATED_EVERY:.0f} s between evaluations  {verdict}")
    return verdict == "SLOW"


if __name__ == "__main__":
    sys.exit(main())
