"""The site of Django's admin, with the page about the system."""

from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path

from cortexweb.administration import system
from cortexweb.administration.audited import Audited
from executions.commands.request import CommandRefused
from flows import administrators


class AdminSite(admin.AdminSite):
    """Django's admin in the colours of the pages."""

    site_header = "CortexWeb administration"
    site_title = "CortexWeb administration"
    index_title = "Administration"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register models, so that whatever is changed of them is audited."""
        base = admin_class or admin.ModelAdmin
        audited = type(base.__name__, (Audited, base), {"__doc__": base.__doc__})
        super().register(model_or_iterable, audited, **options)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        own: list[URLPattern | URLResolver] = [
            path("system/", self.admin_view(self.system_view), name="system")
        ]
        return own + super().get_urls()

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Wrap a view, so that a change which would remove the last administrator is refused with a
        message instead of a server error."""
        inner: Any = super().admin_view(view, cacheable)

        @wraps(inner)
        def refusing(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                response: HttpResponse = inner(request, *args, **kwargs)
            except IntegrityError as error:
                if not administrators.is_about_last(error):
                    raise
                messages.error(request, str(administrators.LastAdministrator()))
            except CommandRefused as refused:
                messages.error(request, str(refused))
            else:
                return response
            return redirect(request.get_full_path())

        return refusing

    def system_view(self, request: HttpRequest) -> HttpResponse:
        """What runs, how it is set up, and how large it has become; for superusers."""
        if not request.user.is_superuser:
            raise PermissionDenied("The system page is for superusers.")
        context: dict[str, Any] = {
            **self.each_context(request),
            "title": "System",
            "versions": system.versions(),
            "pending": system.pending_migrations(),
            "settings": system.changed_settings(),
            "queues": system.queues(),
            "workers": system.workers(),
            "scheduler": system.scheduler(),
            "tables": system.tables(),
            "retention": system.retention(),
        }
        return TemplateResponse(request, "admin/system.html", context)
