"""Celery without the product: what the engine's numbers are held against."""

import os
import time

from celery import Celery
from redis import Redis

URL = f"unix://{os.environ['CORTEXWEB_DATA']}/run/redis.sock"
MARKS = "benchmark.marks"

app = Celery("bare", broker=URL.replace("unix://", "redis+socket://", 1), set_as_current=False)
app.conf.task_ignore_result = True
app.conf.task_default_queue = "bare"
app.conf.broker_connection_retry_on_startup = True


@app.task
def noop(text: str) -> None:
    """Nothing, on an argument as long as the product's."""


@app.task
def mark(text: str) -> None:
    """Nothing but the time at which it ran."""
    with Redis.from_url(URL) as client:
        client.rpush(MARKS, f"{text} {time.time()!r}")
