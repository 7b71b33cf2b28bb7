"""A worker is silent: it sends no heartbeats, and did not say that it ends."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from executions import workers
from executions.alerts import visibility
from executions.alerts.kind import (
    Check,
    Finding,
    Found,
    Interval,
    Kind,
    Parameter,
    Round,
    intervals_that_lasted,
)
from flows.formatting import duration


def sentence(given: Mapping[str, int]) -> str:
    return f"a worker is silent for longer than {given['minutes']:,} min"


def _seen_at(worker: workers.Worker) -> datetime:
    return datetime.fromtimestamp(worker.seen_at, UTC)


def check(asked: Check) -> Found:
    longest = asked.minutes("minutes")
    return Found.of(
        Finding(
            group=f"worker {one.name}",
            text=f"The worker {one.name} has been silent for {duration(asked.now - _seen_at(one))}",
            address="",
        )
        for one in asked.round.silent_workers
        if asked.now - _seen_at(one) > longest
    )


def observe(evaluation: Round) -> Collection[tuple[str, int | None, datetime]]:
    return [(one.name[:200], None, _seen_at(one)) for one in evaluation.silent_workers]


def history(asked: Check) -> list[Interval]:
    return intervals_that_lasted(asked, KIND.name, asked.minutes("minutes"))


KIND = Kind(
    name="worker-silent",
    label="A worker is silent",
    icon="stale",
    parameters=(Parameter(name="minutes", label="Longer than this many minutes", default=1),),
    sentence=sentence,
    check=check,
    history=history,
    has_scope=False,
    visible=visibility.everything,
    observe=observe,
)
