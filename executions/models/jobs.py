"""Bulk jobs: commands on many executions in the background, and their results."""

from django.conf import settings
from django.db import models
from django.urls import reverse

from executions.fields import EncryptedJSONField
from executions.models.execution import new_id


class BulkJob(models.Model):
    """One command for many executions: those with these ids, or all that match a filter."""

    class Status(models.TextChoices):
        #: No worker has started it.
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        #: Its worker, after the batch under way.
        SUSPENDING = "suspending", "Suspending"
        #: Its user, who lets it go on or cancels it.
        SUSPENDED = "suspended", "Suspended"
        #: Its worker, after the batch under way.
        CANCELLING = "cancelling", "Cancelling"
        CANCELLED = "cancelled", "Cancelled"
        DONE = "done", "Done"
        #: Its next batch failed as often as it was tried.
        FAILED = "failed", "Failed"

    OVER = (Status.CANCELLED, Status.DONE, Status.FAILED)
    #: Those in which a worker goes on, or will.
    ACTIVE = (Status.QUEUED, Status.RUNNING)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    #: The API token with which it was asked for, and more than whose rights it never has. It is no
    #: foreign key: a job whose token is deleted may do nothing any more.
    token_id = models.BigIntegerField(null=True)
    address = models.GenericIPAddressField(null=True, help_text="Where it was asked from.")
    command = models.CharField(max_length=20)
    #: The fields of the command's form.
    fields = EncryptedJSONField(default=dict)

    #: The statuses in which the chosen executions were seen, by id; null for all that match.
    chosen = models.JSONField(null=True)
    #: The filters, as in an address. They match only executions that had started before the job.
    filters = models.TextField(blank=True)
    #: The time zone of the filters.
    zone = models.CharField(max_length=64, blank=True)

    #: Whether the newest come first, so that children come before their parents.
    child_first = models.BooleanField(default=False)

    #: How many executions it was expected to be for; null where counting stopped at a cap.
    expected = models.PositiveIntegerField(null=True)
    done = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    #: The execution after which it continues.
    cursor = models.CharField(max_length=80, blank=True)

    #: A paced job, whose command starts executions: how many of these may be live at a time, after
    #: how many failed ones in a row it suspends itself (0: never), and whether it does so after the
    #: first. Null for a job that does not wait for what it starts.
    at_a_time = models.PositiveSmallIntegerField(null=True)
    stop_after = models.PositiveSmallIntegerField(default=0, db_default=0)
    one_first = models.BooleanField(default=False, db_default=False)
    #: Of what it started: how many ended well, how many failed or were stopped, and how many of
    #: these were the last ones in a row.
    ended_well = models.PositiveIntegerField(default=0, db_default=0)
    failed = models.PositiveIntegerField(default=0, db_default=0)
    failed_in_row = models.PositiveIntegerField(default=0, db_default=0)

    #: How often its next batch has failed, and the last problem.
    failures = models.PositiveSmallIntegerField(default=0)
    problem = models.TextField(blank=True)

    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=100, blank=True)
    lease_expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    status__in=[
                        "queued",
                        "running",
                        "suspending",
                        "suspended",
                        "cancelling",
                        "cancelled",
                        "done",
                        "failed",
                    ]
                ),
                name="bulk_job_status_known",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="bulk_job_by_user"),
            models.Index(
                fields=["lease_expires_at"],
                name="bulk_job_leased",
                condition=models.Q(lease_expires_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.command} for many"

    def get_absolute_url(self) -> str:
        return reverse("bulk-job", args=[self.id])

    @property
    def is_over(self) -> bool:
        return self.status in self.OVER

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE

    @property
    def is_suspended(self) -> bool:
        """Whether it waits for its user, or will."""
        return self.status in (self.Status.SUSPENDING, self.Status.SUSPENDED)

    @property
    def handled(self) -> int:
        return self.done + self.refused


class BulkResult(models.Model):
    """What became of one execution in a bulk job.

    It has no foreign key to the execution, which may be deleted before the job.
    """

    class Outcome(models.TextChoices):
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"
        #: Of a paced job: what the execution was started as again has not ended, or how it has.
        LIVE = "live", "Started, not ended"
        ENDED = "ended", "Ended well"
        FAILED = "failed", "Failed or stopped"

    job = models.ForeignKey(
        BulkJob, on_delete=models.CASCADE, related_name="results", db_index=False
    )
    execution_id = models.UUIDField()
    flow_name = models.CharField(max_length=120)
    outcome = models.CharField(
        max_length=7, choices=Outcome, default=Outcome.REFUSED, db_default=Outcome.REFUSED.value
    )
    #: What was done, or why not.
    detail = models.TextField(blank=True)
    #: The execution that it was started as again.
    started_as = models.UUIDField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["job", "outcome", "id"], name="bulk_result_by_outcome"),
            models.Index(fields=["job", "id"], name="bulk_result_of_job"),
        ]

    def __str__(self) -> str:
        return f"{self.flow_name}: {self.outcome} {self.detail}".strip()


class SentForm(models.Model):
    """A form that was sent, and its answer: sent a second time, it gives the same answer and does
    nothing."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    #: A hash of its key and its fields.
    form = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)
    answer = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "form"], name="sent_form_once_a_user")
        ]

    def __str__(self) -> str:
        return f"form of {self.at}"
