"""Running totals of what executions did, and the journal from which they grow.

`executions.statistics` reads and writes them.
"""

from django.db import models
from django.db.models import Q

from flows.models import Flow, FlowVersion


class StatisticsEvent(models.Model):
    """A line of the journal: an execution started, was first claimed, ended or was deleted.

    Triggers of the table of executions insert it in the transaction that changes the execution, so
    no statement can forget it. It is deleted once it is part of the running totals. The table has
    no index, not even of its key: inserting into it waits for nobody.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    version_id = models.BigIntegerField()
    trigger = models.CharField(max_length=12)
    #: As in `executions.statistics.counts`.
    kind = models.CharField(max_length=9)
    #: -1 where an execution has moved to another version: the former one no longer counts it.
    sign = models.SmallIntegerField()
    #: It has waited, or taken, from then until `at`.
    since = models.DateTimeField(null=True)
    #: `Execution.failure` of one that failed.
    failure = models.UUIDField(null=True)

    def __str__(self) -> str:
        return f"{self.kind} at {self.at}"


class StatisticsSeries(models.Model):
    """What is counted together: all executions, those of a flow, of a version by one trigger, or
    those that failed in the same way."""

    class Level(models.TextChoices):
        ALL = "all", "All executions"
        FLOW = "flow", "A flow"
        VERSION = "version", "A version, by one trigger"
        FAILURE = "failure", "A failure"

    level = models.CharField(max_length=7, choices=Level)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, null=True, related_name="+")
    version = models.ForeignKey(FlowVersion, on_delete=models.CASCADE, null=True, related_name="+")
    trigger = models.CharField(max_length=12, blank=True, default="")
    failure = models.UUIDField(null=True)
    #: The table of executions still holds all that happened from then on; null when none of its
    #: executions was deleted.
    complete_from = models.DateTimeField(null=True)
    #: Before then there is a total for each quarter of an hour, and for each day of UTC, at most.
    quarters_until = models.DateTimeField(null=True)
    days_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "statistics series"
        constraints = [
            models.UniqueConstraint(
                fields=["level"], condition=Q(level="all"), name="statistics_of_all"
            ),
            models.UniqueConstraint(
                fields=["flow"], condition=Q(level="flow"), name="statistics_of_flow"
            ),
            models.UniqueConstraint(
                fields=["version", "trigger"],
                condition=Q(level="version"),
                name="statistics_of_version",
            ),
            models.UniqueConstraint(
                fields=["failure"], condition=Q(level="failure"), name="statistics_of_failure"
            ),
        ]

    def __str__(self) -> str:
        return f"series {self.level}"


class LiveSample(models.Model):
    """How many executions of a flow, or of all (`flow_id` 0), were under way in a minute.

    A flow of which nothing is under way has no sample. Older samples are the most of a quarter of
    an hour (`executions.statistics.samples`).
    """

    pk = models.CompositePrimaryKey("flow_id", "at")
    flow_id = models.BigIntegerField()
    at = models.DateTimeField()
    running = models.PositiveIntegerField()
    queued = models.PositiveIntegerField()
    #: Paused, or at an exception: a person has to decide.
    needs_person = models.PositiveIntegerField()
    is_quarter = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes = [models.Index(fields=["at"], name="live_sample_by_time")]

    def __str__(self) -> str:
        return f"sample at {self.at}"


class StatisticsTotal(models.Model):
    """All that a series has counted before a moment: the end of a minute in which it counted.

    What happened in a span is the difference of two totals. Histograms are packed
    (`executions.statistics.histograms`).
    """

    pk = models.CompositePrimaryKey("series_id", "until")
    series = models.ForeignKey(
        StatisticsSeries, on_delete=models.CASCADE, related_name="totals", db_index=False
    )
    until = models.DateTimeField()
    started = models.BigIntegerField()
    ended = models.BigIntegerField()
    unhandled = models.BigIntegerField()
    errors = models.BigIntegerField()
    stopped = models.BigIntegerField()
    durations = models.BinaryField()
    waits = models.BinaryField()

    def __str__(self) -> str:
        return f"total until {self.until}"
