"""Data Storage and signals in the admin. The pages of Data Storage change it."""

from django.contrib import admin

from executions.admin.lists import TeamRows
from executions.models import Signal, StorageCollection, StorageItem, Waiter


@admin.register(StorageCollection)
class StorageCollectionAdmin(TeamRows):
    search_fields = ()
    list_display = ("name", "flow_name", "scope", "created_at")
    ordering = ("-pk",)


@admin.register(StorageItem)
class StorageItemAdmin(TeamRows):
    search_fields = ()
    list_display = ("key", "collection", "at", "by")
    list_select_related = ("collection",)
    ordering = ("-pk",)
    raw_id_fields = ("collection",)
    exclude = ("secret",)


@admin.register(Signal)
class SignalAdmin(TeamRows):
    """The signals that no execution has taken yet."""

    search_fields = ()
    list_display = ("name", "key", "at", "by")
    ordering = ("-pk",)
    exclude = ("secret",)


@admin.register(Waiter)
class WaiterAdmin(TeamRows):
    """The executions that wait for Data Storage or a signal."""

    search_fields = ()
    list_display = ("execution_page", "scope", "name", "key", "condition", "at", "ready_at")
    ordering = ("-pk",)
    raw_id_fields = ("execution",)
    exclude = ("value", "answer")
