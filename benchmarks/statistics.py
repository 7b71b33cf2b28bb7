"""What statistics cost: reads of 30 days of 1,000 flows, aggregating the journal,
rebuilding, and what workers do for them.

    python -m benchmarks.statistics reads [--executions 300000] [--flows 1000] [--explain]
    python -m benchmarks.statistics throughput [--rounds 6] [--number 1000]
    python -m benchmarks.statistics turns [--rounds 40] [--number 100]

Takes some minutes. `--explain` prints the plan of the read by flow. `throughput` runs executions of
3 blocks by turns with and without the triggers that write to the journal; `turns` does so in one
process without Celery, where CPU can be told exactly on a busy machine.
"""

import argparse
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from benchmarks import flows
from benchmarks.installation import Installation, installation, publish

# It reads the environment that the installation sets.
from benchmarks.engine import begin, cpu_seconds, unfinished, wait_until  # isort: skip
from benchmarks.fill import fill  # isort: skip
from executions import runner
from executions.models import Execution, StatisticsTotal
from executions.statistics import aggregation, read, rebuild
from executions.statistics.read import Selection
from executions.statistics.spans import Span
from flows.models import FlowVersion

DAYS = 30
#: Times that each read is measured.
TIMES = 9
#: What the journal holds of so many executions that start, wait and end within a minute, of all
#: flows or of one.
_JOURNAL = """
    INSERT INTO executions_statisticsevent (at, version_id, trigger, kind, sign, since)
    SELECT at, (%(versions)s::bigint[])[1 + n %% %(size)s], 'page', kind, 1,
        CASE WHEN kind <> 'started' THEN at - random() * interval '5 s' END
    FROM generate_series(1, %(number)s) n,
        LATERAL (SELECT now() - n %% 600 * interval '0.1 s' AS at) AS moment,
        unnest(ARRAY['started', 'claimed', 'Ended']) kind
"""


def took(action: Callable[[], object]) -> float:
    """Return how many milliseconds it takes."""
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


class Clock:
    """CPU of this thread and of its connection's process in PostgreSQL, in milliseconds."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self.statistics = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")

    def __call__(self) -> float:
        backend = int(self.statistics.read_text().split()[0]) / 1e6
        return backend + time.thread_time() * 1000


def measure_reads(limit: float) -> None:
    """Read 30 days, as pages do, with each flow's p95."""
    zone, now = ZoneInfo("Asia/Kolkata"), datetime.now(UTC)
    span, day = Span.last(timedelta(days=DAYS), now), Span.last(timedelta(days=1), now)
    shown = list(read.by_flow(day))[:50]
    clock = Clock()

    def of_flows(span: Span) -> list[float | None]:
        return [counts.durations.quantile(0.95) for counts in read.by_flow(span).values()]

    for name, action in (
        ("counts and p95 of each flow, 30 days", lambda: of_flows(span)),
        ("counts and p95 of each flow, 24 h", lambda: of_flows(day)),
        ("counts of each flow, 30 days", lambda: read.by_flow(span)),
        ("numbers of each flow, 30 days", lambda: read.numbers_by_flow(span)),
        ("numbers of each flow, 24 h", lambda: read.numbers_by_flow(day)),
        ("all flows, 30 days", lambda: read.totals(span).durations.quantile(0.95)),
        ("all flows, 30 days by day", lambda: read.series(span, "day", zone)),
        ("all flows, 30 days by hour", lambda: read.series(span, "hour", zone)),
        ("500 flows, 30 days", lambda: read.totals(span, Selection(flows=range(1, 501)))),
        ("one trigger, 30 days", lambda: read.totals(span, Selection(triggers=["page"]))),
        (
            "50 flows, 24 h by hour",
            lambda: read.series_by_flow(day, "hour", zone, Selection(flows=shown)),
        ),
        ("each flow, 24 h by hour", lambda: read.series_by_flow(day, "hour", zone)),
    ):
        action()
        before = clock()
        times = [took(action) for _ in range(TIMES)]
        cpu = (clock() - before) / TIMES
        verdict = "ok" if min(*times, cpu) <= limit else "SLOW"
        print(f"  {name:42} {min(times):8.1f} ms, {cpu:7.1f} ms of CPU  {verdict}", flush=True)


def measure_fold(versions: list[int], number: int) -> None:
    for name, some in (("of all flows", versions), ("of one flow", versions[:1])):
        aggregation.aggregate_all()
        params = {"versions": some, "size": len(some), "number": number}
        with connection.cursor() as cursor:
            cursor.execute(_JOURNAL, params)
        unfolded = min(
            took(lambda: read.by_flow(Span.last(timedelta(days=DAYS)))) for _ in range(5)
        )
        clock = Clock()
        before = clock()
        milliseconds = took(aggregation.aggregate_all)
        events, cpu = 3 * number, clock() - before
        print(
            f"  {events} events {name:24} {events / milliseconds * 1000:8.0f} events/s, "
            f"{cpu * 1000 / events:.1f} µs of CPU each"
            f"  (a read by flow before: {unfolded:.1f} ms)"
        )


