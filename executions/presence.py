"""Who looks at an execution: kept in Redis for some seconds at a time, across web processes, and
nowhere else. Whoever is gone without a word is forgotten.

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

from executions.limits import CONTROL_AWAY

#: Seconds that a connection, or a page that polls, counts as there after it was heard of last.
CONNECTED, POLLED = 10.0, 8.0
_PREFIX = "cortexweb:looks"
_APART = "\x1f"


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody's page of an execution; `key` tells their pages apart."""

    execution_id: str
    root_id: str
    user_id: int
    name: str
    key: str

    @property
    def member(self) -> str:
        return _APART.join((str(self.user_id), self.name, self.key))


@dataclass(frozen=True, slots=True, order=True)
class Person:
    name: str
    id: int


@cache
def _redis() -> "Redis":
    return Redis.from_url(
        settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1, decode_responses=True
    )


def _looks(execution_id: Any) -> str:
    return f"{_PREFIX}:{execution_id}"


def _seen(root_id: Any, user_id: int) -> str:
    return f"{_PREFIX}:seen:{root_id}:{user_id}"


def renew(looks: Iterable[Look], seconds: float = CONNECTED) -> None:
    """Say that these are there."""
    now = time.time()
    try:
        with _redis().pipeline(transaction=False) as pipe:
            for look in looks:
                key = _looks(look.execution_id)
                pipe.zadd(key, {look.member: now + seconds})
                pipe.expire(key, int(2 * seconds))
                pipe.set(_seen(look.root_id, look.user_id), int(now), ex=int(2 * CONTROL_AWAY))
            pipe.execute()
    except RedisError:
        return  # then nobody can ask either


def opened(root_id: Any, user_id: int) -> None:
    """Somebody has opened a page, which may run no scripts and never be heard of again."""
    try:
        _redis().set(_seen(root_id, user_id), int(time.time()), ex=int(2 * CONTROL_AWAY))
    except RedisError:
        return


def leave(look: Look) -> None:
    """One is gone."""
    try:
        _redis().zrem(_looks(look.execution_id), look.member)
    except RedisError:
        return


def people(ids: Iterable[Any]) -> dict[str, list[Person]]:
    """Who looks at each of these executions; nobody where Redis does not answer."""
    asked = [str(one) for one in ids]
    now = time.time()
    try:
        with _redis().pipeline(transaction=False) as pipe:
            for one in asked:
                pipe.zrangebyscore(_looks(one), now, "+inf")
            answers = pipe.execute()
    except RedisError:
        return {}
    found: dict[str, set[Person]] = defaultdict(set)
    for one, members in zip(asked, answers, strict=True):
        for member in members:
            user_id, name, _ = member.split(_APART, 2)
            found[one].add(Person(name, int(user_id)))
    return {one: sorted(persons) for one, persons in found.items()}


def has_left(root_id: UUID, user_id: int) -> bool:
    """Whether somebody has had no page open for a while, of an execution or of those that run with
    it. Not where Redis does not answer.

    Where nothing is known of them the while begins now, so that a Redis that has lost everything
    sends nobody away.
    """
    now = time.time()
    try:
        seen = _redis().get(_seen(root_id, user_id))
        if seen is None:
            _redis().set(_seen(root_id, user_id), int(now), ex=int(2 * CONTROL_AWAY), nx=True)
            return False
    except RedisError:
        return False
    return now - int(seen) >= CONTROL_AWAY
