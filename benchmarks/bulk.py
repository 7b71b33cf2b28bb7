"""How long a command for many executions takes, by a job on real workers.

    python -m benchmarks.bulk [--count 10000] [--command stop]

Two worker processes and the scheduler beside it, as `up` runs them. Of the executions some are
paused, some wait in the queue, some wait for a child, and some hold or wait for a semaphore.
"""

import argparse
import time
from datetime import UTC, datetime, timedelta

from benchmarks.installation import installation, publish

# It reads the environment that the installation sets.
from django.contrib.auth.models import User  # isort: skip
from django.db import connection

from executions.bulk import jobs
from executions.bulk.targets import Target
from executions.commands.actor import Actor
from executions.models import BulkJob, Execution, Semaphore, SemaphoreTicket, new_id
from flows.models import FlowVersion

FLOW = """
a: {type: Start Flow, bottom: w}
w: {type: Wait For Duration, properties: {Duration: {Seconds: 600.0}}, bottom: e}
e: {type: End Flow}
"""
#: Seconds that the issue allows for 10,000.
ALLOWED = 60.0


def fill(version: FlowVersion, user: User, count: int) -> None:
    """Executions as they would stand: of ten, five paused, one pausing never, two waiting for a
    time, one in the queue, and one that waits for its child, which waits for a time."""
    now = datetime.now(UTC)
    built: list[Execution] = []
    for number in range(count):
        kind = number % 10
        at = now - timedelta(milliseconds=count - number)
        parent = built[-1] if kind == 9 else None
        one = Execution(
            id=new_id(),
            version=version,
            version_number=version.number,
            flow_name=version.flow.name,
            parent=parent,
            depth=1 if parent else 0,
            initiator=user,
            initiator_name=user.get_username(),
            trigger="parent" if parent else "page",
            status="Paused" if kind < 5 else "Queued" if kind == 5 else "Running",
            reason="time" if kind > 5 else "",
            due_at=now + timedelta(hours=1) if kind > 5 else None,
            started_at=at,
            updated_at=at,
            block="w",
            block_type="Wait For Duration",
        )
        if kind == 5:
            one.lease_expires_at = now + timedelta(hours=1)
        one.root_id = parent.pk if parent else one.pk
        if parent:
            parent.reason, parent.due_at, parent.child_count = "children", None, 1
            parent.state = {"waits": {"for": "child", "child": str(one.pk)}}
        built.append(one)
    Execution.objects.bulk_create(built, batch_size=2000)
    holders = built[::100]
    Semaphore.objects.bulk_create(
        Semaphore(path=f"/pump/{n}", concurrency_limit=1, created_at=now)
        for n in range(len(holders))
    )
    SemaphoreTicket.objects.bulk_create(
        SemaphoreTicket(
            semaphore_id=f"/pump/{n}", execution=one, level=0, block="w", stage="held", at=now
        )
        for n, one in enumerate(holders)
    )


def measure(version: FlowVersion, user: User, count: int, command: str) -> float:
    """Seconds from the confirmation to the end of the job."""
    fill(version, user, count)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE executions_execution")
    began = time.monotonic()
    job = jobs.create(Actor(user.pk, user.username, "page"), command, {}, Target(), count)
    told = 0.0
    while not job.is_over:
        time.sleep(0.1)
        job = BulkJob.objects.get(pk=job.pk)
        if time.monotonic() > told + 2:
            told = time.monotonic()
            print(
                f"  {told - began:5.1f} s: {job.done:,} done, {job.refused:,} refused", flush=True
            )
        if told - began > 600:
            raise SystemExit("not done within 600 s")
    took = time.monotonic() - began
    live = Execution.objects.filter(ended_at=None).count()
    print(f"  {command}: {job.done:,} done, {job.refused:,} refused, {live:,} live afterwards")
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--command", default="stop", choices=["stop", "pause", "continue"])
    options = parser.parse_args()
    with installation() as site:
        version = publish("bulk", FLOW)
        user = User.objects.create_superuser("boss")
        site.worker()
        site.beat()
        took = measure(version, user, options.count, options.command)
    allowed = ALLOWED * options.count / 10_000
    verdict = "ok" if took <= allowed else "MISSED"
    print(
        f"{options.command} of {options.count:,} executions: {took:.1f} s "
        f"({options.count / took:,.0f} a second)  ≤ {allowed:.0f} s  {verdict}"
    )


if __name__ == "__main__":
    main()
