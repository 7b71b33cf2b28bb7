"""The preferences of users, and the views that they have saved."""

from django.conf import settings
from django.db import models
from django.urls import reverse


class SavedView(models.Model):
    """A named view of the grid: its filters, order and layout.

    Only its owner can open it, until it is shared with everyone who may sign in.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="saved_views",
        db_index=False,
    )
    name = models.CharField(max_length=80)
    query = models.TextField(blank=True, help_text="Filters and order, as in an address.")
    #: Columns, widths and the order of children (`executions.grid.table.layout`).
    layout = models.JSONField(default=dict)
    shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="saved_view_name_of_owner")
        ]
        indexes = [
            models.Index(fields=["name"], name="saved_view_shared", condition=models.Q(shared=True))
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("saved-view", args=[self.pk])


class Preferences(models.Model):
    """What a user has chosen for all pages; empty fields are not chosen."""

    class Density(models.TextChoices):
        DENSE = "dense", "Dense"
        COMFORTABLE = "comfortable", "Comfortable"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="preferences",
    )
    #: Columns, widths and the order of children (`executions.grid.table.layout`).
    layout = models.JSONField(default=dict, blank=True)
    density = models.CharField(max_length=11, choices=Density, default=Density.DENSE)
    zone = models.CharField(max_length=64, blank=True, help_text="A name of the IANA database.")
    start_view = models.ForeignKey(
        SavedView, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    #: The page that the product opens with, in place of a view.
    starts_at_overview = models.BooleanField(default=False, db_default=False)
    single_keys = models.BooleanField(default=True, help_text="Shortcuts of a single key.")
    #: Which channels tell of what, where that differs from the defaults
    #: (`executions.alerts.choices`): {"long-run": ["here", "mail"]}.
    notifications = models.JSONField(default=dict, db_default={}, blank=True)
    #: Every day between these times nothing comes outside of the product.
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"preferences of {self.user}"
