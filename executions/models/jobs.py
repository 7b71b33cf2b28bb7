"""Commands on many executions, given in the background, and what became of them."""

from django.conf import settings
from django.db import models
from django.urls import reverse

from executions.models.execution import new_id


class BulkJob(models.Model):
    """One command for many executions: those with these ids, or all that match a filter."""

    class Status(models.TextChoices):
        #: No worker has begun with it.
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        #: Its worker, after the batch under way.
        CANCELLING = "cancelling", "Cancelling"
        CANCELLED = "cancelled", "Cancelled"
        DONE = "done", "Done"
        #: Its next batch could not be done, however often it was tried.
        FAILED = "failed", "Failed"

    OVER = (Status.CANCELLED, Status.DONE, Status.FAILED)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    address = models.GenericIPAddressField(null=True, help_text="Where it was asked from.")
    command = models.CharField(max_length=20)
    #: What the command takes beside.
    fields = models.JSONField(default=dict)

    #: The statuses in which the chosen executions were seen, by id; null for all that match.
    chosen = models.JSONField(null=True)
    #: The filters as an address has them. Only what had started before the job was made counts.
    filters = models.TextField(blank=True)
    #: The zone that times in the filters are meant in.
    zone = models.CharField(max_length=64, blank=True)

    #: Whether the newest come first, so that children come before their parents.
    child_first = models.BooleanField(default=False)

    #: How many it was to be for when it was made; null where counting stopped at a cap.
    expected = models.PositiveIntegerField(null=True)
    done = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    #: Behind which execution it goes on.
    cursor = models.CharField(max_length=80, blank=True)

    #: Times that its next batch has failed, and what went wrong last.
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
                    status__in=["queued", "running", "cancelling", "cancelled", "done", "failed"]
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
    def handled(self) -> int:
        return self.done + self.refused


class BulkRefusal(models.Model):
    """An execution that a bulk job's command was refused for, and why.

    The execution is named, not referred to: it may be deleted before the job is.
    """

    job = models.ForeignKey(
        BulkJob, on_delete=models.CASCADE, related_name="refusals", db_index=False
    )
    execution_id = models.UUIDField()
    flow_name = models.CharField(max_length=120)
    reason = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["job", "id"], name="bulk_refusal_of_job")]

    def __str__(self) -> str:
        return f"{self.flow_name}: {self.reason}"


class SentForm(models.Model):
    """A form that was sent, and what came of it: sent a second time, it gives the same answer and
    does nothing."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    #: A hash of its key and of what it asked for.
    form = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)
    answer = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "form"], name="sent_form_once_a_user")
        ]

    def __str__(self) -> str:
        return f"form of {self.at}"
