"""Limits how often somebody may ask the API."""

import math
import time
from contextlib import suppress

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.http import HttpRequest
from ninja.throttling import BaseThrottle
from redis.exceptions import RedisError

#: Seconds in which requests are counted.
WINDOW = 10


class RateLimit(BaseThrottle):
    """Counts the requests of a person, or of a token of theirs, in Redis: one count for all web
    processes. While Redis does not answer, each process counts for itself."""

    def allow_request(self, request: HttpRequest) -> bool:
        allowed: float = settings.API_REQUESTS_PER_MINUTE * WINDOW / 60
        if not allowed:
            return True
        key = f"api:{_asker(request)}:{int(time.time() // WINDOW)}"
        with suppress(RedisError):
            return _count(caches["default"], key) <= allowed
        return _count(caches["local"], key) <= allowed

    def wait(self) -> float:
        return math.ceil(WINDOW - time.time() % WINDOW)


def _asker(request: HttpRequest) -> str:
    token = getattr(request.user, "api_token", None)
    return f"token:{token.pk}" if token is not None else f"user:{request.user.pk}"


def _count(cache: BaseCache, key: str) -> int:
    try:
        return int(cache.incr(key))
    except ValueError:
        cache.add(key, 0, 2 * WINDOW)
        return int(cache.incr(key))
