"""Leaves fewer of the older running totals: one for each quarter of an hour, then one for each day
of UTC.

A quarter of an hour is short enough for the hours and days of every time zone. Nothing is added up:
the last total of a quarter of an hour is that of its end.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from executions.limits import STATISTICS_MINUTES_DAYS, STATISTICS_QUARTERS_DAYS
from executions.models import StatisticsSeries
from executions.statistics.aggregation import try_lock

#: The end of the quarter of an hour, and of the day, that a total belongs to.
WHOLE_QUARTER = (
    "date_bin('15 minutes', {0} - interval '1 microsecond', 'epoch') + interval '15 minutes'"
)
WHOLE_DAY = "date_trunc('day', {0} - interval '1 microsecond', 'UTC') + interval '1 day'"
_THIN = """
    WITH due AS (
        SELECT id, coalesce({thinned}, '-infinity') AS since FROM executions_statisticsseries
        WHERE {thinned} IS NULL OR {thinned} < %(until)s
        FOR UPDATE
    ), old AS (
        SELECT total.series_id, total.until, {whole} AS whole,
            row_number() OVER (
                PARTITION BY total.series_id, {whole} ORDER BY total.until DESC
            ) = 1 AS is_last
        FROM due JOIN executions_statisticstotal total
            ON total.series_id = due.id AND total.until > due.since AND total.until <= %(until)s
    ), gone AS (
        DELETE FROM executions_statisticstotal total USING old
        WHERE total.series_id = old.series_id AND total.until = old.until AND NOT old.is_last
    ), kept AS (
        UPDATE executions_statisticstotal total SET until = old.whole FROM old
        WHERE total.series_id = old.series_id AND total.until = old.until
            AND old.is_last AND old.until <> old.whole
    )
    UPDATE executions_statisticsseries s SET {thinned} = %(until)s FROM due WHERE s.id = due.id
"""
#: Fingerprints of failures come and go; those of flows and versions stay with these.
_FORGET_TOTALS = """
    DELETE FROM executions_statisticstotal total USING executions_statisticsseries s
    WHERE s.id = total.series_id AND s.level = %(failure)s AND total.until <= %(until)s
        AND NOT EXISTS (
            SELECT 1 FROM executions_statisticstotal later
            WHERE later.series_id = s.id AND later.until > %(until)s
        )
"""
_FORGET_FAILURES = """
    DELETE FROM executions_statisticsseries s WHERE s.level = %(failure)s AND NOT EXISTS (
        SELECT 1 FROM executions_statisticstotal total WHERE total.series_id = s.id
    )
"""
_THIN_TO_QUARTERS = _THIN.format(
    thinned="quarters_until", whole=WHOLE_QUARTER.format("total.until")
)
_THIN_TO_DAYS = _THIN.format(thinned="days_until", whole=WHOLE_DAY.format("total.until"))


def quarters_until(now: datetime | None = None) -> datetime:
    """Return until when there are no more totals than one for each quarter of an hour."""
    at = (now or datetime.now(UTC)) - timedelta(days=STATISTICS_MINUTES_DAYS)
    return at.replace(minute=0, second=0, microsecond=0)


def days_until(now: datetime | None = None) -> datetime:
    """Return until when there are no more totals than one for each day."""
    at = (now or datetime.now(UTC)) - timedelta(days=STATISTICS_QUARTERS_DAYS)
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def thin(now: datetime | None = None) -> None:
    """Thin what has become old enough since the last time; nothing while the journal is read."""
    with transaction.atomic(), connection.cursor() as cursor:
        if try_lock(cursor):
            cursor.execute(_THIN_TO_QUARTERS, {"until": quarters_until(now)})
            cursor.execute(_THIN_TO_DAYS, {"until": days_until(now)})
            if cursor.rowcount:
                old: dict[str, Any] = {
                    "until": days_until(now),
                    "failure": StatisticsSeries.Level.FAILURE.value,
                }
                cursor.execute(_FORGET_TOTALS, old)
                cursor.execute(_FORGET_FAILURES, old)
