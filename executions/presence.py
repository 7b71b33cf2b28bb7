"""Who looks at an execution: kept in Redis for some seconds at a time, across web processes, and
nowhere else. A page that closes without a word is forgotten.

Only pages and connections of people who may see the execution write here, and ask.
"""

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from executions.limits import DEBUG_TRANSFER_AWAY_SECONDS

#: Seconds that a connection, or a page that polls, counts as open after it was renewed.
CONNECTED_SECONDS, POLLED_SECONDS = 10.0, 8.0
_PREFIX = "cortexweb:presence"
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class OpenPage:
    """A user's page of an execution; `key` tells the pages of one user apart."""

    execution_id: str
    root_id: str
    user_id: int
    name: str
    key: str

    @property
    def member(self) -> str:
        """The page as Redis keeps it."""
        return _SEPARATOR.join((str(self.user_id), self.name, self.key))


@dataclass(frozen=True, slots=True, order=True)
class Person:
    """A user who looks at an execution."""

    name: str
    id: int


@cache
def _redis() -> "Redis":
    return Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, decode_responses=True
    )


def _pages_key(execution_id: Any) -> str:
    return f"{_PREFIX}:{execution_id}"


def _last_seen_key(root_id: Any, user_id: int) -> str:
    return f"{_PREFIX}:seen:{root_id}:{user_id}"


def renew(pages: Iterable[OpenPage], seconds: float = CONNECTED_SECONDS) -> None:
    """Record that pages are open."""
    now = time.time()
    try:
        with _redis().pipeline(transaction=False) as pipe:
            for page in pages:
                key = _pages_key(page.execution_id)
                pipe.zadd(key, {page.member: now + seconds})
                pipe.expire(key, int(2 * seconds))
                seen = _last_seen_key(page.root_id, page.user_id)
                pipe.set(seen, int(now), ex=int(2 * DEBUG_TRANSFER_AWAY_SECONDS))
            pipe.execute()
    except RedisError:
        return  # then nobody can ask either


def record_load(root_id: Any, user_id: int) -> None:
    """Record that a user has loaded a page, which may run no scripts and so never be renewed."""
    try:
        seen = _last_seen_key(root_id, user_id)
        _redis().set(seen, int(time.time()), ex=int(2 * DEBUG_TRANSFER_AWAY_SECONDS))
    except RedisError:
        return


def leave(page: OpenPage) -> None:
    """Record that a page is closed."""
    try:
        _redis().zrem(_pages_key(page.execution_id), page.member)
    except RedisError:
        return


def people(ids: Iterable[Any]) -> dict[str, list[Person]]:
    """Return who looks at each of these executions; nobody when Redis does not answer."""
    asked = [str(one) for one in ids]
    now = time.time()
    try:
        with _redis().pipeline(transaction=False) as pipe:
            for one in asked:
                pipe.zrangebyscore(_pages_key(one), now, "+inf")
            answers = pipe.execute()
    except RedisError:
        return {}
    found: dict[str, set[Person]] = defaultdict(set)
    for one, members in zip(asked, answers, strict=True):
        for member in members:
            user_id, name, _ = member.split(_SEPARATOR, 2)
            found[one].add(Person(name, int(user_id)))
    return {one: sorted(persons) for one, persons in found.items()}


def has_left(root_id: UUID, user_id: int) -> bool:
    """Return whether a user has had no page open for a while, of an execution or of those that run
    with it; False when Redis does not answer.

    Of a user about whom nothing is known, the while begins now, so that a Redis that has lost
    everything sends nobody away.
    """
    now = time.time()
    try:
        key = _last_seen_key(root_id, user_id)
        seen = _redis().get(key)
        if seen is None:
            _redis().set(key, int(now), ex=int(2 * DEBUG_TRANSFER_AWAY_SECONDS), nx=True)
            return False
    except RedisError:
        return False
    return now - int(seen) >= DEBUG_TRANSFER_AWAY_SECONDS
