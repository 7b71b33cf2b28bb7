"""What the parts of an overview say of a bucket, of counts and of a moment."""

from datetime import datetime, tzinfo

from executions.statistics.counts import Counts
from executions.statistics.read import Bucket
from executions.statistics.spans import Span


def ended_in(bucket: Bucket) -> float | None:
    """Return how many ended; None where nothing ran."""
    return None if bucket.counts is None else bucket.counts.ended


def failed_in(bucket: Bucket) -> float | None:
    """Return how many failed; None where nothing ran."""
    return None if bucket.counts is None else bucket.counts.failed


def succeeded_in(bucket: Bucket) -> float | None:
    """Return how many did not fail; None where nothing ran."""
    return None if bucket.counts is None else bucket.counts.ended - bucket.counts.failed


def success_in(bucket: Bucket) -> float | None:
    """Return the part that did not fail, in percent."""
    rate = bucket.counts.failure_rate if bucket.counts is not None else None
    return None if rate is None else 100 * (1 - rate)


def quantile_in(bucket: Bucket, name: str, part: float = 0.95) -> float | None:
    """Return a quantile of durations or waits."""
    if bucket.counts is None:
        return None
    found: float | None = getattr(bucket.counts, name).quantile(part)
    return found


def failure_text(counts: Counts | None) -> str:
    """Say how many failed of those that ended."""
    if counts is None or not counts.ended:
        return "nothing ended"
    return f"{counts.failed:,} of {counts.ended:,} failed"


def day_and_time(at: datetime, now: datetime, zone: tzinfo) -> str:
    """Return a moment as people say it: `16:20`, `Friday 16:20`, `14 Jul 16:20`."""
    told, today = at.astimezone(zone), now.astimezone(zone)
    days = (today.date() - told.date()).days
    day = "" if not days else f"{told:%A} " if days < 7 else f"{told.day} {told:%b} "
    return f"{day}{told:%H:%M}"


def hourly(number: int, span: Span) -> str:
    """Return how many there were an hour."""
    hours = (span.end - span.start).total_seconds() / 3600
    rate = number / hours
    return f"{rate:,.0f}" if rate >= 10 or not rate else f"{rate:.1f}"
