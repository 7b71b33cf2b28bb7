"""What belongs to people: watches, saved views, preferences and sent forms."""

from django.contrib import admin

from executions.admin.lists import OwnedRows
from executions.models import IdempotentStart, Preferences, SavedView, SentForm, Watch


@admin.register(Watch)
class WatchAdmin(OwnedRows):
    list_display = ("user", "execution_page", "read_revision")
    raw_id_fields = ("user", "execution")


@admin.register(SavedView)
class SavedViewAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Every saved view, private ones included, for users with Django's permissions for saved views.

    They can give a view to another user, or end its sharing.
    """

    list_display = ("name", "owner", "shared", "query", "updated_at")
    list_filter = ("shared",)
    search_fields = ("name", "owner__username")
    raw_id_fields = ("owner",)
    list_select_related = ("owner",)


@admin.register(Preferences)
class PreferencesAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("user", "zone", "density", "start_view", "starts_at_overview", "single_keys")
    search_fields = ("user__username",)
    raw_id_fields = ("user", "start_view")
    list_select_related = ("user", "start_view")


@admin.register(SentForm)
class SentFormAdmin(OwnedRows):
    list_display = ("user", "form", "at")
    raw_id_fields = ("user",)
    exclude = ("answer",)
    search_fields = ()


@admin.register(IdempotentStart)
class IdempotentStartAdmin(OwnedRows):
    list_display = ("user", "at")
    raw_id_fields = ("user",)
    exclude = ("key", "fingerprint")
    search_fields = ()
