"""Three processes start schedules of every second, and are killed at random moments: no time is
lost and none starts twice. The long form is `python -m benchmarks.schedules kills`."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from executions.models import Execution, Schedule, ScheduleRun
from executions.schedules import timing
from tests.flows_in_tests import publish
from tests.schedules_in_tests import make_schedule, scheduler
from tests.servers import PROJECT

ECHO = "{a: {type: Start Flow, bottom: e}, e: {type: End Flow}}"


def test_no_time_is_lost_and_none_starts_twice(
    transactional_db: None,
    redis: object,
    product_environment: dict[str, str],
    tmp_path: Path,
) -> None:
    flow, user = publish(tmp_path, "echo", ECHO).flow, scheduler()
    for number in range(20):
        make_schedule(flow, user, "* * * * * *", name=f"every second {number}", overlap="parallel")
    command = [sys.executable, "-m", "tests.schedule_starters", "6", "1"]
    environment = {**product_environment, "DATABASE_POOL_SIZE": "0"}
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert int(done.stdout) >= 10, done.stderr
    for schedule in Schedule.objects.all():
        runs = list(ScheduleRun.objects.filter(schedule=schedule).order_by("scheduled_at"))
        first = runs[0].scheduled_at - timedelta(seconds=runs[0].times - 1)
        assert schedule.last_at == runs[-1].scheduled_at
        times = {first, *timing.timetable(schedule).between(first, runs[-1].scheduled_at)}
        assert len(times) == sum(run.times for run in runs)
        started = [run.execution_id for run in runs if run.outcome == "started"]
        made = Execution.objects.filter(schedule_id=schedule.pk).values_list("pk", flat=True)
        assert sorted(started) == sorted(made)
    assert Execution.objects.count() > 40
