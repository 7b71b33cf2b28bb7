"""The heartbeat of the workers: a key in Redis that every worker renews.

Asking the workers themselves (Celery's inspect) takes a second, and a busy one doesn't answer.
"""

from functools import cache
from typing import Any

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from executions.limits import WORKER_HEARTBEAT_TIMEOUT

KEY = "cortexweb:worker"


@cache
def _redis() -> "Redis":
    return Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def send_heartbeat(**_: Any) -> None:
    """Record that a worker is online. Each worker's main process calls this every 2 s."""
    try:
        _redis().set(KEY, 1, ex=WORKER_HEARTBEAT_TIMEOUT)
    except RedisError:
        return  # then nobody can ask either; the next heartbeat tries again


def is_online() -> bool | None:
    """Return whether a worker is online; None when Redis does not answer."""
    try:
        return bool(_redis().exists(KEY))
    except RedisError:
        return None
