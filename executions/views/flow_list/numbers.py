"""The numbers of the list of flows, as a user may see them; kept for a moment, for all who may see
the same."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any, TypeVar

from django.utils import timezone

from executions import access
from executions.statistics import read
from executions.statistics.counts import Counts
from executions.statistics.read import Bucket, Selection
from executions.statistics.spans import Span, edges
from executions.store.read import flow_counts
from executions.store.read.flow_counts import LiveCounts

#: Seconds for which live counts, and counts of a day, are good. `static/js/flows.js` asks again
#: when they are not good any more.
LIVE_AGE = 0.5
DAY_AGE = 5.0
#: Answers that are remembered.
_REMEMBERED = 50
T = TypeVar("T")

_kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
#: Taking one answer may ask for another.
_lock = threading.RLock()


def kept(key: Hashable, age: float, take: Callable[[], T]) -> T:
    """Return what was taken for a key within `age` seconds, or take it. Whoever comes while it is
    being taken waits for it."""
    with _lock:
        known = _kept.get(key)
        if known and time.monotonic() - known[0] < age:
            found: T = known[1]
            return found
        taken = take()
        _kept[key] = (time.monotonic(), taken)
        _kept.move_to_end(key)
        if len(_kept) > _REMEMBERED:
            _kept.popitem(last=False)
        return taken


def forget() -> None:
    """Forget all, so that the next reader counts anew."""
    with _lock:
        _kept.clear()


def visible_key(user: Any) -> int | None:
    """Whose executions a user sees: their own, by their id, or all for None."""
    return None if access.sees_all(user) else user.pk


@dataclass(frozen=True, slots=True)
class DayCounts:
    """What happened in a day, by the flow's id."""

    span: Span
    by_flow: Mapping[int, Counts]


def live_counts(user: Any) -> LiveCounts:
    """Return the live executions that a user may see."""
    initiator = visible_key(user)
    return kept(("live", initiator), LIVE_AGE, lambda: flow_counts.live_counts(initiator))


def day_counts(user: Any) -> DayCounts:
    """Return what happened in the last 24 hours, of what a user may see."""
    initiator = visible_key(user)

    def take() -> DayCounts:
        span = Span.last(timedelta(hours=24))
        if initiator is None:
            return DayCounts(span, read.by_flow(span))
        own = flow_counts.own_series(initiator, [span.start, span.end])
        return DayCounts(span, {flow: one.counts or Counts() for flow, (one,) in own.items()})

    return kept(("day", initiator), DAY_AGE, take)


def hours(user: Any, span: Span, flows: Sequence[int]) -> Mapping[int, list[Bucket]]:
    """Return what happened in each hour of a span, for those of some flows in which anything ran,
    of what a user may see."""
    initiator, zone = visible_key(user), timezone.get_current_timezone()
    key = ("hours", initiator, str(zone), span, tuple(flows))

    def take() -> Mapping[int, list[Bucket]]:
        if initiator is None:
            return read.series_by_flow(span, "hour", zone, Selection(flows=flows))
        return flow_counts.own_series(initiator, edges(span, "hour", zone))

    return kept(key, DAY_AGE, take)


def no_hours(span: Span) -> list[Bucket]:
    """Return the hours of a span in which nothing ran."""
    cuts = edges(span, "hour", timezone.get_current_timezone())
    return [Bucket(start, end, None) for start, end in pairwise(cuts)]
