"""Schedules: a storm of them at one moment, and kills at random moments.

    python -m benchmarks.schedules storm [--number 5000] [--flows 50] [--processes 2]
    python -m benchmarks.schedules kills [--schedules 40] [--seconds 30] [--seed 1]

`storm` makes so many schedules due at one moment and says when their executions had started, with
one worker and one scheduler. `kills` runs two workers and three schedulers over schedules that
start every second, and kills one of these processes with SIGKILL again and again. Afterwards every
time of every schedule must have been dealt with once, and each start have one execution.
"""

import argparse
import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from benchmarks.installation import Installation, installation, publish  # isort: skip

import psutil
from django.contrib.auth.models import User
from django.db.models import Count, Max, Min, Sum
from django.utils import timezone

from benchmarks import flows
from executions.models import Execution, Schedule, ScheduleRun
from executions.schedules import timing
from tests.servers import Process

#: Two inputs: a value, and an expression that each start evaluates.
VARIABLES = "{N: {input: true}, Since: {input: true}, Out: {output: true}}"
INPUTS = {"N": 7, "Since": "=now - duration('10m')"}


def owner() -> User:
    return User.objects.create_superuser("owner")


def make(number: int, flow_count: int, cron: str, **columns: object) -> list[Schedule]:
    """Schedules of some flows, due as their expression says."""
    user, now = owner(), timezone.now()
    versions = [publish(f"flow-{n}", flows.THREE_BLOCKS, VARIABLES) for n in range(flow_count)]
    made = []
    for n in range(number):
        schedule = Schedule(
            name=f"schedule {n}",
            flow=versions[n % flow_count].flow,
            owner=user,
            cron=cron,
            inputs=INPUTS,
            overlap=Schedule.Overlap.PARALLEL,
            **columns,
        )
        timing.plan_next(schedule, now)
        made.append(schedule)
    return Schedule.objects.bulk_create(made)


def until(ready: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise SystemExit(f"not done within {seconds:.0f} s")
        time.sleep(0.05)


def storm(site: Installation, number: int, flow_count: int, processes: int) -> None:
    """Measure how long after their moment the last execution had started."""
    make(number, flow_count, "0 0 1 1 *")
    site.worker(processes)
    site.beat()
    at = timezone.now() + timedelta(seconds=3)
    Schedule.objects.update(next_at=at, due_at=at)
    until(lambda: ScheduleRun.objects.count() >= number, 120)
    assert Execution.objects.count() == number
    late = ScheduleRun.objects.aggregate(first=Min("at"), last=Max("at"))
    done = (timezone.now() - at).total_seconds()
    until(lambda: not Execution.objects.filter(ended_at=None).exists(), 300)
    ended = Execution.objects.aggregate(last=Max("ended_at"))["last"]
    print(f"{number:,} schedules of {flow_count} flows, due at one moment:")
    print(f"  first start after {(late['first'] - at).total_seconds():.2f} s")
    print(f"  all started after {done:.2f} s")
    print(f"  all ended after {(ended - at).total_seconds():.2f} s")


def kills(site: Installation, number: int, seconds: float, seed: int) -> None:
    """Kill workers, their processes and schedulers while schedules start every second."""
    dice, began = random.Random(seed), time.monotonic()
    make(number, 4, "* * * * * *", grace_seconds=2)
    workers = [site.worker(), site.worker()]
    beats = [site.beat() for _ in range(3)]
    count = 0
    while time.monotonic() - began < seconds:
        time.sleep(dice.uniform(0.05, 0.6))
        if dice.random() < 0.6:
            children = [child for one in workers for child in _children(one)]
            with suppress(psutil.NoSuchProcess, IndexError):
                dice.choice(children).kill()
        elif dice.random() < 0.5:
            place = dice.randrange(len(workers))
            workers[place].kill()
            workers[place] = site.worker()
        else:
            place = dice.randrange(len(beats))
            beats[place].kill()
            beats[place] = site.beat()
        count += 1
    Schedule.objects.update(is_on=False)
    time.sleep(2)
    problems = found_problems()
    runs = ScheduleRun.objects.values("outcome").annotate(n=Count("pk"), times=Sum("times"))
    print(f"{count} kills in {seconds:.0f} s over {number} schedules of every second")
    for row in runs.order_by("outcome"):
        print(f"  {row['outcome']}: {row['n']:,} runs for {row['times']:,} times")
    print(f"  executions: {Execution.objects.count():,}")
    if problems:
        raise SystemExit("\n".join(problems[:20]))
    print("Every time was dealt with once; each start has one execution.")


def _children(worker: Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(worker.pid).children()
    return []


def found_problems() -> list[str]:
    """Return where a time was dealt with twice or never, or a start has not one execution."""
    problems = []
    for schedule in Schedule.objects.all():
        runs = list(ScheduleRun.objects.filter(schedule=schedule).order_by("scheduled_at"))
        if not runs or schedule.last_at is None:
            continue
        first = runs[0].scheduled_at - timedelta(seconds=runs[0].times - 1)
        expected = len(list(timing.timetable(schedule).between(first, schedule.last_at))) + 1
        if expected != sum(run.times for run in runs):
            problems.append(f"{schedule}: {expected} times, {sum(run.times for run in runs)} kept")
        started = {run.execution_id for run in runs if run.execution_id}
        made = set(Execution.objects.filter(schedule_id=schedule.pk).values_list("pk", flat=True))
        if started != made or len(started) != sum(run.outcome == "started" for run in runs):
            problems.append(f"{schedule}: {len(started)} started, {len(made)} executions")
    return problems


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("storm", "kills"))
    parser.add_argument("--number", type=int, default=5000)
    parser.add_argument("--flows", type=int, default=50)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--schedules", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with installation() as site:
        if given.what == "storm":
            storm(site, given.number, given.flows, given.processes)
        else:
            kills(site, given.schedules, given.seconds, given.seed)


if __name__ == "__main__":
    main()
