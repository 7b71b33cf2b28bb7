"""Failures: the groups of executions that failed in the same way, and what people do about them."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.urls import reverse

from flows.models import Flow


class FailureGroup(models.Model):
    """The failed executions of a flow whose exceptions have the same type, message template and
    block.

    Its id is their fingerprint (`flows.failure_fingerprints`), which `Execution.failure` holds. The
    transaction in which the first of them fails inserts it; no other one writes to it. What is
    counted comes later, in batches (`executions.failures.occurrences`).
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        #: Seen again although it was resolved.
        REGRESSED = "regressed", "Regressed"
        MUTED = "muted", "Muted"
        RESOLVED = "resolved", "Resolved"

    #: The states in which a group needs somebody.
    UNSOLVED = (State.OPEN, State.REGRESSED)

    id = models.UUIDField(primary_key=True, editable=False)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="failures")
    #: The key, type and description of the block that threw, in the version that failed first.
    block = models.CharField(max_length=200)
    block_type = models.CharField(max_length=80)
    block_description = models.CharField(max_length=200, blank=True)
    #: The type of the exception, with its namespace.
    type = models.CharField(max_length=200)
    #: The message without what varies (`flows.failure_fingerprints.template`).
    template = models.TextField(blank=True)

    first_seen_at = models.DateTimeField()
    first_version = models.PositiveIntegerField()
    last_seen_at = models.DateTimeField()
    last_version = models.PositiveIntegerField()
    #: How many executions failed so, also those that retention has deleted.
    count = models.PositiveBigIntegerField(default=0, db_default=0)
    #: Whether its first failures have been counted, and everybody told that it is new.
    is_known = models.BooleanField(default=False, db_default=False)

    state = models.CharField(
        max_length=9, choices=State, default=State.OPEN, db_default=State.OPEN.value
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    #: When its state last changed.
    changed_at = models.DateTimeField()
    #: Muted until one of these comes: a time, a `count`, a version with a higher number.
    muted_until = models.DateTimeField(null=True, blank=True)
    muted_until_count = models.PositiveBigIntegerField(null=True, blank=True)
    muted_in_version = models.PositiveIntegerField(null=True, blank=True)
    #: Resolved from this version on; null where it is in all versions, from `changed_at` on. Kept
    #: while it is regressed.
    resolved_in_version = models.PositiveIntegerField(null=True, blank=True)
    #: The version in which it was seen again.
    regressed_in_version = models.PositiveIntegerField(null=True, blank=True)
    #: Raised by each change of what people decide, so that of two at once one is refused.
    revision = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        permissions = [("handle_failure", "Can own, mute and resolve failures")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["open", "regressed", "muted", "resolved"]),
                name="failure_state_known",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "-last_seen_at", "id"], name="failure_by_state"),
            models.Index(fields=["-last_seen_at", "id"], name="failure_by_time"),
            models.Index(fields=["id"], name="failure_unknown", condition=Q(is_known=False)),
            models.Index(
                fields=["muted_until"],
                name="failure_muted_until",
                condition=Q(muted_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.short_type} in {self.flow}"

    def get_absolute_url(self) -> str:
        return reverse("failure", args=[self.pk])

    @property
    def short_id(self) -> str:
        """How people name it."""
        return str(self.pk)[:4]

    @property
    def short_type(self) -> str:
        """The type of the exception; of one that comes with the product, without its namespace."""
        ours = self.type.startswith(("Cortex.", "System."))
        return self.type.rpartition(".")[2] if ours else self.type

    @property
    def filters(self) -> list[tuple[str, str]]:
        """The parameters of the grid that find its executions."""
        return [("failure", str(self.pk)), ("is", "failed")]

    @property
    def is_unsolved(self) -> bool:
        """Whether it needs somebody."""
        return self.state in self.UNSOLVED


class FailureActivity(models.Model):
    """What happened to a failure group: what people did and wrote, and what it did by itself."""

    class Kind(models.TextChoices):
        """What happens by itself, and comments. What people do has the name of its command."""

        NEW = "new", "New"
        REGRESSED = "regressed", "Regressed"
        UNMUTED = "unmuted", "No longer muted"
        COMMENT = "comment", "Comment"

    group = models.ForeignKey(FailureGroup, on_delete=models.CASCADE, related_name="activity")
    at = models.DateTimeField()
    kind = models.CharField(max_length=20)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    #: The name of who did it; empty for what happened by itself.
    actor = models.CharField(max_length=150, blank=True)
    #: The comment, or a sentence that says what was done.
    text = models.TextField(blank=True)
    #: The names of the users whom a comment mentions.
    mentions = ArrayField(models.CharField(max_length=150), default=list)
    #: The version that it is about.
    version = models.PositiveIntegerField(null=True)
    #: The revision that it gave the group; 0 where it left that as it was.
    revision = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        indexes = [models.Index(fields=["group", "-id"], name="failure_activity_by_group")]
        verbose_name_plural = "failure activity"

    def __str__(self) -> str:
        return f"{self.kind} of {self.group_id}"


class FailureWatch(models.Model):
    """A user who watches a failure group hears of what happens to it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    group = models.ForeignKey(FailureGroup, on_delete=models.CASCADE, related_name="watches")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "group"], name="failure_watch_once_a_user")
        ]
        verbose_name_plural = "failure watches"

    def __str__(self) -> str:
        return f"watch of {self.group_id}"
