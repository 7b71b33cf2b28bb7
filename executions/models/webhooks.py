"""Webhooks and chains: what starts executions by a request, or by the end of another execution."""

import base64
import secrets
from datetime import datetime, timedelta

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse

from executions.fields import EncryptedJSONField, EncryptedTextField
from executions.limits import (
    LONGEST_EXPRESSION,
    LONGEST_WEBHOOK_WAIT,
    MOST_WEBHOOK_REQUESTS_A_MINUTE,
    OLD_SECRET_SECONDS,
)
from executions.models.execution import new_id
from executions.models.flow_starters import FlowStarter
from flows.models import Flow


def new_webhook_key() -> str:
    """Return the part of a webhook's address that nobody guesses."""
    return secrets.token_urlsafe(24)


def new_webhook_secret() -> str:
    """Return a secret to sign with, as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class Webhook(FlowStarter):
    """An address at which requests start executions of a flow.

    It belongs to the folder of its flow. Its executions start on behalf of its owner, who must
    still be allowed to start the flow: whoever last changed it.
    """

    class Scheme(models.TextChoices):
        STANDARD = "standard", "Standard Webhooks signature"
        GITHUB = "github", "GitHub's signature (X-Hub-Signature-256)"
        TOKEN = "token", "Token in a header"
        ADDRESS = "address", "The address alone"

    class Answer(models.TextChoices):
        AT_ONCE = "at-once", "At once, with the id of the execution"
        OUTPUTS = "outputs", "With the outputs, once the execution has ended"

    name = models.CharField(max_length=80)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="webhooks")
    #: The part of its address that nobody guesses.
    key = models.CharField(max_length=43, unique=True, default=new_webhook_key, editable=False)
    #: How a request shows that it comes from who may send it.
    scheme = models.CharField(max_length=8, choices=Scheme, default=Scheme.STANDARD)
    #: The header of a token; `Authorization` takes it as Bearer.
    token_header = models.CharField(
        max_length=80,
        default="Authorization",
        validators=[RegexValidator(r"^[A-Za-z0-9-]+\Z", "Enter the name of a header.")],
    )
    secret = EncryptedTextField(blank=True, default=new_webhook_secret)
    #: The one before, which counts beside it for a while.
    old_secret = EncryptedTextField(blank=True)
    old_secret_until = models.DateTimeField(null=True)

    #: Which requests start something: an expression; empty for all.
    condition = models.TextField(blank=True, max_length=LONGEST_EXPRESSION)
    #: What tells one message from another, as an expression; empty for the headers that say so.
    message_id = models.TextField(blank=True, max_length=LONGEST_EXPRESSION)

    answer = models.CharField(max_length=7, choices=Answer, default=Answer.AT_ONCE)
    wait_seconds = models.PositiveSmallIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(LONGEST_WEBHOOK_WAIT)]
    )
    requests_a_minute = models.PositiveIntegerField(
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_WEBHOOK_REQUESTS_A_MINUTE)],
    )

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                "flow",
                name="webhook_name_unique",
                violation_error_message="The flow has a webhook of this name already.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("webhook", args=[self.pk])

    def rotate(self, now: datetime) -> None:
        """Take a new secret; the old one counts beside it until the sender has the new one."""
        self.old_secret = self.secret
        self.old_secret_until = now + timedelta(seconds=OLD_SECRET_SECONDS)
        self.secret = new_webhook_secret()

    def secrets_at(self, now: datetime) -> list[str]:
        """Return the secrets that count: the newest first."""
        until = self.old_secret_until
        found = [self.secret, *([self.old_secret] if until and until > now else [])]
        return [one for one in found if one]


class WebhookRequest(models.Model):
    """A request to a webhook, and what became of it: the last ones are kept."""

    class Outcome(models.TextChoices):
        STARTED = "started", "Started"
        #: Its message had come before.
        REPEATED = "repeated", "Came before"
        #: The condition is not met.
        UNMATCHED = "unmatched", "Did not match"
        #: Its signature or token is wrong.
        REFUSED = "refused", "Refused"
        #: It matched, but its inputs could not be read, or nothing could be started.
        FAILED = "failed", "Failed to start"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    webhook = models.ForeignKey(
        Webhook, on_delete=models.CASCADE, related_name="requests", db_index=False
    )
    at = models.DateTimeField()
    address = models.GenericIPAddressField(null=True)
    method = models.CharField(max_length=10)
    #: Headers, query and body, without those that hold secrets.
    content = EncryptedJSONField(default=dict)
    #: Bytes of the body, of which `content` has all or none.
    size = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=9, choices=Outcome)
    #: Why nothing was started.
    why = models.TextField(blank=True)
    status = models.PositiveSmallIntegerField(help_text="The status of the answer.")
    #: What it has started. No foreign key: that may be deleted first.
    execution_id = models.UUIDField(null=True)
    #: Who has sent it again, from its page.
    replayed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["webhook", "-id"], name="webhook_request_by_webhook")]

    def __str__(self) -> str:
        return f"{self.method} {self.at:%Y-%m-%d %H:%M:%S}"

    def get_absolute_url(self) -> str:
        return reverse("webhook-request", args=[self.webhook_id, self.pk])


class WebhookMessage(models.Model):
    """A message that a webhook has taken, so that none starts something twice."""

    webhook = models.ForeignKey(
        Webhook, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    #: SHA-256 of what tells it from others.
    digest = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)
    execution_id = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["webhook", "digest"], name="webhook_message_once")
        ]

    def __str__(self) -> str:
        return self.digest


class Chain(FlowStarter):
    """Starts executions of one flow when those of another end.

    It belongs to the flow whose ends count. It starts the other one on behalf of its owner, who
    must still be allowed to: whoever last changed it.
    """

    class When(models.TextChoices):
        ENDED = "ended", "It ended well"
        FAILED = "failed", "It failed"
        ANY = "any", "It ended in any way"

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="chains")
    target = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="chained_from")
    when = models.CharField(max_length=6, choices=When, default=When.ENDED)
    #: Which ends start something: an expression; empty for all.
    condition = models.TextField(blank=True, max_length=LONGEST_EXPRESSION)

    class Meta:
        ordering = ["flow__name", "target__name", "id"]

    def __str__(self) -> str:
        return f"{self.flow} → {self.target}"

    def get_absolute_url(self) -> str:
        return reverse("chain", args=[self.pk])


class ChainStart(models.Model):
    """The end of an execution that concerns a chain, and what that has started.

    The transaction that ends the execution inserts it; whoever takes it starts the other one in the
    transaction that says so here: once, whatever crashes.
    """

    class Outcome(models.TextChoices):
        WAITING = "waiting", "Waiting"
        STARTED = "started", "Started"
        #: The condition is not met.
        UNMATCHED = "unmatched", "Did not match"
        FAILED = "failed", "Failed to start"

    chain = models.ForeignKey(Chain, on_delete=models.CASCADE, related_name="starts")
    #: The execution that has ended, and the one that was started. No foreign keys: these may be
    #: deleted first.
    source_id = models.UUIDField(db_index=True)
    started_id = models.UUIDField(null=True, unique=True)
    at = models.DateTimeField()
    outcome = models.CharField(max_length=9, choices=Outcome, default=Outcome.WAITING)
    #: Why nothing was started.
    why = models.TextField(blank=True)
    #: How many executions were started one by the end of the other, this one included.
    length = models.PositiveSmallIntegerField(default=1)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["chain", "source_id"], name="chain_start_once")
        ]
        indexes = [
            models.Index(fields=["at"], name="chain_start_waiting", condition=Q(outcome="waiting")),
        ]

    def __str__(self) -> str:
        return f"{self.chain}: {self.outcome}"
