"""What runs: executions, their tokens and variables, and what is kept of each step.

Rows that the runner writes many of (tokens, variables, steps) have composite keys and are written
by raw SQL in `executions.store`, one statement a checkpoint. Block and workspace are keys into the
immutable flow version.
"""

from uuid import UUID

import uuid_utils.compat
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.urls import reverse

from executions.fields import ExactJSONField
from executions.states import Place, Reason, Request, Status
from flows.models import FlowVersion


def new_id() -> UUID:
    """A UUIDv7: ids sort by the time at which they were made."""
    return uuid_utils.compat.uuid7()


def choices(
    enum: type[Status] | type[Reason] | type[Place] | type[Request],
) -> list[tuple[str, str]]:
    return [(member.value, member.value) for member in enum]


class Execution(models.Model):
    """A running instance of a flow. The columns that the grid shows are held here, so that a page
    of it reads one table."""

    class Trigger(models.TextChoices):
        PAGE = "page", "Started on a page"
        COMMAND_LINE = "command line", "Started on the command line"
        PARENT = "parent", "Started by a parent flow"
        TASK = "task", "Started by a parent flow, which goes on beside it"
        DEMO = "demo", "Started by the demo"
        RETRY = "retry", "Tried again"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(FlowVersion, on_delete=models.PROTECT, related_name="executions")
    version_number = models.PositiveIntegerField()
    flow_name = models.CharField(max_length=120)
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, related_name="children", db_index=False
    )
    root_id = models.UUIDField()
    depth = models.PositiveSmallIntegerField(default=0)
    child_count = models.PositiveIntegerField(default=0)

    status = models.CharField(max_length=9, choices=choices(Status), default=Status.QUEUED)
    reason = models.CharField(max_length=10, blank=True, choices=choices(Reason), default="")
    place = models.CharField(max_length=10, blank=True, choices=choices(Place), default="")
    request = models.CharField(max_length=5, blank=True, choices=choices(Request), default="")
    #: Pause again after that many blocks (1 = step); null runs on.
    steps_wanted = models.PositiveIntegerField(null=True)
    due_at = models.DateTimeField(null=True)
    #: The tasks that it is parked for; the end of the last one wakes it.
    awaits = ArrayField(models.UUIDField(), null=True)

    block = models.CharField(max_length=200, blank=True)
    block_type = models.CharField(max_length=80, blank=True)
    block_description = models.CharField(max_length=200, blank=True)
    workspace_name = models.CharField(max_length=200, blank=True)

    started_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    initiator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    initiator_name = models.CharField(max_length=150)
    trigger = models.CharField(max_length=12, choices=Trigger)
    inputs = ExactJSONField(default=dict)
    outputs = ExactJSONField(null=True)
    error_type = models.CharField(max_length=200, blank=True)
    error_message = models.CharField(max_length=400, blank=True)

    revision = models.BigIntegerField(default=1)
    step_count = models.BigIntegerField(default=0)
    lease_owner = models.CharField(max_length=100, blank=True)
    lease_expires_at = models.DateTimeField(null=True)
    #: What the parked or interrupted interpreter needs beside its tokens and variables.
    state = ExactJSONField(default=dict)

    #: The execution that this one tries again.
    origin = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, related_name="retries", db_index=False
    )
    #: Who debugs it; its children are debugged along.
    debugged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
    )
    #: Breakpoints and break on exception (`executions.store.plans`), and the hits counted.
    debug = ExactJSONField(null=True)
    debug_hits = ExactJSONField(null=True)
    #: How far a paused one was let go, and after which step; null runs on.
    run_until = ExactJSONField(null=True)
    passed_step = models.BigIntegerField(null=True)

    class Meta:
        permissions = [("control_execution", "Can control any execution")]
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
        ]
        indexes = [
            models.Index(fields=["parent", "-started_at", "-id"], name="execution_by_parent"),
            models.Index(
                fields=["-started_at", "-id"], name="execution_roots", condition=Q(parent=None)
            ),
            models.Index(fields=["-started_at", "-id"], name="execution_all"),
            models.Index(fields=["status", "-started_at", "-id"], name="execution_by_status"),
            models.Index(fields=["flow_name", "-started_at", "-id"], name="execution_by_flow"),
            models.Index(fields=["root_id"], name="execution_by_root"),
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
                fields=["debugged_by"],
                name="execution_debugged",
                condition=Q(debugged_by__isnull=False),
            ),
            models.Index(
                fields=["updated_at"], name="execution_queued", condition=Q(status="Queued")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.flow_name} {self.id}"

    def get_absolute_url(self) -> str:
        return reverse("execution", args=[self.id])


class Token(models.Model):
    """The marker of where an execution is: one for each workspace that it is inside of.

    Level 0 is the top-level workspace; the highest level is *the* position.
    """

    pk = models.CompositePrimaryKey("execution_id", "level")
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="tokens", db_index=False
    )
    level = models.PositiveSmallIntegerField()
    workspace = models.CharField(max_length=200, blank=True)
    block = models.CharField(max_length=200)
    #: Loops under way, whether the workspace's exception handler was used, a pending exception.
    state = ExactJSONField(default=dict)

    def __str__(self) -> str:
        return f"token {self.level} at {self.block}"


