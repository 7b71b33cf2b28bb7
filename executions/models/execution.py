"""An execution, its tokens and its variables."""

from uuid import UUID

import uuid_utils.compat
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.urls import reverse

from executions.fields import EncryptedJSONField, ExactJSONField, PartlyEncryptedJSONField
from executions.models.expressions import Length, Lexemes
from executions.states import Place, Reason, Request, RetryState, Status
from flows.models import FlowVersion


def new_id() -> UUID:
    """A UUIDv7: ids sort by the time at which they were made."""
    return uuid_utils.compat.uuid7()


def choices(
    enum: type[Status] | type[Reason] | type[Place] | type[Request] | type[RetryState],
) -> list[tuple[str, str]]:
    return [(member.value, member.value) for member in enum]


_LIVE = [status.value for status in Status if not status.is_terminal]
#: Failed executions: an exception left the flow, or ended it because nothing handled it.
FAILED = Q(status="Error") | Q(unhandled=True)
#: Executions of which a retry ended well.
SUPERSEDED = Q(retry_state="ended")
#: Failed executions that nobody has retried with success.
OPEN_FAILURE = FAILED & ~SUPERSEDED


class Execution(models.Model):
    """A running instance of a flow. It holds all columns that the grid shows, so that a page of the
    grid reads one table."""

    class Trigger(models.TextChoices):
        PAGE = "page", "Started on a page"
        COMMAND_LINE = "command line", "Started on the command line"
        API = "api", "Started by a program"
        PARENT = "parent", "Started by a parent flow"
        TASK = "task", "Started by a parent flow, which goes on beside it"
        DEMO = "demo", "Started by the demo"
        RETRY = "retry", "Tried again"
        AGAIN = "again", "Run again, with inputs of its own"
        SCHEDULE = "schedule", "Started by a schedule"
        WEBHOOK = "webhook", "Started by a webhook"
        CHAIN = "chain", "Started by the end of another execution"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(FlowVersion, on_delete=models.PROTECT, related_name="executions")
    version_number = models.PositiveIntegerField()
    #: Ordered by code points, so that its index also finds names by their beginning.
    flow_name = models.CharField(max_length=120, db_collation="C")
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, related_name="children", db_index=False
    )
    root_id = models.UUIDField()
    depth = models.PositiveSmallIntegerField(default=0)
    child_count = models.PositiveIntegerField(default=0)
    #: The block of the parent that started this one.
    called_by = models.CharField(max_length=200, blank=True, default="", db_default="")

    status = models.CharField(max_length=9, choices=choices(Status), default=Status.QUEUED)
    reason = models.CharField(max_length=10, blank=True, choices=choices(Reason), default="")
    place = models.CharField(max_length=10, blank=True, choices=choices(Place), default="")
    request = models.CharField(max_length=5, blank=True, choices=choices(Request), default="")
    #: How many blocks it runs before it pauses again (1 is a step); null for no limit.
    steps_wanted = models.PositiveIntegerField(null=True)
    due_at = models.DateTimeField(null=True)
    #: What a parked one waits for (the texts of `executions.wait_states`); stale once it runs.
    waiting_for = models.CharField(max_length=400, blank=True, default="", db_default="")
    #: The tasks that it waits for; the end of the last one wakes it.
    awaits = ArrayField(models.UUIDField(), null=True)

    block = models.CharField(max_length=200, blank=True)
    block_type = models.CharField(max_length=80, blank=True)
    block_description = models.CharField(max_length=200, blank=True)
    workspace_name = models.CharField(max_length=200, blank=True)

    started_at = models.DateTimeField()
    #: When a worker first took it.
    first_claimed_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    initiator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
    )
    initiator_name = models.CharField(max_length=150)
    trigger = models.CharField(max_length=12, choices=Trigger)
    #: The schedule that started it. No foreign key: executions outlive schedules.
    schedule_id = models.BigIntegerField(null=True)
    #: The webhook that started it. No foreign key: executions outlive webhooks.
    webhook_id = models.BigIntegerField(null=True)
    inputs = ExactJSONField(default=dict)
    outputs = ExactJSONField(null=True)
    #: The exception that ended it, or on whose exception port it stands.
    error_type = models.CharField(max_length=200, blank=True)
    error_message = models.CharField(max_length=400, blank=True)
    #: Whether it Ended because nothing handled an exception (semantics 44), so that it failed.
    unhandled = models.BooleanField(default=False, db_default=False)
    #: The types of all its exceptions without namespaces, each once, one per line.
    exception_types = models.TextField(blank=True, default="", db_default="")
    #: How many executions below it failed (`executions.store.lifecycle.failures`).
    failed_descendants = models.PositiveIntegerField(default=0, db_default=0)
    #: What its last exception has in common with the same failure elsewhere
    #: (`flows.failure_fingerprints`): where it failed, the id of its failure group.
    failure = models.UUIDField(null=True)

    revision = models.BigIntegerField(default=1)
    step_count = models.BigIntegerField(default=0)
    #: Bytes of the large changed values that are stored for its steps.
    stored_size = models.BigIntegerField(default=0, db_default=0)
    lease_owner = models.CharField(max_length=100, blank=True)
    #: The worker that held it last, of one that is over.
    last_worker = models.CharField(max_length=100, blank=True, default="", db_default="")
    lease_expires_at = models.DateTimeField(null=True)
    #: What the parked or interrupted interpreter needs beside its tokens and variables.
    state = ExactJSONField(default=dict)
    #: Its secrets (`executions.store.lifecycle.secret_storage`); null where its flow has none.
    #: Nothing that people read is derived from it.
    secrets = EncryptedJSONField(null=True, plain=("given_by",))

    #: The execution that this one retries.
    origin = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="retries", db_index=False
    )
    #: The newest retry of it, or of its retries, and what became of that one
    #: (`executions.store.lifecycle.retries`). No foreign key: the retry may be deleted first.
    retried_as = models.UUIDField(null=True)
    retry_state = models.CharField(
        max_length=7, blank=True, choices=choices(RetryState), default="", db_default=""
    )
    #: The request that started it, or its parent, and the span of its trace
    #: (`executions.log_context.start_context`); null when neither is known.
    start_context = models.JSONField(null=True)
    #: The user who debugs it, and its children with it.
    debugged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
    )
    debugged_by_name = models.CharField(max_length=150, blank=True, default="", db_default="")
    debugged_since = models.DateTimeField(null=True)
    #: The user who has asked for control of the debugging, and when.
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
    )
    asked_by_name = models.CharField(max_length=150, blank=True, default="", db_default="")
    asked_at = models.DateTimeField(null=True)
    #: Breakpoints, break on exception (`executions.store.debug_plan`), and the hits counted.
    debug = ExactJSONField(null=True)
    debug_hits = ExactJSONField(null=True)
    #: Until where a resumed one runs, and after which step; null for no limit.
    run_until = ExactJSONField(null=True)
    passed_step = models.BigIntegerField(null=True)

    class Meta:
        permissions = [
            ("control_execution", "Can control any execution"),
            ("debug_execution", "Can debug the executions that they control"),
            ("debug_secrets", "Can debug executions with secrets that others gave"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=[s.value for s in Status]), name="execution_status_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=["Stopped", "Ended", "Error"], ended_at__isnull=False, lease_owner=""
                )
                | (~Q(status__in=["Stopped", "Ended", "Error"]) & Q(ended_at=None)),
                name="execution_end_has_a_time",
            ),
            models.CheckConstraint(
                condition=Q(parent=None, depth=0) | Q(parent__isnull=False, depth__gt=0),
                name="execution_depth_fits_parent",
            ),
            models.CheckConstraint(
                condition=Q(unhandled=False) | Q(status="Ended"),
                name="execution_unhandled_has_ended",
            ),
        ]
        indexes = [
            models.Index(fields=["parent", "-started_at", "-id"], name="execution_by_parent"),
            models.Index(
                fields=["-started_at", "-id"], name="execution_roots", condition=Q(parent=None)
            ),
            models.Index(fields=["-started_at", "-id"], name="execution_all"),
            models.Index(fields=["status", "started_at", "id"], name="execution_by_status"),
            models.Index(fields=["flow_name", "started_at", "id"], name="execution_by_flow"),
            models.Index(fields=["initiator", "started_at", "id"], name="execution_by_initiator"),
            models.Index(fields=["updated_at", "id"], name="execution_by_update"),
            models.Index(Length(), "id", name="execution_by_length"),
            models.Index(
                fields=["started_at", "id"],
                name="execution_with_exception",
                condition=~Q(exception_types=""),
            ),
            models.Index(fields=["started_at", "id"], name="execution_failed", condition=FAILED),
            models.Index(
                fields=["started_at", "id"],
                name="execution_unhandled",
                condition=Q(unhandled=True),
            ),
            models.Index(
                fields=["started_at", "id"],
                name="execution_failed_below",
                condition=Q(failed_descendants__gt=0),
            ),
            models.Index(
                fields=["failure", "started_at", "id"],
                name="execution_by_failure",
                condition=Q(failure__isnull=False),
            ),
            # Which failures somebody sees who sees only what they started.
            models.Index(
                fields=["initiator", "failure"],
                name="execution_own_failures",
                condition=Q(failure__isnull=False),
            ),
            # Not while it is Queued or on a worker, which changes it soon: the index would be
            # written three times for a short execution. `execution_leased` finds those.
            GinIndex(Lexemes(), name="execution_found", condition=Q(lease_expires_at__isnull=True)),
            # For the counts by block on a flow's page.
            models.Index(
                fields=["flow_name"], name="execution_live_by_flow", condition=Q(status__in=_LIVE)
            ),
            models.Index(fields=["root_id"], name="execution_by_root"),
            models.Index(
                fields=["schedule_id", "started_at", "id"],
                name="execution_by_schedule",
                condition=Q(schedule_id__isnull=False),
            ),
            # Whether a schedule would overlap.
            models.Index(
                fields=["schedule_id"],
                name="execution_live_by_schedule",
                condition=Q(schedule_id__isnull=False, ended_at=None),
            ),
            models.Index(
                fields=["due_at"], name="execution_due", condition=Q(due_at__isnull=False)
            ),
            GinIndex(fields=["awaits"], name="execution_awaits", condition=Q(awaits__isnull=False)),
            models.Index(
                fields=["lease_expires_at"],
                name="execution_leased",
                condition=Q(lease_expires_at__isnull=False),
            ),
            models.Index(
                fields=["origin"], name="execution_retries", condition=Q(origin__isnull=False)
            ),
            models.Index(
                fields=["started_at", "id"],
                name="execution_open_failure",
                condition=OPEN_FAILURE,
            ),
            models.Index(
                fields=["retry_state", "started_at", "id"],
                name="execution_retried",
                condition=~Q(retry_state=""),
            ),
            models.Index(
                fields=["debugged_by"],
                name="execution_debugged",
                condition=Q(debugged_by__isnull=False),
            ),
            models.Index(
                fields=["asked_at"], name="execution_asked", condition=Q(asked_at__isnull=False)
            ),
            models.Index(
                fields=["updated_at"], name="execution_queued", condition=Q(status="Queued")
            ),
            # Which executions hold a worker, and which wait because of a limit of workers.
            models.Index(
                fields=["initiator", "flow_name"],
                name="execution_held",
                condition=~Q(lease_owner=""),
            ),
            models.Index(
                fields=["initiator", "updated_at", "id"],
                name="execution_limited_person",
                condition=Q(reason="limit"),
            ),
            models.Index(
                fields=["flow_name", "updated_at", "id"],
                name="execution_limited_flow",
                condition=Q(reason="limit"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.flow_name} {self.id}"

    def get_absolute_url(self) -> str:
        return reverse("execution", args=[self.id])


class UncountedFailure(models.Model):
    """A failed execution that its ancestors' `failed_descendants` do not count yet."""

    execution = models.OneToOneField(
        Execution, on_delete=models.CASCADE, primary_key=True, related_name="uncounted_failure"
    )

    def __str__(self) -> str:
        return f"failure of {self.execution_id}"


class Token(models.Model):
    """The marker of where an execution is: one for each workspace that it is in.

    Level 0 is the top-level workspace; the highest level is the position of the execution.
    """

    pk = models.CompositePrimaryKey("execution_id", "level")
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="tokens", db_index=False
    )
    level = models.PositiveSmallIntegerField()
    workspace = models.CharField(max_length=200, blank=True)
    block = models.CharField(max_length=200)
    #: Running loops, whether the workspace's exception handler was used, a pending exception.
    state = PartlyEncryptedJSONField(default=dict)

    def __str__(self) -> str:
        return f"token {self.level} at {self.block}"


class Value(models.Model):
    """The value of a variable in one token's scope, in the typed JSON form of `flows.values`.

    Of a secret value, or one that contains the text of a secret, `value` is what people may see,
    and `secret` is the real value, which only the engine reads.
    """

    pk = models.CompositePrimaryKey("execution_id", "level", "name")
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="values", db_index=False
    )
    level = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=220)
    value = ExactJSONField(null=True)
    secret = EncryptedJSONField(null=True)

    def __str__(self) -> str:
        return self.name