def explain() -> None:
    """Print the plan of the read by flow."""
    ran: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        ran.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        read.by_flow(Span.last(timedelta(days=DAYS)))
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {ran[0][0]}", ran[0][1])
        print("\n".join(line for (line,) in cursor.fetchall()))


def reads(options: argparse.Namespace, _: Installation) -> None:
    if Execution.objects.count() < options.executions:
        for number in range(options.flows):
            publish(f"flow-{number:04}", flows.THREE_BLOCKS, flows.THREE_BLOCKS_VARIABLES)
        print(f"  {options.executions} executions in {fill(options.executions, DAYS):.0f} s")
        rebuilt = took(rebuild.rebuild) / 1000
        print(f"  rebuilt in {rebuilt:.1f} s: {StatisticsTotal.objects.count()} totals")
        print(f"  checked in {took(lambda: list(rebuild.check())) / 1000:.1f} s")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE executions_statisticstotal, executions_statisticsseries")
        cursor.execute("SELECT pg_total_relation_size('executions_statisticstotal')")
        print(f"  totals take {cursor.fetchone()[0] / 2**20:.0f} MiB")
    measure_reads(options.limit)
    measure_fold(list(FlowVersion.objects.values_list("pk", flat=True)), 20_000)
    if options.explain:
        explain()


def throughput(options: argparse.Namespace, site: Installation) -> None:
    """Executions a second, and CPU of workers and PostgreSQL for each, aggregating included."""
    version = publish("three", flows.THREE_BLOCKS, flows.THREE_BLOCKS_VARIABLES)
    site.beat()
    rates: dict[str, list[float]] = {"DISABLE": [], "ENABLE": []}
    used: dict[str, list[float]] = {"DISABLE": [], "ENABLE": []}
    for turn in range(options.rounds + 1):
        for state in rates:
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER TABLE executions_execution {state} TRIGGER USER")
            rate, cpu = run(site, version, options.number if turn else 100)
            if turn:
                rates[state].append(rate)
                used[state].append(cpu)
                print(f"  {state:8} {rate:8.1f} /s {cpu * 1000:8.3f} ms of CPU each", flush=True)
    before, after = rates.values()
    print(f"  best rate with statistics ÷ without: {max(after) / max(before):.3f} (≥ 0.95)")
    print(f"  median rate with ÷ without: {median(after) / median(before):.3f}")
    before, after = used.values()
    print(f"  least CPU without ÷ with: {min(before) / min(after):.3f}")
    print(f"  median CPU without ÷ with: {median(before) / median(after):.3f}")


def run(site: Installation, version: FlowVersion, number: int) -> tuple[float, float]:
    """Run executions that wait for a worker; return how many end a second, and the CPU of each."""
    ids = [begin(version).pk for _ in range(number)]
    worker = site.worker()
    before = cpu_seconds([worker, site.postgres_process])
    wait_until(lambda: unfinished(version) == 0, 600)
    used = cpu_seconds([worker, site.postgres_process]) - before
    worker.stop(seconds=1)
    ends = sorted(Execution.objects.filter(pk__in=ids).values_list("ended_at", flat=True))
    return (number - 1) / (ends[-1] - ends[0]).total_seconds(), used / number


def turns(options: argparse.Namespace, _: Installation) -> None:
    """CPU for each execution without Celery: its start, its turn, and the fold."""
    version = publish("three", flows.THREE_BLOCKS, flows.THREE_BLOCKS_VARIABLES)
    connection.close()
    # As workers have it.
    connection.settings_dict["OPTIONS"] |= {"pool": False, "prepare_threshold": 5}
    connection.settings_dict["CONN_MAX_AGE"] = None
    clock = Clock()
    found: dict[str, list[tuple[float, ...]]] = {"DISABLE": [], "ENABLE": []}
    for _ in range(options.rounds + 3):
        for state, used in found.items():
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER TABLE executions_execution {state} TRIGGER USER")
            times = [clock()]
            ids = [begin(version).pk for _ in range(options.number)]
            times.append(clock())
            for pk in ids:
                runner.run(pk)
            times.append(clock())
            if state == "ENABLE":
                aggregation.aggregate()
            times.append(clock())
            used.append(tuple((b - a) / options.number for a, b in pairwise(times)))
    for place, name in enumerate(("start", "turn", "fold")):
        without, after = (sorted(one[place] for one in used[3:]) for used in found.values())
        quarter = len(after) // 4
        print(
            f"  {name:6} without {without[quarter]:7.3f} ms, with {after[quarter]:7.3f} ms (lower "
            f"quartiles); medians {median(without):7.3f} and {median(after):7.3f} ms"
        )


MEASURES = {measure.__name__: measure for measure in (reads, throughput, turns)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("measure", choices=MEASURES)
    parser.add_argument("--executions", type=int, default=300_000)
    parser.add_argument("--flows", type=int, default=1000)
    parser.add_argument("--limit", type=float, default=50, help="milliseconds for a read")
    parser.add_argument("--explain", action="store_true")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--number", type=int, default=1000)
    options = parser.parse_args()
    with installation() as site:
        print(f"load {os.getloadavg()[0]:.1f}")
        MEASURES[options.measure](options, site)


if __name__ == "__main__":
    main()
