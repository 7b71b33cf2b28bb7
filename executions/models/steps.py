"""What is kept of the steps of an execution."""

from django.contrib.postgres.indexes import GinIndex
from django.db import models

from executions.fields import ExactJSONField
from executions.limits import FIRST_STEPS_KEPT
from executions.models.execution import Execution
from executions.models.expressions import LogLexemes
from flows.blocks.logs.log_event import SEVERE


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
    #: Variable name → {"value": typed JSON} when it is small, else {"summary": text}, with the key
    #: and the size of its ChangedValue where it is stored.
    changes = ExactJSONField(null=True)
    exception = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"step {self.number} at {self.block}"


class ChangedValue(models.Model):
    """A large value to which steps of an execution changed a variable, stored once by its content.

    Executions do not share them: they are deleted with their execution, no execution waits for
    another one's row, and nobody learns from one execution what another holds.
    """

    pk = models.CompositePrimaryKey("execution_id", "key")
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="changed_values", db_index=False
    )
    key = models.CharField(max_length=64, help_text="SHA-256 of its JSON text, in hexadecimal.")
    value = ExactJSONField(help_text="The typed JSON form of flows.values.")
    size = models.BigIntegerField(help_text="Bytes.")
    #: The steps that refer to it lie between these.
    first_step = models.BigIntegerField()
    last_step = models.BigIntegerField()

    class Meta:
        indexes = [
            # Those that retention may find unreferenced.
            models.Index(
                fields=["execution"],
                name="changed_value_may_go",
                condition=models.Q(first_step__gt=FIRST_STEPS_KEPT),
            )
        ]

    def __str__(self) -> str:
        return f"{self.size} bytes"


class TrimmedVisits(models.Model):
    """How many steps of a block that left by one port were trimmed (`retention.trimming`).

    They keep the visit counts exact.
    """

    pk = models.CompositePrimaryKey("execution_id", "block", "port")
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="trimmed", db_index=False
    )
    block = models.CharField(max_length=200)
    port = models.CharField(max_length=9, blank=True)
    visits = models.BigIntegerField()
    #: The number of the last of them.
    last = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.visits} at {self.block}"


class TrimmedChange(models.Model):
    """The last change of a variable by a block among the trimmed steps.

    With them, the variables are known at the steps after the trimmed ones.
    """

    pk = models.CompositePrimaryKey("execution_id", "block", "name")
    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="trimmed_changes", db_index=False
    )
    block = models.CharField(max_length=200)
    name = models.CharField(max_length=220)
    number = models.BigIntegerField()
    #: As in the `changes` of the step.
    change = ExactJSONField()

    def __str__(self) -> str:
        return f"{self.name} at step {self.number}"


class Intervention(models.Model):
    """A change of variables or tokens between two steps of an execution.

    A command makes it, or the start of a child with the extensions of its parent.
    `executions.store.history` reads it.
    """

    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="interventions", db_index=False
    )
    after_step = models.BigIntegerField()
    at = models.DateTimeField()
    #: The command.
    kind = models.CharField(max_length=20)
    actor = models.CharField(max_length=150, blank=True)
    #: The version that it ran before, where it moved to another.
    version_id = models.BigIntegerField(null=True)
    #: [workspace, block, port or ""] of each token afterwards, the outermost first.
    tokens = ExactJSONField(default=list)
    #: How many of the outermost scopes went on; the others are new, and `changes` is all they hold.
    stays = models.PositiveSmallIntegerField()
    #: Level → variable (case-folded) → as in the `changes` of a step, or {"gone": true}.
    changes = ExactJSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["execution", "after_step", "id"], name="intervention_by_step")
        ]

    def __str__(self) -> str:
        return f"{self.kind} after step {self.after_step}"


class ExceptionRecord(models.Model):
    """An exception that a block threw; it is kept when the execution ends."""

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
    #: Where the code failed, of a defect; shown to administrators only.
    traceback = models.TextField(blank=True, default="", db_default="")

    class Meta:
        ordering = ["execution", "step", "id"]

    def __str__(self) -> str:
        return self.type


class LogEntry(models.Model):
    """A line that a Log Event block wrote."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="logs")
    step = models.BigIntegerField()
    at = models.DateTimeField()
    block = models.CharField(max_length=200)
    severity = models.CharField(max_length=12)
    event_type = models.CharField(max_length=200, blank=True)
    details = ExactJSONField(null=True)
    event_started_at = models.DateTimeField(null=True)
    event_ended_at = models.DateTimeField(null=True)
    #: As in the row of the execution, so that a search of all logs reads one table.
    flow_name = models.CharField(max_length=120, db_collation="C", db_default="", blank=True)
    initiator_id = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["execution", "id"]
        verbose_name_plural = "log entries"
        # For the search of all logs, newest first: everything, a flow, what somebody started, what
        # is severe, words.
        indexes = [
            models.Index(fields=["at", "id"], name="log_entry_by_time"),
            models.Index(fields=["flow_name", "at", "id"], name="log_entry_by_flow"),
            models.Index(fields=["initiator_id", "at", "id"], name="log_entry_by_initiator"),
            models.Index(
                fields=["at", "id"],
                name="log_entry_most_severe",
                condition=models.Q(severity__in=SEVERE),
            ),
            GinIndex(LogLexemes(), name="log_entry_found"),
        ]

    def __str__(self) -> str:
        return self.event_type or self.severity
