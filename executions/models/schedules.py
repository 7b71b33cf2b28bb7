"""Schedules: what starts executions by time, and what became of each time."""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.urls import reverse

from executions.models.flow_starters import FlowStarter
from flows.models import Flow, FlowVersion


class Schedule(FlowStarter):
    """Says when executions of a flow start, and with which inputs.

    It belongs to the folder of its flow. Its executions start on behalf of its owner, who must
    still be allowed to start the flow: whoever last changed it.
    """

    class Overlap(models.TextChoices):
        SKIP = "skip", "Skip"
        QUEUE = "queue", "Queue one"
        PARALLEL = "parallel", "Side by side"

    class Misfire(models.TextChoices):
        SKIP = "skip", "Skip"
        ONCE = "once", "Once"

    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="+")
    #: The version that it starts; null is the newest published one.
    version = models.ForeignKey(
        FlowVersion, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )

    cron = models.CharField(max_length=200)
    zone = models.CharField(max_length=64, default="UTC")
    starts_on = models.DateField(null=True, blank=True)
    ends_on = models.DateField(null=True, blank=True)
    excluded_days = ArrayField(models.DateField(), default=list, blank=True)
    #: An iCalendar file: the days of its events are excluded too.
    calendar = models.TextField(blank=True)
    calendar_name = models.CharField(max_length=120, blank=True)
    #: Each start waits for a random time up to this.
    jitter_seconds = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(3600)])

    overlap = models.CharField(max_length=8, choices=Overlap, default=Overlap.SKIP)
    misfire = models.CharField(max_length=4, choices=Misfire, default=Misfire.ONCE)
    #: How late a start may be that comes once.
    grace_seconds = models.PositiveIntegerField(default=900)

    #: Who last switched it on or off, and when.
    switched_by = models.CharField(max_length=150, blank=True)
    switched_at = models.DateTimeField(null=True)

    #: The time that comes next, and when it starts: later by the jitter. Null when none comes.
    next_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    #: The last time that has started something.
    last_at = models.DateTimeField(null=True)
    #: Why the last start failed, and when; empty after one that did not.
    problem = models.TextField(blank=True)
    problem_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                "flow",
                name="schedule_name_unique",
                violation_error_message="The flow has a schedule of this name already.",
            ),
            models.CheckConstraint(
                condition=Q(starts_on=None) | Q(ends_on=None) | Q(ends_on__gte=F("starts_on")),
                name="schedule_ends_after_start",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="schedule_due",
                condition=Q(is_on=True, due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("schedule", args=[self.pk])


class ScheduleRun(models.Model):
    """What became of one time of a schedule, or of one that somebody started by hand."""

    class Outcome(models.TextChoices):
        STARTED = "started", "Started"
        #: Until the execution before it has ended.
        WAITING = "waiting", "Waiting"
        #: It would have overlapped.
        SKIPPED = "skipped", "Skipped"
        #: It came too late.
        MISSED = "missed", "Missed"
        FAILED = "failed", "Failed to start"

    schedule = models.ForeignKey(
        Schedule, on_delete=models.CASCADE, related_name="runs", db_index=False
    )
    #: The time of the schedule, or when it was started by hand.
    scheduled_at = models.DateTimeField()
    #: When that was dealt with.
    at = models.DateTimeField()
    outcome = models.CharField(max_length=7, choices=Outcome)
    #: Why it did not start; how many times it stands for.
    detail = models.TextField(blank=True)
    times = models.PositiveIntegerField(default=1)
    #: What it has started. No foreign key: that may be deleted first.
    execution_id = models.UUIDField(null=True)
    #: Who has started it by hand.
    started_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-scheduled_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["schedule", "scheduled_at"],
                condition=Q(started_by=""),
                name="schedule_run_once_a_time",
            )
        ]
        indexes = [
            models.Index(fields=["schedule", "-scheduled_at", "-id"], name="schedule_run_by_time"),
            models.Index(
                fields=["schedule"], name="schedule_run_waiting", condition=Q(outcome="waiting")
            ),
            models.Index(fields=["at"], name="schedule_run_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.scheduled_at}"


class SchedulePause(models.Model):
    """Whether all schedules are paused: one row at most. Times that pass meanwhile start nothing,
    also afterwards."""

    id = models.BooleanField(primary_key=True, default=True)
    is_paused = models.BooleanField(default=False)
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(id=True), name="schedule_pause_one_row")]

    def __str__(self) -> str:
        return "paused" if self.is_paused else "not paused"
