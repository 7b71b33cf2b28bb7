"""The time zone of the site: what a Local Date Time takes where a Date Time is needed. Pure."""

from datetime import UTC, datetime, timezone, tzinfo

_zone: tzinfo = UTC


def set_site_zone(zone: tzinfo) -> None:
    """Use another zone than UTC."""
    global _zone
    _zone = zone


def in_site_zone(at: datetime) -> datetime:
    """Return a date time with an offset; one without is a time of day in the site's zone. Of a
    time that stands twice it is the first, and one that the clocks leave out is as much later."""
    if at.tzinfo is not None:
        return at
    offset = at.replace(tzinfo=_zone).utcoffset()
    # Only the offset is kept: stored values have no zones.
    return at.replace(tzinfo=UTC if not offset else timezone(offset))


def on_site_clock(at: datetime) -> datetime:
    """Return the Local Date Time that the clocks of the site show at a moment."""
    try:
        return at.astimezone(_zone).replace(tzinfo=None)
    except OverflowError:  # beyond the calendar
        return at.replace(tzinfo=None)
