"""The engine's speed, as ratios against bare Celery and bare PostgreSQL in the same run.

    python -m benchmarks.engine [throughput] [blocks] [latency] [due] [parked] [memory]

Without names all of them run, in about two minutes. `--scale 10` makes each ten times longer;
`--profile FOLDER` has py-spy (`pip install py-spy`) record the workers.
"""

import argparse
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import psutil
from django.db import connection
from redis import Redis

from benchmarks import flows
from benchmarks.installation import Installation, installation, publish

# It reads the environment that the installation sets.
from benchmarks import bare  # isort: skip
from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.models import Execution, Step, new_id
from flows.models import FlowVersion
from tests.servers import Process

ACTOR = Actor(user_id=None, name="benchmark", source="command line")
BARE_PADDING = "0" * 36


class Run:
    """One command's settings."""

    def __init__(self, site: Installation, scale: float, profile: Path | None) -> None:
        self.site = site
        self.scale = scale
        self.profile = profile

    def count(self, number: int) -> int:
        return max(10, int(number * self.scale))

    @contextmanager
    def recorded(self, worker: Process, name: str, seconds: int) -> Iterator[None]:
        """Have py-spy look at the processes of a worker meanwhile."""
        if self.profile is None:
            yield
            return
        self.profile.mkdir(parents=True, exist_ok=True)
        record = f"py-spy record --rate 200 --duration {seconds} --format raw --gil".split()
        recorders = [
            subprocess.Popen(
                [*record, "--pid", str(child.pid), "--output", self.profile / f"{name}{n}.raw"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for n, child in enumerate(psutil.Process(worker.pid).children())
        ]
        yield
        for recorder in recorders:
            recorder.wait(seconds + 30)


def begin(version: FlowVersion, **inputs: object) -> Execution:
    return start(version, inputs, ACTOR, Execution.Trigger.COMMAND_LINE)


def wait_until(ready: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise SystemExit(f"not done within {seconds:.0f} s")
        time.sleep(0.1)


def tell(what: str, measured: float, unit: str, asked: str, ratio: float, *, least: bool) -> None:
    limit = float(asked.split()[0])
    verdict = "ok" if (ratio >= limit if least else ratio <= limit) else "MISSED"
    sign = "≥" if least else "≤"
    print(f"  {what:44} {measured:10.1f} {unit:12} ratio {ratio:7.2f}  {sign} {asked:12} {verdict}")


def unfinished(version: FlowVersion) -> int:
    return Execution.objects.filter(version=version, ended_at=None).count()


# Throughput ----------------------------------------------------------------------------------


def bare_rate(site: Installation, number: int) -> float:
    """No-op tasks a second, queued before the worker starts."""
    with Redis.from_url(bare.URL) as redis:
        redis.delete(bare.MARKS)
        wanted = 0
        for n in range(number):
            if n % 50 == 0 or n == number - 1:
                wanted += 1
                bare.mark.delay(f"{n:036}")
            else:
                bare.noop.delay(BARE_PADDING)
        worker = site.bare_worker()
        wait_until(lambda: int(redis.llen(bare.MARKS)) == wanted, 120)
        marks = [line.decode().split() for line in redis.lrange(bare.MARKS, 0, -1)]
    worker.stop(seconds=1)
    times = sorted(float(at) for _, at in marks)
    return (number - 1) / (times[-1] - times[0])


def execution_rate(run: Run, version: FlowVersion, number: int, name: str) -> tuple[float, float]:
    """Starts a second from one process, then executions that two processes run a second."""
    began = time.perf_counter()
    ids = [begin(version).pk for _ in range(number)]
    starts = number / (time.perf_counter() - began)
    worker = run.site.worker()
    with run.recorded(worker, name, 8):
        wait_until(lambda: unfinished(version) == 0, 300)
    worker.stop(seconds=1)
    ends = sorted(Execution.objects.filter(pk__in=ids).values_list("ended_at", flat=True))
    return starts, (number - 1) / (ends[-1] - ends[0]).total_seconds()


def throughput(run: Run) -> None:
    """A 3-block flow against no-op tasks, 2 prefork processes, start to end."""
    version = publish("three", flows.THREE_BLOCKS, flows.THREE_BLOCKS_VARIABLES)
    execution_rate(run, version, 200, "warm")
    noops, rates, starts = [], [], []
    for _ in range(4):
        noops.append(bare_rate(run.site, run.count(3000)))
        started, rate = execution_rate(run, version, run.count(1500), "throughput")
        starts.append(started)
        rates.append(rate)
    # The best of each: whatever else the machine does only ever takes away.
    noop, rate = max(noops), max(rates)
    print(f"  {'bare no-op tasks':44} {noop:10.1f} /s    of {[round(n) for n in noops]}")
    print(f"  {'starts from one process':44} {max(starts):10.1f} /s")
    tell("executions of 3 blocks", rate, "/s", "0.5", rate / noop, least=True)


# Blocks --------------------------------------------------------------------------------------


def bare_insert_rate(number: int) -> float:
    """Rows of steps a second that PostgreSQL takes by COPY, 2,000 a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE bare_step (LIKE executions_step INCLUDING ALL)")
        execution_id, now = new_id(), datetime.now().astimezone()
        began = time.perf_counter()
        for first in range(0, number, 2000):
            columns = "execution_id, number, level, block, at, duration, port, exception"
            with cursor.copy(f"COPY bare_step ({columns}) FROM STDIN") as copy:
                for n in range(first, first + 2000):
                    copy.write_row((execution_id, n, 0, "block", now, 10, "bottom", ""))
    return number / (time.perf_counter() - began)


def block_times(version: FlowVersion, worker_seconds: float, last: int) -> tuple[float, float]:
    """Blocks a second of one execution, and what a late block costs against an early one."""
    execution = begin(version, Last=last)
    checkpoints: dict[int, datetime] = {}

    def over() -> bool:
        execution.refresh_from_db(fields=["step_count", "updated_at", "ended_at"])
        checkpoints[execution.step_count] = execution.updated_at
        return execution.ended_at is not None

    wait_until(over, worker_seconds)
    first = Step.objects.values_list("at", flat=True).get(execution=execution, number=100)
    assert execution.ended_at is not None
    rate = execution.step_count / (execution.ended_at - first).total_seconds()
    early, late = pace(checkpoints, 0.0, 0.3), pace(checkpoints, 0.7, 1.0)
    return rate, late / early


def pace(checkpoints: dict[int, datetime], begin: float, end: float) -> float:
    """Seconds a block between the first and the last checkpoint seen in a part of an execution.
    The steps in its middle are not kept."""
    whole = max(checkpoints)
    seen = sorted(count for count in checkpoints if begin * whole <= count <= end * whole and count)
    took = checkpoints[seen[-1]] - checkpoints[seen[0]] if seen else timedelta(0)
    return took.total_seconds() / (seen[-1] - seen[0]) if took else float("nan")


def blocks(run: Run) -> None:
    """Pure blocks a second within one execution, each with its durable step."""
    print(f"  {'bare PostgreSQL, steps by COPY':44} {bare_insert_rate(60_000):10.1f} /s")
    worker = run.site.worker()
    for name, text, asked in (
        ("pure", flows.PURE_LOOP, "28000 /s"),
        ("expression", flows.EXPRESSION_LOOP, "0 /s"),
    ):
        version = publish(name, text, flows.LOOP_VARIABLES)
        block_times(version, 60, 1000)
        with run.recorded(worker, name, 8):
            measured = [block_times(version, 120, run.count(60_000)) for _ in range(4)]
        rate = max(rate for rate, _ in measured)
        slower = statistics.median(slower for _, slower in measured)
        tell(f"durable {name} blocks in one execution", rate, "/s", asked, rate, least=True)
        tell("its late blocks against its early ones", 0, "", "1.2", slower, least=False)
    worker.stop(seconds=1)


# Latency -------------------------------------------------------------------------------------


def latency(run: Run) -> None:
    """From the start request to the first step, on an idle worker."""
    number = run.count(200)
    worker = run.site.bare_worker()
    with Redis.from_url(bare.URL) as redis:
        redis.delete(bare.MARKS)
        for n in range(number + 20):
            bare.mark.delay(repr(time.time()))
            wait_until_marked(redis, n + 1)
        lines = [line.decode().split() for line in redis.lrange(bare.MARKS, 20, -1)]
    worker.stop(seconds=1)
    plain = [float(end) - float(begun) for begun, end in lines]
    version = publish("three", flows.THREE_BLOCKS, flows.THREE_BLOCKS_VARIABLES)
    worker = run.site.worker()
    product = []
    for n in range(number + 20):
        began = time.time()
        execution = begin(version)
        time.sleep(0.03)
        wait_until(lambda: unfinished(version) == 0, 10)
        at = Step.objects.values_list("at", flat=True).get(execution=execution, number=1)
        if n >= 20:
            product.append(at.timestamp() - began)
    worker.stop(seconds=1)
    for name, part, asked in (("p50", 50, "4"), ("p99", 99, "6")):
        cut = [statistics.quantiles(times, n=100)[part - 1] * 1000 for times in (plain, product)]
        print(f"  {'bare Celery, request to task, ' + name:44} {cut[0]:10.1f} ms")
        tell(f"request to first step, {name}", cut[1], "ms", asked, cut[1] / cut[0], least=False)


def wait_until_marked(redis: "Redis", number: int) -> None:
    time.sleep(0.03)
    wait_until(lambda: int(redis.llen(bare.MARKS)) >= number, 10)


# Many due at once ----------------------------------------------------------------------------


def park(version: FlowVersion, number: int, seconds: int) -> None:
    """Park copies of an execution of `flows.WAIT`, due `seconds` from now, by plain INSERTs."""
    pattern = begin(version)
    parked = Execution.objects.filter(pk=pattern.pk, reason="time")
    wait_until(parked.exists, 10)
    state = '\'{"waits":{"for":"time","until":"2020-01-01T00:00:00+00:00"},"since":0}\'::json'
    copied = [f.column for f in Execution._meta.concrete_fields]
    due_at = f"now() + interval '{seconds} s'"
    sources = {"id": "gen_random_uuid()", "state": state, "due_at": due_at}
    columns = ", ".join(copied)
    selected = ", ".join(sources.get(name, name) for name in copied)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO executions_execution ({columns}) SELECT {selected} "
            "FROM executions_execution, generate_series(1, %s) WHERE id = %s",
            [number, pattern.pk],
        )
        cursor.execute(
            "INSERT INTO executions_token (execution_id, level, workspace, block, state) "
            "SELECT e.id, t.level, t.workspace, t.block, t.state FROM executions_execution e, "
            "executions_token t WHERE t.execution_id = %s AND e.id <> %s AND e.version_id = %s "
            "AND e.ended_at IS NULL",
            [pattern.pk, pattern.pk, version.pk],
        )
    pattern.delete()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE executions_execution, executions_token")


def due(run: Run) -> None:
    """10,000 executions that become due at the same moment."""
    number = run.count(10_000)
    version = publish("wait", flows.WAIT)
    worker, beat = run.site.worker(), run.site.beat()
    park(version, number, 4)
    waiting = Execution.objects.filter(version=version, ended_at=None)
    due_at = waiting.values_list("due_at", flat=True)[0]
    assert due_at is not None
    while datetime.now(due_at.tzinfo) < due_at:
        time.sleep(0.05)
    with run.recorded(worker, "due", 12):
        wait_until(lambda: not waiting.exists(), 300)
    took = Execution.objects.exclude(ended_at=None).latest("ended_at").ended_at - due_at
    tell(
        f"{number} due at once have ended after",
        took.total_seconds(),
        "s",
        "30 s",
        took.total_seconds(),
        least=False,
    )
    for process in (worker, beat):
        process.stop(seconds=1)


def cpu_seconds(processes: list[Process]) -> float:
    """CPU that processes and all that they started have used."""
    family = [psutil.Process(process.pid) for process in processes]
    family += [child for parent in family for child in parent.children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in family)


def parked(run: Run) -> None:
    """What 100,000 parked executions cost the processes while they wait."""
    number, seconds = run.count(100_000), 20
    version = publish("wait", flows.WAIT)
    site = run.site
    processes = [site.worker(), site.beat(), site.postgres_process]
    used = []
    for rest in (0, number):
        if rest:
            park(version, rest, 3600)
        time.sleep(5)
        before = cpu_seconds(processes)
        time.sleep(seconds)
        used.append(cpu_seconds(processes) - before)
    print(f"  {'CPU with none parked':44} {used[0] / seconds * 100:10.2f} % of a core")
    tell(
        f"CPU with {number} parked",
        used[1] / seconds * 100,
        "% of a core",
        "1.2",
        used[1] / used[0],
        least=False,
    )
    for process in processes[:2]:
        process.stop(seconds=1)
    Execution.objects.filter(version=version).delete()


# Memory --------------------------------------------------------------------------------------


def memory(run: Run) -> None:
    """A worker's memory after many executions against after a few."""
    version = publish("three", flows.THREE_BLOCKS, flows.THREE_BLOCKS_VARIABLES)
    worker = run.site.worker()

    def used() -> float:
        wait_until(lambda: unfinished(version) == 0, 600)
        children = psutil.Process(worker.pid).children()
        return sum(c.memory_full_info().uss for c in children) / 2**20

    for _ in range(run.count(1000)):
        begin(version)
    before = used()
    number = run.count(5000)
    for _ in range(number):
        begin(version)
    after = used()
    tell(
        f"memory after {number} more executions", after, "MiB", "1.05", after / before, least=False
    )
    worker.stop(seconds=1)


MEASURES = {m.__name__: m for m in (throughput, blocks, latency, due, parked, memory)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="measure", help=", ".join(MEASURES))
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    names = options.measures or list(MEASURES)
    if unknown := set(names) - set(MEASURES):
        parser.error(f"unknown: {', '.join(unknown)}")
    with installation() as site:
        for name in names:
            print(f"{name}: {MEASURES[name].__doc__} (load {os.getloadavg()[0]:.1f})", flush=True)
            MEASURES[name](Run(site, options.scale, options.profile))


if __name__ == "__main__":
    main()