class Value(models.Model):
    """What a variable of one token's scope holds, in the typed JSON form of `flows.values`."""

    pk = models.CompositePrimaryKey("execution_id", "level", "name")
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="values", db_index=False
    )
    level = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=220)
    value = ExactJSONField(null=True)

    def __str__(self) -> str:
        return self.name


class Step(models.Model):
    """One visit of a token to a block."""

    pk = models.CompositePrimaryKey("execution_id", "number")
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="steps", db_index=False
    )
    number = models.BigIntegerField()
    level = models.PositiveSmallIntegerField()
    block = models.CharField(max_length=200)
    at = models.DateTimeField()
    duration = models.BigIntegerField(help_text="Microseconds.")
    port = models.CharField(max_length=9, blank=True)
    #: Variable name → {"value": typed JSON} when it is small, else {"summary": text}.
    changes = ExactJSONField(null=True)
    exception = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"step {self.number} at {self.block}"


class TrimmedVisits(models.Model):
    """How many steps of a block, left by one port, were dropped (`executions.trimming`), so that
    the numbers of visits stay exact."""

    pk = models.CompositePrimaryKey("execution_id", "block", "port")
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="trimmed", db_index=False
    )
    block = models.CharField(max_length=200)
    port = models.CharField(max_length=9, blank=True)
    visits = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.visits} at {self.block}"


class ExceptionRecord(models.Model):
    """An exception that a block threw, kept after any end."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="exceptions")
    step = models.BigIntegerField()
    at = models.DateTimeField()
    block = models.CharField(max_length=200)
    type = models.CharField(max_length=200)
    message = models.TextField(blank=True)
    #: The whole exception in the typed JSON form of `flows.values`.
    data = ExactJSONField()
    #: The handler block that took it; empty when it left the flow.
    handled_by = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["execution", "step", "id"]

    def __str__(self) -> str:
        return self.type


class LogEntry(models.Model):
    """What a Log Event block wrote."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="logs")
    step = models.BigIntegerField()
    at = models.DateTimeField()
    block = models.CharField(max_length=200)
    severity = models.CharField(max_length=12)
    event_type = models.CharField(max_length=200, blank=True)
    details = ExactJSONField(null=True)
    event_started_at = models.DateTimeField(null=True)
    event_ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["execution", "id"]
        verbose_name_plural = "log entries"

    def __str__(self) -> str:
        return self.event_type or self.severity


class Semaphore(models.Model):
    """A semaphore that somebody holds (semantics 78 to 83): made by the first to acquire it, with
    that block's limit, and deleted when the last holder releases it. Whoever changes its tickets
    locks its row first."""

    #: Scope and name: /tenant/system/*/package/*/flow/name.
    path = models.TextField(primary_key=True)
    concurrency_limit = models.PositiveIntegerField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(concurrency_limit__gte=1), name="semaphore_lets_somebody_in"
            )
        ]

    def __str__(self) -> str:
        return self.path


class SemaphoreTicket(models.Model):
    """A token that waits for a semaphore or holds it, for the visit of the block it stands on."""

    class Stage(models.TextChoices):
        WAITING = "waiting", "Waits in the queue"
        #: Its execution is parked yet; recovery wakes it should a worker die in between.
        GRANTED = "granted", "May go on"
        HELD = "held", "Holds it"

    semaphore = models.ForeignKey(
        Semaphore, on_delete=models.CASCADE, related_name="tickets", db_index=False
    )
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="tickets", db_index=False
    )
    level = models.PositiveSmallIntegerField()
    block = models.CharField(max_length=200)
    stage = models.CharField(max_length=7, choices=Stage)
    priority = models.IntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["execution", "level"], name="ticket_of_a_token"),
            models.CheckConstraint(
                condition=Q(stage__in=["waiting", "granted", "held"]), name="ticket_stage_known"
            ),
        ]
        indexes = [
            models.Index(fields=["semaphore", "stage", "priority", "id"], name="ticket_queue"),
            models.Index(fields=["execution"], name="ticket_granted", condition=Q(stage="granted")),
        ]

    def __str__(self) -> str:
        return f"{self.stage}: {self.semaphore_id}"


class AuditEntry(models.Model):
    """Who asked what of an execution, when, from where, and with what outcome."""

    class Outcome(models.TextChoices):
        DONE = "done", "Done"
        REFUSED = "refused", "Refused"

    at = models.DateTimeField(auto_now_add=True)
    execution = models.ForeignKey(
        Execution, on_delete=models.SET_NULL, null=True, related_name="audit"
    )
    flow_name = models.CharField(max_length=120)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    actor = models.CharField(max_length=150)
    command = models.CharField(max_length=20)
    source = models.CharField(max_length=20)
    address = models.GenericIPAddressField(null=True)
    outcome = models.CharField(max_length=8, choices=Outcome)
    detail = models.TextField(blank=True)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.actor} {self.command} {self.outcome}"


class KeptBreakpoint(models.Model):
    """A breakpoint that a user keeps for a flow: the executions of it that they start in debug
    mode, or attach to, get it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    flow_name = models.CharField(max_length=120)
    block = models.CharField(max_length=200)
    condition = models.CharField(max_length=1000, blank=True)
    hits = models.PositiveIntegerField(default=1)
    enabled = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "flow_name", "block"], name="kept_breakpoint_once"
            )
        ]

    def __str__(self) -> str:
        return f"breakpoint at {self.block} of {self.flow_name}"
