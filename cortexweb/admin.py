"""How people sign in, in the admin: linked accounts, second factors and sessions."""

from typing import Any, ClassVar

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from cortexweb.accounts import sessions
from executions import audit
from executions.commands.actor import Actor

# Applications and tokens hold secrets, and come from settings; addresses are not used.
for _model in (EmailAddress, SocialApp, SocialToken, SocialAccount, Authenticator, UserSession):
    admin.site.unregister(_model)


class AccountRows(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that say how somebody signs in. Whoever may change users may delete them."""

    list_select_related = ("user",)
    search_fields: ClassVar[tuple[str, ...]] = ("user__username",)
    raw_id_fields = ("user",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("auth.change_user")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Superusers only for what belongs to superusers, as nobody else may act for them."""
        may = request.user.has_perm("auth.change_user")
        return may and (obj is None or not obj.user.is_superuser or request.user.is_superuser)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        audit.record(Actor.of_request(request, "admin"), "delete", subject=obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for one in queryset.select_related("user"):
            if self.has_delete_permission(request, one):
                self.delete_model(request, one)


@admin.register(Authenticator)
class AuthenticatorAdmin(AccountRows):
    """Second factors. To delete those of somebody who has lost them lets them in with the password
    alone; what they consist of is never shown."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    fields = ("user", "type", "created_at", "last_used_at")


@admin.register(UserSession)
class UserSessionAdmin(AccountRows):
    """Where people are signed in. To delete a session signs out there."""

    list_display = ("user", "created_at", "last_seen_at", "ip", "user_agent")
    fields = ("user", "created_at", "last_seen_at", "ip", "user_agent")

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        sessions.end_key(obj.user_id, obj.session_key)


@admin.register(SocialAccount)
class SocialAccountAdmin(AccountRows):
    """Which accounts of the identity provider and the directory are whose here. To add one links an
    account that exists already."""

    list_display = ("user", "provider", "uid", "last_login", "date_joined")
    list_filter = ("provider",)
    search_fields = ("user__username", "uid")
    fields = ("user", "provider", "uid")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_superuser

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        audit.record(Actor.of_request(request, "admin"), "link-account", subject=obj)
