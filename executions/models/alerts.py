"""Alerts: the rules that say when to tell whom, what they found, and each message on its way."""

import base64
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from executions.fields import EncryptedTextField
from executions.limits import OLD_SECRET_SECONDS
from executions.models.execution import new_id
from flows.models import Flow, Folder, Label


def new_secret() -> str:
    """Return a secret to sign with, as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


class AlertChannel(models.Model):
    """A place outside of the product that administrators have set up: a webhook, or a chat.

    One with a person reaches that person; one without is a recipient of rules by itself.
    """

    class Kind(models.TextChoices):
        WEBHOOK = "webhook", "Webhook"
        CHAT = "chat", "Chat"

    kind = models.CharField(max_length=7, choices=Kind)
    name = models.CharField(max_length=80, unique=True)
    #: The URL of a webhook, or what Apprise takes. It may hold a password, so pages show no more
    #: than where it leads.
    address = EncryptedTextField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="alert_channels",
    )
    #: What signs the messages of a webhook. A new one is shown once.
    secret = EncryptedTextField(blank=True, default=new_secret)
    #: The one before, which signs beside it for a while.
    old_secret = EncryptedTextField(blank=True)
    old_secret_until = models.DateTimeField(null=True, blank=True)
    is_on = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["webhook", "chat"]), name="alert_channel_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(person=None) | Q(kind="chat"), name="alert_channel_of_person_is_chat"
            ),
        ]

    #: Whoever has the address of a chat's channel can write to it.
    MASKED_IN_AUDIT = ("address",)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("alert-channel", args=[self.pk])

    def rotate(self, now: datetime) -> None:
        """Sign with a new secret, and with the old one beside it until the receiver has the new
        one."""
        until = now + timedelta(seconds=OLD_SECRET_SECONDS)
        self.old_secret, self.old_secret_until = self.secret, until
        self.secret = new_secret()
        self.save(update_fields=["secret", "old_secret", "old_secret_until"])

    def secrets_at(self, now: datetime) -> list[str]:
        """Return what signs a message: the newest first."""
        until = self.old_secret_until
        return [self.secret, *([self.old_secret] if until and until > now else [])]


class AlertRule(models.Model):
    """Says what is worth a message, of which flows, and who gets it.

    `kind` is the name of a declaration in `executions.alerts.kinds`, and `parameters` are its.
    """

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=30)
    parameters = models.JSONField(default=dict)
    #: Of these, one at most; of none, it is about everything.
    flow = models.ForeignKey(
        Flow, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    folder = models.ForeignKey(
        Folder, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    label = models.ForeignKey(
        Label, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    users = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="+")
    groups = models.ManyToManyField(Group, blank=True, related_name="+")
    channels = models.ManyToManyField(AlertChannel, blank=True, related_name="rules")
    #: Every day between these times, by the clocks of `zone`, it tells nobody.
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    zone = models.CharField(max_length=64, default="UTC")
    #: How long after a message another one says that it lasts; 0 for never.
    repeat_minutes = models.PositiveIntegerField(
        default=240, validators=[MaxValueValidator(10_080)]
    )
    is_on = models.BooleanField(default=True)
    #: From when on it counts: when it was made, last changed or switched on.
    since = models.DateTimeField(default=timezone.now)
    #: Raised by each change, so that of two at once one is refused.
    revision = models.PositiveIntegerField(default=1)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    evaluated_at = models.DateTimeField(null=True)
    #: What went wrong then.
    problem = models.TextField(blank=True)

    class Meta:
        ordering = ["name", "id"]
        permissions = [("edit_alert_rules", "Can edit alert rules")]
        constraints = [
            models.CheckConstraint(
                condition=Q(flow=None, folder=None)
                | Q(flow=None, label=None)
                | Q(folder=None, label=None),
                name="alert_rule_one_scope",
            ),
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_until=None)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="alert_rule_quiet_hours_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("alert-rule", args=[self.pk])


class Alert(models.Model):
    """What a rule has found, from when it was first there until it was gone.

    A rule has one open alert at most, whatever it finds: one message for a storm.
    """

    rule = models.ForeignKey(AlertRule, on_delete=models.CASCADE, related_name="alerts")
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    #: When the rule last found something.
    found_at = models.DateTimeField()
    #: What it finds now, or found last (`executions.alerts.kind.Finding`): the first ones.
    findings = models.JSONField(default=list)
    #: How many it finds, and the most that it has found at once.
    count = models.PositiveIntegerField(default=0)
    most = models.PositiveIntegerField(default=0)
    #: The groups of its findings that a message has named.
    told_groups = models.JSONField(default=list)
    #: When the last message was made, and how many there were.
    told_at = models.DateTimeField(null=True)
    messages = models.PositiveIntegerField(default=0)
    #: Whether nothing is left to tell: a message has said that it is over, or none said it began.
    is_done = models.BooleanField(default=False)

    class Meta:
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["rule"], condition=Q(closed_at=None), name="alert_open_once_a_rule"
            )
        ]
        indexes = [
            models.Index(fields=["-opened_at", "-id"], name="alert_by_time"),
            models.Index(fields=["rule"], name="alert_undone", condition=Q(is_done=False)),
        ]

    def __str__(self) -> str:
        return f"alert of {self.rule}"

    def get_absolute_url(self) -> str:
        return reverse("alert", args=[self.pk])


class Delivery(models.Model):
    """One message to one recipient by one channel.

    The transaction that opens or changes the alert inserts it. Its id is the idempotency key: it is
    the same however often the message is tried.
    """

    class Step(models.TextChoices):
        OPENED = "opened", "Began"
        SPREAD = "spread", "More of it"
        LASTS = "lasts", "Still lasts"
        CLOSED = "closed", "Over"
        PERSONAL = "personal", "For you"
        TEST = "test", "Test"

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "On its way"
        SENT = "sent", "Sent"
        FAILED = "failed", "Failed"
        #: Held for quiet hours, and out of date before they were over.
        OUTDATED = "outdated", "Out of date"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    alert = models.ForeignKey(
        Alert, on_delete=models.CASCADE, null=True, related_name="deliveries", db_index=False
    )
    step = models.CharField(max_length=8, choices=Step)
    #: Which of the messages of its alert it is.
    number = models.PositiveIntegerField(default=0)
    #: What it is about: the name of a kind of rules, or of something personal.
    occasion = models.CharField(max_length=30, blank=True)
    #: The name of a declaration in `executions.alerts.channels`.
    via = models.CharField(max_length=10)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        db_index=False,
    )
    channel = models.ForeignKey(
        AlertChannel, on_delete=models.CASCADE, null=True, related_name="deliveries", db_index=False
    )
    #: The user or the channel: what a message is sent once to.
    recipient = models.CharField(max_length=40)
    #: What it says (`executions.alerts.messages.Message`).
    message = models.JSONField()
    #: What may be out of reach as one: a channel, or the mail server. One message of it is on its
    #: way at a time, and when that fails all others wait too.
    destination = models.CharField(max_length=40)

    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    created_at = models.DateTimeField(default=timezone.now)
    #: When it is tried: not before quiet hours end, and after a failure only after a while.
    due_at = models.DateTimeField(default=timezone.now)
    is_held = models.BooleanField(default=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    #: When its user has read it, of one in the product.
    read_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["alert", "number", "via", "recipient"],
                condition=Q(alert__isnull=False),
                name="delivery_once",
            )
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="delivery_by_time"),
            models.Index(
                fields=["destination", "due_at"],
                name="delivery_due",
                condition=Q(status__in=["waiting", "sending"]),
            ),
            models.Index(
                fields=["user", "-created_at", "-id"],
                name="delivery_of_user",
                condition=Q(user__isnull=False),
            ),
            models.Index(
                fields=["channel", "-created_at"],
                name="delivery_of_channel",
                condition=Q(channel__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.via} {self.pk}"


class DeliveryAttempt(models.Model):
    """One attempt at a delivery: the line of its log."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField()
    seconds = models.FloatField(validators=[MinValueValidator(0)])
    #: What the other side answered, or why there was no answer.
    answer = models.TextField()
    is_done = models.BooleanField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.answer


class Observation(models.Model):
    """Something that is seen only while it lasts, kept to say how often a rule would have fired:
    a silent worker, an execution that waits for a person."""

    kind = models.CharField(max_length=30)
    key = models.CharField(max_length=200)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, null=True, related_name="+")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "key"], condition=Q(until=None), name="observation_open_once"
            )
        ]
        indexes = [models.Index(fields=["kind", "until"], name="observation_by_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
