"""Semaphores, and the tokens that hold them or wait for them."""

from django.db import models
from django.db.models import Q

from executions.models.execution import Execution


class Semaphore(models.Model):
    """A semaphore that a token holds (semantics 78 to 83).

    The first token that acquires it creates it, with the limit of its block; the last one that
    releases it deletes it. Lock its row before you change its tickets.
    """

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
    """A token that holds a semaphore or waits for it, during the visit of its block."""

    class Stage(models.TextChoices):
        WAITING = "waiting", "Waits in the queue"
        #: Its execution is still parked; recovery wakes it if a worker dies in between.
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
