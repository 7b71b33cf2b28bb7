"""Quiet hours."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


def quiet_until(now: datetime, start: time | None, end: time | None, zone: str) -> datetime | None:
    """Return when the quiet hours end in which a moment lies; None when it lies in none.

    They may go over midnight. From a time until the same time is the whole day long.
    """
    if start is None or end is None:
        return None
    local = now.astimezone(ZoneInfo(zone))
    clock = local.time()
    days = 0
    if start < end:
        if not start <= clock < end:
            return None
    elif clock >= start:
        days = 1
    elif clock >= end:
        return None
    day = local.date() + timedelta(days=days)
    return datetime.combine(day, end, ZoneInfo(zone)).astimezone(now.tzinfo)
