"""What keeps executions going comes to its turn, however much waits for a worker."""

import time
from datetime import timedelta
from pathlib import Path

import pytest
from celery import current_app
from django.utils import timezone
from redis import Redis

from executions import runner
from executions.dispatch import TASK
from executions.models import Execution, new_id
from executions.queues import ALL
from executions.states import Status
from tests.driving import begin, fresh
from tests.flows_in_tests import WAIT, WAIT_VARIABLES, publish
from tests.servers import celery_worker

pytestmark = pytest.mark.django_db(transaction=True)
#: Messages of executions that do not exist: more than a worker does in a moment.
FLOOD = 3_000


def test_timers_fire_while_a_flood_of_executions_waits(
    redis: Redis, product_environment: dict[str, str], tmp_path: Path
) -> None:
    version = publish(tmp_path, "nap", WAIT, WAIT_VARIABLES)
    execution = begin(version, Seconds=3600)
    runner.run(execution.pk)
    assert fresh(execution).reason == "time"
    Execution.objects.filter(pk=execution.pk).update(due_at=timezone.now() - timedelta(seconds=1))
    redis.delete(*ALL)
    with current_app.producer_pool.acquire() as producer:
        for _ in range(FLOOD):
            current_app.send_task(TASK, [str(new_id())], producer=producer)
    current_app.send_task("executions.tasks.recover", expires=60)
    worker = celery_worker(tmp_path / "worker.log", product_environment, 1)
    try:
        deadline = time.monotonic() + 20
        while fresh(execution).status == Status.RUNNING:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert redis.llen("celery") > FLOOD / 2
    finally:
        worker.kill()
        redis.delete(*ALL)
