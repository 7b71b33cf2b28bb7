"""The numbers of the list of flows, as a user may see them; kept for a moment, for all who may see
the same."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, TypeVar

from django.utils import timezone

from executions import access
from executions.statistics import read
from executions.statistics.counts import Counts, Numbers
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


def cached(key: Hashable, age: float, take: Callable[[], T]) -> T:
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


@dataclass(frozen=True, slots=True)
class DayNumbers:
    """What happened in a day, by the flow's id."""

    span: Span
    by_flow: Mapping[int, Numbers]


def live_counts(user: Any) -> LiveCounts:
    """Return the live executions that a user may see."""
    seen = access.seen(user)
    return cached(("live", seen), LIVE_AGE, lambda: flow_counts.live_counts(seen))


def day_numbers(user: Any) -> DayNumbers:
    """Return what happened in the last 24 hours, of what a user may see."""
    whole = access.seen_flows(user)

    def take() -> DayNumbers:
        span = Span.last(timedelta(hours=24))
        if whole is None:
            return DayNumbers(span, read.numbers_by_flow(span))
        own = {flow: one.counts or Counts() for flow, (one,) in _own(user, span.ends).items()}
        return DayNumbers(span, {**own, **read.numbers_by_flow(span, whole)})

    return cached(("day", access.seen(user)), DAY_AGE, take)


def p95s(user: Any, span: Span) -> Mapping[int, float | None]:
    """Return the p95 of each flow in which anything ran, in seconds, of what a user may see."""
    whole = access.seen_flows(user)

    def take() -> Mapping[int, float | None]:
        counted = read.by_flow(span, Selection(flows=whole))
        if whole is not None:
            own = _own(user, span.ends)
            counted |= {flow: one.counts for flow, (one,) in own.items() if one.counts}
        return {flow: one.durations.quantile(0.95) for flow, one in counted.items()}

    return cached(("p95s", access.seen(user), span), DAY_AGE, take)


def hours(user: Any, span: Span, flows: Sequence[int]) -> Mapping[int, list[Bucket]]:
    """Return what happened in each hour of a span, for those of some flows in which anything ran,
    of what a user may see."""
    seen, zone = access.seen(user), timezone.get_current_timezone()
    key = ("hours", seen, str(zone), span, tuple(flows))

    def take() -> Mapping[int, list[Bucket]]:
        known = access.seen_flows(user)
        whole = flows if known is None else [one for one in flows if one in known]
        counted = read.series_by_flow(span, "hour", zone, Selection(flows=whole))
        return counted if seen.is_all else _own(user, edges(span, "hour", zone)) | counted

    return cached(key, DAY_AGE, take)


def _own(user: Any, cuts: Sequence[datetime]) -> dict[int, list[Bucket]]:
    """What happened between the cuts of what a user has started, in flows of which they see nothing
    else."""
    seen, whole = access.seen(user), access.seen_flows(user) or frozenset()
    own = flow_counts.own_series(seen, cuts) if seen.initiator_id else {}
    return {flow: buckets for flow, buckets in own.items() if flow not in whole}


def no_hours(span: Span) -> list[Bucket]:
    """Return the hours of a span in which nothing ran."""
    cuts = edges(span, "hour", timezone.get_current_timezone())
    return [Bucket(start, end, None) for start, end in pairwise(cuts)]
