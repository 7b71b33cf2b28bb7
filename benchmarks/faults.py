"""Nothing is lost, and nothing done twice: mixed flows while everything under them is killed.

    python -m benchmarks.faults [--executions 200] [--kills 200] [--seed 1]

Workers are killed at random points, Redis forgets everything and is restarted, PostgreSQL is
restarted, a worker is frozen past its leases and woken. Afterwards every execution must have come
to the end that it would have come to; a trigger in the database has recorded every status. The
statistics, which the workers aggregated meanwhile, equal a count over the table.
"""

import argparse
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

# Recovery waits less here, so that a run is over in a minute; the rules are the same.
os.environ |= {"LEASE_SECONDS": "2", "REQUEUE_SECONDS": "2"}

from benchmarks.installation import FOLDER, Installation, installation, publish  # isort: skip

import psutil
from django.db import OperationalError, connection
from redis import Redis
from redis.exceptions import RedisError

from benchmarks import fault_flows
from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start
from executions.limits import LEASE_SECONDS
from executions.models import Execution, SemaphoreTicket
from executions.states import TRANSITIONS, Status
from executions.statistics import read, rebuild
from executions.statistics.spans import Span
from flows import values
from flows.models import FlowVersion
from tests.servers import Process

ACTOR = Actor(user_id=None, name="faults", source="command line")
FILES = FOLDER / "files"
RECORD = """
    CREATE TABLE recorded (number bigserial PRIMARY KEY, id uuid, before text, after text);
    CREATE FUNCTION record() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO recorded (id, before, after) VALUES (new.id, old.status, new.status);
        RETURN new;
    END $$;
    CREATE TRIGGER record AFTER UPDATE ON executions_execution FOR EACH ROW
    WHEN (old.status IS DISTINCT FROM new.status OR old.ended_at IS NOT NULL)
    EXECUTE FUNCTION record();
"""


class Chaos:
    """What is done to the processes, by a seeded dice."""

    def __init__(self, site: Installation, seed: int) -> None:
        self.site = site
        self.dice = random.Random(seed)
        self.workers = [self._worker(), self._worker()]
        self.beat = site.beat()
        self.frozen: list[tuple[float, psutil.Process]] = []
        self.done: dict[str, int] = {}

    def _worker(self) -> Process:
        return self.site.worker(name="worker")

    def supervise(self) -> None:
        """Start again each worker that ended by itself, as `up` does: Celery's main process may
        end in an error when it loses Redis while one of its pool dies."""
        for place, worker in enumerate(self.workers):
            if worker.popen.poll() is not None:
                worker.kill()
                self.workers[place] = self._worker()
                self.done["worker ended"] = self.done.get("worker ended", 0) + 1

    def one(self, kind: str) -> None:
        """Do one thing, and count it."""
        self._wake()
        self.supervise()
        action: Callable[[], None] = getattr(self, kind)
        action()
        self.done[kind] = self.done.get(kind, 0) + 1

    @staticmethod
    def _pool(worker: Process) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(worker.pid).children()
        return []

    def kill_process(self) -> None:
        """SIGKILL to a process of a worker's pool, in the middle of whatever it does."""
        children = [
            child
            for worker in self.workers
            for child in self._pool(worker)
            if child not in [process for _, process in self.frozen]
        ]
        if children:
            with suppress(psutil.NoSuchProcess):
                self.dice.choice(children).kill()

    def kill_worker(self) -> None:
        """SIGKILL to a whole worker; another takes its place."""
        place = self.dice.randrange(len(self.workers))
        self.workers[place].kill()
        self.workers[place] = self._worker()

    def freeze(self) -> None:
        """SIGSTOP to a process of a pool, until its leases are over."""
        children = self._pool(self.workers[0])
        if children:
            child = self.dice.choice(children)
            child.suspend()
            self.frozen.append((time.monotonic() + LEASE_SECONDS + 1.5, child))

    def _wake(self, *, all_of_them: bool = False) -> None:
        for until, process in list(self.frozen):
            if all_of_them or time.monotonic() > until:
                with suppress(psutil.NoSuchProcess):
                    process.resume()
                self.frozen.remove((until, process))

    def flush(self) -> None:
        """Redis forgets every message."""
        with Redis.from_url(self.site.data.redis_url) as redis:
            redis.flushall()

    def restart_redis(self) -> None:
        self.site.redis_process.kill()
        self.site.start_redis()

    def restart_postgres(self) -> None:
        """As after a crash of its machine's power supply: no shutdown, then crash recovery."""
        self.site.postgres_process.stop(signal.SIGQUIT)
        connection.close()
        self.site.start_postgres()

    def kill_everything(self) -> None:
        """kill -9 of all there is, and start again."""
        for process in (*self.workers, self.beat, self.site.redis_process):
            process.kill()
        self.site.postgres_process.kill()
        self.site.postgres.stop_leftover_server()
        connection.close()
        self.site.start_postgres()
        self.site.start_redis()
        self.workers = [self._worker(), self._worker()]
        self.beat = self.site.beat()

    def end(self) -> None:
        """Wake what is frozen when its leases are over."""
        if self.frozen:
            time.sleep(max(0.0, max(until for until, _ in self.frozen) - time.monotonic()))
        self._wake(all_of_them=True)


