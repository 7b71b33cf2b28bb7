"""The messages of many executions are sent together, and none is lost."""

from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import User
from redis import Redis

from executions.commands.actor import Actor
from executions.commands.lifecycle.start import start_many
from executions.dispatch import send_upkeep
from executions.models import Execution
from executions.queues import ALL, queue_of
from executions.store.lifecycle.starts import event_of_new, events
from tests.flows_in_tests import publish

pytestmark = pytest.mark.django_db(transaction=True)
ECHO = "{a: {type: Start Flow, bottom: e}, e: {type: End Flow}}"
NUMBER = 30


def start(folder: Path) -> list[Execution]:
    user = User.objects.create_user("sam")
    version = publish(folder, "echo", ECHO, "{N: {input: true}}")
    actor = Actor(user.pk, "sam", "api")
    inputs: list[dict[str, Any]] = [{"N": n} for n in range(NUMBER)]
    return start_many(version, inputs, actor, Execution.Trigger.API)


def check_queue(redis: Redis, executions: list[Execution]) -> None:
    """Each execution has its message, in the queue of its user and flow."""
    queue = queue_of(executions[0].initiator_id, "echo")
    sent = [text.decode() for text in redis.lrange(queue, 0, -1)]
    assert sum(redis.llen(name) for name in ALL) == len(sent) == NUMBER
    for execution in executions:
        assert sum(str(execution.pk) in text for text in sent) == 1


def test_many_are_sent_together(redis: Redis, tmp_path: Path) -> None:
    with current_app.producer_or_acquire() as producer:
        assert producer.supports_batch_publish
    check_queue(redis, start(tmp_path))


def test_none_is_lost_when_the_broker_ended_the_connection(redis: Redis, tmp_path: Path) -> None:
    send_upkeep("executions.tasks.recover")  # connects
    redis.delete(*ALL)
    redis.client_kill_filter(_type="normal", skipme=True)
    check_queue(redis, start(tmp_path))


@pytest.mark.usefixtures("redis")
def test_what_is_told_of_new_executions_is_what_is_stored(tmp_path: Path) -> None:
    for execution in start(tmp_path):
        assert event_of_new(execution) == events([execution.pk])[0]
