"""What executions share and what outlives them: Data Storage, signals, and who waits for either."""

from django.db import models
from django.db.models import Q

from executions.fields import EncryptedJSONField, ExactJSONField
from executions.models.execution import Execution
from flows.blocks.scopes import Scope
from flows.blocks.shared_data import KEY_LENGTH, NAME_LENGTH


class StorageCollection(models.Model):
    """A collection of Data Storage: keys with values, in a scope (semantics 108)."""

    #: The four levels of the scope: /tenant/system/*/package/*/flow/.
    scope = models.TextField(db_collation="C")
    #: As it was first written, and in the form by which it is found.
    name = models.CharField(max_length=NAME_LENGTH)
    folded_name = models.TextField(db_collation="C")
    #: The flow to which it belongs; empty for one of all flows.
    flow_name = models.CharField(
        max_length=120, blank=True, default="", db_default="", db_collation="C"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "collection of Data Storage"
        verbose_name_plural = "collections of Data Storage"
        constraints = [
            models.UniqueConstraint(fields=["folded_name", "scope"], name="storage_collection_name")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def open_levels(self) -> str:
        """The levels of the scope above the flow that are All, in words; empty as a rule."""
        return ", ".join(f"all {one.lower()}s" for one in Scope.of_path(self.scope).open_levels)


class SharedValue(models.Model):
    """A value that one execution gives to others: what people may see of it, and, where that
    differs, what it really is, with the texts in it that are secret."""

    value = ExactJSONField(null=True)
    secret = EncryptedJSONField(null=True)
    at = models.DateTimeField()
    #: The flow or person that gave it.
    by = models.CharField(max_length=150)
    #: The execution that gave it. No foreign key: the value outlives it.
    by_execution_id = models.UUIDField(null=True)

    class Meta:
        abstract = True


class StorageItem(SharedValue):
    """A key of a collection, with its value."""

    collection = models.ForeignKey(
        StorageCollection, on_delete=models.CASCADE, related_name="items", db_index=False
    )
    key = models.CharField(max_length=KEY_LENGTH, db_collation="C")

    class Meta:
        verbose_name = "item of Data Storage"
        verbose_name_plural = "items of Data Storage"
        constraints = [
            models.UniqueConstraint(fields=["collection", "key"], name="storage_item_key")
        ]

    def __str__(self) -> str:
        return self.key


class Signal(SharedValue):
    """A signal that was sent, and that no execution has taken yet."""

    name = models.CharField(max_length=NAME_LENGTH, db_collation="C")
    key = models.CharField(max_length=KEY_LENGTH, blank=True, db_collation="C")

    class Meta:
        permissions = [("send_signal", "Can send signals")]
        indexes = [
            models.Index(fields=["name", "key", "id"], name="signal_line"),
            models.Index(fields=["at"], name="signal_at"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.key}".strip()


class Waiter(models.Model):
    """An execution that waits for a collection, a key of it, or a signal.

    Take the lock of what it waits for (`executions.store.lifecycle.waiters`) before you change it.
    """

    execution = models.OneToOneField(Execution, on_delete=models.CASCADE, related_name="waiter")
    #: The scope of the collection; empty for a signal.
    scope = models.TextField(blank=True, db_collation="C")
    #: The folded name of the collection, or the name of the signal.
    name = models.TextField(db_collation="C")
    #: Null where the collection itself is waited for.
    key = models.CharField(max_length=KEY_LENGTH, null=True, db_collation="C")  # noqa: DJ001
    #: A `flows.blocks.shared_data.Condition`; empty for a signal.
    condition = models.CharField(max_length=20, blank=True)
    #: The value that it waits for.
    value = EncryptedJSONField(null=True)
    at = models.DateTimeField()
    #: When what it waits for came; its execution is perhaps still parked, and recovery wakes it if
    #: a worker dies in between.
    ready_at = models.DateTimeField(null=True)
    #: What it gets of Data Storage then. A signal stays in its own table until it is taken.
    answer = EncryptedJSONField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["name", "scope", "key", "id"], name="waiter_line"),
            models.Index(
                fields=["execution"], name="waiter_ready", condition=Q(ready_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.scope}{self.name} {self.key or ''}".strip()
