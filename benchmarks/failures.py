"""What failure groups cost workers: executions of one failing flow a second, all of one group.

    python -m benchmarks.failures [--count 2000] [--rounds 4]

The same worker runs them with the group as the product writes it, and without: with a statement
that leaves the group out. The rounds alternate, so that what else the machine does meets both.
"""

import argparse
import os
import statistics
from collections.abc import Sequence
from textwrap import indent

from benchmarks.engine import begin, tell, unfinished, wait_until
from benchmarks.installation import Installation, installation, publish
from executions.failures import occurrences  # noqa: F401 (connects the counting)
from executions.models import Execution, FailureGroup
from executions.statistics.aggregation import aggregate
from flows.models import FlowVersion

#: Fails at once, each time with another number in its message.
REFUSE = """
a: {type: Start Flow, bottom: t}
t:
  type: Throw New Flow Exception
  description: Refuse
  properties: {Message: '="Order " + string(Order) + " is refused"'}
"""
VARIABLES = "Order: {input: true, default: 1}"
#: Has the worker leave the group out (`executions.store.lifecycle.failures.GROUP`).
WITHOUT = """
from executions.store.lifecycle import failures
failures.GROUP = "failure_group AS (SELECT %(failure)s, %(failure_type)s, %(failure_template)s)"
"""


def rate(site: Installation, version: FlowVersion, count: int, *, grouped: bool) -> float:
    """Executions that fail a second, queued before the worker starts."""
    ids = [begin(version, Order=number).pk for number in range(count)]
    folder = site.data.path / "without"
    folder.mkdir(exist_ok=True)
    # Python imports it as it starts.
    (folder / "sitecustomize.py").write_text("" if grouped else _patch())
    os.environ["PYTHONPATH"] = str(folder)
    worker = site.worker()
    wait_until(lambda: unfinished(version) == 0, 600)
    worker.stop(seconds=1)
    ends: Sequence[object] = sorted(
        Execution.objects.filter(pk__in=ids).values_list("ended_at", flat=True)
    )
    first, last = ends[0], ends[-1]
    return (count - 1) / (last - first).total_seconds()  # type: ignore[operator]


def _patch() -> str:
    """What replaces the statement once Django has loaded."""
    return (
        "import celery.signals\n"
        "@celery.signals.worker_init.connect(weak=False)\n"
        f"def leave_out(**_):{indent(WITHOUT, '    ')}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    with installation() as site:
        version = publish("refuse", REFUSE, VARIABLES)
        rate(site, version, 200, grouped=True)
        rates: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(options.rounds):
            for grouped in (False, True):
                rates[grouped].append(rate(site, version, options.count, grouped=grouped))
        aggregate(600)
        group = FailureGroup.objects.get()
        failed = Execution.objects.filter(failure=group.pk).count()
        assert group.count == failed, f"{group.count} counted, {failed} failed"
        print(f"  one group, {group.count:,} failures counted")
        # The best of each: whatever else the machine does only ever takes away.
        best = {grouped: max(found) for grouped, found in rates.items()}
        middle = statistics.median(rates[True]) / statistics.median(rates[False])
        print(f"  without groups, /s: {[round(one) for one in rates[False]]}")
        print(f"  with groups, /s:    {[round(one) for one in rates[True]]}, medians {middle:.2f}")
        tell(
            "failing executions, one group",
            best[True],
            "/s",
            "0.90 of without",
            best[True] / best[False],
            least=True,
        )


if __name__ == "__main__":
    main()