def insist(action: Callable[[], Any], seconds: float = 20) -> Any:
    """Try until the servers answer again, as a person would who presses the button."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return action()
        except (OperationalError, RedisError):
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def disturb(site: Installation, options: argparse.Namespace) -> tuple[Chaos, list[Any]]:
    """Start executions and disturb them; returns what was done and what was started."""
    cases = [fault_flows.CASES[n % len(fault_flows.CASES)] for n in range(options.executions)]
    versions: dict[str, FlowVersion] = {
        name: publish(name, *flow) for name, flow in fault_flows.FLOWS.items()
    }
    chaos = Chaos(site, options.seed)
    kinds = ["kill_process"] * options.kills
    for kind, every in (
        ("kill_worker", 25), ("freeze", 30), ("flush", 40), ("restart_redis", 60),
        ("restart_postgres", 60),
    ):  # fmt: skip
        kinds += [kind] * max(1, options.kills // every)
    kinds += ["kill_everything"] * (options.kills // 100)
    chaos.dice.shuffle(kinds)
    started: list[tuple[UUID, fault_flows.Case, int]] = []
    waiting = list(enumerate(cases))
    batch = max(1, len(waiting) // max(1, len(kinds) // 2))
    for kind in kinds:
        for number, case in [waiting.pop() for _ in range(min(batch, len(waiting)))]:
            version, inputs = versions[case.flow], case.inputs(number)
            execution = insist(
                lambda v=version, i=inputs: start(v, i, ACTOR, Execution.Trigger.COMMAND_LINE)
            )
            started.append((execution.pk, case, number))
        chaos.one(kind)
        time.sleep(chaos.dice.uniform(0, options.pause))
    chaos.end()
    return chaos, started


def wait_for_all(chaos: Chaos, seconds: float) -> None:
    """Until every execution has ended, or nothing has moved for a while."""
    deadline = time.monotonic() + seconds
    while insist(lambda: Execution.objects.filter(ended_at=None).exists()):
        if time.monotonic() > deadline:
            return
        chaos.supervise()
        time.sleep(0.2)


def problems(started: list[Any]) -> list[str]:
    """Everything that is not as it would have been without the faults."""
    found = []
    for pk, case, number in started:
        execution = Execution.objects.get(pk=pk)
        outputs = values.decode(execution.outputs)
        label = f"{case.flow} {pk}"
        if execution.status != case.status:
            found.append(
                f"{label}: {execution.status} instead of {case.status} "
                f"({execution.reason or execution.error_message or execution.block})"
            )
        else:
            found += [f"{label}: {wrong}" for wrong in case.wrong(number, outputs, FILES)]
        children = Execution.objects.filter(parent=pk).count()
        if children != case.children:
            found.append(f"{label}: {children} children instead of {case.children}")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.id, e.step_count, count(s.number), coalesce(max(s.number), 0) "
            "FROM executions_execution e LEFT JOIN executions_step s ON s.execution_id = e.id "
            "GROUP BY e.id HAVING count(s.number) <> e.step_count "
            "OR coalesce(max(s.number), 0) <> e.step_count"
        )
        found += [f"{row[0]}: {row[1]} steps, kept {row[2]} up to {row[3]}" for row in cursor]
        cursor.execute("SELECT id, before, after FROM recorded ORDER BY number")
        for pk, before, after in cursor:
            if Status(after) not in TRANSITIONS[Status(before)]:
                found.append(f"{pk}: {before} became {after}")
    extra = Execution.objects.exclude(pk__in=[pk for pk, *_ in started]).filter(parent=None)
    found += [f"{pk} was started twice" for pk in extra.values_list("pk", flat=True)]
    found += [
        f"{pk} holds or awaits a semaphore"
        for pk in SemaphoreTicket.objects.values_list("execution_id", flat=True)
    ]
    found += [f"statistics: {difference}" for difference in rebuild.check()]
    ends = Execution.objects.filter(ended_at__isnull=False).count()
    counted = read.totals(Span.last(timedelta(hours=3)))
    if counted.ended != ends:
        found.append(f"statistics: {counted.ended} ends instead of {ends}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--executions", type=int, default=200)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pause", type=float, default=0.6, help="longest pause between faults")
    parser.add_argument("--patience", type=float, default=120)
    options = parser.parse_args()
    with installation() as site:
        FILES.mkdir(exist_ok=True)
        with connection.cursor() as cursor:
            cursor.execute(RECORD)
        began = time.monotonic()
        chaos, started = disturb(site, options)
        disturbed = time.monotonic() - began
        wait_for_all(chaos, options.patience)
        found = problems(started)
        print(f"{len(started)} executions, {chaos.done}, seed {options.seed}")
        print(
            f"disturbed for {disturbed:.0f} s, all at rest {time.monotonic() - began:.0f} s after"
        )
        if found:
            for line in found[:40]:
                print(line)
            for process in (*chaos.workers, chaos.beat):
                print(f"--- {process.log.name}\n{process.output[-3000:]}")
            raise SystemExit(f"{len(found)} problems")
        print("Every execution came to the end that it would have come to.")


if __name__ == "__main__":
    main()
